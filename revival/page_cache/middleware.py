"""Page cache middleware: a public page is rendered once and kept until the site's revision changes.

A page is kept under the revision stamp known *before* it was rendered. So one rendered while content
changed is thrown away with the next stamp, never kept under it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from revival.site.context import IS_STALE

from . import last_pages
from .revision import revision, revision_name
from .store import Page, pages

Handler = Callable[[HttpRequest], HttpResponse]

CACHED_VIEWS = {
    "home",
    "articles:list",
    "articles:detail",
    "articles:faq",
    "articles:feed",
    "therapists:list",
    "therapists:detail",
    "sitemap",
}


def keep_pages(get_response: Handler) -> Handler:
    """Answer anonymous requests for public pages from memory."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_cacheable_request(request):
            return get_response(request)
        revision.watch()
        stamp = revision.stamp  # before rendering: see above
        page = pages.get(request.path_info, stamp) if stamp else None
        if page:
            return page.answer(request)
        response = get_response(request)
        if not is_public(request) or not is_cacheable_response(request, response):
            return response
        page = Page.from_response(response)
        if stamp:
            pages.keep(request.path_info, stamp, page)
            last_pages.keep(request.path_info, revision_name(stamp), response)
        return page.answer(request)

    return middleware


def is_cacheable_request(request: HttpRequest) -> bool:
    """Whether an anonymous reader asks for an address without a query; with one the page is rendered each time."""
    if request.method not in {"GET", "HEAD"} or request.META.get("QUERY_STRING"):
        return False
    if request.path_info.startswith(settings.STATIC_URL):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False  # SecurityMiddleware redirects it to https
    if settings.SESSION_COOKIE_NAME in request.COOKIES or not settings.PAGE_CACHE:
        return False
    try:
        request.get_host()  # a kept page is sent before Django's own host check, which comes later in the chain
    except DisallowedHost:
        return False
    return True


def is_public(request: HttpRequest) -> bool:
    """Whether the page just rendered comes from one of CACHED_VIEWS."""
    return request.resolver_match is not None and request.resolver_match.view_name in CACHED_VIEWS


def is_cacheable_response(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the response is a whole page that is the same for everyone."""
    return (
        response.status_code == 200
        and not response.streaming
        and not response.cookies
        and not response.has_header("Cache-Control")  # the view has set its own
        and not getattr(request, "_csp_nonce", None)  # a policy with a nonce is valid for one response only
        and request.method == "GET"
        and not request.META.get(IS_STALE)
    )
