"""Other times for visits whose therapist is out: what is free, to be ranked by `booking.time.alternatives`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.db import models

from booking.time.alternatives import Displaced, FreeStart, choose
from revival.base.clock import Span

from .appointments import Appointment
from .free import Audience, FreeTimes, Terms, free_times
from .therapists import Therapist

LOOK_AROUND_DAYS = 28  # before and after the outage; only when nothing is free then, all days are read


class FirstChoice(models.TextChoices):
    SAME = "same", "The same therapist, when they are back"
    OTHER = "other", "Another therapist, close to the same time"


@dataclass(frozen=True)
class Alternative:
    """A start that is free, and with whom."""

    therapist: Therapist
    starts_at: datetime


@dataclass
class Proposal:
    """One visit with the time that would be held for it and others; `best` is None when nothing is free."""

    visit: Appointment
    best: Alternative | None = None
    others: list[Alternative] = field(default_factory=list)

    @property
    def all(self) -> list[Alternative]:
        return [self.best, *self.others] if self.best else self.others


def propose(
    visits: Sequence[Appointment],
    *,
    out: Span,
    first: FirstChoice | None,
    among: Iterable[Therapist] | None,
    now: datetime,
    zone: ZoneInfo,
    hold: Appointment | None = None,
    audience: Audience = Audience.OUTAGE,
) -> list[Proposal]:
    """For each visit the nearest free time that no other of them gets, and some more.

    `among` limits the therapists (None: everyone who gives the service). Nobody gets a time at which they
    have another visit. The time of `hold` counts as free. At most five queries and five more for each
    service (and each length its visits were agreed with), however many visits.
    """
    allowed = None if among is None else list(among)
    absent = {visit.therapist_id for visit in visits}
    therapists: dict[int, Therapist] = {}
    terms = {visit: Terms.of_visit(visit, audience) for visit in visits}
    free: dict[Terms, list[FreeStart]] = {}
    for wanted in set(terms.values()):
        giving = list(Therapist.objects.giving(wanted.service).among(allowed))
        therapists |= {therapist.pk: therapist for therapist in giving}
        times = _free_times(wanted, giving, out, now, zone, hold)
        free[wanted] = [
            FreeStart.at(therapist.pk, start, zone)
            for therapist, starts in times.items()
            for start in starts
            if therapist.pk not in absent or start >= out.end
        ]
    choices = choose(
        [_displaced(visit, terms[visit], free[terms[visit]]) for visit in visits],
        prefers_same_therapist=None if first is None else first == FirstChoice.SAME,
        own=_other_visits(visits, now),
        zone=zone,
    )

    def alternative(start: FreeStart) -> Alternative:
        return Alternative(therapists[start.therapist], start.start)

    return [
        Proposal(
            visit, alternative(choice.best) if choice.best else None, [alternative(start) for start in choice.others]
        )
        for visit, choice in zip(visits, choices, strict=True)
    ]


def _free_times(
    terms: Terms, giving: list[Therapist], out: Span, now: datetime, zone: ZoneInfo, hold: Appointment | None
) -> FreeTimes:
    """From LOOK_AROUND_DAYS before the outage to as many after it; when nothing is free then, until the horizon."""
    find = partial(free_times, terms, giving, now=now, zone=zone, besides=hold)
    first = max(now, out.start - timedelta(days=LOOK_AROUND_DAYS)).astimezone(zone).date()
    last = (max(now, out.end) + timedelta(days=LOOK_AROUND_DAYS)).astimezone(zone).date()
    near = find(first=first, last=last)
    return near if any(near.values()) else find(first=last, last=terms.last_day(now, zone))


def _displaced(visit: Appointment, terms: Terms, free: Sequence[FreeStart]) -> Displaced:
    return Displaced(
        therapist=visit.therapist_id,
        start=visit.starts_at,
        length=terms.length,
        busy=terms.busy,
        patient=_patient(visit),
        free=free,
    )


def _patient(visit: Appointment) -> str:
    return visit.email_key or str(visit.pk)


def _other_visits(visits: Sequence[Appointment], now: datetime) -> dict[str, list[Span]]:
    """The spans of other coming visits of those patients, by e-mail address; they stay where they are."""
    addresses = {visit.email_key for visit in visits if visit.email_key}
    spans: dict[str, list[Span]] = defaultdict(list)
    others = Appointment.objects.coming(now).exclude(pk__in=[visit.pk for visit in visits])
    for other in others.filter(email_key__in=addresses):
        spans[other.email_key].append(other.span)
    return spans
