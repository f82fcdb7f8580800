"""The two logs, for the owner to read. Nobody adds, changes or deletes a line here, whoever they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from booking.models import AccessLog
from revival.base.date_columns import date_filter, moment_column
from revival.base.read_only_admin import ReadOnlyLog


class Named(admin.AllValuesFieldListFilter):
    """An empty value has a name, too: a link without words leads nobody anywhere."""

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield choice | {"display": choice["display"] or "nothing of its own"}


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyLog):
    heading = "Who looked at patients’ data"
    list_display = [moment_column("at", "When"), "username", "what", "about", "number", "reason"]
    list_filter = [date_filter("at", is_past=True), "what", ("about", Named), "user"]
