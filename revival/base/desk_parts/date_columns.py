"""Date filters and date columns for admin lists, in words; filtering needs no query (Django's own filter needs two)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import DateTimeField, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from revival.base.clock import bounds_of_days
from revival.base.words import clock, day_short

DAYS = {
    "today": ("Today", 0, 0),
    "tomorrow": ("Tomorrow", 1, 1),
    "next-week": ("The next 7 days", 0, 6),
    "next-month": ("The next 30 days", 0, 29),
    "last-week": ("The last 7 days", -6, 0),
    "last-month": ("The last 30 days", -29, 0),
    "last-year": ("The last 365 days", -364, 0),
}
"""By the value in the address: its label, and the first and last day, counted from today."""


def date_filter(column: str, *, is_past: bool = False) -> type[SimpleListFilter]:
    """A list filter by clinic-local days, for a column of dates or moments; `is_past` leaves out days to come."""
    choices = {value: days for value, days in DAYS.items() if not is_past or days[2] <= 0}

    class DateFilter(SimpleListFilter):
        title = "when"
        parameter_name = "when"

        def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
            return [(value, label) for value, (label, _, _) in choices.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            value = self.value()
            return queryset.filter(**_range_lookups(queryset, column, value)) if value in choices else queryset

    return DateFilter


def moment_column(column: str, label: str) -> Callable[[Model], str]:
    """A `list_display` column of moments, written as elsewhere at the desk: Thu, Nov 26, 5:48 pm."""

    @admin.display(description=label, ordering=column)
    def moment(row: Model) -> str:
        value = getattr(row, column)
        return f"{day_short(value)}, {clock(value)}" if value else "–"

    moment.__name__ = column
    return moment


def _range_lookups(queryset: QuerySet[Model], column: str, value: str) -> dict[str, tuple[date, date] | datetime]:
    _, first, last = DAYS[value]
    today = timezone.localdate()  # in the clinic's zone, which `revival.site.clinic_time` makes the current one
    days = today + timedelta(days=first), today + timedelta(days=last)
    if not isinstance(queryset.model._meta.get_field(column), DateTimeField):
        return {f"{column}__range": days}
    bounds = bounds_of_days(*days, timezone.get_current_timezone())
    return {f"{column}__gte": bounds.start, f"{column}__lt": bounds.end}
