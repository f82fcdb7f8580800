"""The clinic's own calendar: on which days it is open, until when, and what that means for deadlines.

Pure (no Django, no database, no clock). Every moment is an aware `datetime`, dates are clinic-local.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import islice

from revival.base.clock import ONE_DAY, Span

from .availability import WeeklyHours, merge, opening_spans, subtract

USUAL_WEEK = tuple(WeeklyHours(weekday, time(9), time(17)) for weekday in range(5))
"""Monday to Friday until 5 pm: what counts while nobody has entered any hours."""


@dataclass(frozen=True)
class ClinicCalendar:
    """Weekly hours, and the spans in which the whole clinic is closed all the same."""

    weekly: tuple[WeeklyHours, ...]
    closed: tuple[Span, ...]
    zone: tzinfo

    def open_on(self, day: date) -> list[Span]:
        """What remains open of a day, in order; no spans for a day off."""
        return subtract(opening_spans(self.weekly, day, day, self.zone), self.closed)

    def open_between(self, start: datetime, end: datetime) -> list[Span]:
        """The open time from `start` to `end`, in order."""
        days = self._days(start.astimezone(self.zone).date(), end)
        clipped = (Span(max(span.start, start), min(span.end, end)) for day in days for span in self.open_on(day))
        return merge(span for span in clipped if span.start < span.end)

    def open_until(self, now: datetime) -> datetime | None:
        """When the clinic closes next, a break included; None while it is closed."""
        today = merge(self.open_between(now, now + 2 * ONE_DAY))
        return today[0].end if today and today[0].start == now else None

    def day_ends(self, after: date, latest: datetime) -> Iterator[datetime]:
        """The closing times of the open days after a date, up to the day of `latest`."""
        for day in self._days(after + ONE_DAY, latest):
            if spans := self.open_on(day):
                yield spans[-1].end

    def _days(self, first: date, latest: datetime) -> Iterator[date]:
        last = latest.astimezone(self.zone).date()
        return (first + nth * ONE_DAY for nth in range((last - first).days + 1))


def answer_by(
    *, asked_at: datetime, starts_at: datetime, calendar: ClinicCalendar, working_days: int, before: timedelta
) -> datetime:
    """The moment by which a request must be answered, as an aware `datetime`.

    That is the end of the hours on the `working_days`-th day (at least the first) after today on which the clinic is
    open, and at latest `before` ahead of the visit. For a visit asked for at short notice staff have half of the time
    until then.
    """
    half_way = asked_at + max(timedelta(0), (starts_at - asked_at) / 2)
    latest = max(starts_at - before, half_way)
    ends = calendar.day_ends(asked_at.astimezone(calendar.zone).date(), latest)
    due = next(islice(ends, max(working_days, 1) - 1, None), latest)
    return max(asked_at, min(due, latest))


def remind_at(*, asked_at: datetime, due: datetime, calendar: ClinicCalendar) -> datetime:
    """When half of the open time until an answer is due has passed; of all the time when the clinic is never open."""
    spans = calendar.open_between(asked_at, due)
    left = sum((span.end - span.start for span in spans), timedelta(0)) / 2
    for start, end in spans:
        if left <= end - start:
            return start + left
        left -= end - start
    return asked_at + (due - asked_at) / 2
