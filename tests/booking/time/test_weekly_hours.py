"""Patterns of weekly hours: known cases, and properties that hold for every change of hours."""

from datetime import date, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from booking.time.availability import WeeklyHours
from booking.time.weekly_hours import DayShift, cut, overlaps, patterns, replaced, same_between

NINE, TEN, NOON, ONE, FIVE = time(9), time(10), time(12), time(13), time(17)
MONDAY, TUESDAY = 0, 1
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 4)


def test_a_week_that_always_held_is_one_pattern():
    rows = [WeeklyHours(MONDAY, NINE, NOON), WeeklyHours(MONDAY, ONE, FIVE)]

    [week] = patterns(rows)

    assert (week.first, week.last) == (None, None)
    assert week.on(MONDAY) == [DayShift(MONDAY, NINE, NOON), DayShift(MONDAY, ONE, FIVE)]
    assert week.minutes == 7 * 60


def test_weeks_follow_each_other_and_gaps_are_weeks_off():
    rows = [
        WeeklyHours(MONDAY, NINE, NOON, None, date(2026, 11, 30)),
        WeeklyHours(TUESDAY, NINE, NOON, JANUARY, date(2027, 3, 31)),
    ]

    weeks = [(week.first, week.last, len(week.shifts)) for week in patterns(rows)]

    assert weeks == [(None, date(2026, 11, 30), 1), (DECEMBER, date(2027, 1, 3), 0), (JANUARY, date(2027, 3, 31), 1)]


def test_equal_weeks_are_one_however_the_rows_are_cut():
    rows = [
        WeeklyHours(MONDAY, NINE, NOON, None, date(2026, 11, 30)),
        WeeklyHours(MONDAY, NINE, NOON, DECEMBER, None),
    ]

    assert [(week.first, week.last) for week in patterns(rows)] == [(None, None)]


def test_midnight_is_the_end_of_the_day():
    [week] = patterns([WeeklyHours(MONDAY, time(22), time(0))])

    assert week.minutes == 120
    assert overlaps([DayShift(MONDAY, time(22), time(0)), DayShift(MONDAY, time(23), time(23, 30))]) == {MONDAY}
    assert overlaps([DayShift(MONDAY, NINE, NOON), DayShift(MONDAY, NOON, FIVE)]) == set()


def test_the_last_day_there_is_has_no_day_after():
    rows = [WeeklyHours(MONDAY, NINE, NOON, None, date.max)]

    assert len(patterns(rows)) == 1
    assert cut(rows[0], DECEMBER, date.max) == [(None, date(2026, 11, 30))]


def test_a_new_week_ends_the_old_one_the_day_before_and_the_old_one_comes_back():
    old = WeeklyHours(MONDAY, NINE, FIVE)

    until = replaced([old], [DayShift(MONDAY, TEN, NOON)], DECEMBER, date(2027, 1, 3))

    assert until == [
        WeeklyHours(MONDAY, NINE, FIVE, None, date(2026, 11, 30)),
        WeeklyHours(MONDAY, NINE, FIVE, JANUARY, None),
        WeeklyHours(MONDAY, TEN, NOON, DECEMBER, date(2027, 1, 3)),
    ]


DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
MAYBE = st.none() | DAYS


@st.composite
def a_row(draw):
    first, last = draw(MAYBE), draw(MAYBE)
    if first and last and last < first:
        first, last = last, first
    opens = draw(st.integers(8, 11))
    return WeeklyHours(draw(st.integers(0, 6)), time(opens), time(opens + draw(st.integers(1, 6))), first, last)


A_WEEK = st.lists(st.builds(DayShift, st.integers(0, 6), st.just(NINE), st.sampled_from([NOON, FIVE])), max_size=5)


def hours_on(rows, day):
    return {(row.opens, row.closes) for row in rows if row.hold_on(day)}


@given(st.lists(a_row(), max_size=6), A_WEEK, DAYS, MAYBE)
def test_inside_the_new_week_holds_and_outside_the_old_one_stays(rows, week, first, last):
    if last and last < first:
        first, last = last, first
    after = replaced(rows, set(week), first, last)

    for number in range(140):
        day = date(2025, 12, 1) + timedelta(days=number)
        is_inside = first <= day and (last is None or day <= last)
        new = {(shift.opens, shift.closes) for shift in week if shift.weekday == day.weekday()}
        assert hours_on(after, day) == (new if is_inside else hours_on(rows, day))
    assert all(row.valid_from is None or row.valid_until is None or row.valid_from <= row.valid_until for row in after)
    assert same_between(after, week, first, last)


@given(st.lists(a_row(), max_size=6))
def test_patterns_say_what_the_rows_say(rows):
    weeks = patterns(rows)

    for number in range(140):
        day = date(2025, 12, 1) + timedelta(days=number)
        week = next((week for week in weeks if week.holds_on(day)), None)
        shifts = week.on(day.weekday()) if week else []
        assert {(shift.opens, shift.closes) for shift in shifts} == hours_on(rows, day)
