"""Book a visit for a caller: one form, with free times beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.causes import refusal_words
from booking.desk.base.free_times_panel import free_times_context, is_looking, picked_start
from booking.desk.base.other_visits import OtherVisits, other_visits, person_typed_in
from booking.desk.base.wording import time_with, told_by_email_or_phone
from booking.models import Appointment, Audience, Terms
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import Rows

from .forms import CallerForm

VERB = "Book it"


@require_http_methods(["GET", "HEAD", "POST"])
def book_for_caller(request: StaffRequest) -> HttpResponse:
    """`?therapist=`, `service=` and `from=` (an ISO instant) fill in the place; an address names no person."""
    if not request.user.has_perm("booking.change_appointment"):
        raise PermissionDenied
    is_booking = request.method == "POST" and not is_looking(request)
    form = CallerForm(request.POST if is_booking else None, user=request.user, initial=_initial_values(request))
    is_valid = form.is_valid()
    others = _other_visits(request, form)
    is_ready = is_valid and not (others and others.refuse(form, VERB))
    if is_ready and (visit := _book(request, form)):
        booked = f"Booked: {time_with(visit.therapist, visit.starts_at)}."
        django_messages.success(request, f"{booked} {told_by_email_or_phone(visit.email)}")
        return redirect("admin:booking_appointment_change", visit.pk)
    is_picked = is_looking(request) and "starts_at" in form.initial
    if is_picked and not form.initial.get("name"):
        form.fields["name"].widget.attrs["data-take-focus"] = ""  # the time is chosen, the name comes next
    context = {
        **admin.site.each_context(request),
        "title": "Book for a caller",
        "form": form,
        **_free_times(form),
        "other_visits": others,
        "verb": VERB,
        "is_picked": is_picked,
        "is_past_rules": bool(form.errors.keys() & {"starts_at", "override_reason"} or form["override_reason"].value()),
        "now": timezone.now(),
    }
    return render(request, "booking/desk/visits/caller.html", context, status=409 if form.errors else 200)


def _initial_values(request: StaffRequest) -> dict[str, object]:
    """What the link chose, or what was typed before a free time was picked."""
    initial: dict[str, object] = {name: request.GET[name] for name in ("therapist", "service") if request.GET.get(name)}
    initial |= {name: value for name, value in request.POST.items() if value and name != "submission_key"}
    initial.pop("starts_at", None)
    if start := picked_start(request):
        initial["starts_at"] = start
    return initial


def _book(request: StaffRequest, form: CallerForm) -> Appointment | None:
    """Call the action. None when the form now shows why it was refused."""
    try:
        return actions.book_for_caller(
            therapist=form.cleaned_data["therapist"],
            service=form.cleaned_data["service"],
            starts_at=form.cleaned_data["starts_at"],
            details=form.details,
            submission_key=form.cleaned_data["submission_key"],
            by=request.user,
            override_reason=form.cleaned_data["override_reason"],
        )
    except actions.SubmissionReusedError:
        form.renew_submission_key()
        form.add_error(None, "This page has booked someone before. If this is another caller, press Book once more.")
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        way_out = "Choose a free time, or give a reason below to book it anyway."
        form.add_error("starts_at", format_html("{} {}", refusal_words(refusal), way_out))
    return None


def _other_visits(request: StaffRequest, form: CallerForm) -> OtherVisits | None:
    """Other visits of the caller's patient at the start that is chosen, also while it is only looked at."""
    therapist, service = _chosen_or_first(form, "therapist"), _chosen_or_first(form, "service")
    if therapist is None or service is None or request.method != "POST":
        return None
    booked_before = form.cleaned_data.get("submission_key") if form.is_bound else None
    return other_visits(
        person_typed_in(form),
        terms=Terms.anew(service, Audience.STAFF),
        starts=[_start(form)],
        therapist=None if form["override_reason"].value() else therapist,
        user=request.user,
        sent=request.POST,
        besides=Q(submission_key=booked_before) if booked_before else Q(pk__in=[]),
    )


def _free_times(form: CallerForm) -> dict[str, object]:
    """Free times of the therapist and service that are chosen, or of the first ones."""
    therapist, service = _chosen_or_first(form, "therapist"), _chosen_or_first(form, "service")
    if therapist is None or service is None:
        return {}
    return free_times_context(therapist, Terms.anew(service, Audience.STAFF), _start(form))


def _start(form: CallerForm) -> datetime | None:
    start = form.cleaned_data.get("starts_at") if form.is_bound else form.initial.get("starts_at")
    return start if isinstance(start, datetime) else None


def _chosen_or_first(form: CallerForm, name: str) -> Any:  # Any: a therapist or a service
    rows: Rows = form.fields[name].queryset  # type: ignore[attr-defined]  # of therapists, or of services
    return rows.filter(slug=form[name].value() or "").first() or rows.first()
