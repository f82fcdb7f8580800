"""The starts of a series such as "twice a week for four weeks, mornings" (no Django, no database, no clock).

The pattern is wall-clock time at the clinic, so 9 o'clock stays 9 o'clock over a night when clocks
change. The result are instants in UTC, of which some may not be free: the desk says why, and
offers starts near them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import combinations

from revival.base.clock import ONE_DAY, Span, instant_of

WEEK = 7
MOST_NEAR, MOST_SAME_DAY, MOST_DAYS_AWAY = 5, 3, 3

Suits = Callable[[time], bool]
"""Whether a wall-clock time is in the part of day that was asked for."""


@dataclass(frozen=True, slots=True)
class SeriesPattern:
    """What the patient of a series wishes for.

    `weeks` counts from `first`, whatever weekday that is; `weekdays` (Monday is 0) are those that suit.

    With `clock` every visit is wished for at that time; without, at the time that is free most often. `otherwise`
    is the time to use when none is free at all.
    """

    first: date
    weeks: int
    a_week: int
    weekdays: tuple[int, ...]
    otherwise: time
    clock: time | None = None

    @property
    def last(self) -> date:
        return self.first + timedelta(days=WEEK * self.weeks - 1)

    def days(self, weekday: int) -> list[date]:
        """The dates of one weekday, one in each week."""
        start = self.first + timedelta(days=self.offset(weekday))
        return [start + timedelta(days=WEEK * number) for number in range(self.weeks)]

    def offset(self, weekday: int) -> int:
        return (weekday - self.first.weekday()) % WEEK


def wished_starts(pattern: SeriesPattern, free: Iterable[datetime], *, suits: Suits, zone: tzinfo) -> list[datetime]:
    """The starts a pattern wishes for, in order: as many a week, always on the same weekdays at the same time.

    `free` are the starts that can be booked between its first and last day. Weekdays are chosen for
    the fewest visits that are not free, among those with any free time; two days in a row weigh as much
    as one such visit every other week.
    """
    days = _free_clocks(pattern, free, zone)
    clocks = _clocks(pattern, days, suits)
    counts = {weekday: len(days[weekday].get(clocks[weekday], ())) for weekday in pattern.weekdays}
    working = [weekday for weekday in pattern.weekdays if days[weekday]]
    among = working if len(working) >= pattern.a_week else pattern.weekdays
    chosen = _weekdays(pattern, {weekday: counts[weekday] for weekday in among})
    return sorted(instant_of(day, clocks[weekday], zone) for weekday in chosen for day in pattern.days(weekday))


FreeClocks = dict[int, dict[time, set[date]]]
"""By weekday and wall-clock time the dates on which a start is free."""


def _free_clocks(pattern: SeriesPattern, free: Iterable[datetime], zone: tzinfo) -> FreeClocks:
    clocks: FreeClocks = {weekday: defaultdict(set) for weekday in pattern.weekdays}
    for start in free:
        local = start.astimezone(zone)
        is_within = pattern.first <= local.date() <= pattern.last
        if is_within and not local.fold and local.weekday() in clocks:
            # Of a time that comes twice in autumn the first counts, as `instant_of` has it.
            clocks[local.weekday()][local.time()].add(local.date())
    return clocks


def _clocks(pattern: SeriesPattern, days: FreeClocks, suits: Suits) -> dict[int, time]:
    """For each weekday its time: the one asked for, or the one free most often that day, then on all, then earliest."""
    if pattern.clock is not None:
        return dict.fromkeys(pattern.weekdays, pattern.clock)
    everywhere: Counter[time] = Counter()
    for clocks in days.values():
        everywhere.update({wall: len(dates) for wall, dates in clocks.items() if suits(wall)})
    usual = min(everywhere, key=lambda wall: (-everywhere[wall], wall), default=pattern.otherwise)

    def best(there: dict[time, set[date]]) -> time:
        fit = [wall for wall in there if suits(wall)]
        return min(fit, key=lambda wall: (-len(there[wall]), -everywhere[wall], wall), default=usual)

    return {weekday: best(there) for weekday, there in days.items()}


def _weekdays(pattern: SeriesPattern, free: dict[int, int]) -> tuple[int, ...]:
    """The best `a_week` of these weekdays. `free` says how many visits would be free on each."""

    def worth(chosen: tuple[int, ...]) -> tuple[int, int]:
        gap = _least_gap(chosen)
        return 2 * sum(free[weekday] for weekday in chosen) - (pattern.weeks if gap == 1 else 0), gap

    among = sorted(free, key=pattern.offset)
    return max(combinations(among, pattern.a_week), key=worth)  # of several the first, so the earliest days


def _least_gap(weekdays: Sequence[int]) -> int:
    """The fewest days between two of them, around the week; a whole week when there is one."""
    ordered = sorted(weekdays)
    around = [*ordered[1:], ordered[0] + WEEK]
    return min(after - before for before, after in zip(ordered, around, strict=True))


def near(
    wish: datetime,
    free: Sequence[datetime],
    *,
    besides: Sequence[datetime],
    busy: timedelta,
    suits: Suits,
    zone: tzinfo,
) -> list[datetime]:
    """The free starts nearest to a wish, in order: some of the same day, then the best one of days close by.

    `free` is sorted. `besides` are the other starts of the series, each taking `busy`; no day of theirs is named, and
    nothing that meets one. Times in the part of day that was asked for come first.
    """
    day = wish.astimezone(zone).date()
    taken = [Span(start, start + busy) for start in besides]
    others = {start.astimezone(zone).date() for start in besides}
    by_day: dict[date, list[datetime]] = defaultdict(list)
    reach = (MOST_DAYS_AWAY + 1) * ONE_DAY
    for start in free[bisect_left(free, wish - reach) : bisect_left(free, wish + reach)]:
        there = start.astimezone(zone).date()
        is_near = abs(there - day) <= MOST_DAYS_AWAY * ONE_DAY and (there == day or there not in others)
        if is_near and start != wish and not any(Span(start, start + busy).overlaps(span) for span in taken):
            by_day[there].append(start)

    def distance(start: datetime) -> tuple[bool, int, datetime]:
        local, wished = start.astimezone(zone), wish.astimezone(zone)
        return not suits(local.time()), abs(_minutes(local) - _minutes(wished)), start

    same = sorted(by_day.pop(day, []), key=distance)[:MOST_SAME_DAY]
    away = sorted(by_day, key=lambda there: (abs(there - day), there))
    rest = [min(by_day[there], key=distance) for there in away]
    rest.sort(key=lambda start: not suits(start.astimezone(zone).time()))
    return sorted([*same, *rest][:MOST_NEAR])


def _minutes(local: datetime) -> int:
    return local.hour * 60 + local.minute


def meeting(starts: Sequence[datetime], *, busy: timedelta) -> set[datetime]:
    """The starts that overlap an earlier one of the same list, each taking `busy`; one named twice overlaps itself."""
    overlapping: set[datetime] = set()
    until: datetime | None = None
    for start in sorted(starts):
        if until is not None and start < until:
            overlapping.add(start)
        until = max(until or start, start + busy)
    return overlapping
