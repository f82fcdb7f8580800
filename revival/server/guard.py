"""Middleware for health probes, the cross-origin resource policy, and a check of every request and response."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from revival.site import errors

Handler = Callable[[HttpRequest], HttpResponse]

DESK = "/admin/"
PICTURES = "/images/"
PRIVATE = ("/book/", "/visits/", "/waitlist/", DESK)


def answer_probes(get_response: Handler) -> Handler:
    """Answer health probes before the host check and the redirect to https, which probes do not pass."""
    probes = {"/healthz": errors.healthz, "/readyz": errors.readyz}

    def middleware(request: HttpRequest) -> HttpResponse:
        probe = probes.get(request.path_info)
        return probe(request) if probe else get_response(request)

    return middleware


def set_cross_origin_resource_policy(get_response: Handler) -> Handler:
    """Let other sites embed our pictures, as feed readers do, and nothing else of ours."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_picture = request.path_info.startswith(PICTURES)
        response["Cross-Origin-Resource-Policy"] = "cross-origin" if is_picture else "same-origin"
        return response

    return middleware


def guard_answers(get_response: Handler) -> Handler:
    """Refuse requests PostgreSQL cannot store, keep private pages out of caches, answer database errors with a 503."""

    def middleware(request: HttpRequest) -> HttpResponse:
        is_refused = has_other_charset(request) or has_nul_byte(request)
        response = errors.bad_request(request) if is_refused else get_response(request)
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
    if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return True
    if any("\x00" in value for value in request.COOKIES.values()):
        return True
    if request.method != "POST":
        return False
    try:
        fields: list[tuple[str, Iterable[object]]] = [*request.POST.lists(), *request.FILES.lists()]
    except UnreadablePostError:
        return True  # the connection broke in the middle of the request; nobody reads the answer
    return any("\x00" in name or has_nul_in(values) for name, values in fields)


def has_nul_in(values: Iterable[object]) -> bool:
    return any("\x00" in value for value in values if isinstance(value, str))
