"""Quiet hours against an oracle that walks the clinic's clock minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking.time.quiet_hours import QuietHours

CHICAGO = ZoneInfo("America/Chicago")
MINUTE = timedelta(minutes=1)
ORDINARY, SPRING, AUTUMN = (datetime(2026, *day, tzinfo=UTC) for day in ((6, 9), (3, 8), (11, 1)))
moments = st.tuples(st.sampled_from([ORDINARY, SPRING, AUTUMN]), st.integers(-24 * 60, 48 * 60)).map(
    lambda pair: pair[0] + pair[1] * MINUTE
)
hours = st.integers(0, 24)


def is_quiet(first: int, last: int, moment: datetime) -> bool:
    """Each quiet hour named one by one, on a clock that goes round."""
    named, hour = set(), first % 24
    while hour != last % 24:
        named.add(hour)
        hour = (hour + 1) % 24
    return moment.astimezone(CHICAGO).hour in named


@given(hours, hours, moments)
def test_they_hold_for_any_pair_of_hours_also_over_midnight(first, last, moment):
    assert QuietHours(first, last).hold_at(moment, CHICAGO) == is_quiet(first, last, moment)


@given(hours, hours, moments)
@example(3, 2, SPRING)  # the one hour that is not quiet is left out that night
def test_they_end_at_the_first_minute_that_is_not_quiet(first, last, moment):
    end = moment
    while is_quiet(first, last, end):
        end += MINUTE

    assert QuietHours(first, last).next_end(moment, CHICAGO) == end


@pytest.mark.parametrize(("first", "last"), [(7, 7), (0, 0), (24, 0), (24, 24)])
def test_equal_hours_are_never_quiet(first, last):
    quiet = QuietHours(first, last)

    assert not quiet.are_set
    assert not any(quiet.hold_at(ORDINARY + hour * 60 * MINUTE, CHICAGO) for hour in range(24))


@pytest.mark.parametrize(("first", "last"), [(21, 7), (1, 6), (0, 7), (21, 24)])
def test_different_hours_are_said_on_pages(first, last):
    assert QuietHours(first, last).are_set
