"""Spans of time and the clinic's days: wall-clock times become instants here and nowhere else.

Pure: no Django, no database, no clock. Every moment is an aware `datetime`; spans are half-open `[start, end)`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)


def is_in_era(day: date) -> bool:
    """Whether a day or moment lies in the years this site works with, 2001 to 2899.

    Earlier and later ones are typing mistakes; near the year 10000 a moment cannot be converted to UTC and back.
    """
    return 2000 < day.year < 2900


class Span(NamedTuple):
    """A stretch of time, `[start, end)`, both in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@lru_cache(maxsize=8192)
def instant_of(day: date, wall: time, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which the clock on the clinic's wall first shows `wall` on `day`.

    A time that the spring gap skips becomes the moment the gap ends.
    """
    local = datetime.combine(day, wall, zone)
    early, late = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    if early <= late:  # an ordinary time, or the first of the two in autumn
        return early
    return _end_of_gap(late, early, zone)


def utc_offset(moment: datetime, zone: tzinfo) -> int:
    """Minutes that the clock on the clinic's wall is ahead of UTC at a moment."""
    offset = moment.astimezone(zone).utcoffset() or timedelta(0)
    return round(offset / timedelta(minutes=1))


def _end_of_gap(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The second between two instants at which the zone's offset changes (bisection)."""
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after


def bounds_of_days(first: date, last: date, zone: tzinfo) -> Span:
    """From the first instant of `first` to the last of `last`, both clinic-local."""
    return Span(instant_of(first, MIDNIGHT, zone), instant_of(last + ONE_DAY, MIDNIGHT, zone))
