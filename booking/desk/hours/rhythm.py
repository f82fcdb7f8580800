"""Shifts in words: their times and, of those of every second week, the date that tells which weeks they are."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import NamedTuple

from booking.models import Weekday
from booking.time.availability import DAYS_A_WEEK
from booking.time.weekly_hours import DayShift, WeekPattern, Weeks
from revival.base.words import date_words, month_day_short, weekday_name

NAMED_DATES = 2
"""Dates of the A or B weeks that the form names."""


class ShownShift(NamedTuple):
    weekday: int
    opens: time
    closes: time
    rhythm: str
    """Empty for every week."""


def shown_shifts(pattern: WeekPattern, weekday: int, today: date | None = None) -> list[ShownShift]:
    """The shifts of one weekday. With `today`, the next date of a rhythm that has begun is named, not its first."""
    return [
        ShownShift(weekday, shift.opens, shift.closes, _rhythm_words(shift, pattern, today))
        for shift in pattern.on(weekday)
    ]


def shown_week(pattern: WeekPattern, today: date | None = None) -> list[tuple[str, list[ShownShift]]]:
    """Each weekday's name and its shifts, Monday first."""
    return [(name, shown_shifts(pattern, weekday, today)) for weekday, name in Weekday.choices]


def _rhythm_words(shift: DayShift, pattern: WeekPattern, today: date | None) -> str:
    """every second Monday from December 7, 2026; or, once begun: every second Monday, next on March 1, 2027"""
    if shift.weeks is Weeks.EVERY or pattern.first is None:
        return ""
    words = f"every second {weekday_name(shift.weekday)}"
    has_begun = today is not None and pattern.first < today and pattern.holds_on(today)
    day = shift.first_on_or_after(today if today is not None and has_begun else pattern.first)
    if pattern.last and day > pattern.last:
        return words
    return f"{words}, next on {date_words(day)}" if has_begun else f"{words} from {date_words(day)}"


def weeks_choices(weekday: int, today: date) -> list[tuple[str, str]]:
    """Every week; A: December 7, December 21, …; B: December 14, December 28, …"""
    return [(Weeks.EVERY.value, "Every week"), *((weeks.value, _dates(weekday, weeks, today)) for weeks in _A_AND_B)]


_A_AND_B = (Weeks.A, Weeks.B)


def _dates(weekday: int, weeks: Weeks, today: date) -> str:
    first = DayShift(weekday, time(), time(), weeks).first_on_or_after(today)
    days = [first + timedelta(days=2 * DAYS_A_WEEK * number) for number in range(NAMED_DATES)]
    return f"{weeks.upper()}: " + ", ".join(map(month_day_short, days)) + ", …"


def weeks_words(today: date) -> str:
    """This week is week A, the next one week B."""
    this, following = _A_AND_B if Weeks.of(today) is Weeks.A else reversed(_A_AND_B)
    return f"This week is week {this.upper()}, the next one week {following.upper()}, and so on by turns."
