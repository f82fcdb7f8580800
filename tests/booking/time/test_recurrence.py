"""Which starts a pattern wishes for, and what is near one that is not free."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from booking.time.recurrence import SeriesPattern, meeting, near, wished_starts
from tests.factories import CHICAGO

MONDAY = date(2026, 12, 7)
ANY_DAY = tuple(range(7))


def at(day, hour, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


def every(days, *hours, without=()):
    """Free at these hours on so many days from the Monday on, `without` some (day number, hour)."""
    return [
        at(MONDAY + timedelta(days=number), hour)
        for number in days
        for hour in hours
        if (number, hour) not in set(without)
    ]


def a_pattern(**facts):
    given = {"first": MONDAY, "weeks": 4, "a_week": 2, "weekdays": ANY_DAY, "otherwise": time(9)}
    return SeriesPattern(**given | facts)


def wished(pattern, free, suits=lambda wall: True):
    found = wished_starts(pattern, free, suits=suits, zone=CHICAGO)
    return [f"{start.astimezone(CHICAGO):%a %m-%d %H:%M}" for start in found]


def morning(wall):
    return wall.hour < 12


# ---- golden ----


def test_twice_a_week_for_four_weeks_mornings():
    workdays = [number for number in range(28) if number % 7 < 5]

    assert wished(a_pattern(), every(workdays, 9, 10, 14), morning) == [
        *("Mon 12-07 09:00", "Thu 12-10 09:00", "Mon 12-14 09:00", "Thu 12-17 09:00"),
        *("Mon 12-21 09:00", "Thu 12-24 09:00", "Mon 12-28 09:00", "Thu 12-31 09:00"),
    ]


def test_weeks_count_from_the_first_day_whatever_weekday_it_is():
    wednesday = MONDAY + timedelta(days=2)

    found = wished(a_pattern(first=wednesday, weeks=2, weekdays=(0, 2)), every(range(30), 9))

    assert found == ["Wed 12-09 09:00", "Mon 12-14 09:00", "Wed 12-16 09:00", "Mon 12-21 09:00"]


def test_the_time_is_the_one_free_most_often_and_the_same_on_each_weekday():
    nine_is_busy = [(0, 9), (7, 9), (3, 9)]

    found = wished(a_pattern(weekdays=(0, 3)), every(range(28), 9, 10, 14, without=nine_is_busy), morning)

    assert {one[-5:] for one in found} == {"10:00"}


def test_each_weekday_may_have_its_own_time():
    monday_early_thursday_late = every(range(0, 28, 7), 9) + every(range(3, 28, 7), 11)

    found = wished(a_pattern(weekdays=(0, 3)), monday_early_thursday_late)

    assert {(one[:3], one[-5:]) for one in found} == {("Mon", "09:00"), ("Thu", "11:00")}


def test_two_days_in_a_row_are_taken_only_when_nothing_else_is_as_good():
    mostly = every([*range(0, 28, 7), *range(1, 28, 7)], 9) + every([3, 10, 17], 9)  # one Thursday is not free
    hardly = every([*range(0, 28, 7), *range(1, 28, 7)], 9) + every([3], 9)

    assert {one[:3] for one in wished(a_pattern(), mostly)} == {"Mon", "Thu"}
    assert {one[:3] for one in wished(a_pattern(), hardly)} == {"Mon", "Tue"}


def test_a_time_on_the_clock_is_kept_also_where_it_is_not_free_and_on_days_someone_works():
    found = wished(a_pattern(clock=time(9, 5), weeks=1), every([1, 3, 4], 9))

    assert found == ["Tue 12-08 09:05", "Fri 12-11 09:05"]


def test_with_nothing_free_at_all_there_is_still_something_to_talk_about():
    assert wished(a_pattern(weeks=1, otherwise=time(12)), []) == ["Mon 12-07 12:00", "Thu 12-10 12:00"]


# ---- nights when clocks change ----


def test_nine_stays_nine_over_the_night_in_spring():
    pattern = a_pattern(first=date(2027, 3, 8), weeks=2, a_week=1, weekdays=(2,), clock=time(9))

    before, after = wished_starts(pattern, [], suits=morning, zone=CHICAGO)

    assert (before.hour, after.hour) == (15, 14)  # UTC: standard, then daylight saving time
    assert after - before == timedelta(days=7, hours=-1)


def test_nine_stays_nine_over_the_night_in_autumn():
    pattern = a_pattern(first=date(2027, 11, 1), weeks=2, a_week=1, weekdays=(2,), clock=time(9))

    before, after = wished_starts(pattern, [], suits=morning, zone=CHICAGO)

    assert (before.hour, after.hour) == (14, 15)
    assert after - before == timedelta(days=7, hours=1)


def test_a_time_that_comes_twice_is_the_first_and_one_that_never_comes_is_when_the_gap_ends():
    autumn = a_pattern(first=date(2027, 11, 7), weeks=1, a_week=1, weekdays=(6,), clock=time(1, 30))
    spring = a_pattern(first=date(2027, 3, 14), weeks=1, a_week=1, weekdays=(6,), clock=time(2, 30))

    assert wished_starts(autumn, [], suits=morning, zone=CHICAGO) == [datetime(2027, 11, 7, 6, 30, tzinfo=UTC)]
    assert wished_starts(spring, [], suits=morning, zone=CHICAGO) == [datetime(2027, 3, 14, 8, 0, tzinfo=UTC)]


# ---- what holds for every pattern ----

FREE = st.lists(st.tuples(st.integers(-3, 200), st.integers(6, 20)), max_size=80).map(
    lambda places: sorted({at(MONDAY + timedelta(days=day), hour) for day, hour in places})
)
PATTERNS = st.builds(
    lambda first, weeks, days, a_week, clock: a_pattern(
        first=MONDAY + timedelta(days=first),
        weeks=weeks,
        weekdays=tuple(sorted(days)),
        a_week=min(a_week, len(days)),
        clock=clock,
    ),
    st.integers(0, 340),
    st.integers(1, 26),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(1, 5),
    st.none() | st.times().map(lambda wall: wall.replace(second=0, microsecond=0, fold=0)),
)


@given(PATTERNS, FREE)
def test_as_many_a_week_on_days_that_suit_at_one_time_for_each_weekday(pattern, free):
    starts = wished_starts(pattern, free, suits=morning, zone=CHICAGO)

    locals_ = [start.astimezone(CHICAGO) for start in starts]
    assert len(starts) == len(set(starts)) == pattern.weeks * pattern.a_week
    assert starts == sorted(starts)
    for week in range(pattern.weeks):
        monday = pattern.first + timedelta(days=7 * week)
        assert sum(monday <= one.date() < monday + timedelta(days=7) for one in locals_) == pattern.a_week
    assert {one.weekday() for one in locals_} <= set(pattern.weekdays)
    ordinary = [one for one in locals_ if not 1 <= one.hour <= 3]  # the hours a night of change skips or repeats
    if len(ordinary) == len(locals_):
        assert len({(one.weekday(), one.time()) for one in locals_}) == pattern.a_week
        assert pattern.clock is None or {one.time() for one in locals_} == {pattern.clock}


@given(st.integers(0, 60), FREE, st.lists(st.integers(0, 60), max_size=8))
def test_what_is_near_is_free_close_by_and_meets_nothing_of_the_series(day, free, others):
    wish = at(MONDAY + timedelta(days=day), 9)
    besides = [at(MONDAY + timedelta(days=other), 10) for other in others]
    busy = timedelta(minutes=40)

    found = near(wish, free, besides=besides, busy=busy, suits=morning, zone=CHICAGO)

    assert found == sorted(found)
    assert len(found) <= 5
    assert set(found) <= set(free) - {wish}
    days = {start.astimezone(CHICAGO).date() for start in besides}
    for start in found:
        there = start.astimezone(CHICAGO).date()
        assert abs(there - wish.astimezone(CHICAGO).date()).days <= 3
        assert there == wish.astimezone(CHICAGO).date() or there not in days
        assert not any(start < other + busy and other < start + busy for other in besides)


def test_the_same_part_of_the_day_comes_first():
    free = every([0, 1, 2], 9, 10, 11, 15)

    found = near(at(MONDAY, 12), free, besides=[], busy=timedelta(minutes=40), suits=morning, zone=CHICAGO)

    assert [f"{start.astimezone(CHICAGO):%a %H:%M}" for start in found] == [
        *("Mon 09:00", "Mon 10:00", "Mon 11:00", "Tue 11:00", "Wed 11:00")
    ]


@given(st.lists(st.integers(0, 200), max_size=20))
def test_without_those_that_meet_an_earlier_one_none_meet(minutes):
    starts = [at(MONDAY, 9) + timedelta(minutes=5 * number) for number in minutes]
    busy = timedelta(minutes=40)

    met = meeting(starts, busy=busy)

    assert bool(met) == (len(starts) > 1 and any(b - a < busy for a, b in pairwise(sorted(starts))))
