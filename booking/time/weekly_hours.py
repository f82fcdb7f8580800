"""Weekly hours by period: which week holds from when to when. Pure (no Django, no database, no clock).

Each row is one `WeeklyHours` with its validity; a `WeekPattern` is the whole week over a stretch of dates.
Dates are clinic-local and both ends of a stretch are included; None is open-ended.
"""

from __future__ import annotations

from calendar import day_name
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise
from typing import NamedTuple

from revival.base.clock import MIDNIGHT, ONE_DAY

from .availability import WeeklyHours

A_WEEK = 7


class DayShift(NamedTuple):
    """One stretch of work on a weekday (Monday is 0); `closes` at 00:00 is the end of that day."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class WeekPattern:
    """The week that holds from `first` to `last`."""

    first: date | None
    last: date | None
    shifts: tuple[DayShift, ...]

    def on(self, weekday: int) -> list[DayShift]:
        return [shift for shift in self.shifts if shift.weekday == weekday]

    @property
    def week(self) -> list[list[DayShift]]:
        """The shifts of each day, Monday first."""
        return [self.on(weekday) for weekday in range(A_WEEK)]

    @property
    def named_week(self) -> list[tuple[str, list[DayShift]]]:
        """The same with the name of each day."""
        return list(zip(day_name, self.week, strict=True))

    @property
    def minutes(self) -> int:
        """Working minutes in a week without a change of clocks."""
        return sum(_minute(shift.closes, is_end=True) - _minute(shift.opens) for shift in self.shifts)

    def holds_on(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def _minute(wall: time, *, is_end: bool = False) -> int:
    return 24 * 60 if is_end and wall == MIDNIGHT else wall.hour * 60 + wall.minute


def patterns(rows: Iterable[WeeklyHours]) -> list[WeekPattern]:
    """The weeks that follow each other, earliest first; times without any hours are patterns with none.

    No rows give no patterns. A time before the first, or after the last hours is left out.
    """
    hours = list(rows)
    ends = {row.valid_until for row in hours} - {None, date.max}
    starts = {row.valid_from for row in hours} | {day + ONE_DAY for day in ends if day}
    cuts = sorted(starts, key=lambda day: day or date.min)
    weeks: list[WeekPattern] = []
    for place, first in enumerate(cuts):
        following = cuts[place + 1] if place + 1 < len(cuts) else None
        last = following - ONE_DAY if following else None
        week = _week_on(hours, first or (last or date.max))
        if weeks and weeks[-1].shifts == week:
            weeks[-1] = WeekPattern(weeks[-1].first, last, week)
        else:
            weeks.append(WeekPattern(first, last, week))
    return weeks[:-1] if weeks and not weeks[-1].shifts else weeks


def _week_on(hours: list[WeeklyHours], day: date) -> tuple[DayShift, ...]:
    """The whole week as it stands at `day`, whatever weekday that is."""
    holding = {
        DayShift(row.weekday, row.opens, row.closes)
        for row in hours
        if (row.valid_from is None or row.valid_from <= day) and (row.valid_until is None or day <= row.valid_until)
    }
    return tuple(sorted(holding))


Stretch = tuple[date | None, date | None]


def cut(row: WeeklyHours, first: date, last: date | None) -> list[Stretch]:
    """A row's validity without `first` to `last`, when another week holds: before, after, both or nothing."""
    rest: list[Stretch] = []
    if row.valid_from is None or row.valid_from < first:
        until = first - ONE_DAY
        rest.append((row.valid_from, min(row.valid_until or until, until)))
    if last is not None and last < date.max and (row.valid_until is None or row.valid_until > last):
        since = last + ONE_DAY
        rest.append((max(row.valid_from or since, since), row.valid_until))
    return rest


def replaced(
    rows: Iterable[WeeklyHours], shifts: Iterable[DayShift], first: date, last: date | None
) -> list[WeeklyHours]:
    """All rows as they are once `shifts` hold from `first` to `last`: the old ones end the day before."""
    rest = [row._replace(valid_from=since, valid_until=until) for row in rows for since, until in cut(row, first, last)]
    return rest + [_row(shift, first, last) for shift in shifts]


def _row(shift: DayShift, first: date, last: date | None) -> WeeklyHours:
    return WeeklyHours(shift.weekday, shift.opens, shift.closes, first, last)


def overlaps(shifts: Iterable[DayShift]) -> set[int]:
    """The weekdays on which two shifts overlap."""
    weekdays: set[int] = set()
    for shift, following in pairwise(sorted(shifts)):
        if shift.weekday == following.weekday and _minute(following.opens) < _minute(shift.closes, is_end=True):
            weekdays.add(shift.weekday)
    return weekdays


def same_between(rows: Iterable[WeeklyHours], shifts: Iterable[DayShift], first: date, last: date | None) -> bool:
    """Whether exactly these shifts hold already, all the way from `first` to `last`."""
    known = list(rows)
    return patterns(_clipped(known, first, last)) == patterns(_row(shift, first, last) for shift in shifts)


def _clipped(rows: Iterable[WeeklyHours], first: date, last: date | None) -> Iterator[WeeklyHours]:
    for row in rows:
        since = max(row.valid_from or first, first)
        ends = [day for day in (row.valid_until, last) if day is not None]
        until = min(ends) if ends else None
        if until is None or since <= until:
            yield row._replace(valid_from=since, valid_until=until)
