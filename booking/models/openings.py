"""Working time: hours, other hours of a date and absences, one read per table for all therapists and days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking.time.availability import WeeklyHours, opening_spans
from revival.base.clock import Span, bounds_of_days

from .hours import Absence, Override, Shift
from .people import group_by_therapist

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
