"""Read-only admin of the access log: who looked at which patient's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList

from booking.models import AccessLog
from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.desk_parts.read_only_admin import ReadOnlyLog


class NamedEmptyFilter(admin.AllValuesFieldListFilter):
    """Filter by value that also names the empty value: a link without text cannot be followed (WCAG 2.4.4)."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:  # the stubs' type is private
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "no kind of row"}


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyLog):
    heading = "Who looked at patients’ data"
    list_display = [moment_column("at", "When"), "username", "what", "about", "number", "reason"]
    list_filter = [date_filter("at", is_past=True), "what", ("about", NamedEmptyFilter), "user"]
