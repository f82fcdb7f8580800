"""Which days of a list are shown: a choice in words, that costs no query (Django's own by date costs two)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import DateTimeField, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from revival.base.clock import bounds_of_days

from .words import clock, day_short

DAYS = {
    "today": ("Today", 0, 0),
    "tomorrow": ("Tomorrow", 1, 1),
    "next-week": ("The next 7 days", 0, 6),
    "next-month": ("The next 30 days", 0, 29),
    "last-week": ("The last 7 days", -6, 0),
    "last-month": ("The last 30 days", -29, 0),
    "last-year": ("The last 365 days", -364, 0),
}
"""Value in the address to words, and the first and last day counted from today."""


def when(column: str, *, is_past: bool = False) -> type[SimpleListFilter]:
    """A filter by clinic-local days of a column of days or moments; `is_past` leaves out days to come."""
    offered = {value: how for value, how in DAYS.items() if not is_past or how[2] <= 0}

    class When(SimpleListFilter):
        title = "when"
        parameter_name = "when"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, words) for value, (words, _, _) in offered.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return queryset.filter(**_between(queryset, column, value)) if value in offered else queryset

    return When


def moment(column: str, words: str) -> Callable[[Any], str]:
    """A column of moments as the rest of the desk says them: Thu, Nov 26, 5:48 pm."""

    @admin.display(description=words, ordering=column)
    def shown(row: Any) -> str:
        found = getattr(row, column)
        return f"{day_short(found)}, {clock(found)}" if found else "–"

    shown.__name__ = column
    return shown


def _between(queryset: QuerySet[Any], column: str, value: str) -> dict[str, Any]:
    _, first, last = DAYS[value]
    today = timezone.localdate()  # the clinic's: `revival.site.clinic_time` makes its zone the current one
    days = today + timedelta(days=first), today + timedelta(days=last)
    if not isinstance(queryset.model._meta.get_field(column), DateTimeField):
        return {f"{column}__range": days}
    bounds = bounds_of_days(*days, timezone.get_current_timezone())
    return {f"{column}__gte": bounds.start, f"{column}__lt": bounds.end}
