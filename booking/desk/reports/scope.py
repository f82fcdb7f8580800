"""The dates and therapists that a report covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from revival.base.clock import Span, bounds_of_days

A_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Scope:
    """Clinic-local dates, both included, and therapists (ids)."""

    first: date
    last: date
    therapists: tuple[int, ...]
    zone: ZoneInfo

    @property
    def weeks(self) -> list[date]:
        """The Monday of each week that overlaps the dates."""
        monday = week_of(self.first)
        return [monday + A_WEEK * number for number in range((self.last - monday).days // 7 + 1)]

    @property
    def bounds(self) -> Span:
        return bounds_of_days(self.first, self.last, self.zone)


def week_of(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())
