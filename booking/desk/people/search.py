"""Patient search: a form that is sent by POST, so that names and addresses stay out of URLs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from booking.models import (
    AccessLog,
    Appointment,
    ContactRequest,
    Look,
    State,
    WaitlistEntry,
)
from booking.models.appointment_queries import AppointmentQuerySet
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser

from .forms import PatientSearchForm

MOST_FOUND = 50  # of each kind
MOST_DIGITS = 18  # of a row's id
PatientRow = Appointment | WaitlistEntry | ContactRequest
RELATED: dict[type[PatientRow], tuple[str, ...]] = {
    Appointment: ("therapist",),
    WaitlistEntry: ("therapist", "visit"),
    ContactRequest: ("therapist",),
}
"""Models that are searched, and what their rows are drawn with (`select_related`)."""


@dataclass
class Patient:
    """Found visits with the same e-mail address, or else the same phone; newest first."""

    visits: list[Appointment] = field(default_factory=list)

    @property
    def latest(self) -> Appointment:
        return self.visits[0]

    @property
    def tally(self) -> str:
        """Number of visits in each state, in words."""
        states = Counter(State(visit.state).label.lower() for visit in self.visits)
        return ", ".join(f"{number} {state}" for state, number in states.items())


@require_http_methods(["GET", "HEAD", "POST"])
def find_patients(request: StaffRequest) -> HttpResponse:
    """Search form and results. A POST with `visit` (an appointment's id) finds all rows of its patient instead.

    The access log notes that there was a search, not for whom.
    """
    models = [model for model in RELATED if request.user.has_perm(f"booking.view_{model._meta.model_name}")]
    if not models:
        raise PermissionDenied
    visit = _posted_visit(request)
    form = PatientSearchForm(request.POST if request.method == "POST" and visit is None else None)
    results: dict[str, list[Any]] = {}  # Any: rows of several models
    if visit is not None or form.is_valid():
        AccessLog.objects.note(request.user, Look.SEARCH)
        results = {str(model._meta.model_name): _rows(model, request.user, form, visit) for model in models}
    context = {
        **admin.site.each_context(request),
        "title": "Find a patient",
        "count": sum(len(rows) for rows in results.values()),
        "form": form,
        "results": results,
        "patients": _by_person(results.get("appointment", [])),
        "is_answer": bool(results),
        "is_nobody": not any(results.values()),
        "most": MOST_FOUND,
    }
    return render(request, "booking/desk/people/search.html", context, status=422 if form.errors else 200)


def _posted_visit(request: StaffRequest) -> Appointment | None:
    """The visit whose patient is searched for. Raises Http404 if there is none that the user may see."""
    number = request.POST.get("visit")
    if number is None:
        return None
    visits = Appointment.objects.seen_by(request.user).visits()
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
        raise Http404
    return get_object_or_404(visits, pk=number)


def _rows(
    model: type[PatientRow], user: StaffUser, form: PatientSearchForm, visit: Appointment | None
) -> list[PatientRow]:
    rows = model.objects.seen_by(user)
    rows = (
        rows.of_contact(email=visit.email, phone=visit.phone)
        if visit is not None
        else rows.matching(**form.cleaned_data)
    )
    if isinstance(rows, AppointmentQuerySet):
        rows = rows.visits()
    return list(rows.select_related(*RELATED[model])[:MOST_FOUND])


def _by_person(visits: list[Appointment]) -> list[Patient]:
    """Visits grouped by patient, in the order of their newest visit; by name where there is no address or phone."""
    patients: dict[str, Patient] = {}
    for visit in visits:
        key = visit.email_key or visit.phone_e164 or visit.name_key
        patients.setdefault(key, Patient()).visits.append(visit)
    return list(patients.values())
