"""The one answer to "is it free?": every list of free times asks here, and so does every action inside its lock.

A page of times costs the same with a million past visits: 13 ms of CPU with none, ten thousand and a million
(`make bench-slots`). A partial GiST index holds only the visits that occupy time. Taken time is read as two numbers,
since psycopg takes eight times as long for a range. `booking.time.availability` walks a therapist's grid only inside
the windows in which a visit fits. The alternative weighed on 2026-11-24 was to keep each day's free times; they would
be stale just when two patients want the same one.

`Terms` say what is asked for and by whom. The `Answer` says which starts can be booked, and what keeps any other from
being booked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from booking.time import availability
from booking.time.availability import Cause, Reason, Rules
from revival.base.clock import ONE_DAY, Span, bounds_of_days

from .appointments import Appointment
from .openings import WorkingTime, with_working_time, working_time, working_time_of
from .therapists import TWO_YEARS, Service, Therapist, TherapistQuerySet

OFFER_ENDS_BEFORE = timedelta(hours=1)
"""An offer to the waiting list can be answered until so long before its start."""
LEAST_TO_ANSWER = timedelta(minutes=1)


class Audience(Enum):
    """Who asks for a time. Only those who book anew need a service on offer and a therapist who takes patients."""

    NEW = "a patient who books online"
    OFFER = "someone on the waiting list, to whom a freed time is offered"
    VISIT = "a patient who moves a visit"
    OUTAGE = "a patient whose therapist is out"
    STAFF = "staff"

    @property
    def books_anew(self) -> bool:
        return self in (Audience.NEW, Audience.OFFER)

    def notice(self, service: Service) -> timedelta:
        """The elapsed time that lies at least between asking and the start."""
        match self:
            case Audience.STAFF:
                return timedelta(0)
            case Audience.OUTAGE:
                return timedelta(hours=settings.BOOKING_OUTAGE_NEAR_HOURS)
            case Audience.OFFER:
                return max(timedelta(hours=service.offer_notice_hours), OFFER_ENDS_BEFORE + LEAST_TO_ANSWER)
        return timedelta(hours=service.notice_hours)

    def horizon_days(self, service: Service) -> int:
        """How many clinic-local days after today's a start may lie."""
        return TWO_YEARS if self in (Audience.STAFF, Audience.OUTAGE) else service.horizon_days


@dataclass(frozen=True)
class Terms:
    """What is asked for: by whom, which service, and for how long."""

    audience: Audience
    service: Service
    length: timedelta
    turnaround: timedelta

    @classmethod
    def anew(cls, service: Service, audience: Audience = Audience.NEW) -> Terms:
        """A visit to be: as long as its service takes now."""
        return cls(audience, service, service.length, service.turnaround)

    @classmethod
    def of_visit(cls, visit: Appointment, audience: Audience) -> Terms:
        """A visit that exists keeps the length and turnaround it was agreed with, whatever its service has now."""
        return cls(audience, visit.service, visit.length, visit.turnaround)

    @property
    def busy(self) -> timedelta:
        """How long the therapist is taken: the visit and its turnaround."""
        return self.length + self.turnaround

    def blocked_from(self, start: datetime) -> Span:
        return Span(start, start + self.busy)

    @property
    def horizon_days(self) -> int:
        return self.audience.horizon_days(self.service)

    def last_day(self, now: datetime, zone: ZoneInfo) -> date:
        """The last clinic-local date on which a start can lie."""
        return now.astimezone(zone).date() + timedelta(days=self.horizon_days)

    @property
    def rules(self) -> Rules:
        return Rules(
            length=self.length,
            turnaround=self.turnaround,
            step=timedelta(minutes=self.service.step_minutes),
            notice=self.audience.notice(self.service),
            horizon_days=self.horizon_days,
        )

    def never_with(self, therapist: Therapist) -> list[Reason]:
        """What keeps this from being booked with this therapist at any time; they come from `for_service`."""
        causes = []
        if not therapist.gives:  # type: ignore[attr-defined]  # annotated, as is `has_hours`
            causes.append(Cause.NOT_GIVEN)
        if self.audience.books_anew:
            causes += [] if self.service.is_on_offer else [Cause.NOT_ON_OFFER]
            causes += [] if therapist.is_taking_patients else [Cause.NOT_TAKING]
            causes += [] if therapist.has_hours else [Cause.NO_HOURS]  # type: ignore[attr-defined]
        return [Reason(cause) for cause in causes]


@dataclass(frozen=True)
class WhyNot:
    """Why a start cannot be booked with a therapist; no reasons when it can. `openings` are the hours around it."""

    terms: Terms
    therapist: Therapist
    starts_at: datetime
    reasons: tuple[Reason, ...]
    openings: tuple[Span, ...] = ()

    @property
    def causes(self) -> set[Cause]:
        return {reason.cause for reason in self.reasons}


FreeTimes = dict[Therapist, list[datetime]]
"""The starts that can be booked with each therapist, in UTC and sorted."""


@dataclass(frozen=True)
class Answer:
    """Which starts are free with whom on some days, and why any other is not: both from the same rows."""

    terms: Terms
    now: datetime
    asked_at: datetime
    zone: ZoneInfo
    end: datetime
    rows: dict[Therapist, tuple[WorkingTime, list[Span]]]
    """Each therapist's working time, and what is taken of it."""

    @cached_property
    def free_times(self) -> FreeTimes:
        return {therapist: self._free_with(therapist) for therapist in self.rows}

    def _free_with(self, therapist: Therapist) -> list[datetime]:
        if self.terms.never_with(therapist):
            return []
        starts = availability.free_starts(**self._facts(therapist))
        return starts[: bisect_left(starts, self.end)]

    def why_not(self, therapist: Therapist, start: datetime) -> WhyNot:
        """Why this start is not among the free ones. After the days that were asked about only that it is too far."""
        therapist = next(asked for asked in self.rows if asked == therapist)  # the row with what is annotated
        found = availability.why_not(start, **self._facts(therapist))
        if start >= self.end:  # of its hours and visits nothing is known
            found = [reason for reason in found if reason.cause == Cause.HORIZON]
        reasons = (*self.terms.never_with(therapist), *found)
        hours, _ = self.rows[therapist]
        return WhyNot(self.terms, therapist, start, reasons, tuple(hours.openings))

    def _facts(self, therapist: Therapist) -> dict[str, Any]:  # Any: each argument has its own type
        """The arguments that both pure functions take."""
        hours, blocked = self.rows[therapist]
        clock = {"now": self.now, "asked_at": self.asked_at, "zone": self.zone}
        return {"rules": self.terms.rules, "openings": hours.openings, "away": hours.away, "blocked": blocked, **clock}


def ask(
    terms: Terms,
    therapists: TherapistQuerySet | Sequence[Therapist],
    *,
    first: date,
    last: date,
    now: datetime,
    zone: ZoneInfo,
    besides: Appointment | None = None,
    asked_at: datetime | None = None,
) -> Answer:
    """What is free on these terms from `first` to `last` (clinic-local, both included).

    `therapists` come from `Therapist.objects.for_service`: rows, or the queryset, which is then read here. The time of
    `besides` counts as free: it is the hold or visit that would move. Notice and horizon count from `asked_at`
    (default: now). Two queries, however many therapists and days.
    """
    hours = _hours_of(therapists, first, last, zone)
    ids = [therapist.pk for therapist in hours]
    days = bounds_of_days(first, last, zone)
    reach = Span(days.start, days.end + ONE_DAY + terms.busy)
    taken = Appointment.objects.occupying(now).filter(therapist__in=ids).touching(reach)
    if besides is not None and besides.pk:
        taken = taken.exclude(pk=besides.pk)
    blocked: dict[int, list[Span]] = {pk: [] for pk in ids}
    for pk, span in taken.blocked_spans():
        blocked[pk].append(span)
    rows = {therapist: (own, blocked[therapist.pk]) for therapist, own in hours.items()}
    return Answer(terms, now, asked_at or now, zone, days.end, rows)


def _hours_of(
    therapists: TherapistQuerySet | Sequence[Therapist], first: date, last: date, zone: ZoneInfo
) -> dict[Therapist, WorkingTime]:
    last += ONE_DAY  # a visit may begin before midnight and end in the next day's hours
    if isinstance(therapists, TherapistQuerySet):
        rows = with_working_time(therapists, first=first, last=last, zone=zone)
        return {row: working_time_of(row, first=first, last=last, zone=zone) for row in rows}
    hours = working_time([therapist.pk for therapist in therapists], first=first, last=last, zone=zone)
    return {therapist: hours[therapist.pk] for therapist in therapists}


def free_times(
    terms: Terms,
    therapists: Iterable[Therapist],
    *,
    first: date,
    last: date,
    now: datetime,
    zone: ZoneInfo,
    besides: Appointment | None = None,
) -> FreeTimes:
    """The free times of each therapist, as `ask` finds them; days on which none can be are not read."""
    asked = list(therapists)
    first, last = max(first, now.astimezone(zone).date()), min(last, terms.last_day(now, zone))
    if first > last or all(terms.never_with(therapist) for therapist in asked):
        return {therapist: [] for therapist in asked}
    return ask(terms, asked, first=first, last=last, now=now, zone=zone, besides=besides).free_times
