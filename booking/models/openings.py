"""Free times: one read per table for all therapists and the whole window, then arithmetic.

A page of times costs the same with a million past visits: 13 ms of CPU with none, ten thousand and a million
(`make bench-slots`). A partial GiST index holds only the visits that occupy time. Taken time is read as two numbers,
since psycopg takes eight times as long for a range. `booking.time.availability` walks a therapist's grid only inside
the windows in which a visit fits. The alternative weighed on 2026-11-24 was to keep each day's free times; they would
be stale just when two patients want the same one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking.time.availability import WeeklyHours, free_starts, opening_spans
from revival.base.clock import Span, bounds_of_days

from .appointments import Appointment
from .hours import Absence, Override, Shift
from .people import group_by_therapist
from .therapists import Service, Therapist

_openings = lru_cache(maxsize=1024)(opening_spans)  # hours seldom change; callers do not change the list they get


@dataclass(frozen=True)
class WorkingTime:
    """When one therapist works: the openings that grids start from, and the spans away from them."""

    openings: list[Span]
    away: list[Span]


def working_time(
    ids: Iterable[int],
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    weekly: Mapping[int, Sequence[WeeklyHours]] | None = None,
) -> dict[int, WorkingTime]:
    """Working time from `first` to `last` (clinic-local, both included) by therapist id. Three queries.

    `weekly` answers "what if": by therapist id, weekly hours to use instead of those in the database.
    """
    wanted = list(ids)
    what_if = weekly or {}
    days = bounds_of_days(first, last, zone)
    shifts = group_by_therapist(Shift.objects.in_force().filter(therapist__in=wanted).holding_between(first, last))
    overrides = group_by_therapist(Override.objects.filter(therapist__in=wanted, day__range=(first, last)))
    absences = group_by_therapist(Absence.objects.keeping_away(wanted).touching(Span(days.start, days.end)))
    return {
        pk: WorkingTime(
            openings=_openings(
                tuple(what_if.get(pk, [shift.hours for shift in shifts[pk]])),
                first,
                last,
                zone,
                instead=tuple(override.hours for override in overrides[pk]),
            ),
            away=[absence.span for absence in absences[pk] + absences[None]],
        )
        for pk in wanted
    }


def free_times(
    *,
    therapists: Iterable[Therapist],
    service: Service,
    first: date,
    last: date,
    now: datetime,
    zone: ZoneInfo,
    besides: Appointment | None = None,
) -> dict[int, list[datetime]]:
    """The starts that can be booked from `first` to `last` (clinic-local, both included).

    Returns UTC starts, sorted, by therapist id. The span of `besides` counts as free: it is the
    hold or visit that would move. Four queries, however many therapists and days.
    """
    ids = [therapist.pk for therapist in therapists]
    today = now.astimezone(zone).date()
    first, last = max(first, today), min(last, today + timedelta(days=service.horizon_days))
    if not ids or first > last:
        return {pk: [] for pk in ids}

    days = bounds_of_days(first, last, zone)
    reach = Span(days.start, days.end + timedelta(days=1) + service.length + service.turnaround)
    taken = Appointment.objects.occupying(now).filter(therapist__in=ids).touching(reach)
    if besides is not None and besides.pk:
        taken = taken.exclude(pk=besides.pk)
    blocked: dict[int, list[Span]] = {pk: [] for pk in ids}
    for pk, span in taken.blocked_spans():
        blocked[pk].append(span)
    # One day more, since a visit may begin before midnight and end in the next day's hours.
    hours = working_time(ids, first=first, last=last + timedelta(days=1), zone=zone)
    starts = {
        pk: free_starts(
            rules=service.rules,
            openings=working.openings,
            away=working.away,
            blocked=blocked[pk],
            now=now,
            zone=zone,
        )
        for pk, working in hours.items()
    }
    return {pk: free[: bisect_left(free, days.end)] for pk, free in starts.items()}
