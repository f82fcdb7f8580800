"""Find a patient: what is typed travels in the body of the form, never in an address."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from booking.forms import PatientSearchForm
from booking.models import AccessLog, Appointment, ContactRequest, Look, WaitlistEntry

MOST_FOUND = 50  # of each kind
WITH = {Appointment: ("therapist",), WaitlistEntry: ("therapist", "visit"), ContactRequest: ("therapist",)}


@require_http_methods(["GET", "HEAD", "POST"])
def find_patients(request: HttpRequest) -> HttpResponse:
    """The rows are drawn in the answer to the POST itself; the log keeps that there was a search, not the words."""
    kinds = [kind for kind in WITH if request.user.has_perm(f"booking.view_{kind._meta.model_name}")]
    if not kinds:
        raise PermissionDenied
    form = PatientSearchForm(request.POST if request.method == "POST" else None)
    found: dict[str, Any] = {}
    if form.is_valid():
        AccessLog.objects.note(request.user, Look.SEARCH)
        found = {kind._meta.model_name or "": _found(kind, request.user, form.cleaned_data) for kind in kinds}
    context = {
        **admin.site.each_context(request),
        "title": "Find a patient",
        "form": form,
        "found": found,
        "is_answer": form.is_valid(),
        "is_nobody": not any(found.values()),
        "most": MOST_FOUND,
    }
    return render(request, "admin/booking/patients.html", context, status=422 if form.errors else 200)


def _found(kind: Any, user: Any, typed: dict[str, str]) -> list[Any]:
    rows = kind.objects.seen_by(user).found(**typed)
    if kind is Appointment:
        rows = rows.visits()
    return list(rows.select_related(*WITH[kind])[:MOST_FOUND])
