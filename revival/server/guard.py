"""Middleware for health probes, policies for browsers, and a check of every request and response."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings
from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from revival.page_cache.kept_views import find_kept_view
from revival.site import errors

Handler = Callable[[HttpRequest], HttpResponse]

DESK = "/admin/"
PICTURES = "/images/"
READING = ("GET", "HEAD")
PRIVATE = ("/book/", "/visits/", "/waitlist/", DESK)


def answer_probes(get_response: Handler) -> Handler:
    """Answer health probes before the host check and the redirect to https, which probes do not pass."""
    probes = {"/healthz": errors.healthz, "/readyz": errors.readyz}

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = probes.get(request.path_info)
        return probe(request) if probe else get_response(request)

    return middleware


def set_browser_policies(get_response: Handler) -> Handler:
    """Let other sites embed our pictures, as feed readers do, and nothing else of ours; let no page use a camera and
    the like."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_picture = request.path_info.startswith(PICTURES)
        response["Cross-Origin-Resource-Policy"] = "cross-origin" if is_picture else "same-origin"
        response["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        return response

    return middleware


def guard_answers(get_response: Handler) -> Handler:
    """Refuse requests PostgreSQL cannot store, keep private pages out of caches, answer database errors with a 503."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = refusal(request) or get_response(request)
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
        return errors.impossible_query(request, error) if is_impossible_query(request, error) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Why a request goes no further; None when it does."""
    if request.method not in READING and find_kept_view(request.path_info):
        response = errors.error_page(405)  # before the body is read: a thread would wait for it
        response["Allow"] = ", ".join(READING)
        return response
    try:
        is_refused = has_other_charset(request) or has_nul_byte(request)
    except UnreadablePostError as error:
        # The client was too slow (revival/server/slow_clients.py), or sent too much. Who hung up does not read it.
        return errors.error_page(408 if is_caused_by_waiting(error) else 400)
    return errors.bad_request(request) if is_refused else None


def is_caused_by_waiting(error: BaseException | None) -> bool:
    return error is not None and (isinstance(error, TimeoutError) or is_caused_by_waiting(error.__cause__))


def is_impossible_query(request: HttpRequest, error: Exception) -> bool:
    """Whether the error comes from a desk address with values no row can have, such as the year 99999 or the id x."""
    if isinstance(error, FieldDoesNotExist):
        return TO_FIELD_VAR in request.GET or TO_FIELD_VAR in request.POST  # a form asked for by a column named ""
    match = request.resolver_match
    is_list = match is not None and match.namespace == "admin" and str(match.url_name).endswith("_changelist")
    has_values = request.GET or not all(pk.isdecimal() for pk in request.POST.getlist("_selected_action"))
    return is_list and bool(has_values) and isinstance(error, ValueError | OverflowError | DataError)


def has_other_charset(request: HttpRequest) -> bool:
    """Whether a form is not in UTF-8, as our pages post. Other names reach codecs not meant for text, such as hex."""
    return (request.content_params or {}).get("charset", "utf-8").lower() not in ("utf-8", "utf8")


def has_nul_byte(request: HttpRequest) -> bool:
    """Whether the address, a cookie or the form holds the one character PostgreSQL has no place for. Raises
    UnreadablePostError."""
    if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return True
    if any("\x00" in value for value in request.COOKIES.values()):
        return True
    if request.method != "POST":
        return False
    fields: list[tuple[str, Iterable[object]]] = [*request.POST.lists(), *request.FILES.lists()]
    return any("\x00" in name or has_nul_in(values) for name, values in fields)


def has_nul_in(values: Iterable[object]) -> bool:
    return any("\x00" in value for value in values if isinstance(value, str))
