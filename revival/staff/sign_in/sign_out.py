"""Signing out, and the signal that a signed-in colleague is still typing."""

from __future__ import annotations

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from .pages import render_page


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Also ends a half sign-in."""
    logout(request)
    return render_page(request, "staff/sign_in/signed_out.html", title="You are signed out")


@require_POST
def still_here(request: HttpRequest) -> HttpResponse:
    """Answer the editor's script, which sends this while somebody types. The middleware has renewed the session by
    then (revival/staff/sessions.py)."""
    is_staff = request.user.is_active and request.user.is_staff
    return HttpResponse(status=204 if is_staff else 401)
