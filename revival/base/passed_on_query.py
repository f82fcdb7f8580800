"""The query of an address, for a redirect that passes it on."""

from __future__ import annotations

from django.http import HttpRequest

TAKEN_AWAY = "revival.query"
"""Where the page cache notes in request.META the query that it took away (revival/page_cache/kept_views.py)."""


def passed_on_query(request: HttpRequest) -> str:
    """`?utm_source=x` as it was asked for, or nothing."""
    query = request.META.get(TAKEN_AWAY) or request.META.get("QUERY_STRING", "")
    return f"?{query}" if query else ""
