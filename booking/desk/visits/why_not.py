"""Why a time is not offered: each cause as a sentence, with a link to where it can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.desk.base.wording import HOLD_WORDS, moment_words
from booking.models import Absence, Appointment, Clinic, Service, State, Therapist, working_time
from booking.time.availability import Cause, Reason, why_not
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import clock, day_words

from .forms import PlaceForm


@dataclass(frozen=True)
class Sentence:
    """A cause in words; `url` and `link` lead to the page where it can be changed."""

    text: str
    url: str = ""
    link: str = ""


@require_safe
def why_page(request: StaffRequest) -> HttpResponse:
    """The question stands in the address, because it names no patient."""
    if not request.user.has_perm("booking.view_shift"):
        raise PermissionDenied
    form = PlaceForm(request.GET if "starts_at" in request.GET else None, user=request.user)
    is_answer = form.is_valid()
    context = {
        **admin.site.each_context(request),
        "title": "Why is a time not offered?",
        "form": form,
        "is_answer": is_answer,
        "sentences": explain(**form.cleaned_data, now=timezone.now()) if is_answer else [],
        "asked": form.cleaned_data if is_answer else None,
    }
    return render(request, "booking/desk/visits/why_not.html", context, status=422 if form.errors else 200)


def explain(*, therapist: Therapist, service: Service, starts_at: datetime, now: datetime) -> list[Sentence]:
    """What keeps patients from booking this start; nothing when they can."""
    times = explain_times(therapist=therapist, service=service, starts=[starts_at], now=now)
    return about_people(therapist, service) + times[starts_at]


def about_people(therapist: Therapist, service: Service) -> list[Sentence]:
    """What keeps this therapist and service from being booked at any time."""
    sentences = []
    profile = reverse("admin:booking_therapist_change", args=[therapist.pk])
    if not therapist.is_taking_patients:
        sentences.append(Sentence(f"{therapist.short_name} is not taking patients online.", profile, "Their page here"))
    elif not Therapist.objects.bookable().filter(pk=therapist.pk).exists():
        text = f"{therapist.short_name} has no working hours that count."
        sentences.append(Sentence(text, _hours_url(therapist), "Their hours"))
    if not service.therapists.filter(pk=therapist.pk).exists():
        text = f"{therapist.short_name} does not give “{service}”."
        sentences.append(Sentence(text, _service_url(service), "The service"))
    return sentences


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
    in_the_way = {Span(visit.blocked.lower, visit.blocked.upper): visit for visit in visits}
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
    is_away = any(reason.cause == Cause.AWAY for at in reasons.values() for reason in at)
    absences = list(Absence.objects.keeping_away([therapist.pk]).touching(reach)) if is_away else []
    place = _Place(therapist, service, hours.openings, in_the_way, absences)
    return {start: [place.sentence(reason, start) for reason in at] for start, at in reasons.items()}


@dataclass(frozen=True)
class _Place:
    """Therapist and service, with all that can stand in the way of a visit there."""

    therapist: Therapist
    service: Service
    openings: list[Span]
    in_the_way: dict[Span, Appointment]
    absences: list[Absence]

    def sentence(self, reason: Reason, start: datetime) -> Sentence:
        service, span = self.service, reason.span
        rules = _service_url(service), "Its rules"
        hours = _hours_url(self.therapist), "Their hours"
        match reason.cause:
            case Cause.PAST:
                return Sentence("That time has gone by.")
            case Cause.NOTICE:
                return Sentence(f"It is sooner than the {service.notice_hours} hours’ notice patients give.", *rules)
            case Cause.HORIZON:
                return Sentence(f"It is further away than the {service.horizon_days} days patients can look.", *rules)
            case Cause.CLOSED:
                day = _hours_of(self.openings, start)
                return Sentence(f"{self.therapist.short_name} does not work then. {day}", *hours)
            case Cause.ENDS_TOO_LATE if span:
                ends = f"A visit of {service.minutes} minutes would end after {clock(span.end)}, when they stop."
                return Sentence(ends, *hours)
            case Cause.OFF_GRID if span:
                grid = f"Starts are offered every {service.step_minutes} minutes from {clock(span.start)}."
                return Sentence(grid, *rules)
            case Cause.AWAY if span:
                return _absence(self.therapist, span, self.absences)
        return _taken(self.in_the_way[span], start, service) if span else Sentence("Something else is in the way.")


def _service_url(service: Service) -> str:
    return reverse("admin:booking_service_change", args=[service.pk])


def _hours_url(therapist: Therapist) -> str:
    return reverse("admin:booking_shift_changelist") + f"?therapist__id__exact={therapist.pk}"


def _hours_of(openings: list[Span], start: datetime) -> str:
    day = timezone.localdate(start)
    spans = [span for span in openings if timezone.localdate(span.start) == day]
    if not spans:
        return f"There are no hours on {day_words(start)}."
    return "That day: " + ", ".join(f"{clock(span.start)} to {clock(span.end)}" for span in spans) + "."


def _absence(therapist: Therapist, span: Span, absences: list[Absence]) -> Sentence:
    row = next((absence for absence in absences if absence.span == span), None)
    name = "The whole clinic" if row and row.therapist_id is None else therapist.short_name
    url = reverse("admin:booking_absence_change", args=[row.pk]) if row else ""
    return Sentence(f"{name} is away until {moment_words(span.end)}.", url, "The absence")


def _taken(visit: Appointment, start: datetime, service: Service) -> Sentence:
    if visit.state == State.HELD and visit.held_until:
        return Sentence(f"It is held until {clock(visit.held_until)}: {HOLD_WORDS[visit.held_for].lower()}.")
    url, link = reverse("admin:booking_appointment_change", args=[visit.pk]), "The visit"
    when = f"{clock(visit.starts_at)} to {clock(visit.ends_at)}"
    if visit.ends_at <= start:
        until = clock(visit.blocked.upper)
        return Sentence(f"The turnaround after the visit from {when} lasts until {until}.", url, link)
    if visit.starts_at >= start + service.length:
        own = f"its own turnaround of {service.turnaround_minutes} minutes would run into the visit from {when}"
        return Sentence(f"There would be time for the visit, but {own}.", url, link)
    return Sentence(f"There is a visit from {when} ({visit.get_state_display().lower()}).", url, link)
