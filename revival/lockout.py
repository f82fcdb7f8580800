"""Too many wrong passwords: that name is locked from that network for a while, and nobody else is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from booking.network import UNKNOWN
from booking.views.guard import visitors_network
from revival import views


def client_address(request: HttpRequest) -> str:
    """Where the limits on booking see it come from, too; an IPv6 network by its first address."""
    network = visitors_network(request)
    return "0.0.0.0" if network == UNKNOWN else network.partition("/")[0]


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """429, whether or not there is such a name."""
    page = views.error_page(429)
    page["Retry-After"] = str(15 * 60)
    return page
