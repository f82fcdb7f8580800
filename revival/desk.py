"""The desk: Django's admin with the clinic's face. Each app offers its panels for the first page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from revival.health import worker_is_late


class Desk(AdminSite):
    site_title = "Revival desk"
    site_header = "Revival desk"
    index_title = "Today"
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from revival import sign_in  # needs the apps, too

        return [*sign_in.urls(self.admin_view), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from articles.panels import not_set_up  # apps are not ready when this module loads
        from booking.admin.panels import panels

        has_second_factor = getattr(request.user, "otp_device", None) is not None
        desk: dict[str, Any] = {"worker_is_late": worker_is_late(), "offers_second_factor": not has_second_factor}
        if request.user.has_perm("booking.view_appointment"):
            desk |= panels(timezone.now())
            desk["todo"] += not_set_up()
        return super().index(request, {**(extra_context or {}), "desk": desk})


class DeskConfig(AdminConfig):
    default_site = "revival.desk.Desk"
