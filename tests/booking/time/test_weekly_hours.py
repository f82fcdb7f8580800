"""Patterns of weekly hours: known cases, and properties that hold for every change of hours."""

from datetime import date, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from booking.time.availability import WeeklyHours
from booking.time.weekly_hours import DayShift, Weeks, cut, meet, overlaps, patterns, replaced, same_between

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


# ---- every second week ----

IN_A = date(2026, 12, 7)
"""A Monday in an A week."""


def test_weeks_are_a_and_b_by_turns_also_over_a_year_of_53_weeks():
    mondays = [date(2026, 12, 7) + timedelta(days=7 * number) for number in range(8)]

    assert "".join(Weeks.of(day) for day in mondays) == "abababab"
    assert Weeks.of(date(2026, 12, 13)) == Weeks.A  # the Sunday
    assert Weeks.of(date(2027, 1, 1)) == Weeks.of(date(2026, 12, 28)) == Weeks.B


def test_the_same_hours_in_a_and_b_weeks_never_meet():
    in_a, in_b = DayShift(MONDAY, NINE, NOON, Weeks.A), DayShift(MONDAY, NINE, NOON, Weeks.B)

    assert overlaps([in_a, in_b]) == set()
    assert overlaps([in_a, in_b, DayShift(MONDAY, TEN, FIVE, Weeks.A)]) == {MONDAY}
    assert overlaps([in_a, DayShift(MONDAY, TEN, FIVE)]) == {MONDAY}


def test_alternating_weeks_are_one_pattern_with_the_hours_of_an_average_week():
    shifts = [DayShift(MONDAY, NINE, NOON, Weeks.A), DayShift(TUESDAY, NINE, FIVE, Weeks.B), DayShift(4, NINE, NOON)]

    rows = replaced([], shifts, DECEMBER, None)
    [week] = patterns(rows)

    assert [row.counts_from for row in rows] == [IN_A, DECEMBER, None]
    assert (week.first, week.last, week.alternates) == (DECEMBER, None, True)
    assert week.minutes == (3 * 60 + 8 * 60) / 2 + 3 * 60
    assert same_between(rows, shifts, DECEMBER, None)
    assert not same_between(rows, [shift._replace(weeks=Weeks.EVERY) for shift in shifts], DECEMBER, None)


def test_a_first_date_far_ahead_begins_a_pattern_of_its_own():
    rows = [WeeklyHours(MONDAY, NINE, NOON, None, None, 2, IN_A)]

    assert [(week.first, week.last) for week in patterns(rows)] == [(IN_A, None)]
    assert cut(rows[0], DECEMBER, date(2026, 12, 2)) == [(date(2026, 12, 3), None)]


DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
MAYBE = st.none() | DAYS
WEEKDAYS = st.integers(0, 6)


@st.composite
def a_row(draw, *, days=DAYS, weekdays=WEEKDAYS):
    first, last = draw(MAYBE), draw(MAYBE)
    if first and last and last < first:
        first, last = last, first
    opens = draw(st.integers(8, 11))
    counts_from = draw(st.none() | days)
    weekday = counts_from.weekday() if counts_from else draw(weekdays)
    closes = time(opens + draw(st.integers(1, 6)))
    return WeeklyHours(weekday, time(opens), closes, first, last, 2 if counts_from else 1, counts_from)


A_SHIFT = st.builds(
    DayShift, st.integers(0, 6), st.just(NINE), st.sampled_from([NOON, FIVE]), st.sampled_from(list(Weeks))
)
A_WEEK = st.lists(A_SHIFT, max_size=5)


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
        new = {
            (shift.opens, shift.closes) for shift in week if shift.weekday == day.weekday() and shift.weeks.include(day)
        }
        assert hours_on(after, day) == (new if is_inside else hours_on(rows, day))
    assert all(row.valid_from is None or row.valid_until is None or row.valid_from <= row.valid_until for row in after)
    assert same_between(after, week, first, last)


@given(st.lists(a_row(), max_size=6))
def test_patterns_say_what_the_rows_say(rows):
    weeks = patterns(rows)

    for number in range(140):
        day = date(2025, 12, 1) + timedelta(days=number)
        week = next((week for week in weeks if week.holds_on(day)), None)
        shifts = [shift for shift in week.on(day.weekday()) if shift.weeks.include(day)] if week else []
        assert {(shift.opens, shift.closes) for shift in shifts} == hours_on(rows, day)


A_MONDAY = st.integers(0, 12).map(lambda number: date(2026, 1, 5) + timedelta(days=7 * number))
ON_MONDAY = a_row(days=A_MONDAY, weekdays=st.just(MONDAY))


@settings(deadline=None)
@given(ON_MONDAY, ON_MONDAY | a_row())
def test_two_rows_meet_just_when_they_are_at_work_together_on_some_date(row, other):
    days = [date(2025, 12, 1) + timedelta(days=number) for number in range(240)]

    together = any(row.hold_on(day) and other.hold_on(day) for day in days)

    assert meet(row, other) is (together and row.opens < other.closes and other.opens < row.closes)
