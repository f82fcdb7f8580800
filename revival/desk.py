"""The desk: Django's admin with the clinic's face. Each app offers its panels for the first page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path
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
        from articles.panels import in_hand, not_set_up, reviews  # apps are not ready when this module loads
        from booking.admin.panels import panels

        desk: dict[str, Any] = {"worker_is_late": worker_is_late(), "in_hand": in_hand(request.user)}
        if request.user.has_perm("booking.view_appointment"):
            desk |= panels(timezone.now())
            desk["todo"] += not_set_up()
        if request.user.has_perm("articles.view_article"):
            desk["reviews"] = reviews()
        return super().index(request, {**(extra_context or {}), "desk": desk})

    def get_urls(self) -> list[Any]:
        return [
            path("content-report/", self.admin_view(self.content_report), name="content_report"),
            *super().get_urls(),
        ]

    def content_report(self, request: HttpRequest) -> HttpResponse:
        """What `manage.py content_report` says; links to other sites as they were found last."""
        from articles.content_report import content_report

        if not request.user.has_perm("articles.view_article"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Content report", "parts": content_report(timezone.now())}
        return render(request, "admin/content_report.html", context)


class DeskConfig(AdminConfig):
    default_site = "revival.desk.Desk"
