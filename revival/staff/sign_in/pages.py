"""Rendering of the sign-in pages."""

from __future__ import annotations

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

THROTTLED = "throttled"
"""Code of the form error after too many wrong codes."""


def render_page(request: HttpRequest, template: str, form: BaseForm | None = None, **context: object) -> HttpResponse:
    """Status 429 when the form says that there were too many wrong codes, 422 when it has other errors."""
    context["form"] = form
    if form is None or not form.errors:
        return render(request, template, context)
    return render(request, template, context, status=429 if form.has_error("code", THROTTLED) else 422)


def show_recovery_codes(request: HttpRequest, codes: list[str], next_page: str) -> HttpResponse:
    return render_page(
        request, "staff/sign_in/codes.html", codes=codes, next_page=next_page, title="Your recovery codes"
    )
