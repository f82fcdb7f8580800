"""Calling by the clock: what cached pages are told of the opening hours by a script."""

from datetime import datetime, time

import pytest
import time_machine

from booking.models import OpeningHours
from tests.factories import CHICAGO, a_therapist, an_absence

pytestmark = pytest.mark.django_db

MONDAY = 7  # of December 2026


def at(day, hour, minute=0):
    return datetime(2026, 12, day, hour, minute, tzinfo=CHICAGO)


@pytest.fixture
def hours(clinic):
    for opens, closes in ((time(8), time(12)), (time(13), time(19))):
        OpeningHours.objects.create(clinic_id=1, weekday=0, opens=opens, closes=closes)


def said(client, moment):
    with time_machine.travel(moment, tick=False):
        return " ".join(client.get("/book/open-now/").text.split())


@pytest.mark.parametrize(
    ("hour", "until"), [((8, 0), "12:00 pm"), ((11, 59), "12:00 pm"), ((13, 0), "7:00 pm"), ((18, 59), "7:00 pm")]
)
def test_while_it_is_open_it_says_until_when_to_call(client, hours, hour, until):
    words = said(client, at(MONDAY, *hour))

    assert words == f'<p> <a class="nowrap" href="tel:+16126057594">Call 612-605-7594</a>, open until {until} </p>'


@pytest.mark.parametrize("moment", [(MONDAY, 7, 59), (MONDAY, 12, 0), (MONDAY, 12, 30), (MONDAY, 19), (MONDAY + 1, 9)])
def test_while_it_is_closed_it_leads_to_a_form_for_the_number(client, hours, moment):
    words = said(client, at(*moment))

    assert words == '<p> Closed now. <a href="/book/any/ask/">Leave your number</a> </p>'
    assert client.get("/book/any/ask/").status_code == 200


def test_a_clinic_that_never_closes_says_no_hour(client, clinic):
    for weekday in range(7):
        OpeningHours.objects.create(clinic_id=1, weekday=weekday, opens=time(0), closes=time(0))

    assert said(client, at(MONDAY, 9)).endswith("</a>, open now </p>")


def test_a_holiday_is_closed_whatever_the_hours_say(client, hours):
    an_absence(None, at(MONDAY, 0), at(MONDAY + 1, 0))

    assert "Closed now." in said(client, at(MONDAY, 9))


def test_without_opening_hours_nothing_is_said_and_no_page_asks(client, clinic):
    a_therapist()

    assert said(client, at(MONDAY, 9)) == ""
    assert "/book/open-now/" not in client.get("/").text + client.get("/therapists/peter-stanley/").text


def test_kept_pages_leave_the_place_for_the_script(client, hours):
    a_therapist()

    for path in ("/", "/therapists/peter-stanley/"):
        page = client.get(path).text
        assert 'data-next-times="/book/open-now/"' in page
        assert "open until" not in page
        assert 'href="tel:+16126057594"' in page
    assert "no-store" in client.get("/book/open-now/")["Cache-Control"]
