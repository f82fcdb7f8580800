"""Other times for visits that cannot take place: the nearest free starts, none given twice.

Pure: no Django, no database, no clock. Every moment is an aware `datetime`; therapists and patients are keys.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from revival.base.clock import Span

A_DAY_WEIGHS = 60  # minutes: the next day at the same hour is as good as an hour later on the same day
MOST_OTHERS, MOST_A_DAY = 6, 2
NEAREST = 80  # as many are compared with other visits first; the rest only when all of them clash


class FreeStart(NamedTuple):
    """A free start with its clinic-local day (ordinal) and minute of the day, which tell how near it is to another."""

    therapist: int
    start: datetime
    day: int
    minute: int

    @classmethod
    def at(cls, therapist: int, start: datetime, zone: tzinfo) -> FreeStart:
        local = start.astimezone(zone)
        return cls(therapist, start, local.toordinal(), local.hour * 60 + local.minute)


@dataclass(frozen=True, slots=True)
class Displaced:
    """A visit that needs another time: `busy` is its length with the turnaround, `free` the starts to choose from."""

    therapist: int
    start: datetime
    length: timedelta
    busy: timedelta
    patient: str
    free: Sequence[FreeStart]


class Choice(NamedTuple):
    """The time to hold for one visit, None when nothing is free, and others by time."""

    best: FreeStart | None
    others: list[FreeStart]


def choose(
    visits: Sequence[Displaced],
    *,
    prefers_same_therapist: bool | None,
    own: Mapping[str, Sequence[Span]],
    zone: tzinfo,
) -> list[Choice]:
    """For each visit the nearest free start that no other of them gets, and up to MOST_OTHERS more.

    `prefers_same_therapist` decides between the visit's therapist and others before nearness does; None: nearness
    alone. `own` are the spans at which a patient has other visits: nobody gets a start that meets one.
    """
    given: dict[int, list[Span]] = defaultdict(list)
    taken_by: dict[str, list[Span]] = defaultdict(list, {patient: list(spans) for patient, spans in own.items()})
    choices = []
    for visit in visits:
        theirs = taken_by[visit.patient]
        best = next(iter(_nearest(visit, _ranked(visit, prefers_same_therapist, zone), 1, given, theirs)), None)
        if best:
            given[best.therapist].append(Span(best.start, best.start + visit.busy))
            theirs.append(Span(best.start, best.start + visit.length))
        others = _nearest(visit, _ranked(visit, None, zone), MOST_OTHERS, given, theirs)
        choices.append(Choice(best, sorted(others, key=lambda free: free.start)))
    return choices


def _ranked(visit: Displaced, prefers_same_therapist: bool | None, zone: tzinfo) -> Iterator[FreeStart]:
    """The free starts, nearest first. All are sorted only when the first NEAREST are not enough."""
    before = FreeStart.at(visit.therapist, visit.start, zone)

    def distance(free: FreeStart) -> tuple[bool, int, datetime, int]:
        is_same = free.therapist == before.therapist
        is_wanted = prefers_same_therapist is None or is_same is prefers_same_therapist
        days = free.day - before.day
        days = days if days >= 0 else 1 - days  # rather later than sooner than they planned
        away = days * A_DAY_WEIGHS + abs(free.minute - before.minute)
        return not is_wanted, away, free.start, free.therapist

    nearest = heapq.nsmallest(NEAREST, visit.free, key=distance)
    yield from nearest
    if len(nearest) == NEAREST:
        yield from sorted(visit.free, key=distance)[NEAREST:]


def _nearest(
    visit: Displaced, ranked: Iterable[FreeStart], most: int, given: Mapping[int, list[Span]], own: Sequence[Span]
) -> list[FreeStart]:
    """The first `most` that clash with nothing, at most MOST_A_DAY of one therapist's day so that there is a choice."""
    chosen: list[FreeStart] = []
    days: dict[tuple[int, int], int] = defaultdict(int)
    for free in ranked:
        blocked, span = Span(free.start, free.start + visit.busy), Span(free.start, free.start + visit.length)
        day = (free.therapist, free.day)
        if days[day] >= MOST_A_DAY or any(blocked.overlaps(other) for other in given.get(free.therapist, ())):
            continue
        if any(span.overlaps(other) for other in own):
            continue
        days[day] += 1
        chosen.append(free)
        if len(chosen) == most:
            break
    return chosen
