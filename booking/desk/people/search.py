"""Find a patient: what is typed travels in the body of the form, never in an address."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from booking.models import (
    NATIONAL,
    AccessLog,
    Appointment,
    ContactRequest,
    Look,
    State,
    WaitlistEntry,
    digits_of,
)

from .forms import PatientSearchForm

MOST_FOUND = 50  # of each kind
MOST_DIGITS = 18  # of a row's number
WITH = {Appointment: ("therapist",), WaitlistEntry: ("therapist", "visit"), ContactRequest: ("therapist",)}


@dataclass
class Patient:
    """Those of the visits that were found which have one e-mail address, or else one phone."""

    visits: list[Appointment] = field(default_factory=list)

    @property
    def latest(self) -> Appointment:
        return self.visits[0]

    @property
    def tally(self) -> str:
        states = Counter(State(visit.state).label.lower() for visit in self.visits)
        return ", ".join(f"{number} {state}" for state, number in states.items())


@require_http_methods(["GET", "HEAD", "POST"])
def find_patients(request: HttpRequest) -> HttpResponse:
    """The rows are drawn in the answer to the POST itself; the log keeps that there was a search, not the words.

    `visit` in place of words, the number of a visit, finds all of that patient's.
    """
    kinds = [kind for kind in WITH if request.user.has_perm(f"booking.view_{kind._meta.model_name}")]
    if not kinds:
        raise PermissionDenied
    of = _visit_of(request)
    form = PatientSearchForm(request.POST if request.method == "POST" and of is None else None)
    found: dict[str, Any] = {}
    if of is not None or form.is_valid():
        AccessLog.objects.note(request.user, Look.SEARCH)
        found = {kind._meta.model_name or "": _found(kind, request.user, form, of) for kind in kinds}
    context = {
        **admin.site.each_context(request),
        "title": "Find a patient",
        "count": sum(len(rows) for rows in found.values()),
        "form": form,
        "found": found,
        "patients": _by_person(found.get("appointment", [])),
        "is_answer": bool(found),
        "is_nobody": not any(found.values()),
        "most": MOST_FOUND,
    }
    return render(request, "booking/desk/people/search.html", context, status=422 if form.errors else 200)


def _visit_of(request: HttpRequest) -> Appointment | None:
    """The visit whose patient is meant. Raises Http404 for one that is not theirs to see, or none."""
    number = request.POST.get("visit")
    if number is None:
        return None
    rows = Appointment.objects.seen_by(request.user).visits()
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
        raise Http404
    return get_object_or_404(rows, pk=number)


def _found(kind: Any, user: Any, form: PatientSearchForm, of: Appointment | None) -> list[Any]:
    rows = kind.objects.seen_by(user)
    rows = rows.of_contact(email=of.email, phone=of.phone) if of is not None else rows.matching(**form.cleaned_data)
    if kind is Appointment:
        rows = rows.visits()
    return list(rows.select_related(*WITH[kind])[:MOST_FOUND])


def _by_person(visits: list[Appointment]) -> list[Patient]:
    """In the order of their newest visit. Without address and phone, a name is all there is to go by."""
    patients: dict[str, Patient] = {}
    for visit in visits:
        key = visit.email.lower() or digits_of(visit.phone)[-NATIONAL:] or visit.name.lower()
        patients.setdefault(key, Patient()).visits.append(visit)
    return list(patients.values())
