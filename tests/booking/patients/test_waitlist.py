"""Pages for when no time suits: ask the clinic, join the waiting list, answer an offer."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from booking import actions
from booking.models import Appointment, ContactRequest, Message, Offer, State, WaitlistEntry
from tests.factories import (
    CHICAGO,
    a_clinic,
    a_therapist,
    an_appointment,
    an_offer,
    day_in,
    in_days,
    joins,
    some_details,
    typed_details,
    version_of,
)
from tests.guest import press

ASK, JOIN = "/book/peter-stanley/ask/", "/waitlist/join/peter-stanley/consultation/"


@pytest.fixture(autouse=True)
def _clinic(therapist, service):
    """Every page needs the clinic, its therapist and what can be booked."""


def hidden(page):
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def fill(client, path, **typed):
    return client.post(path, hidden(client.get(path).text) | typed)


def a_wish(**typed):
    return {
        "name": "Carla Caller",
        "reach_by": "phone",
        "phone": "612-555-0188",
        "weekdays": ["0", "3"],
        "parts": ["morning"],
        "note": "After school, please",
        "consent": "on",
    } | typed


def a_place(**typed):
    dates = {"first_day": day_in(1).isoformat(), "last_day": day_in(9).isoformat(), "parts": ["morning", "evening"]}
    return typed_details(**dates | typed)


# ---- ask ----


@pytest.mark.parametrize("path", [ASK, "/book/any/ask/"])
def test_asking_puts_the_wish_before_staff(client, admin_client, path):
    answer = fill(client, path + "?article=cupping-for-back-pain", **a_wish())

    assert "The clinic has your message" in client.get(answer["Location"]).text
    asked = ContactRequest.objects.get()
    assert (asked.name, asked.weekdays, asked.parts, asked.state) == ("Carla Caller", [0, 3], ["morning"], "new")
    assert asked.came_from == "cupping-for-back-pain"
    assert (asked.therapist is None) == ("any" in path)
    desk = admin_client.get("/admin/").text
    assert "Carla Caller" in desk
    assert "612-555-0188" in desk


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"name": ""}, "Type your name"),
        ({"reach_by": "email"}, "Type your e-mail address"),
        ({"phone": ""}, "Type your phone number"),
        ({"phone": "12"}, "too few digits"),
        ({"parts": []}, "Choose at least one time of day"),
        ({"consent": ""}, "Check this box"),
        ({"weekdays": ["9"]}, "Please choose one of the answers."),
    ],
)
def test_a_wish_with_something_missing_says_what_and_keeps_the_rest(client, typed, error):
    answer = fill(client, ASK, **a_wish(**typed))

    assert answer.status_code == 422
    assert error in answer.text
    assert "After school, please" in answer.text
    assert not ContactRequest.objects.exists()


def test_asking_twice_with_one_form_is_asking_once(client):
    fields = hidden(client.get(ASK).text) | a_wish()

    assert client.post(ASK, fields)["Location"] == client.post(ASK, fields)["Location"]

    assert ContactRequest.objects.count() == 1


def test_one_network_asks_so_often_a_day(client, settings):
    settings.BOOKING_ASKS_A_DAY = 2

    answers = [fill(client, ASK, **a_wish()).status_code for _ in range(3)]

    assert answers == [302, 302, 429]


def test_where_booking_opens_soon_one_can_still_ask(client, therapist):
    therapist.shifts.all().delete()

    page = client.get("/book/peter-stanley/consultation/").text

    assert "opens soon" in page
    assert ASK in page
    assert "waitlist" not in page


# ---- join ----


@pytest.mark.parametrize("path", [JOIN, "/waitlist/join/any/consultation/"])
def test_joining_shows_the_place_on_the_list(client, path):
    answer = fill(client, path, **a_place())

    entry = WaitlistEntry.objects.get()
    assert answer["Location"] == entry.get_absolute_url()
    assert (entry.first_day, entry.last_day, entry.parts) == (day_in(1), day_in(9), ["morning", "evening"])
    page = client.get(answer["Location"])
    assert "On the waiting list" in page.text
    assert page["Cache-Control"] == "no-store"
    for secret in ("Ada Example", "ada@example.com", "612-555-0142"):
        assert secret not in page.text


def test_joining_shows_urgent_help_and_cautions_before_the_last_step(client, service):
    from booking.models import Caution, UrgentHelp

    UrgentHelp.objects.create(pk=1, title="Urgent", call_911="numb legs", call_doctor="fever")
    service.cautions.add(Caution.objects.create(slug="c", title="Who should not", avoid="burns", ask_first="thin skin"))

    page = client.get(JOIN).text

    assert page.index("numb legs") < page.index('name="consent"')
    assert page.index("thin skin") < page.index('name="consent"') < page.index("Join the waiting list</button>")


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"last_day": day_in(0).isoformat()}, "not before the first"),
        ({"first_day": day_in(-9).isoformat(), "last_day": day_in(-1).isoformat()}, "not over yet"),
        ({"last_day": "2999-01-01"}, "Choose a last day by"),
        ({"last_day": "someday"}, "Type a date like"),
        ({"parts": []}, "Choose at least one time of day"),
        ({"email": "ada@"}, "Type the whole address"),
    ],
)
def test_a_wish_that_cannot_be_says_why(client, typed, error):
    answer = fill(client, JOIN, **a_place(**typed))

    assert answer.status_code == 422
    assert error in answer.text
    assert not WaitlistEntry.objects.exists()


def test_a_patient_with_a_visit_asks_for_an_earlier_one(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(8))
    path = f"{visit.get_absolute_url()}earlier/"

    answer = fill(client, path, first_day=day_in(1).isoformat(), last_day=day_in(5).isoformat(), parts=["morning"])

    entry = WaitlistEntry.objects.get()
    assert answer["Location"] == entry.get_absolute_url()
    assert (entry.visit, entry.therapist, entry.name) == (visit, therapist, "")
    assert "You keep it until you take an earlier time" in client.get(answer["Location"]).text
    assert "See my place on the list" in client.get(visit.get_absolute_url()).text


def test_too_close_to_the_visit_there_is_nothing_to_wait_for(client, therapist, service):
    visit = an_appointment(therapist, service, timezone.now() + timedelta(hours=23))

    assert client.get(f"{visit.get_absolute_url()}earlier/")["Location"] == visit.get_absolute_url()


# ---- answer an offer ----


@pytest.fixture
def offer(therapist, service):
    return an_offer(joins(service), therapist, in_days(3))


def test_the_page_shows_the_offer_and_taking_it_books(client, offer):
    address = offer.entry.get_absolute_url()
    page = client.get(address).text
    assert "Held for you until" in page

    answer = client.post(f"{address}accept/", hidden(page))

    assert "Waiting for our answer" in client.get(answer["Location"]).text
    assert "See your visit" in client.get(address).text
    assert client.post(f"{address}accept/", hidden(page))["Location"] == answer["Location"]


def test_saying_no_keeps_the_place(client, offer):
    address = offer.entry.get_absolute_url()

    answer = client.post(f"{address}decline/", hidden(client.get(address).text), follow=True)

    assert "On the waiting list" in answer.text
    assert Offer.objects.get().state == "declined"


def test_an_offer_that_went_to_another_says_so_and_keeps_the_place(client, offer, therapist, service):
    asked = hidden(client.get(offer.entry.get_absolute_url()).text)
    with time_machine.travel(offer.until + timedelta(minutes=1)):
        hold = actions.take_hold(therapist=therapist, service=service, starts_at=offer.starts_at)
        actions.book_appointment(
            hold=hold,
            therapist=therapist,
            service=service,
            starts_at=offer.starts_at,
            details=some_details(),
            submission_key=uuid.uuid4(),
        )
        answer = client.post(f"{offer.entry.get_absolute_url()}accept/", asked)

    assert answer.status_code == 409
    assert "has gone to someone else" in answer.text
    assert "612-605-7594" in answer.text
    assert WaitlistEntry.objects.get().state == "waiting"


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "²"])
def test_nonsense_instead_of_an_offer_is_refused(client, offer, number):
    assert client.post(f"{offer.entry.get_absolute_url()}accept/", {"offer": number}).status_code == 400


def test_nobody_takes_the_offer_of_another(client, offer, service):
    other = joins(service, email="other@example.com")

    assert client.post(f"{other.get_absolute_url()}accept/", {"offer": offer.pk}).status_code == 404


def test_a_wrong_link_is_not_found_and_gives_the_phone(client):
    answer = client.get(f"/waitlist/{'x' * 43}/")

    assert answer.status_code == 404
    assert "612-605-7594" in answer.text


def test_after_the_visit_is_cancelled_the_page_says_why_nobody_looks_any_more(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(8))
    entry = joins(service, visit=visit)
    assert "Back to your visit" in client.get(entry.get_absolute_url()).text
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT)
    actions.end_waiting(entry=entry)

    page = client.get(entry.get_absolute_url()).text

    assert "cancelled or over, so we’ve stopped looking" in page
    assert "The days you chose are over" not in page


def test_the_offer_says_that_it_is_a_request_where_it_is_one(client, offer, service):
    address = offer.entry.get_absolute_url()
    assert "Nothing is agreed until we have answered" in client.get(address).text
    service.needs_confirmation = False
    service.save()

    assert "Nothing is agreed" not in client.get(address).text


def test_a_visit_cannot_be_moved_to_the_time_it_has(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(3, 10))
    path = f"{visit.get_absolute_url()}move/"
    start = visit.starts_at.astimezone(CHICAGO).isoformat(timespec="minutes")

    assert f'value="{start}"' not in client.get(f"{path}?from={day_in(3)}").text
    assert client.post(path, {"start": start})["Location"] == visit.get_absolute_url()


# ---- leave ----


def test_looking_at_the_leaving_page_leaves_nobody(client, offer):
    page = client.get(f"{offer.entry.get_absolute_url()}leave/")

    assert page.text.count("<button") == 1
    assert WaitlistEntry.objects.get().state == "waiting"


def test_one_press_leaves_the_list(client, offer):
    answer = client.post(f"{offer.entry.get_absolute_url()}leave/", follow=True)

    assert "You have left the waiting list" in answer.text


def test_a_mail_reader_leaves_with_one_click(offer):
    """RFC 8058: a POST with this body, without cookies, without a token of ours."""
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(
        f"{offer.entry.get_absolute_url()}leave/",
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 200
    assert WaitlistEntry.objects.get().state == "left"


def test_every_other_form_still_asks_for_its_token(offer):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(f"{offer.entry.get_absolute_url()}accept/", {"offer": offer.pk}).status_code == 403


# ---- the visit page ----


def test_a_confirmed_visit_can_be_put_into_a_calendar(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(3), state=State.REQUESTED)
    address = f"{visit.get_absolute_url()}visit.ics"
    assert client.get(address).status_code == 404  # nothing is agreed yet
    assert "calendar" not in client.get(visit.get_absolute_url()).text
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))

    answer = client.get(address)

    assert "Add to my calendar" in client.get(visit.get_absolute_url()).text
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("dtstart") == in_days(3)
    assert not re.search(r"\bAda\b", answer.text)
    assert "attendee" not in answer.text.lower()


def test_the_way_is_shown_once_an_address_is_set(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    assert "Directions" not in client.get(visit.get_absolute_url()).text
    a_clinic(address_line="1 Example Street\nMinneapolis, MN")

    page = client.get(visit.get_absolute_url()).text

    assert "destination=1+Example+Street+Minneapolis%2C+MN" in page


def test_cancelling_may_say_why_to_staff_alone(client, admin_client, therapist, service):
    visit = an_appointment(therapist, service, in_days(5))

    press(client, f"{visit.get_absolute_url()}cancel/", {"reason": "I am better already"})

    visit.refresh_from_db()
    assert (visit.state, visit.cancel_reason) == (State.CANCELLED, "I am better already")
    assert "I am better already" in admin_client.get(f"/admin/booking/appointment/{visit.pk}/change/").text
    assert "I am better already" not in client.get(visit.get_absolute_url()).text
    with time_machine.travel(in_days(6)):
        actions.forget_past_visits()
    assert Appointment.objects.get().cancel_reason == ""


def test_a_reason_too_long_cancels_nothing_and_says_so(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(5))

    answer = press(client, f"{visit.get_absolute_url()}cancel/", {"reason": "x" * 301})

    assert answer.status_code == 422
    assert Appointment.objects.get().state == State.CONFIRMED


# ---- the desk ----


def test_staff_see_who_waits_and_take_them_off(admin_client, offer):
    desk = "/admin/booking/waitlistentry/"
    assert "Wanda Waiting" in admin_client.get(desk).text
    assert "1 on the waiting list" in admin_client.get("/admin/").text

    done = press(admin_client, f"{desk}{offer.entry.pk}/remove/", follow=True)

    assert "They are off the list" in done.text
    assert WaitlistEntry.objects.get().state == "left"


def test_staff_take_up_and_finish_a_wish(client, admin_client):
    fill(client, ASK, **a_wish())
    desk = f"/admin/booking/contactrequest/{ContactRequest.objects.get().pk}/"

    assert "Your colleagues see" in press(admin_client, f"{desk}take-up/", follow=True).text
    assert "admin is on it" in admin_client.get("/admin/").text
    assert "off the list" in press(admin_client, f"{desk}done/", follow=True).text
    assert "Carla Caller" not in admin_client.get("/admin/").text


def test_pages_for_waiting_ask_the_database_little(client, offer, django_assert_max_num_queries):
    a_therapist("benjamin-britton")
    for path in (ASK, JOIN, offer.entry.get_absolute_url()):
        with django_assert_max_num_queries(8):
            client.get(path)


def test_nobody_is_mailed_by_looking(client, offer):
    before = Message.objects.count()
    for part in ("", "leave/", "accept/", "decline/"):
        client.get(f"{offer.entry.get_absolute_url()}{part}")

    assert Message.objects.count() == before
    assert Offer.objects.get().state == "open"
