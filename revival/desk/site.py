"""The desk: Django's admin with the clinic's face. Each app offers its panels for the first page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from revival.base.todo import ToDo, shared_out
from revival.server.health import worker_is_late


class Desk(AdminSite):
    site_title = "Revival desk"
    site_header = "Revival desk"
    index_title = "Today"
    enable_nav_sidebar = False

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Only asked for when it is shown: the first page lists it, the others do not."""
        return SimpleLazyObject(lambda: super(Desk, self).get_app_list(request, app_label))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from articles.panels import titles  # apps are not ready when this module loads
        from booking.desk.urls import desk_urls
        from revival.staff import sign_in

        return [
            *sign_in.urls(self.admin_view),
            *desk_urls(self.admin_view, article_titles=titles),
            path("content-report/", self.admin_view(self.content_report), name="content_report"),
            path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(self.on_site), name="on_site"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from articles.panels import articles_in_progress, not_set_up, reviews
        from booking.desk.first_page import panels
        from booking.models import AccessLog, Look

        has_second_factor = getattr(request.user, "otp_device", None) is not None
        desk: dict[str, Any] = {"worker_is_late": worker_is_late(), "offers_second_factor": not has_second_factor}
        desk["articles_in_progress"] = articles_in_progress(request.user)
        if request.user.has_perm("booking.view_appointment"):
            desk |= panels(timezone.now(), request.user)
            if request.user.has_perm("articles.view_article"):  # else the links lead nowhere
                desk["todo"] += not_set_up()
            if request.user.has_perm("booking.change_therapist"):
                desk["todo"] += not_joined()
            desk |= shared_out(desk["todo"], request.user)
            AccessLog.objects.note(request.user, Look.FIRST_PAGE)
        if request.user.has_perm("articles.view_article"):
            desk["reviews"] = reviews()
        return super().index(request, {**(extra_context or {}), "desk": desk})

    def on_site(self, request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
        """Django's own leads anyone to any row's page, and so staff to a patient's private one."""
        from django.contrib.contenttypes.models import ContentType
        from django.contrib.contenttypes.views import shortcut

        kind = ContentType.objects.filter(pk=int(content_type_id)).first() if content_type_id.isdecimal() else None
        model = kind.model_class() if kind else None
        admin = self._registry.get(model) if model else None
        if admin is None or not admin.view_on_site:
            raise Http404
        if not admin.has_view_permission(request):
            raise PermissionDenied
        answer: HttpResponse = shortcut(request, content_type_id, object_id)
        return answer

    def content_report(self, request: HttpRequest) -> HttpResponse:
        """What `manage.py content_report` says; links to other sites as they were found last."""
        from articles.content_report import content_report

        if not request.user.has_perm("articles.view_article"):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Content report", "parts": content_report(timezone.now())}
        return render(request, "admin/content_report.html", context)


def not_joined() -> list[ToDo]:
    """Who signs in as a therapist, and is none that patients can choose: an empty clinic is all they see."""
    from django.contrib.auth import get_user_model

    lost = get_user_model().objects.filter(is_active=True, therapist__isnull=True, groups__name="Therapist")
    url = reverse("admin:booking_therapist_changelist")
    why = "They see no visits. Choose the therapist they are, then their account."
    alone = lost.exclude(groups__name__in=("Front desk", "Owner")).distinct()
    return [ToDo(f"Sign-in of {one}", why, url) for one in alone]


class DeskConfig(AdminConfig):
    default_site = "revival.desk.site.Desk"
