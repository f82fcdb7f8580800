"""Book for the caller on the line: one form, the free times beside it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.buttons import BOOKED_THEN, OUTSIDE
from booking.desk.base.forms import CallerForm
from booking.desk.base.free_times_panel import beside_form, is_looking, picked
from revival.base.words import clock, day_words


@require_http_methods(["GET", "HEAD", "POST"])
def book_for_caller(request: HttpRequest) -> HttpResponse:
    """`?therapist=`, `service=` and `from=` (an ISO instant) fill in the place; an address names no person."""
    if not request.user.has_perm("booking.change_appointment"):
        raise PermissionDenied
    is_booking = request.method == "POST" and not is_looking(request)
    form = CallerForm(request.POST if is_booking else None, user=request.user, initial=_place(request))
    if form.is_valid() and (visit := _book(request, form)):
        said = f"Booked: {day_words(visit.starts_at)}, {clock(visit.starts_at)} with {visit.therapist.short_name}. "
        told = "They get an e-mail." if visit.email else "No e-mail is sent: they have no e-mail address."
        messages.success(request, said + told)
        return redirect("admin:booking_appointment_change", visit.pk)
    is_picked = is_looking(request) and "starts_at" in form.initial
    if is_picked and not form.initial.get("name"):
        form.fields["name"].widget.attrs["data-take-focus"] = ""  # the time is chosen: next comes who it is for
    context = {
        **admin.site.each_context(request),
        "title": "Book for a caller",
        "form": form,
        **_beside(form),
        "is_picked": is_picked,
        "is_past_rules": bool(form.errors.keys() & {"starts_at", "override_reason"} or form["override_reason"].value()),
        "now": timezone.now(),
    }
    return render(request, "booking/desk/visits/caller.html", context, status=409 if form.errors else 200)


def _place(request: HttpRequest) -> dict[str, Any]:
    """What the link that led here already chose, or all that was typed before a free time was picked."""
    found: dict[str, Any] = {name: request.GET[name] for name in ("therapist", "service") if request.GET.get(name)}
    found |= {name: value for name, value in request.POST.items() if value and name != "submission_key"}
    found.pop("starts_at", None)
    if moment := picked(request):
        found["starts_at"] = moment
    return found


def _book(request: HttpRequest, form: CallerForm) -> Any:
    """The visit; or None, with the reason at the field and everything typed kept."""
    typed = form.cleaned_data
    try:
        return actions.book_for_caller(
            therapist=typed["therapist"],
            service=typed["service"],
            starts_at=typed["starts_at"],
            details=form.details,
            submission_key=typed["submission_key"],
            by=request.user,
            override_reason=typed["override_reason"],
        )
    except actions.SubmissionReusedError:
        data = request.POST.copy()
        data["submission_key"] = str(uuid.uuid4())
        form.data = data
        form.add_error(None, "This page has booked someone before. If this is another caller, press Book once more.")
    except actions.SlotTakenError:
        form.add_error("starts_at", f"{BOOKED_THEN} Choose a free time, or give a reason below to book it anyway.")
    except actions.NotOfferedError:
        form.add_error("starts_at", f"{OUTSIDE} Choose a free time, or give a reason below.")
    return None


def _beside(form: CallerForm) -> dict[str, Any]:
    """The free times of the therapist and service that are chosen, or of the first ones."""
    therapists: Any = form.fields["therapist"]
    services: Any = form.fields["service"]
    therapist = therapists.queryset.filter(slug=form["therapist"].value() or "").first() or therapists.queryset.first()
    service = services.queryset.filter(slug=form["service"].value() or "").first() or services.queryset.first()
    if therapist is None or service is None:
        return {}
    moment = form.cleaned_data.get("starts_at") if form.is_bound else form.initial.get("starts_at")
    return beside_form(therapist, service, moment)
