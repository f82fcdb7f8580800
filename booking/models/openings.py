"""Working time: hours, other hours of a date and absences, one read for all therapists, days and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, JSONField, OuterRef

from booking.time.availability import DayHours, WeeklyHours, opening_spans
from revival.base.clock import Span, bounds_of_days
from revival.base.django_types import Rows

from .appointment_queries import epoch
from .hours import Absence, Override, Shift
from .therapists import Therapist, TherapistQuerySet

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
    """Working time from `first` to `last` (clinic-local, both included) by therapist id. One query.

    `weekly` answers "what if": by therapist id, weekly hours to use instead of those in the database.
    """
    rows = with_working_time(Therapist.objects.filter(pk__in=list(ids)).order_by(), first=first, last=last, zone=zone)
    what_if = weekly or {}
    return {row.pk: working_time_of(row, first=first, last=last, zone=zone, weekly=what_if.get(row.pk)) for row in rows}


def with_working_time(rows: TherapistQuerySet, *, first: date, last: date, zone: ZoneInfo) -> TherapistQuerySet:
    """Annotates what `working_time_of` needs, as JSON: a query for each table takes three times as long."""
    days = bounds_of_days(first, last, zone)
    shifts = Shift.objects.in_force().filter(therapist=OuterRef("pk")).holding_between(first, last)
    overrides = Override.objects.filter(therapist=OuterRef("pk"), day__range=(first, last))
    absences = Absence.objects.keeping_away(OuterRef("pk")).touching(Span(days.start, days.end))
    return rows.annotate(
        shift_rows=_rows(shifts.order_by("weekday", "opens"), *WeeklyHours._fields),
        override_rows=_rows(overrides, *DayHours._fields),
        absence_rows=_rows(absences, epoch("starts_at"), epoch("ends_at")),
    )


def _rows(rows: Rows, *columns: str | Func) -> ArraySubquery:
    row = Func(*columns, function="jsonb_build_array", output_field=JSONField())
    return ArraySubquery(rows.values(row=row))


def working_time_of(
    row: Any,  # a therapist with what `with_working_time` annotates
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    weekly: Sequence[WeeklyHours] | None = None,
) -> WorkingTime:
    """Working time of a row of `with_working_time` for the same days; `weekly` as for `working_time`."""
    hours = tuple(_weekly_hours(*columns) for columns in row.shift_rows) if weekly is None else tuple(weekly)
    instead = tuple(_day_hours(*columns) for columns in row.override_rows)
    return WorkingTime(
        openings=_openings(hours, first, last, zone, instead=instead),
        away=[
            Span(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
            for start, end in row.absence_rows
        ],
    )


@lru_cache(maxsize=1024)
def _weekly_hours(
    weekday: int, opens: str, closes: str, first: str | None, last: str | None, every: int, counts_from: str | None
) -> WeeklyHours:
    return WeeklyHours(
        weekday,
        time.fromisoformat(opens),
        time.fromisoformat(closes),
        _date(first),
        _date(last),
        every,
        _date(counts_from),
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _day_hours(day: str, opens: str, closes: str) -> DayHours:
    return DayHours(date.fromisoformat(day), time.fromisoformat(opens), time.fromisoformat(closes))
