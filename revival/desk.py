"""The desk: Django's admin with the clinic's face. Each app offers its panels for the first page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from revival.health import worker_is_late


class Desk(AdminSite):
    site_title = "Revival desk"
    site_header = "Revival desk"
    index_title = "Today"
    enable_nav_sidebar = False

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Only asked for when it is shown: the first page lists it, the others do not."""
        return SimpleLazyObject(lambda: super(Desk, self).get_app_list(request, app_label))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from articles.panels import in_hand, not_set_up  # apps are not ready when this module loads
        from booking.admin.panels import panels

        desk: dict[str, Any] = {"worker_is_late": worker_is_late(), "in_hand": in_hand(request.user)}
        if request.user.has_perm("booking.view_appointment"):
            desk |= panels(timezone.now())
            desk["todo"] += not_set_up()
        return super().index(request, {**(extra_context or {}), "desk": desk})


class DeskConfig(AdminConfig):
    default_site = "revival.desk.Desk"
