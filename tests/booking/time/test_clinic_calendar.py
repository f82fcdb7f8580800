"""The clinic's calendar and its deadlines, against an oracle that walks the clock a quarter of an hour at a time."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from booking.time.availability import WeeklyHours
from booking.time.clinic_calendar import USUAL_WEEK, ClinicCalendar, answer_by, remind_at
from revival.base.clock import Span

CHICAGO = ZoneInfo("America/Chicago")
QUARTER, ONE_DAY, TWO_HOURS = timedelta(minutes=15), timedelta(days=1), timedelta(hours=2)
LONG = 40  # days that the oracle looks ahead, more than any visit of these tests


def at(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


# ---- the oracle -----------------------------------------------------------------------------


@cache
def quarters_of(day: date) -> list[datetime]:
    """Every quarter of an hour of a day on the clinic's clock: 96, on DST nights 92 or 100."""
    moment = datetime.combine(day, time(12), UTC) - ONE_DAY
    quarters = [moment + nth * QUARTER for nth in range(4 * 24 * 3)]
    return [quarter for quarter in quarters if quarter.astimezone(CHICAGO).date() == day]


@cache
def first_at(day: date, wall: time) -> int:
    """Which quarter of the day is the first at which the clock shows this time or a later one."""
    shows = (nth for nth, quarter in enumerate(quarters_of(day)) if quarter.astimezone(CHICAGO).time() >= wall)
    return next(shows, len(quarters_of(day)))


def open_quarters(calendar: ClinicCalendar, day: date) -> list[datetime]:
    """Open from when the clock first shows the opening hour, or a later one, until it first shows the closing hour."""
    quarters, found = quarters_of(day), set()
    for row in calendar.weekly:
        if row.weekday == day.weekday():
            end = len(quarters) if row.closes == time(0) else first_at(day, row.closes)
            found |= set(quarters[first_at(day, row.opens) : end])
    return sorted(quarter for quarter in found if not any(start <= quarter < end for start, end in calendar.closed))


def due_by_oracle(calendar: ClinicCalendar, asked: datetime, starts: datetime, working_days: int) -> datetime:
    limit = max(starts - TWO_HOURS, asked + max(starts - asked, timedelta(0)) / 2)
    counted = 0
    for ahead in range(1, LONG):
        if open_then := open_quarters(calendar, asked.astimezone(CHICAGO).date() + ahead * ONE_DAY):
            counted += 1
            if counted == working_days:
                limit = min(limit, open_then[-1] + QUARTER)
    return max(asked, limit)


# ---- random clinics -------------------------------------------------------------------------

quarter_hours = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
rows = (
    st.tuples(st.integers(0, 6), quarter_hours, quarter_hours)
    .filter(lambda row: row[1] < row[2] or row[2] == time(0))
    .map(lambda row: WeeklyHours(*row))
)
begins = st.sampled_from([at(3, 1), at(6, 1), at(10, 26), at(12, 20)])
"""Around both changes of clocks, in a plain week, and over the end of the year."""
since = st.integers(0, 14 * 96).map(lambda n: n * QUARTER)
closings = st.lists(st.tuples(since, st.integers(1, 10 * 96).map(lambda n: n * QUARTER)), max_size=4)


@st.composite
def clinics(draw) -> tuple[ClinicCalendar, datetime]:
    begin = draw(begins)
    closed = tuple(Span(begin + start, begin + start + length) for start, length in draw(closings))
    weekly = tuple(draw(st.lists(rows, max_size=9)))
    return ClinicCalendar(weekly, closed, CHICAGO), begin + draw(since)


@settings(deadline=None)
@given(clinics(), st.integers(-8, 21 * 48), st.integers(1, 4))
def test_an_answer_is_due_at_the_end_of_the_last_of_so_many_open_days(clinic, half_hours, working_days):
    calendar, asked = clinic
    starts = asked + half_hours * 2 * QUARTER

    due = answer_by(asked_at=asked, starts_at=starts, calendar=calendar, working_days=working_days, before=TWO_HOURS)

    assert due == due_by_oracle(calendar, asked, starts, working_days)


@settings(deadline=None)
@given(clinics(), st.integers(0, 12 * 96))
def test_staff_are_reminded_when_half_of_the_open_time_has_passed(clinic, quarters):
    calendar, asked = clinic
    due = asked + quarters * QUARTER

    moment = remind_at(asked_at=asked, due=due, calendar=calendar)

    first, last = asked.astimezone(CHICAGO).date(), due.astimezone(CHICAGO).date()
    days = [first + nth * ONE_DAY for nth in range((last - first).days + 1)]
    open_then = [start for day in days for start in open_quarters(calendar, day) if asked <= start < due]
    assert asked <= moment <= due
    if open_then:
        passed = sum((min(max(moment - start, timedelta(0)), QUARTER) for start in open_then), timedelta(0))
        assert passed == len(open_then) * QUARTER / 2
    else:
        assert moment == asked + (due - asked) / 2


@settings(deadline=None)
@given(clinics())
def test_it_is_open_until_the_first_quarter_at_which_it_is_not(clinic):
    calendar, now = clinic
    ahead = [now.astimezone(CHICAGO).date() + nth * ONE_DAY for nth in range(3)]
    open_then = {start for day in ahead for start in open_quarters(calendar, day)}
    end = now
    while end in open_then:
        end += QUARTER
    assume(end < now + ONE_DAY)  # never closed: it only has to say so

    assert calendar.open_until(now) == (end if end > now else None)


# ---- examples -------------------------------------------------------------------------------

OVER_CHRISTMAS = Span(at(12, 24), at(1, 4, year=2027))


@pytest.mark.parametrize(
    ("asked", "starts", "closed", "due"),
    [
        (at(12, 7, 10), at(12, 20, 9), (), at(12, 9, 17)),
        (at(12, 11, 16), at(12, 20, 9), (), at(12, 15, 17)),  # over a weekend
        (at(12, 12, 16), at(12, 20, 9), (), at(12, 15, 17)),  # on a Saturday
        (at(12, 7, 10), at(12, 8, 9), (), at(12, 8, 7)),  # two hours before the visit
        (at(12, 7, 10), at(12, 7, 12), (), at(12, 7, 11)),  # at short notice, half of the time is left
        (at(12, 7, 10), at(12, 7, 9), (), at(12, 7, 10)),  # never before it was asked
        (at(12, 23, 15), at(1, 20, 9, year=2027), (OVER_CHRISTMAS,), at(1, 5, 17, year=2027)),
        (at(12, 23, 15), at(1, 4, 9, year=2027), (OVER_CHRISTMAS,), at(1, 4, 7, year=2027)),
        (at(12, 7, 10), at(12, 20, 9), (Span(at(12, 9, 12), at(12, 10)),), at(12, 9, 12)),  # closed in the afternoon
        (at(12, 7, 10), at(12, 20, 9), (Span(at(12, 8, 8), at(12, 8, 18)),), at(12, 10, 17)),  # all hours of a day
    ],
)
def test_answers_in_the_usual_week(asked, starts, closed, due):
    calendar = ClinicCalendar(USUAL_WEEK, closed, CHICAGO)

    assert answer_by(asked_at=asked, starts_at=starts, calendar=calendar, working_days=2, before=TWO_HOURS) == due
