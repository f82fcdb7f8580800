"""The two logs, for the owner to read. Nobody adds, changes or deletes a line here, whoever they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from booking.models import AccessLog

from .sight import TellsNothing
from .when import moment, when


class ReadOnly(TellsNothing):
    view_on_site = False
    list_per_page = 50
    change_list_template = "admin/booking/log_list.html"
    heading = ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        heading = self.heading or capfirst(self.opts.verbose_name_plural)
        facts = {"title": heading, "heading": heading, "keep_days": settings.LOG_KEEP_DAYS}
        return super().changelist_view(request, {**(extra_context or {}), **facts})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Named(admin.AllValuesFieldListFilter):
    """An empty value has a name, too: a link without words leads nobody anywhere."""

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield choice | {"display": choice["display"] or "nothing of its own"}


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnly):
    heading = "Who looked at patients’ data"
    list_display = [moment("at", "When"), "username", "what", "about", "number", "reason"]
    list_filter = [when("at", is_past=True), "what", ("about", Named), "user"]
