"""The calendar page: the words of each line for screen readers, its links, and the widths at which it is a grid."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from booking.desk.visits.drawing import LEAST_GAP, _by_the_hour
from revival.base.clock import Span
from tests.factories import a_therapist, an_appointment, day_in, in_days
from tests.staff import FRONT_DESK, signed_in_as

pytestmark = pytest.mark.django_db

CALENDAR, BLOCK = "/admin/calendar/", "/admin/calendar/block/"


def drawn_from(page):
    return re.search(r'calendar_grid[^"]*\.css" media="\(min-width: (\w+)\)"', page)[1]


def test_a_visit_says_whose_it_is_and_on_which_day(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3, 10), name="Ada Ash")
    day = date.fromisoformat(f"{day_in(3)}")

    page = clerk.get(f"{CALENDAR}?view=day&from={day}").text
    visit = re.search(r'<li class="cal__visit.*?</li>', page, re.DOTALL)[0]

    assert f"Dr. Stanley, {day:%A, %B} {day.day}, turnaround until 10:40 am" in re.sub(r"<[^>]+>", "", visit)
    assert f"<title>{day:%B} {day.day}: calendar |" in page
    assert "Works 9:00 am to 5:00 pm" in page


def test_few_lanes_are_drawn_on_a_tablet_and_many_are_a_list_there(clerk, therapist):
    a_therapist("benjamin-britton")

    assert drawn_from(clerk.get(f"{CALENDAR}?view=day").text) == "46rem"
    assert drawn_from(clerk.get(f"{CALENDAR}?therapist=peter-stanley").text) == "46rem"
    side_by_side = clerk.get(CALENDAR).text
    assert drawn_from(side_by_side) == "64rem"
    assert '<a href="#d5">' in side_by_side


@time_machine.travel("2026-12-09T16:20:00Z", tick=False)
def test_a_year_that_is_not_this_one_is_said(therapist):
    clerk = signed_in_as(FRONT_DESK)

    assert "<h1>Wednesday, December 9</h1>" in clerk.get(f"{CALENDAR}?view=day").text
    later = clerk.get(f"{CALENDAR}?view=day&from=2028-01-01").text
    assert "<h1>Saturday, January 1, 2028</h1>" in later
    assert "<title>January 1, 2028: calendar |" in later


def test_a_date_is_gone_to_and_the_view_stays(clerk, therapist):
    page = clerk.get(f"{CALENDAR}?view=day&therapist=peter-stanley&from={day_in(3)}").text
    form = re.search(r'<form class="cal-head__row".*?</form>', page, re.DOTALL)[0]

    assert dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', form)) == {
        "view": "day",
        "therapist": "peter-stanley",
        "from": f"{day_in(3)}",
    }


@time_machine.travel("2026-12-09T16:20:00Z", tick=False)  # a Wednesday, 10:20 am
def test_links_of_a_week_that_has_begun_lead_to_today(therapist):
    page = signed_in_as(FRONT_DESK).get(CALENDAR).text.replace("&amp;", "&")

    assert "/admin/calendar/day-sheet/?day=2026-12-09" in page
    assert "?view=day&from=2026-12-09" in page
    assert f"{BLOCK}?from=2026-12-09T09:00" in page


@time_machine.travel("2026-12-09T16:20:00Z", tick=False)
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2026-12-07T09:00", "2026-12-09T11:00"),
        ("2026-12-09T09:00", "2026-12-09T11:00"),
        ("2026-12-08T15:00", "2026-12-09T15:00"),
        ("2026-12-10T09:00", "2026-12-10T09:00"),
    ],
)
def test_time_is_blocked_from_today_at_the_earliest(therapist, asked, shown):
    page = signed_in_as(FRONT_DESK).get(BLOCK, {"from": asked}).text

    assert re.search(r'name="starts_at" value="([^"]+)"', page)[1] == shown


@given(st.integers(0, 95), st.integers(2, 40))
def test_free_time_is_drawn_in_pieces_large_enough_to_press(quarter, quarters):
    start = datetime(2026, 12, 7, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    gap = Span(start, start + timedelta(minutes=15 * quarters))

    pieces = list(_by_the_hour(gap))

    assert (pieces[0].start, pieces[-1].end) == (gap.start, gap.end)
    assert all(one.end == following.start for one, following in pairwise(pieces))
    assert all(LEAST_GAP <= piece.end - piece.start < timedelta(hours=2) for piece in pieces)
