"""Middleware of our own, outermost first: health answers, then the guard around every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from revival.site import errors

Handler = Callable[[HttpRequest], HttpResponse]

DESK = "/admin/"
PICTURES = "/images/"
PRIVATE = ("/book/", "/visits/", "/waitlist/", DESK)


def health(get_response: Handler) -> Handler:
    """Answer the probes before the host check and the redirect to https: probes know neither."""
    probes = {"/healthz": errors.healthz, "/readyz": errors.readyz}

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = probes.get(request.path_info)
        return probe(request) if probe else get_response(request)

    return middleware


def say_who_may_embed(get_response: Handler) -> Handler:
    """Other sites may show our pictures, as readers of the feed do, and nothing else of ours."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_picture = request.path_info.startswith(PICTURES)
        response["Cross-Origin-Resource-Policy"] = "cross-origin" if is_picture else "same-origin"
        return response

    return middleware


def guard_answers(get_response: Handler) -> Handler:
    """Refuse what PostgreSQL cannot store, keep private pages private, say it when the database is away."""

    def middleware(request: HttpRequest) -> HttpResponse:
        refused = speaks_another_charset(request) or has_nul_byte(request)
        response = errors.bad_request(request) if refused else get_response(request)
        if response.status_code == 405 and not response.content:
            allowed = response.headers.get("Allow", "")
            response = errors.error_page(405)
            response["Allow"] = allowed
        if request.path_info.startswith(PRIVATE):
            response["Cache-Control"] = "no-store"
            response["X-Robots-Tag"] = "noindex"
        if request.resolver_match:
            request.META["revival.url_name"] = request.resolver_match.view_name  # for the access log
        return response

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        if errors.is_database_trouble(error):
            return errors.unavailable(request, error)
        return errors.impossible_query(request, error) if is_odd_question(request, error) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def is_odd_question(request: HttpRequest, error: Exception) -> bool:
    """Whether a list at the desk was asked for what no row can be, such as the year 99999 or the number x."""
    if isinstance(error, FieldDoesNotExist):
        return TO_FIELD_VAR in request.GET or TO_FIELD_VAR in request.POST  # a form at the desk, by a column named ""
    match = request.resolver_match
    is_list = match is not None and match.namespace == "admin" and str(match.url_name).endswith("_changelist")
    is_odd = request.GET or not all(number.isdecimal() for number in request.POST.getlist("_selected_action"))
    return is_list and bool(is_odd) and isinstance(error, ValueError | OverflowError | DataError)


def speaks_another_charset(request: HttpRequest) -> bool:
    """Our pages post UTF-8. Other names reach codecs that were never meant for text, such as hex."""
    return (request.content_params or {}).get("charset", "utf-8").lower() not in ("utf-8", "utf8")


def has_nul_byte(request: HttpRequest) -> bool:
    if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return True
    if any("\x00" in value for value in request.COOKIES.values()):
        return True
    if request.method != "POST":
        return False
    try:
        posted: list[Any] = [request.POST, request.FILES]
    except UnreadablePostError:
        return True  # the sender went away in the middle; nobody reads the answer
    return any("\x00" in name or has_nul_in(values) for data in posted for name, values in data.lists())


def has_nul_in(values: list[object]) -> bool:
    return any("\x00" in value for value in values if isinstance(value, str))
