"""Admin site of the desk: its addresses and its first page, to which each app contributes panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from revival.base.desk_parts.todo import ToDo, split_by_permission
from revival.base.django_types import Context
from revival.server.health import is_worker_late

if TYPE_CHECKING:  # needs models, and apps are not ready when this module loads
    from revival.base.desk_parts.staff_request import StaffRequest, StaffUser


class Desk(AdminSite):
    site_title = "Revival desk"
    site_header = "Revival desk"
    index_title = "Today"
    enable_nav_sidebar = False

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Computed only on pages that show the list: Django asks on every page. `Any`: lazy, so no list to mypy."""
        return SimpleLazyObject(lambda: super(Desk, self).get_app_list(request, app_label))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from articles.panels import titles  # apps are not ready when this module loads
        from booking.desk.urls import desk_urls
        from revival.staff.sign_in.urls import sign_in_urls

        return [
            *sign_in_urls(self.admin_view),
            *desk_urls(self.admin_view, article_titles=titles),
            path("content-report/", self.admin_view(self.content_report), name="content_report"),
            path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(self.on_site), name="on_site"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: Context | None = None) -> TemplateResponse:
        from articles.panels import articles_in_progress, not_set_up, reviews
        from booking.desk.first_page import panels
        from booking.models import AccessLog, Look

        user = cast("StaffUser", request.user)  # `admin_view` lets nobody else in
        has_second_factor = getattr(user, "otp_device", None) is not None
        desk: Context = {"worker_is_late": is_worker_late(), "offers_second_factor": not has_second_factor}
        desk["articles_in_progress"] = articles_in_progress(user)
        if user.has_perm("booking.view_appointment"):
            desk |= panels(timezone.now(), user)
            if user.has_perm("articles.view_article"):  # without it, the links would answer 403
                desk["todo"] += not_set_up()
            if user.has_perm("booking.change_therapist"):
                desk["todo"] += unlinked_therapist_accounts()
            desk |= split_by_permission(desk["todo"], user)
            AccessLog.objects.note(user, Look.FIRST_PAGE)
        if user.has_perm("articles.view_article"):
            desk["reviews"] = reviews()
        return super().index(request, {**(extra_context or {}), "desk": desk})

    def on_site(self, request: StaffRequest, content_type_id: str, object_id: str) -> HttpResponse:
        """Redirect to a row's public page, only for models whose admin has `view_on_site`. Django's own view would
        lead staff to a patient's private page, too."""
        from django.contrib.contenttypes.models import ContentType
        from django.contrib.contenttypes.views import shortcut

        content_type = (
            ContentType.objects.filter(pk=int(content_type_id)).first() if content_type_id.isdecimal() else None
        )
        model = content_type.model_class() if content_type else None
        model_admin = self._registry.get(model) if model else None
        if model_admin is None or not model_admin.view_on_site:
            raise Http404
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        response: HttpResponse = shortcut(request, content_type_id, object_id)
        return response

    def content_report(self, request: StaffRequest) -> HttpResponse:
        """The same report as `manage.py content_report`; links to other sites are shown as last checked."""
        from articles.content_report import content_report

        if not request.user.has_perm("articles.view_article"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Content report", "parts": content_report(timezone.now())}
        return render(request, "admin/content_report.html", context)


def unlinked_therapist_accounts() -> list[ToDo]:
    """Accounts with the therapist role that belong to no therapist, and so see no visits."""
    from django.contrib.auth.models import User

    unlinked = User.objects.filter(is_active=True, therapist__isnull=True, groups__name="Therapist")
    users = unlinked.exclude(groups__name__in=("Front desk", "Owner")).distinct()
    url = reverse("admin:booking_therapist_changelist")
    why = "They see no visits. Choose the therapist they are, then their account."
    return [ToDo(f"Sign-in of {user}", why, url) for user in users]


class DeskConfig(AdminConfig):
    default_site = "revival.desk.site.Desk"
