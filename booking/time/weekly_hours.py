"""Weekly hours by period: which week holds from when to when. Pure (no Django, no database, no clock).

Each row is one `WeeklyHours` with its validity; a `WeekPattern` is the whole week over a stretch of dates.
Dates are clinic-local and both ends of a stretch are included; None is open-ended. Weeks run from Monday to Sunday and
are A and B by turns, the same ones for everybody at all times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from revival.base.clock import MIDNIGHT, ONE_DAY

from .availability import DAYS_A_WEEK, WeeklyHours


class Weeks(StrEnum):
    """The weeks in which a shift is worked."""

    EVERY = ""
    A = "a"
    B = "b"

    @classmethod
    def of(cls, day: date) -> Weeks:
        """A or B, for the week of this day. Weeks are counted from Monday, January 1 of the year 1."""
        return cls.B if (day.toordinal() - 1) // DAYS_A_WEEK % 2 else cls.A

    def include(self, day: date) -> bool:
        return self in (Weeks.EVERY, Weeks.of(day))


class DayShift(NamedTuple):
    """One stretch of work on a weekday (Monday is 0); `closes` at 00:00 is the end of that day."""

    weekday: int
    opens: time
    closes: time
    weeks: Weeks = Weeks.EVERY

    def first_on_or_after(self, day: date) -> date:
        """The first date from `day` on on which it is worked."""
        first = day + timedelta(days=(self.weekday - day.weekday()) % DAYS_A_WEEK)
        return first if self.weeks.include(first) else first + timedelta(days=DAYS_A_WEEK)

    def meets(self, other: DayShift) -> bool:
        """Whether both are at work at the same time on some date."""
        return (
            self.weekday == other.weekday
            and (self.weeks == other.weeks or Weeks.EVERY in (self.weeks, other.weeks))
            and _minute(self.opens) < _minute(other.closes, is_end=True)
            and _minute(other.opens) < _minute(self.closes, is_end=True)
        )


@dataclass(frozen=True)
class WeekPattern:
    """The week that holds from `first` to `last`."""

    first: date | None
    last: date | None
    shifts: tuple[DayShift, ...]

    def on(self, weekday: int) -> list[DayShift]:
        return [shift for shift in self.shifts if shift.weekday == weekday]

    @property
    def alternates(self) -> bool:
        """Whether its A and B weeks differ."""
        return any(shift.weeks for shift in self.shifts)

    @property
    def minutes(self) -> int:
        """Working minutes in a week without a change of clocks; when weeks alternate, on average."""
        fortnight = sum(
            (_minute(shift.closes, is_end=True) - _minute(shift.opens)) * (1 if shift.weeks else 2)
            for shift in self.shifts
        )
        return fortnight // 2

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
    starts = {_since(row) for row in hours} | {day + ONE_DAY for day in ends if day}
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
    holding = {_shift(row) for row in hours if _is_in_force(row, day)}
    return tuple(sorted(holding))


def _shift(row: WeeklyHours) -> DayShift:
    weeks = Weeks.of(row.counts_from) if row.counts_from else Weeks.EVERY
    return DayShift(row.weekday, row.opens, row.closes, weeks)


def _is_in_force(row: WeeklyHours, day: date) -> bool:
    since = _since(row)
    return (since is None or since <= day) and (row.valid_until is None or day <= row.valid_until)


def _since(row: WeeklyHours) -> date | None:
    """The day since which a row holds: of every second week its validity, or the first date if that is later.

    A first date within the fortnight after the beginning of the validity leaves out no day, so it is none later.
    """
    first = row.counts_from
    if first is None or (row.valid_from and first - timedelta(days=DAYS_A_WEEK * row.every_weeks) < row.valid_from):
        return row.valid_from
    return first


Stretch = tuple[date | None, date | None]


def cut(row: WeeklyHours, first: date, last: date | None) -> list[Stretch]:
    """A row's validity without `first` to `last`, when another week holds: before, after, both or nothing."""
    rest: list[Stretch] = []
    begins = _since(row)
    if begins is None or begins < first:
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
    return rest + [new_row(shift, first, last) for shift in shifts]


def new_row(shift: DayShift, first: date, last: date | None) -> WeeklyHours:
    """A shift that holds from `first` to `last`; of every second week, with its first date."""
    row = WeeklyHours(shift.weekday, shift.opens, shift.closes, first, last)
    return row._replace(every_weeks=2, counts_from=shift.first_on_or_after(first)) if shift.weeks else row


def overlaps(shifts: Iterable[DayShift]) -> set[int]:
    """The weekdays on which two shifts overlap on one date."""
    return {shift.weekday for shift, other in combinations(shifts, 2) if shift.meets(other)}


def meet(row: WeeklyHours, other: WeeklyHours) -> bool:
    """Whether both rows are at work at the same time on some date."""
    if not _shift(row).meets(_shift(other)):
        return False
    shift = _shift(row) if row.counts_from else _shift(other)  # with a rhythm, if one of them has any
    since = max((day for day in (_since(row), _since(other)) if day), default=date.min)
    until = min((day for day in (row.valid_until, other.valid_until) if day), default=date.max)
    return until - since >= timedelta(days=2 * DAYS_A_WEEK) or shift.first_on_or_after(since) <= until


def same_between(rows: Iterable[WeeklyHours], shifts: Iterable[DayShift], first: date, last: date | None) -> bool:
    """Whether exactly these shifts hold already, all the way from `first` to `last`."""
    known = list(rows)
    return patterns(_clipped(known, first, last)) == patterns(new_row(shift, first, last) for shift in shifts)


def _clipped(rows: Iterable[WeeklyHours], first: date, last: date | None) -> Iterator[WeeklyHours]:
    for row in rows:
        since = max(_since(row) or first, first)
        ends = [day for day in (row.valid_until, last) if day is not None]
        until = min(ends) if ends else None
        if until is None or since <= until:
            yield row._replace(valid_from=since, valid_until=until)
