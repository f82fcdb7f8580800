"""Causes why a time cannot be booked, as sentences for staff, with links to the pages where they can be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from booking.actions import NotOfferedError, SlotTakenError
from booking.models import Absence, Appointment, Audience, Service, State, Terms, Therapist, WhyNot
from booking.time.availability import Cause, Reason
from revival.base.bidi import isolate
from revival.base.clock import Span
from revival.base.words import clock, day_words

from .wording import BOOKED_THEN, HOLD_WORDS, NOT_FREE, moment_words


@dataclass(frozen=True)
class Sentence:
    """A cause in words; `url` and `link` lead to the page where it can be changed."""

    text: str
    url: str = ""
    link: str = ""

    def __str__(self) -> str:
        """The sentence with its link, safe for templates and for the errors of forms."""
        link = format_html(' <a href="{}">{}</a>', self.url, self.link) if self.url else ""
        return format_html("{}{}", self.text, link)

    __html__ = __str__


def sentences(whys: Sequence[WhyNot], *, now: datetime) -> list[list[Sentence]]:
    """Each start's causes in words. `whys` are about one therapist; at most two queries, however many they are."""
    reasons = [reason for why in whys for reason in why.reasons]
    in_the_way = InTheWay()
    if any(reason.span for reason in reasons if reason.cause in (Cause.TAKEN, Cause.AWAY)):
        in_the_way = InTheWay.of(whys, {reason.cause for reason in reasons}, now)
    return [[_sentence(why, reason, in_the_way) for reason in why.reasons] for why in whys]


def refusal_words(refusal: SlotTakenError | NotOfferedError) -> SafeString:
    """Why an action refused a time, for the field at which it was chosen."""
    is_taken, words = isinstance(refusal, SlotTakenError), cause_words(refusal.why)
    if is_taken or not words:  # none: the database itself refused it
        return format_html("{} {}", BOOKED_THEN if is_taken else NOT_FREE, words)
    return words


def cause_words(whys: Iterable[WhyNot]) -> SafeString:
    """All causes of some refused times, one sentence after another."""
    now = timezone.now()
    words = [sentence for why in whys for sentence in sentences([why], now=now)[0]]
    return format_html_join(" ", "{}", ((sentence,) for sentence in words))


def never_words(terms: Terms, therapist: Therapist) -> list[Sentence]:
    """What keeps this service from being booked with this therapist at any time."""
    why = WhyNot(terms, therapist, timezone.now(), tuple(terms.never_with(therapist)))
    return [_sentence(why, reason, InTheWay()) for reason in why.reasons]


@dataclass(frozen=True)
class InTheWay:
    """The rows that stand in the way of some starts: visits by the time they block, and absences."""

    visits: dict[Span, Appointment] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)

    @classmethod
    def of(cls, whys: Sequence[WhyNot], causes: Iterable[Cause], now: datetime) -> InTheWay:
        therapist, starts = whys[0].therapist, [why.starts_at for why in whys]
        reach = Span(min(starts), whys[0].terms.blocked_from(max(starts)).end)
        visits: Iterable[Appointment] = ()
        absences: Iterable[Absence] = ()
        if Cause.TAKEN in causes:
            visits = Appointment.objects.occupying(now).filter(therapist=therapist).touching(reach)
        if Cause.AWAY in causes:
            absences = Absence.objects.keeping_away(therapist.pk).touching(reach)
        return cls({Span(visit.blocked.lower, visit.blocked.upper): visit for visit in visits}, list(absences))


def _sentence(why: WhyNot, reason: Reason, in_the_way: InTheWay) -> Sentence:
    terms, therapist, span = why.terms, why.therapist, reason.span
    service, name = terms.service, isolate(therapist.short_name)
    rules, hours = (_service_url(service), "Its rules"), (_hours_url(therapist), "Their hours")
    match reason.cause:
        case Cause.NOT_GIVEN:
            return Sentence(f"{name} does not give “{isolate(service)}”.", _service_url(service), "The service")
        case Cause.NOT_ON_OFFER:
            return Sentence(f"“{isolate(service)}” is not on offer online.", _service_url(service), "The service")
        case Cause.NOT_TAKING:
            profile = reverse("admin:booking_therapist_change", args=[therapist.pk])
            return Sentence(f"{name} is not taking patients online.", profile, "Their page here")
        case Cause.NO_HOURS:
            return Sentence(f"{name} has no working hours that count.", *hours)
        case Cause.PAST:
            return Sentence("That time has gone by.")
        case Cause.NOTICE:
            return Sentence(_notice_words(terms), *rules)
        case Cause.HORIZON if terms.audience == Audience.STAFF:
            return Sentence(f"It is more than {terms.horizon_days} days away, further than can be booked.")
        case Cause.HORIZON:
            return Sentence(f"It is further away than the {terms.horizon_days} days patients can look.", *rules)
        case Cause.CLOSED:
            return Sentence(f"{name} does not work then. {_hours_of(why.openings, why.starts_at)}", *hours)
        case Cause.ENDS_TOO_LATE if span:
            minutes = terms.length.seconds // 60 + terms.length.days * 24 * 60
            return Sentence(f"A visit of {minutes} minutes would end after {clock(span.end)}, when they stop.", *hours)
        case Cause.OFF_GRID if span:
            grid = f"Starts are offered every {service.step_minutes} minutes from {clock(span.start)}."
            return Sentence(grid, *rules)
        case Cause.AWAY if span:
            return _absence(therapist, span, in_the_way.absences)
    visit = in_the_way.visits.get(span) if span else None
    return _taken(visit, why) if visit else Sentence(BOOKED_THEN)


def _notice_words(terms: Terms) -> str:
    hours = terms.rules.notice.total_seconds() / 3600
    return f"It is sooner than the {hours:.0f} hours’ notice patients give."


def _service_url(service: Service) -> str:
    return reverse("admin:booking_service_change", args=[service.pk])


def _hours_url(therapist: Therapist) -> str:
    return reverse("admin:booking_shift_changelist") + f"?therapist__id__exact={therapist.pk}"


def _hours_of(openings: Iterable[Span], start: datetime) -> str:
    day = timezone.localdate(start)
    spans = [span for span in openings if timezone.localdate(span.start) == day]
    if not spans:
        return f"There are no hours on {day_words(start)}."
    return "That day: " + ", ".join(f"{clock(span.start)} to {clock(span.end)}" for span in spans) + "."


def _absence(therapist: Therapist, span: Span, absences: Iterable[Absence]) -> Sentence:
    row = next((absence for absence in absences if absence.span == span), None)
    name = "The whole clinic" if row and row.therapist_id is None else isolate(therapist.short_name)
    url = reverse("admin:booking_absence_change", args=[row.pk]) if row else ""
    return Sentence(f"{name} is away until {moment_words(span.end)}.", url, "The absence")


def _taken(visit: Appointment, why: WhyNot) -> Sentence:
    start, terms = why.starts_at, why.terms
    if visit.state == State.HELD and visit.held_until:
        return Sentence(f"It is held until {clock(visit.held_until)}: {HOLD_WORDS[visit.held_for].lower()}.")
    url, link = reverse("admin:booking_appointment_change", args=[visit.pk]), "The visit"
    when = f"{clock(visit.starts_at)} to {clock(visit.ends_at)}"
    if visit.ends_at <= start:
        until = clock(visit.blocked.upper)
        return Sentence(f"The turnaround after the visit from {when} lasts until {until}.", url, link)
    if visit.starts_at >= start + terms.length:
        own = f"its own turnaround of {terms.turnaround.seconds // 60} minutes would run into the visit from {when}"
        return Sentence(f"There would be time for the visit, but {own}.", url, link)
    return Sentence(f"There is a visit from {when} ({visit.get_state_display().lower()}).", url, link)
