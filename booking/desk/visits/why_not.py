"""Why is this time not offered? Each cause in a sentence, with a link to what lies behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.desk.base.forms import PlaceForm
from booking.models import Absence, Appointment, Clinic, Service, State, Therapist, working_time
from booking.time.availability import Cause, Reason, why_not
from revival.base.clock import Span
from revival.base.words import clock, day_words


@dataclass(frozen=True)
class Sentence:
    text: str
    url: str = ""
    link: str = ""


@require_safe
def why_page(request: HttpRequest) -> HttpResponse:
    """Nothing of a patient is shown, so that the question may stand in the address."""
    if not request.user.has_perm("booking.view_shift"):
        raise PermissionDenied
    form = PlaceForm(request.GET if "starts_at" in request.GET else None, user=request.user)
    sentences = explain(**form.cleaned_data, now=timezone.now()) if form.is_valid() else []
    context = {
        **admin.site.each_context(request),
        "title": "Why is a time not offered?",
        "form": form,
        "is_answer": form.is_valid(),
        "sentences": sentences,
        "asked": form.cleaned_data if form.is_valid() else None,
    }
    return render(request, "booking/desk/visits/why_not.html", context, status=422 if form.errors else 200)


def explain(*, therapist: Therapist, service: Service, starts_at: datetime, now: datetime) -> list[Sentence]:
    """What keeps patients from booking this start; nothing when they can."""
    times = explain_times(therapist=therapist, service=service, starts=[starts_at], now=now)
    return about_people(therapist, service) + times[starts_at]


def explain_times(
    *, therapist: Therapist, service: Service, starts: Sequence[datetime], now: datetime
) -> dict[datetime, list[Sentence]]:
    """What about each of these times keeps it from being booked. At most six queries, however many they are."""
    if not starts:
        return {}
    zone = Clinic.objects.current().zone
    first, last = min(starts).astimezone(zone).date(), max(starts).astimezone(zone).date()
    hours = working_time([therapist.pk], first=first, last=last + timedelta(days=1), zone=zone)[therapist.pk]
    reach = Span(min(starts), max(starts) + service.length + service.turnaround)
    visits = Appointment.objects.occupying(now).filter(therapist=therapist).touching(reach)
    in_the_way = {Span(one.blocked.lower, one.blocked.upper): one for one in visits}
    reasons = {
        start: why_not(
            start,
            rules=service.rules,
            openings=hours.openings,
            away=hours.away,
            blocked=list(in_the_way),
            now=now,
            zone=zone,
        )
        for start in starts
    }
    absences = (
        _absences(therapist, reach) if any(Cause.AWAY in {one.cause for one in reasons[at]} for at in reasons) else []
    )
    return {
        start: [_said(reason, therapist, service, start, hours.openings, in_the_way, absences) for reason in found]
        for start, found in reasons.items()
    }


def about_people(therapist: Therapist, service: Service) -> list[Sentence]:
    said = []
    profile = reverse("admin:booking_therapist_change", args=[therapist.pk])
    if not therapist.is_taking_patients:
        said.append(Sentence(f"{therapist.short_name} is not taking patients online.", profile, "Their page here"))
    elif not Therapist.objects.bookable().filter(pk=therapist.pk).exists():
        shifts = reverse("admin:booking_shift_changelist") + f"?therapist__id__exact={therapist.pk}"
        said.append(Sentence(f"{therapist.short_name} has no working hours that count.", shifts, "Their hours"))
    if not service.therapists.filter(pk=therapist.pk).exists():
        url = reverse("admin:booking_service_change", args=[service.pk])
        said.append(Sentence(f"{therapist.short_name} does not give “{service}”.", url, "The service"))
    return said


def _said(
    reason: Reason,
    therapist: Therapist,
    service: Service,
    start: datetime,
    openings: list[Span],
    in_the_way: dict[Span, Appointment],
    absences: list[Absence],
) -> Sentence:
    rules = reverse("admin:booking_service_change", args=[service.pk]), "Its rules"
    hours = reverse("admin:booking_shift_changelist") + f"?therapist__id__exact={therapist.pk}", "Their hours"
    span = reason.span
    match reason.cause:
        case Cause.PAST:
            return Sentence("That time has gone by.")
        case Cause.NOTICE:
            return Sentence(f"It is sooner than the {service.notice_hours} hours’ notice patients give.", *rules)
        case Cause.HORIZON:
            return Sentence(f"It is further away than the {service.horizon_days} days patients can look.", *rules)
        case Cause.CLOSED:
            return Sentence(f"{therapist.short_name} does not work then. {_hours_of(openings, start)}", *hours)
        case Cause.ENDS_TOO_LATE if span:
            ends = f"A visit of {service.minutes} minutes would end after {clock(span.end)}, when they stop."
            return Sentence(ends, *hours)
        case Cause.OFF_GRID if span:
            grid = f"Starts are offered every {service.step_minutes} minutes from {clock(span.start)}."
            return Sentence(grid, *rules)
        case Cause.AWAY if span:
            return _absence(therapist, span, absences)
    return _taken(in_the_way[span], start, service) if span else Sentence("Something else is in the way.")


def _hours_of(openings: list[Span], start: datetime) -> str:
    day = timezone.localdate(start)
    spans = [span for span in openings if timezone.localdate(span.start) == day]
    if not spans:
        return f"There are no hours on {day_words(start)}."
    return "That day: " + ", ".join(f"{clock(span.start)} to {clock(span.end)}" for span in spans) + "."


def _absences(therapist: Therapist, reach: Span) -> list[Absence]:
    return list(Absence.objects.keeping_away([therapist.pk]).touching(reach))


def _absence(therapist: Therapist, span: Span, absences: list[Absence]) -> Sentence:
    row = next((one for one in absences if one.span == span), None)
    who = "The whole clinic" if row and row.therapist_id is None else therapist.short_name
    until = f"{day_words(span.end)}, {clock(span.end)}"
    url = reverse("admin:booking_absence_change", args=[row.pk]) if row else ""
    return Sentence(f"{who} is away until {until}.", url, "The absence")


HELD_FOR = {
    "patient": "a patient who is typing",
    "offer": "someone on the waiting list",
    "alternative": "a patient whose therapist is out",
}


def _taken(visit: Appointment, start: datetime, service: Service) -> Sentence:
    if visit.state == State.HELD and visit.held_until:
        kind = HELD_FOR[visit.held_for]
        return Sentence(f"It is held for {kind}, until {clock(visit.held_until)}.")
    url, link = reverse("admin:booking_appointment_change", args=[visit.pk]), "The visit"
    when = f"{clock(visit.starts_at)} to {clock(visit.ends_at)}"
    if visit.ends_at <= start:
        until = clock(visit.blocked.upper)
        return Sentence(f"The turnaround after the visit from {when} lasts until {until}.", url, link)
    if visit.starts_at >= start + service.length:
        own = f"its own turnaround of {service.turnaround_minutes} minutes would run into the visit from {when}"
        return Sentence(f"There would be time for the visit, but {own}.", url, link)
    return Sentence(f"There is a visit from {when} ({visit.get_state_display().lower()}).", url, link)
