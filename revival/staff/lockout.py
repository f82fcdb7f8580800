"""Too many wrong passwords: a lock with an end, that shuts out as few as it can.

Ten for one name lock that name from that network. Fifty for whatever names lock the network: someone tries
one common password on many names. A clinic is one network, too, and one bad computer in it must not keep
everybody out. So a browser in which a person has signed in before is let through to the password for that
person's name, still ten times at most. It shows a signed cookie, which a guesser does not have.
"""

from __future__ import annotations

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from revival.base.network import UNKNOWN, visitors_network
from revival.server.guard import DESK
from revival.site import errors

SALT = "revival.staff.lockout.known_browser"
KNOWN_SECONDS = 90 * 24 * 60 * 60
MOST_PEOPLE = 20  # who share one browser, at the front desk for instance


class Lockout(AxesDatabaseHandler):
    """django-axes counts; it knows one limit for all combinations, so the second one is here."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        if super().is_locked(request, credentials):
            return True
        name = (credentials or {}).get("username") or ""
        return network_is_locked(request) and not is_known_browser(request, name)


def network_is_locked(request: HttpRequest) -> bool:
    """Wrong passwords from there in the last quarter of an hour; those that met a lock do not count."""
    since = get_cool_off_threshold(request)
    attempts = AccessAttempt.objects.filter(ip_address=client_address(request), attempt_time__gte=since)
    failures = attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
    return bool(failures >= settings.SIGN_IN_FAILURES_A_NETWORK)


def client_address(request: HttpRequest) -> str:
    """Where the limits on booking see it come from, too; an IPv6 network by its first address."""
    network = visitors_network(request)
    # S104: a network nobody knows, nothing that is listened on.
    return "0.0.0.0" if network == UNKNOWN else network.partition("/")[0]  # noqa: S104


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """429, whether or not there is such a name."""
    page = errors.error_page(429)
    page["Retry-After"] = str(15 * 60)
    return page


def is_known_browser(request: HttpRequest, name: str) -> bool:
    known = people_known_to(request)
    return bool(known) and User.objects.filter(username=name, pk__in=known).exists()


def people_known_to(request: HttpRequest) -> list[int]:
    """Who has signed in with this browser, by number: the cookie names nobody."""
    try:
        text = request.get_signed_cookie(settings.KNOWN_BROWSER_COOKIE_NAME, "", salt=SALT, max_age=KNOWN_SECONDS)
    except BadSignature:  # forged, or too old
        return []
    return [int(number) for number in (text or "").split(".") if number]


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    people = [user.pk, *(number for number in people_known_to(request) if number != user.pk)][:MOST_PEOPLE]
    response.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        ".".join(map(str, people)),
        salt=SALT,
        max_age=KNOWN_SECONDS,
        path=DESK,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
