"""Pages that belong to no app: errors, health, and what robots read.

Error pages are drawn without the request and without a query, so they work when nothing else does.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout

from booking.actions import BusyError
from revival.server import health

from .context import clinic_without_database

log = logging.getLogger(__name__)

RETRY_AFTER = 30  # seconds
NOT_HERE = "This page is not here"
NEVER_REPEATED = ("csrfmiddlewaretoken", "password", "code")


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    problems = health.find_problems()
    lines = problems or ["ready"]
    if not problems and health.is_worker_late():
        lines.append("worker: late (messages wait until it is back)")
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
    response.status_code = 503 if problems else 200
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    closed = "".join(f"Disallow: {path}\n" for path in ("/admin/", "/book/", "/visits/", "/waitlist/"))
    sitemap = settings.SITE_URL + reverse("sitemap")
    text = f"User-agent: *\n{closed}\nSitemap: {sitemap}\n"
    return HttpResponse(text, content_type="text/plain")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for unasked, beside pictures and feeds for instance; pages name the drawing itself."""
    response = redirect(static("img/favicon.ico"))
    response["Cache-Control"] = "public, max-age=86400"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(400)


def odd_question(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("a list was asked for what cannot be", exc_info=error)
    return error_page(400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(403, is_form=True)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(reverse("admin:index")) and is_at_the_desk(request):
        return render(request, "admin/404.html", {**admin.site.each_context(request), "title": NOT_HERE}, status=404)
    return error_page(404)


def is_at_the_desk(request: HttpRequest) -> bool:
    """Somebody who works here, and has come through the whole door."""
    return hasattr(request, "user") and admin.site.has_permission(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Also sees what middleware raises, a session that cannot be read for instance."""
    error = sys.exc_info()[1]
    return unavailable(request, error) if is_database_trouble(error) else error_page(500)


def is_database_trouble(error: BaseException | None) -> bool:
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout | BusyError)


def unavailable(request: HttpRequest, error: BaseException | None = None) -> HttpResponse:
    """503 with the phone number; a form that was sent can be sent again as it was."""
    log.warning("database trouble", exc_info=error)
    fields: list[tuple[str, str]] = []
    token = ""
    if request.method == "POST":
        token = get_token(request)
        fields = [
            (name, value)
            for name, values in request.POST.lists()
            if not any(part in name for part in NEVER_REPEATED)
            for value in values
        ]
    response = error_page(503, is_form=bool(token), fields=fields, csrf_token=token)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def error_page(status: int, *, template: str = "", **context: Any) -> HttpResponse:
    facts = {"clinic": clinic_without_database(), "is_trial": not settings.IS_PRODUCTION}
    response = HttpResponse(render_to_string(template or f"{status}.html", {**facts, **context}), status=status)
    response["Cache-Control"] = "no-store"
    return response
