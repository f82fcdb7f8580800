"""Middleware that records in the change log which colleague made a change, and at which address."""

from __future__ import annotations

from collections.abc import Callable

import pghistory
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

Handler = Callable[[HttpRequest], HttpResponse]


def record_change_author(get_response: Handler) -> Handler:
    """Attach the colleague's account id and the URL name to every write of a POST request at the desk.

    Both travel with each write, in the same trip to the database. A patient's request carries nothing, so a change
    without a name was made by a patient or a job. The log never holds the path or the query: both may hold personal
    data."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not request.path_info.startswith("/admin/") or not request.user.pk:
            return get_response(request)
        with pghistory.context(user=request.user.pk, url=url_name(request.path_info)):
            return get_response(request)

    return middleware


def url_name(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""
