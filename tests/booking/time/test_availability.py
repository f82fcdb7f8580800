"""The arithmetic of time, without a database. The oracle is slow and obvious on purpose."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.time.availability import (
    Cause,
    Rules,
    WeeklyHours,
    free_starts,
    merge,
    opening_spans,
    subtract,
    why_not,
)
from revival.base.clock import Span, instant_of
from tests.exhaustive import EXHAUSTIVE

CHICAGO = ZoneInfo("America/Chicago")
MONDAY = date(2026, 12, 7)
LONG_BEFORE = datetime(2026, 10, 1, tzinfo=UTC)


def some_rules(**changes):
    minutes = {"length": 30, "turnaround": 10, "step": 15, "notice": 0} | changes
    horizon = minutes.pop("horizon_days", 400)
    return Rules(**{name: timedelta(minutes=value) for name, value in minutes.items()}, horizon_days=horizon)


def at(day, hour, minute=0, *, fold=0, zone=CHICAGO):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold).astimezone(UTC)


def starts(day, hours, *, rules=None, blocked=(), away=(), now=LONG_BEFORE, zone=CHICAGO):
    openings = opening_spans(hours, day, day, zone)
    return free_starts(rules=rules or some_rules(), openings=openings, away=away, blocked=blocked, now=now, zone=zone)


def words(moments, zone=CHICAGO):
    return " ".join(f"{moment.astimezone(zone):%H:%M}" for moment in moments)


MORNING = [WeeklyHours(0, time(9), time(12))]


def test_worked_example():
    visit = Span(at(MONDAY, 10), at(MONDAY, 10, 40))

    assert words(starts(MONDAY, MORNING, blocked=[visit])) == "09:00 09:15 10:45 11:00 11:15 11:30"


def test_turnaround_may_run_past_closing_but_the_visit_may_not():
    free = starts(MONDAY, MORNING, rules=some_rules(turnaround=120))

    assert words(free[-1:]) == "11:30"


def test_split_day_starts_a_grid_of_its_own():
    split = [*MORNING, WeeklyHours(0, time(13, 5), time(14))]

    assert words(starts(MONDAY, split)).endswith("11:30 13:05 13:20")


def test_absence_cuts_working_time():
    away = [Span(at(MONDAY, 9, 40), at(MONDAY, 11, 10))]

    assert words(starts(MONDAY, MORNING, away=away)) == "09:00 11:15 11:30"


def test_notice_is_elapsed_time_and_the_very_moment_is_enough():
    now = at(MONDAY, 8)

    free = starts(MONDAY, MORNING, rules=some_rules(notice=120), now=now)

    assert words(free[:1]) == "10:00"


@pytest.mark.parametrize(("horizon", "offered"), [(5, 0), (6, 11)])
def test_horizon_counts_clinic_dates(horizon, offered):
    now = at(date(2026, 12, 1), 23, 59)  # already December 2 in UTC

    assert len(starts(MONDAY, MORNING, rules=some_rules(horizon_days=horizon), now=now)) == offered


def test_hours_hold_only_while_they_are_valid():
    until_november = [WeeklyHours(0, time(9), time(12), valid_until=date(2026, 11, 30))]
    from_january = [WeeklyHours(0, time(9), time(12), valid_from=date(2027, 1, 1))]

    assert starts(MONDAY, until_november + from_january) == []


def test_every_second_monday_goes_on_over_a_year_of_53_weeks():
    rows = [WeeklyHours(0, time(9), time(12), every_weeks=2, counts_from=date(2026, 12, 7))]

    spans = opening_spans(rows, date(2026, 11, 16), date(2027, 1, 24), CHICAGO)

    worked = [span.start.astimezone(CHICAGO).date() for span in spans]
    assert date(2026, 12, 28).isocalendar().week == 53
    assert worked == [date(2026, 12, 7), date(2026, 12, 21), date(2027, 1, 4), date(2027, 1, 18)]


def test_closing_at_midnight_is_the_end_of_the_day():
    late = [WeeklyHours(0, time(23), time(0))]

    assert words(starts(MONDAY, late)) == "23:00 23:15 23:30"


# ---- nights on which the clock changes ----


def test_both_one_o_clocks_of_an_autumn_night_are_offered():
    night = date(2026, 11, 1)
    hours = [WeeklyHours(6, time(0, 30), time(2, 30))]

    free = starts(night, hours, rules=some_rules(step=30, turnaround=0))

    named = " ".join(f"{moment.astimezone(CHICAGO):%H:%M %Z}," for moment in free)
    assert named == "00:30 CDT, 01:00 CDT, 01:30 CDT, 01:00 CST, 01:30 CST, 02:00 CST,"


def test_a_time_that_the_spring_gap_skips_is_never_offered():
    night = date(2027, 3, 14)
    hours = [WeeklyHours(6, time(1), time(4))]

    free = starts(night, hours, rules=some_rules(step=30, turnaround=0))

    assert words(free) == "01:00 01:30 03:00 03:30"


def test_opening_inside_the_spring_gap_opens_when_the_gap_ends():
    assert instant_of(date(2027, 3, 14), time(2, 30), CHICAGO) == at(date(2027, 3, 14), 3)


def test_opening_at_a_doubled_time_is_the_first_of_the_two():
    assert instant_of(date(2026, 11, 1), time(1, 30), CHICAGO) == at(date(2026, 11, 1), 1, 30, fold=0)


def test_a_half_hour_change_of_lord_howe_island():
    zone = ZoneInfo("Australia/Lord_Howe")  # 02:00 becomes 02:30 on 2026-10-04

    assert f"{instant_of(date(2026, 10, 4), time(2, 10), zone).astimezone(zone):%H:%M}" == "02:30"


# ---- against an oracle ----

ZONES = ["America/Chicago", "Australia/Lord_Howe", "Asia/Kolkata", "Australia/Sydney", "UTC"]
NIGHTS = [
    date(2026, 11, 1),
    date(2027, 3, 14),
    date(2027, 11, 7),
    date(2026, 10, 4),
    date(2027, 4, 4),
    MONDAY,
]


def oracle(*, rules, hours, away, blocked, now, zone, first, last):
    """Walk every minute of real time and ask of each whether it may be a start."""
    found = []
    for one in hours:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if not _is_worked(one, day):
                continue
            opening = _first_minute_showing(day, one.opens, zone)
            closing = _first_minute_showing(day + timedelta(days=one.closes == time(0)), one.closes, zone)
            minute = opening
            while minute < closing:
                on_grid = (minute - opening) % rules.step == timedelta(0)
                if on_grid and _allowed(minute, rules, hours, away, blocked, now, zone, first, last):
                    found.append(minute)
                minute += timedelta(minutes=1)
    return sorted(set(found))


def _is_worked(one, day):
    """Walk from the first date to the day, a step at a time."""
    if (one.valid_from and day < one.valid_from) or (one.valid_until and day > one.valid_until):
        return False
    if one.counts_from is None:
        return day.weekday() == one.weekday
    walked = one.counts_from
    while walked < day:
        walked += timedelta(days=1) * 7 * one.every_weeks
    return walked == day


@cache
def _first_minute_showing(day, wall, zone):
    """Scan a day and a half of minutes for the first whose wall clock reads `wall` on `day`, or has passed it."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=18)
    target = datetime.combine(day, wall)
    while moment.astimezone(zone).replace(tzinfo=None) < target:
        moment += timedelta(minutes=1)
    return moment


def _allowed(start, rules, hours, away, blocked, now, zone, first, last):
    local_today = now.astimezone(zone).date()
    if (
        start <= now
        or start < now + rules.notice
        or (start.astimezone(zone).date() - local_today).days > rules.horizon_days
    ):
        return False
    minute = start
    while minute < start + rules.length:
        if not _at_work(minute, hours, zone, first, last) or any(a.start <= minute < a.end for a in away):
            return False
        minute += timedelta(minutes=1)
    end = start + rules.length + rules.turnaround
    return not any(b.start < end and start < b.end for b in blocked)


def _at_work(minute, hours, zone, first, last):
    for one in hours:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if _is_worked(one, day):
                opening = _first_minute_showing(day, one.opens, zone)
                closing = _first_minute_showing(day + timedelta(days=one.closes == time(0)), one.closes, zone)
                if opening <= minute < closing:
                    return True
    return False


quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


@st.composite
def some_hours(draw, day):
    opens, closes = sorted(draw(st.lists(quarters, min_size=2, max_size=2, unique=True)))
    length = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
    if length > 240:
        closes = time((opens.hour + 4) % 24, opens.minute) if opens.hour < 20 else time(0)
    weeks_ago = draw(st.none() | st.integers(-2, 60))  # of every second week: half of them not on this day
    if weeks_ago is None:
        return WeeklyHours(day.weekday(), opens, closes)
    first = day - timedelta(days=7 * weeks_ago)
    return WeeklyHours(day.weekday(), opens, closes, every_weeks=2, counts_from=first)


@st.composite
def a_case(draw):
    day, zone = draw(st.sampled_from(NIGHTS)), ZoneInfo(draw(st.sampled_from(ZONES)))
    hours = draw(st.lists(some_hours(day), min_size=1, max_size=2))
    midnight = instant_of(day, time(0), zone)
    span = st.tuples(st.integers(-60, 1500), st.integers(5, 120)).map(
        lambda pair: Span(midnight + timedelta(minutes=pair[0]), midnight + timedelta(minutes=sum(pair)))
    )
    return {
        "first": day,
        "last": day,
        "zone": zone,
        "hours": hours,
        "away": draw(st.lists(span, max_size=2)),
        "blocked": draw(st.lists(span, max_size=3)),
        "now": midnight + timedelta(minutes=draw(st.integers(-3000, 1400))),
        "rules": some_rules(
            length=draw(st.sampled_from([15, 30, 45])),
            turnaround=draw(st.sampled_from([0, 10, 30])),
            step=draw(st.sampled_from([15, 20, 30])),
            notice=draw(st.sampled_from([0, 60, 1440])),
            horizon_days=draw(st.integers(0, 3)),
        ),
    }


@settings(max_examples=200 if EXHAUSTIVE else 70, deadline=None)
@given(case=a_case())
def test_agrees_with_the_oracle(case):
    openings = opening_spans(case["hours"], case["first"], case["last"], case["zone"])
    given_by_us = free_starts(
        rules=case["rules"],
        openings=openings,
        away=case["away"],
        blocked=case["blocked"],
        now=case["now"],
        zone=case["zone"],
    )

    assert given_by_us == oracle(**case)


YEAR_ENDS = [date(2026, 12, 28), date(2020, 12, 28), date(2024, 2, 26), date(2000, 12, 25)]


@st.composite
def alternating_hours(draw, near):
    """Rows of every week and of every second one around a date, some with a validity that cuts in."""
    first = near + timedelta(days=draw(st.integers(-80, 20)))
    opens = draw(st.integers(0, 20))
    since, until = draw(st.none() | st.integers(-40, 10)), draw(st.none() | st.integers(11, 40))
    return WeeklyHours(
        first.weekday(),
        time(opens),
        time(opens + 3),
        near + timedelta(days=since) if since is not None else None,
        near + timedelta(days=until) if until is not None else None,
        *draw(st.sampled_from([(2, first), (1, None)])),
    )


@settings(max_examples=100 if EXHAUSTIVE else 35, deadline=None)
@given(st.data(), st.sampled_from([*NIGHTS, *YEAR_ENDS]), st.sampled_from(ZONES))
def test_alternating_weeks_agree_with_the_oracle_over_clock_changes_and_year_ends(data, near, zone):
    zone = ZoneInfo(zone)
    rows = data.draw(st.lists(alternating_hours(near), min_size=1, max_size=4))
    first, last = near - timedelta(days=30), near + timedelta(days=30)

    expected = []
    for offset in range(61):
        day = first + timedelta(days=offset)
        worked = [row for row in rows if _is_worked(row, day)]
        spans = [
            Span(_first_minute_showing(day, row.opens, zone), _first_minute_showing(day, row.closes, zone))
            for row in worked
        ]
        expected += [span for span in spans if span.start < span.end]

    assert opening_spans(rows, first, last, zone) == sorted(expected)


@settings(max_examples=200 if EXHAUSTIVE else 70, deadline=None)
@given(case=a_case(), some=st.lists(st.integers(-60, 4 * 24 * 60), max_size=40))
def test_there_is_a_reason_just_for_what_is_not_offered(case, some):
    rest = {name: case[name] for name in ("rules", "away", "blocked", "now", "zone")}
    openings = opening_spans(case["hours"], case["first"], case["last"], case["zone"])
    offered = free_starts(openings=openings, **rest)
    begin = instant_of(case["first"], time(0), case["zone"])

    for start in [*offered, *(begin + timedelta(minutes=minute) for minute in some)]:
        assert (why_not(start, openings=openings, **rest) == []) == (start in offered)


@pytest.mark.parametrize(
    ("hour", "minute", "cause"),
    [
        (8, 30, Cause.CLOSED),
        (11, 45, Cause.ENDS_TOO_LATE),
        (9, 10, Cause.OFF_GRID),
        (9, 30, Cause.TAKEN),  # its own turnaround would run into the visit at ten
        (10, 30, Cause.TAKEN),  # the turnaround of that visit
        (11, 0, Cause.AWAY),
    ],
)
def test_each_reason_has_a_name(hour, minute, cause):
    visit, away = Span(at(MONDAY, 10), at(MONDAY, 10, 40)), Span(at(MONDAY, 11, 15), at(MONDAY, 11, 20))
    hours = opening_spans(MORNING, MONDAY, MONDAY, CHICAGO)
    rest = {"rules": some_rules(), "openings": hours, "away": [away], "blocked": [visit], "zone": CHICAGO}

    assert why_not(at(MONDAY, hour, minute), now=LONG_BEFORE, **rest)[0].cause == cause


def test_a_start_gone_by_too_near_or_too_far_says_so():
    hours = opening_spans(MORNING, MONDAY, MONDAY, CHICAGO)
    rest = {"openings": hours, "away": [], "blocked": [], "zone": CHICAGO}
    nine, rules = at(MONDAY, 9), some_rules(notice=60, horizon_days=3)

    def causes(now):
        return [reason.cause for reason in why_not(nine, rules=rules, now=now, **rest)]

    assert causes(at(MONDAY, 9, 1)) == [Cause.PAST]
    assert causes(at(MONDAY, 8, 1)) == [Cause.NOTICE]
    assert causes(at(MONDAY, 8)) == []
    assert causes(at(date(2026, 12, 3), 12)) == [Cause.HORIZON]


minutes = st.integers(0, 300).map(lambda n: LONG_BEFORE + timedelta(minutes=n))
spans = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Span(*pair))


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5), minutes)
@example([Span(LONG_BEFORE, LONG_BEFORE + timedelta(1))], [], LONG_BEFORE)
def test_subtract_keeps_just_the_moments_that_are_in_one_and_not_in_the_other(kept, away, moment):
    left = subtract(kept, away)

    def inside(spans):
        return any(span.start <= moment < span.end for span in spans)

    assert inside(left) == (inside(kept) and not inside(away))
    assert left == merge(left)
