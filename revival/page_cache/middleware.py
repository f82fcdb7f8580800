"""Page cache middleware: a public page is rendered once and kept until the site's revision changes.

A page is kept under the revision stamp known *before* it was rendered. So one rendered while content
changed is thrown away with the next stamp, never kept under it.

Neither a query (`?utm_source=…`) nor a cookie makes a difference, not even that of a colleague who is signed in: no
kept page reads them (kept_views.py). Only the browser of a colleague is told to ask again each time.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from revival.base.passed_on_query import TAKEN_AWAY
from revival.site.context import IS_STALE

from . import last_pages
from .kept_views import find_kept_view
from .revision import revision, revision_name
from .store import Page, pages

Handler = Callable[[HttpRequest], HttpResponse]


def keep_pages(get_response: Handler) -> Handler:
    """Answer requests for public pages from memory."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_cacheable_request(request):
            return get_response(request)
        revision.watch()
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        stamp = revision.stamp  # before rendering: see above
        page = pages.get(request.path_info, stamp) if stamp else None
        if page:
            return page.answer(request, has_session=has_session)
        if not find_kept_view(request.path_info):
            return get_response(request)
        take_away_query_and_cookies(request)
        method, request.method = request.method, "GET"  # who asks for the head alone also has the page rendered once
        response = get_response(request)
        request.method = method
        if not is_cacheable_response(request, response):
            return response
        page = Page.from_response(response)
        if stamp:
            pages.keep(request.path_info, stamp, page)
            last_pages.keep(request.path_info, revision_name(stamp), response)
        return page.answer(request, has_session=has_session)

    return middleware


def is_cacheable_request(request: HttpRequest) -> bool:
    """Whether a page that is kept may answer it."""
    if request.method not in {"GET", "HEAD"} or not settings.PAGE_CACHE:
        return False
    if request.path_info.startswith(settings.STATIC_URL):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False  # SecurityMiddleware redirects it to https
    try:
        request.get_host()  # a kept page is sent before Django's own host check, which comes later in the chain
    except DisallowedHost:
        return False
    return True


def take_away_query_and_cookies(request: HttpRequest) -> None:
    """Let the page be rendered as for somebody new: what the request does not hold cannot end up in the page."""
    request.META.update({TAKEN_AWAY: request.META.get("QUERY_STRING", ""), "QUERY_STRING": "", "HTTP_COOKIE": ""})
    for read_before in ("GET", "COOKIES"):
        request.__dict__.pop(read_before, None)


def is_cacheable_response(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the response is a whole page that is the same for everyone."""
    return (
        response.status_code == 200
        and not response.streaming
        and not response.cookies
        and not response.has_header("Cache-Control")  # the view has set its own
        and not getattr(request, "_csp_nonce", None)  # a policy with a nonce is valid for one response only
        and not request.META.get(IS_STALE)
    )
