"""Admin page of the change log, for the owner to read."""

from __future__ import annotations

from django.contrib import admin

from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.desk_parts.read_only_admin import ReadOnlyLog
from revival.models import Change


@admin.register(Change)
class ChangeAdmin(ReadOnlyLog):
    list_display = [moment_column("at", "When"), "user", "about", "number", "what", "place", "as_it_was"]
    list_display_links = None
    list_filter = [date_filter("at", is_past=True), "about", "what", "user"]
    list_select_related = ["user"]

    @admin.display(description="As it then was")
    def as_it_was(self, change: Change) -> str:
        return ", ".join(f"{name}: {value}" for name, value in change.facts.items() if value not in (None, ""))
