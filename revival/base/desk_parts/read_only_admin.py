"""Base classes for the admin: read-only logs, and pages that do not reveal whether a row exists."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.options import Options
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst

from revival.base.django_types import Context


class HidesExistence(admin.ModelAdmin):
    """Answers 404 both for a row the user may not see and for an id that no row has."""

    show_full_result_count = False  # the list is counted once, not twice

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Options[Model], object_id: str
    ) -> HttpResponse:
        raise Http404  # Django redirects, and quotes the id in a message

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Context | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied  # Django looks for the row first, and so reveals whether there is one
        return super().history_view(request, object_id, extra_context)


class ReadOnlyLog(HidesExistence):
    """Read-only admin of a log: nobody adds, changes or deletes an entry here."""

    view_on_site = False
    list_per_page = 50
    change_list_template = "admin/log_list.html"
    heading = ""

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        heading = self.heading or capfirst(self.opts.verbose_name_plural)
        context = {"title": heading, "heading": heading, "keep_days": settings.LOG_KEEP_DAYS}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
