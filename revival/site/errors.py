"""Error pages, health probes, robots.txt and the favicon.

Error pages are rendered without the request and without a query, so that they work without the database.
"""

from __future__ import annotations

import logging
import sys

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
    """Icon that browsers request by themselves, for instance beside images and feeds; pages link the drawing."""
    response = redirect(static("img/favicon.ico"))
    response["Cache-Control"] = "public, max-age=86400"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(400)


def impossible_query(request: HttpRequest, error: Exception) -> HttpResponse:
    """400 for a list at the desk with a query that no row can match, such as the year 99999."""
    log.warning("a list got an impossible query", exc_info=error)
    return error_page(400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(403, is_form=True)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(reverse("admin:index")) and is_signed_in_staff(request):
        return render(request, "admin/404.html", {**admin.site.each_context(request), "title": NOT_HERE}, status=404)
    return error_page(404)


def is_signed_in_staff(request: HttpRequest) -> bool:
    return hasattr(request, "user") and admin.site.has_permission(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 for database trouble. Also handles errors raised in middleware, such as an unreadable session."""
    error = sys.exc_info()[1]
    return unavailable(request, error) if is_database_trouble(error) else error_page(500)


def is_database_trouble(error: BaseException | None) -> bool:
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout | BusyError)


def unavailable(request: HttpRequest, error: BaseException | None = None) -> HttpResponse:
    """503 page with the phone number. A form that was sent can be sent again from it, without typing anew."""
    log.warning("database trouble", exc_info=error)
    if request.method == "POST":
        response = error_page(503, is_form=True, fields=fields_to_repeat(request), csrf_token=get_token(request))
    else:
        response = error_page(503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def fields_to_repeat(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, by field name, without passwords, codes and the token."""
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if not any(part in name for part in NEVER_REPEATED)
        for value in values
    ]


def error_page(status: int, *, template: str = "", **context: object) -> HttpResponse:
    context = {"clinic": clinic_without_database(), "is_trial": not settings.IS_PRODUCTION} | context
    response = HttpResponse(render_to_string(template or f"{status}.html", context), status=status)
    response["Cache-Control"] = "no-store"
    return response
