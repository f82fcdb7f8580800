"""Other times for visits whose therapist is out: what is free, nearest first, and no time twice."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from revival.base.clock import Span

from .appointments import Appointment
from .openings import free_times
from .therapists import Service, Therapist

LOOK_AROUND_DAYS = 28  # after the outage
A_DAY_WEIGHS = 60  # minutes: the next day at the same hour is as good as an hour later on the same day
MOST_OTHERS, MOST_A_DAY = 6, 2
NEAREST = 80  # as many are looked at closely; only when all of them clash, the others, too


class FirstChoice(models.TextChoices):
    SAME = "same", "The same therapist, when they are back"
    OTHER = "other", "Another therapist, close to the same time"


@dataclass(frozen=True)
class Alternative:
    """A start that is free; `day` and `minute` are the clinic's own, for telling how near it is."""

    therapist: Therapist
    starts_at: datetime
    day: int
    minute: int

    @property
    def place(self) -> tuple[int, datetime]:
        return self.therapist.pk, self.starts_at


@dataclass
class Proposal:
    """One visit with the time that would be held for it and others; `best` is None when nothing is free."""

    visit: Appointment
    best: Alternative | None = None
    others: list[Alternative] = field(default_factory=list)

    @property
    def all(self) -> list[Alternative]:
        return [self.best, *self.others] if self.best else self.others


def rules_for(service: Service) -> Service:
    """The service as it is offered when the clinic asks to move: near notice, any horizon (not to be saved)."""
    wide = service.for_staff()
    wide.notice_hours = settings.BOOKING_OUT_NEAR_HOURS
    return wide


def propose(
    visits: Sequence[Appointment],
    *,
    out: Span,
    first: FirstChoice | None,
    among: Iterable[Therapist] | None,
    now: datetime,
    zone: ZoneInfo,
    hold: Appointment | None = None,
) -> list[Proposal]:
    """For each visit the nearest free time that no other of them gets, and some more.

    `among` limits the therapists (None: everyone who gives the service). Nobody gets a time at which they
    have another visit. The time of `hold` counts as free. At most five queries and five more for each
    service, however many visits.
    """
    free = {service: _free(service, out, visits, among, now, zone, hold) for service in {one.service for one in visits}}
    given: dict[int, list[Span]] = defaultdict(list)
    own = _own_spans(visits, now)
    proposals = []
    for visit in visits:
        busy = visit.service.length + visit.service.turnaround
        theirs = own[visit.email.lower() or str(visit.pk)]
        length, free_then = visit.service.length, free[visit.service]
        best = next(iter(_choose(_ranked(visit, free_then, first, zone), 1, busy, length, given, theirs)), None)
        if best:
            given[best.therapist.pk].append(Span(best.starts_at, best.starts_at + busy))
            theirs.append(Span(best.starts_at, best.starts_at + length))
        near = _ranked(visit, free_then, None, zone)  # of both kinds, so that there is a choice
        others = _choose(near, MOST_OTHERS, busy, length, given, theirs)
        proposals.append(Proposal(visit, best, sorted(others, key=lambda one: one.starts_at)))
    return proposals


def _free(
    service: Service,
    out: Span,
    visits: Sequence[Appointment],
    among: Iterable[Therapist] | None,
    now: datetime,
    zone: ZoneInfo,
    hold: Appointment | None,
) -> list[Alternative]:
    """All that could be: not while the therapist is out, and with the same one only afterwards."""
    givers = list(Therapist.objects.giving(service))
    if among is not None:
        allowed = {one.pk for one in among}
        givers = [one for one in givers if one.pk in allowed]
    if not service.is_active:
        return []
    first = max(now, out.start - timedelta(days=LOOK_AROUND_DAYS)).astimezone(zone).date()
    last = (max(now, out.end) + timedelta(days=LOOK_AROUND_DAYS)).astimezone(zone).date()
    rules = rules_for(service)
    starts = free_times(therapists=givers, service=rules, first=first, last=last, now=now, zone=zone, besides=hold)
    absent = {visit.therapist_id for visit in visits}
    return [
        _alternative(giver, start, zone)
        for giver in givers
        for start in starts[giver.pk]
        if giver.pk not in absent or start >= out.end
    ]


def _alternative(therapist: Therapist, start: datetime, zone: ZoneInfo) -> Alternative:
    local = start.astimezone(zone)
    return Alternative(therapist, start, local.toordinal(), local.hour * 60 + local.minute)


def _ranked(
    visit: Appointment, free: list[Alternative], first: FirstChoice | None, zone: ZoneInfo
) -> Iterator[Alternative]:
    local = visit.starts_at.astimezone(zone)
    day, minute = local.toordinal(), local.hour * 60 + local.minute

    def distance(one: Alternative) -> tuple[bool, int, datetime, int]:
        is_same = one.therapist.pk == visit.therapist_id
        days = one.day - day if one.day >= day else day - one.day + 1  # rather later than sooner than they planned
        away = days * A_DAY_WEIGHS + abs(one.minute - minute)
        is_wanted = first is None or is_same is (first == FirstChoice.SAME)
        return not is_wanted, away, one.starts_at, one.therapist.pk

    nearest = heapq.nsmallest(NEAREST, free, key=distance)
    yield from nearest
    if len(nearest) == NEAREST:
        yield from sorted(free, key=distance)[NEAREST:]


def _choose(
    ranked: Iterable[Alternative],
    most: int,
    busy: timedelta,
    length: timedelta,
    given: dict[int, list[Span]],
    own: list[Span],
) -> list[Alternative]:
    """The nearest that clash with nothing, at most `most` of them, and few a day so that there is a choice."""
    found: list[Alternative] = []
    days: dict[tuple[int, int], int] = defaultdict(int)
    for one in ranked:
        blocked, there = Span(one.starts_at, one.starts_at + busy), Span(one.starts_at, one.starts_at + length)
        place = (one.therapist.pk, one.day)
        if days[place] >= MOST_A_DAY or any(blocked.overlaps(span) for span in given[one.therapist.pk]):
            continue
        if any(there.overlaps(span) for span in own):
            continue
        days[place] += 1
        found.append(one)
        if len(found) == most:
            break
    return found


def _own_spans(visits: Sequence[Appointment], now: datetime) -> dict[str, list[Span]]:
    """When those patients have another visit that stays where it is, by e-mail address."""
    addresses = {visit.email.lower() for visit in visits if visit.email}
    spans: dict[str, list[Span]] = defaultdict(list)
    others = Appointment.objects.coming(now).exclude(pk__in=[visit.pk for visit in visits])
    for other in others.alias(address=Lower("email")).filter(address__in=addresses):
        spans[other.email.lower()].append(other.span)
    return spans
