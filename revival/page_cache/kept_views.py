"""Views whose pages are kept: the same for everyone, whatever the query, the cookies and the person.

A view belongs here only if it reads neither the query nor a cookie, and takes nothing but GET and HEAD. The page cache
takes both away before the view runs, so that nobody can make it render a page again by adding to an address, and
nothing of what was added gets into a page that others are shown. A page that does read its query, such as the search,
is rendered each time.
"""

from __future__ import annotations

from django.urls import Resolver404, resolve

KEPT_VIEWS = {
    "home",
    "articles:list",
    "articles:detail",
    "articles:faq",
    "articles:feed",
    "therapists:list",
    "therapists:detail",
    "sitemap",
}


def find_kept_view(path: str) -> str | None:
    """The name of the kept view at this path, also when the page is not there; None for every other path."""
    try:
        name = resolve(path).view_name
    except Resolver404:
        return None
    return name if name in KEPT_VIEWS else None
