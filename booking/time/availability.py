"""Starts that can be booked: pure arithmetic on time (no Django, no database, no clock).

Every moment is an aware `datetime`; spans are half-open `[start, end)`. Wall-clock hours become
instants in `instant_of` and nowhere else; from there on all arithmetic is in UTC, where an hour
is always an hour.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from revival.base.clock import MIDNIGHT, ONE_DAY, Span, bounds_of_days, instant_of

DAYS_A_WEEK = 7


class WeeklyHours(NamedTuple):
    """Wall-clock hours on one weekday (Monday is 0); `closes` at 00:00 is the end of that day.

    With `counts_from`, a date on that weekday, they hold on it and on every `every_weeks`-th such day after it. Days
    are counted, never the numbers of weeks: a year of 53 weeks changes nothing.
    """

    weekday: int
    opens: time
    closes: time
    valid_from: date | None = None
    valid_until: date | None = None  # the last day they hold, included
    every_weeks: int = 1
    counts_from: date | None = None

    def hold_on(self, day: date) -> bool:
        return (
            day.weekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
            and (self.counts_from is None or self._counts_to(self.counts_from, day))
        )

    def _counts_to(self, first: date, day: date) -> bool:
        return first <= day and (day - first).days % (DAYS_A_WEEK * self.every_weeks) == 0


class DayHours(NamedTuple):
    """Wall-clock hours of one date; they replace that date's weekly hours. Two of them make a split day."""

    day: date
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Rules:
    """A service's rules for a start. `notice` is elapsed time, `horizon_days` clinic-local dates."""

    length: timedelta
    turnaround: timedelta
    step: timedelta
    notice: timedelta
    horizon_days: int


def opening_spans(
    hours: Iterable[WeeklyHours], first: date, last: date, zone: tzinfo, *, instead: Iterable[DayHours] = ()
) -> list[Span]:
    """The spans of working hours from `first` to `last` (clinic-local dates, both included), sorted.

    A date named in `instead` has those hours and none of its weekly ones.
    """
    overrides = list(instead)
    replaced = {override.day for override in overrides}
    weekly = [
        DayHours(day, row.opens, row.closes)
        for row in hours
        for day in _days(row.weekday, first, last)
        if row.hold_on(day) and day not in replaced
    ]
    days = weekly + [override for override in overrides if first <= override.day <= last]
    spans = (Span(instant_of(day.day, day.opens, zone), _closing(day.day, day.closes, zone)) for day in days)
    return sorted(span for span in spans if span.start < span.end)


def _closing(day: date, closes: time, zone: tzinfo) -> datetime:
    return instant_of(day + ONE_DAY if closes == MIDNIGHT else day, closes, zone)


def _days(weekday: int, first: date, last: date) -> Iterator[date]:
    day = first + timedelta(days=(weekday - first.weekday()) % DAYS_A_WEEK)
    while day <= last:
        yield day
        day += timedelta(days=DAYS_A_WEEK)


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same time as few, disjoint, sorted spans; spans that touch become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def subtract(spans: Iterable[Span], away: Iterable[Span]) -> list[Span]:
    """The parts of `spans` outside of `away`."""
    rest = merge(spans)
    for hole in away:
        if hole.start >= hole.end:
            continue
        low = bisect_right(rest, hole.start, key=_end_of)
        high = bisect_left(rest, hole.end, key=_start_of)
        rest[low:high] = [
            piece
            for span in rest[low:high]
            for piece in (
                Span(span.start, min(span.end, hole.start)),
                Span(max(span.start, hole.end), span.end),
            )
            if piece.start < piece.end
        ]
    return rest


def free_starts(
    *,
    rules: Rules,
    openings: Sequence[Span],
    away: Iterable[Span],
    blocked: Iterable[Span],
    now: datetime,
    zone: tzinfo,
    asked_at: datetime | None = None,
) -> list[datetime]:
    """The starts, sorted and in UTC, that can be booked at `now`.

    Starts lie on a grid from each opening instant in steps of elapsed time. The whole visit lies
    inside working time, `[start, end + turnaround)` meets no blocked span, the start is later than
    `now` and not before `asked_at + notice`, and its local date is at most `horizon_days` after that
    of `asked_at` (default: now). Turnaround may run past closing.
    """
    working = subtract(openings, away)
    taken = merge(blocked)
    earliest = max(now, (asked_at or now) + rules.notice)
    latest = _end_of_horizon(rules, asked_at or now, zone)

    windows = _windows(rules, working, taken)
    starts = sorted(_starts(openings, windows, rules.step, earliest, latest))
    return [start for start, _ in groupby(starts) if start > now]  # openings that overlap give a start twice


def _end_of_horizon(rules: Rules, asked_at: datetime, zone: tzinfo) -> datetime:
    last_day = asked_at.astimezone(zone).date() + timedelta(days=rules.horizon_days)
    return bounds_of_days(last_day, last_day, zone).end


def _windows(rules: Rules, working: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """From the first to the last instant at which a visit fits, both included; sorted."""
    busy = rules.length + rules.turnaround
    windows, nth = [], 0
    for first, end in working:
        last = end - rules.length
        while nth < len(taken) and taken[nth].start < last + busy:
            hole = taken[nth]
            if hole.end > first:
                windows.append(Span(first, min(last, hole.start - busy)))
                first = hole.end
            if hole.end > end:  # it may reach into the next stretch of working time
                break
            nth += 1
        windows.append(Span(first, last))
    return [window for window in windows if window.start <= window.end]


def _starts(
    openings: Sequence[Span], windows: Sequence[Span], step: timedelta, earliest: datetime, latest: datetime
) -> Iterator[datetime]:
    """The starts of every opening's grid that lie in a window, not before `earliest`, before `latest`."""
    passed = 0
    for opening in openings:
        begin, end = max(opening.start, earliest), min(opening.end, latest)
        while passed < len(windows) and windows[passed].end < opening.start:
            passed += 1
        for nth in range(passed, len(windows)):
            first, last = windows[nth]
            if first >= end:
                break
            start = opening.start - (opening.start - max(begin, first)) // step * step  # rounded up
            while start <= last and start < end:
                yield start
                start += step


class Cause(StrEnum):
    """Why a start is not offered. The first four keep a service from being booked with a therapist at any time."""

    NOT_GIVEN = "not-given"
    NOT_ON_OFFER = "not-on-offer"
    NOT_TAKING = "not-taking"
    NO_HOURS = "no-hours"
    PAST = "past"
    NOTICE = "notice"
    HORIZON = "horizon"
    CLOSED = "closed"
    ENDS_TOO_LATE = "ends-too-late"
    AWAY = "away"
    TAKEN = "taken"
    OFF_GRID = "off-grid"


class Reason(NamedTuple):
    """A cause and, where there is one, its span: the opening, the absence, or the visit in the way."""

    cause: Cause
    span: Span | None = None


def why_not(
    start: datetime,
    *,
    rules: Rules,
    openings: Sequence[Span],
    away: Iterable[Span],
    blocked: Iterable[Span],
    now: datetime,
    zone: tzinfo,
    asked_at: datetime | None = None,
) -> list[Reason]:
    """The reasons why `start` is not among the `free_starts` of the same arguments; empty when it is."""
    if start <= now:
        return [Reason(Cause.PAST)]
    visit = Span(start, start + rules.length)
    busy = Span(start, visit.end + rules.turnaround)
    reasons = [*_too_soon_or_late(start, rules, asked_at or now, zone), *_outside_hours(visit, openings)]
    reasons += [Reason(Cause.AWAY, span) for span in sorted(away) if span.overlaps(visit) and span.start < span.end]
    reasons += [Reason(Cause.TAKEN, span) for span in sorted(blocked) if span.overlaps(busy)]
    grids = [opening for opening in openings if opening.start <= start < opening.end]
    if grids and all((start - opening.start) % rules.step for opening in grids):
        reasons.append(Reason(Cause.OFF_GRID, grids[0]))
    return reasons


def _too_soon_or_late(start: datetime, rules: Rules, asked_at: datetime, zone: tzinfo) -> list[Reason]:
    if start < asked_at + rules.notice:
        return [Reason(Cause.NOTICE)]
    return [Reason(Cause.HORIZON)] if start >= _end_of_horizon(rules, asked_at, zone) else []


def _outside_hours(visit: Span, openings: Sequence[Span]) -> list[Reason]:
    holding = [opening for opening in merge(openings) if opening.start <= visit.start < opening.end]
    if not holding:
        return [Reason(Cause.CLOSED)]
    return [] if holding[0].contains(visit) else [Reason(Cause.ENDS_TOO_LATE, holding[0])]


def _start_of(span: Span) -> datetime:
    return span.start


def _end_of(span: Span) -> datetime:
    return span.end
