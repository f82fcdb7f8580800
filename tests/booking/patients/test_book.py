"""The patient's way through the front door, and everything that can be typed wrong on it."""

import html
import re
import uuid
from datetime import time, timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from booking.models import Appointment, Caution, Message, State, UrgentHelp
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_absence,
    an_appointment,
    in_days,
    typed_details,
    working_all_week,
)

SLOTS = "/book/peter-stanley/consultation/"


@pytest.fixture(autouse=True)
def _clinic(therapist, service):
    """Every page needs the clinic, its therapist and what can be booked."""


def iso(moment):
    return moment.isoformat(timespec="minutes")


def take(client, starts_at, path=SLOTS):
    return client.post(path, {"start": starts_at if isinstance(starts_at, str) else iso(starts_at)})


def hidden_fields(page):
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def open_details(client, starts_at):
    """Take a time and open the details page: its address and its hidden fields."""
    address = take(client, starts_at)["Location"]
    return address, hidden_fields(client.get(address).text)


def send(client, address, hidden, **typed):
    return client.post(address, hidden | typed_details(**typed))


def book(client, starts_at, **typed):
    return send(client, *open_details(client, starts_at), **typed)


def the_bar(page):
    """The row of buttons that a phone keeps in sight."""
    return page[page.index('<nav class="bar') :]


def assert_nothing_happened():
    assert not Appointment.objects.visits().exists()
    assert not Message.objects.exists()


# ---- the way through ----


def test_article_reader_with_one_service_goes_straight_to_the_times(client):
    response = client.get("/book/?therapist=peter-stanley&article=cupping-for-back-pain")

    assert response.status_code == 302
    assert response["Location"] == SLOTS + "?article=cupping-for-back-pain"


def test_choose_page_names_every_therapist_who_can_be_booked(client, service):
    other = a_therapist("benjamin-britton")
    service.therapists.add(other)

    assert "Benjamin Britton" not in client.get("/book/").text
    working_all_week(other)
    assert "Benjamin Britton" in client.get("/book/").text


def test_slots_offer_the_first_time_and_a_week_of_buttons(client):
    page = client.get(SLOTS).text

    assert "First free time" in page
    assert page.count('<button class="start" name="start"') > 20
    assert "Step 2 of 3" in page


def test_slots_draw_seven_days_from_the_one_asked_for(client):
    day = in_days(10, 12).date()

    page = client.get(f"{SLOTS}?from={day}").text

    assert page.count('class="day__name"') == 7
    assert f'id="day-{day}"' in page


def test_a_link_that_shows_a_time_leads_to_that_very_time(client):
    part = client.get("/therapists/peter-stanley/next/").text
    link = html.unescape(re.findall(r'class="times__one" href="([^"]+)"', part)[1])
    shown = re.findall(r'<time datetime="([^"]+)"', part)[1]

    page = client.get(link).text

    assert "The time you chose" in page
    assert hidden_fields(page)["start"] == shown
    assert "at=" not in re.search(r'href="([^"]+)">Later', page)[1]
    assert client.post(link, {"start": shown}).status_code == 302


def test_a_link_to_a_time_that_is_gone_says_so_and_offers_others(client, therapist, service):
    an_appointment(therapist, service, in_days(3, 10))

    page = client.get(f"{SLOTS}?from={in_days(3).date()}&at={quote(iso(in_days(3, 10)))}").text

    assert "at 10:00 am is no longer free" in re.search(r'role="status">(.+)</p>', page)[1]
    assert "First free time" in page
    assert " checked" not in page
    assert f'id="day-{in_days(3).date()}"' in page


def test_taking_a_time_books_it_in_three_pages(client):
    visit_page = client.get(book(client, in_days(3))["Location"])

    assert "<title>Waiting for our answer: your visit" in visit_page.text
    assert "Thank you. We have your request" in visit_page.text
    assert Appointment.objects.get().state == State.REQUESTED
    assert Message.objects.count() == 2


def test_visit_page_shows_no_name_note_mail_or_phone(client):
    page = client.get(book(client, in_days(3), note="sore left knee")["Location"]).text

    for secret in ("Ada Example", "ada@example.com", "612-555-0142", "sore left knee"):
        assert secret not in page


def test_the_article_that_sent_the_patient_is_kept(client):
    start = client.post(SLOTS + "?article=cupping-for-back-pain", {"start": iso(in_days(3))})
    hidden = hidden_fields(client.get(start["Location"]).text)
    send(client, start["Location"].split("?")[0], hidden)

    assert Appointment.objects.get().came_from == "cupping-for-back-pain"


@pytest.mark.parametrize("name", ["Zoë Ångström", "Нина", "李小龍", "مريم", "O'Brien-Smith, Jr."])
def test_names_in_any_script_are_kept_as_typed(client, name):
    book(client, in_days(3), name=name)

    assert Appointment.objects.get().name == name


@pytest.fixture
def other(service):
    other = a_therapist("benjamin-britton", name="Dr. Benjamin Britton", short_name="Dr. Britton")
    working_all_week(other, opens=time(12), closes=time(19))
    service.therapists.add(other)
    return other


def test_whoever_is_free_first_shows_all_times_and_says_who_it_is(client, other, therapist):
    page = client.get(f"/book/any/consultation/?from={in_days(3, 12).date()}").text
    assert "9:00 am" in page
    assert "6:30 pm" in page

    address = take(client, in_days(3, 18), "/book/any/consultation/")["Location"]

    assert "Dr. Benjamin Britton" in client.get(address).text


def test_the_one_who_loses_gets_the_other_therapist_or_other_times(client, other, therapist, service):
    for _ in range(2):
        client.cookies.clear()
        assert take(client, in_days(3, 13), "/book/any/consultation/").status_code == 302
    client.cookies.clear()

    response = take(client, in_days(3, 13), "/book/any/consultation/")

    assert response.status_code == 409
    assert "has just been taken" in response.text
    assert "Dr. Stanley" in response.text
    assert "Dr. Britton" in response.text


# ---- one browser, many turns ----


def test_back_and_the_next_quarter_hour_moves_the_one_hold(client):
    first = take(client, in_days(3))["Location"]
    second = take(client, in_days(3, 9, 15))["Location"]

    assert first == second
    assert Appointment.objects.get().starts_at == in_days(3, 9, 15)


def test_a_browsers_own_hold_counts_as_free_on_its_slots_page(client):
    take(client, in_days(3))

    page = client.get(f"{SLOTS}?from={in_days(3, 12).date()}").text

    assert "9:00 am" in page


def test_a_booked_time_is_not_offered_to_its_own_browser_again(client):
    book(client, in_days(3))

    page = client.get(f"{SLOTS}?from={in_days(3, 12).date()}").text
    first_day = page.split('class="day"')[1]

    assert "9:00 am" not in first_day


def test_a_note_of_a_thousand_characters_with_line_breaks_is_not_too_long(client):
    assert book(client, in_days(3), note="a\r\n" * 500).status_code == 302


def test_two_tabs_book_the_time_each_showed(client):
    address, first_tab = open_details(client, in_days(3))
    take(client, in_days(4))

    send(client, address, first_tab)

    assert Appointment.objects.get().starts_at == in_days(3)


def test_double_click_and_reload_give_one_visit_and_one_message(client):
    address, hidden = open_details(client, in_days(3))

    answers = {send(client, address, hidden)["Location"] for _ in range(3)}

    assert len(answers) == 1
    assert Message.objects.count() == 2


def test_the_details_page_of_a_booked_time_leads_to_the_visit(client):
    address, hidden = open_details(client, in_days(3))
    visit = send(client, address, hidden)["Location"]

    assert client.get(address)["Location"] == visit


def test_the_same_key_with_other_content_is_refused(client):
    address, hidden = open_details(client, in_days(3))
    send(client, address, hidden)

    response = send(client, address, hidden, name="Someone Else")

    assert response.status_code == 422
    assert "We already have this form" in response.text
    assert Appointment.objects.get().name == "Ada Example"
    assert Message.objects.count() == 2


def test_replaying_the_details_on_another_hold_is_refused(client):
    address, hidden = open_details(client, in_days(3))
    send(client, address, hidden)
    other_address, other = open_details(client, in_days(4))

    response = send(client, other_address, other | {"submission_key": hidden["submission_key"]})

    assert response.status_code == 422
    assert Appointment.objects.visits().count() == 1


def test_consent_is_asked_for_after_what_to_read_before_sending(client, service):
    UrgentHelp.objects.create(pk=1, title="Urgent", call_911="numb legs", call_doctor="fever")
    service.cautions.add(Caution.objects.create(slug="c", title="Who", avoid="burns", ask_first="thin skin"))

    page = client.get(open_details(client, in_days(3))[0]).text

    order = ["#urgent-help", 'name="email"', "numb legs", "thin skin", 'name="consent"', "Request this visit</button>"]
    places = [page.index(one) for one in order]
    assert places == sorted(places)
    assert page.count('name="consent"') == 1
    assert "Request this visit" in the_bar(page)


def test_a_held_time_names_its_end_and_a_script_that_says_when_it_is_over(client):
    page = client.get(take(client, in_days(3))["Location"]).text

    assert "We are holding this time for you until" in page
    assert 0 < int(re.search(r'data-held-seconds="(\d+)"', page)[1]) <= 600
    assert "hidden>We no longer hold" in page
    assert page.count("Minneapolis time") == 1


def test_an_expired_hold_says_so_and_still_books(client):
    address, hidden = open_details(client, in_days(3))
    Appointment.objects.update(held_until=timezone.now() - timedelta(minutes=1))

    page = client.get(address).text

    assert "We no longer hold this time" in page
    assert "held.js" not in page
    assert send(client, address, hidden).status_code == 302


# ---- a time that is gone ----


def test_a_taken_time_says_so_and_offers_others(client, therapist, service):
    an_appointment(therapist, service, in_days(3))

    response = take(client, in_days(3))

    assert response.status_code == 409
    assert "has just been taken" in response.text
    assert response.text.count('<button class="start start--wide"') == 4
    assert "612-605-7594" in response.text
    assert Message.objects.count() == 0


def test_losing_the_time_while_typing_keeps_what_was_typed_and_books_another_in_one_step(client, therapist, service):
    address, hidden = open_details(client, in_days(3))
    Appointment.objects.update(held_until=timezone.now() - timedelta(minutes=1))
    client.cookies.clear()
    take(client, in_days(3))  # someone else

    lost = send(client, address, hidden, note="Left shoulder")
    assert lost.status_code == 409
    assert "what you typed is kept" in lost.text
    kept = hidden_fields(lost.text)
    assert kept["note"] == "Left shoulder"

    booked = client.post(address, kept | {"start": iso(in_days(3, 10))})

    visit = Appointment.objects.visits().get()
    assert booked.status_code == 302
    assert (visit.starts_at, visit.note) == (in_days(3, 10), "Left shoulder")


def test_a_lost_time_can_be_taken_with_another_therapist(client, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    address, hidden = open_details(client, in_days(3))

    client.post(address, hidden | typed_details() | {"therapist": "benjamin-britton"})

    assert Appointment.objects.visits().get().therapist == other


# ---- what is typed wrong ----


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (lambda: iso(in_days(3, 9, 5)), 409),
        (lambda: iso(in_days(-1)), 409),
        (lambda: iso(in_days(400)), 409),
        (lambda: iso(in_days(3, 3)), 409),
        (lambda: iso(in_days(3))[:16], 400),
        (lambda: "tomorrow", 400),
        (lambda: "9" * 5000, 400),
        (lambda: "0001-01-01T00:00+00:00", 400),
        (lambda: "9999-12-31T23:59-12:00", 400),
        (lambda: iso(in_days(3)) + "\x00", 400),
    ],
    ids=["off-grid", "past", "far", "closed", "naive", "garbled", "long", "year-1", "year-9999", "nul"],
)
def test_bad_starts_get_a_clear_answer_and_store_nothing(client, start, status):
    response = take(client, start())

    assert response.status_code == status
    assert "612-605-7594" in response.text
    assert not Appointment.objects.exists()


def test_a_time_during_an_absence_cannot_be_taken(client, therapist):
    an_absence(None, in_days(3, 8), in_days(3, 12))

    assert take(client, in_days(3)).status_code == 409
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/book/nobody/consultation/",
        "/book/peter-stanley/surgery/",
        "/book/hold/wrong/",
        "/visits/wrong/",
        "/visits/wrong/cancel/",
        "/therapists/nobody/next/",
        "/book/peter-stanley/consultation/extra/",
    ],
)
def test_unknown_addresses_get_our_own_404(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert "612-605-7594" in response.text


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-1-1", "%00", "1" * 3000])
def test_a_garbled_week_is_a_bad_request(client, text):
    assert client.get(f"{SLOTS}?from={text}").status_code == 400


@pytest.mark.parametrize("day", ["1999-01-01", "2999-12-31"])
def test_a_week_out_of_reach_shows_the_nearest_one(client, day):
    assert client.get(f"{SLOTS}?from={day}").status_code == 200


@pytest.mark.parametrize("text", ["ten", "2026-12-07", "9" * 50, "9999-12-31T23:59-12:00"])
def test_a_garbled_time_in_a_link_is_a_bad_request(client, text):
    assert client.get(f"{SLOTS}?at={text}").status_code == 400


BAD_DETAILS = {
    "no name": {"name": ""},
    "blank name": {"name": "   "},
    "long name": {"name": "x" * 121},
    "bidi name": {"name": "Ada\u202eelpmaxE"},
    "control in name": {"name": "Ada\x07"},
    "line break in name": {"name": "Ada\nBcc: x@example.com"},
    "bidi patient": {"patient_name": "\u2066Ada"},
    "no mail": {"email": ""},
    "half a mail": {"email": "ada@"},
    "mail with line break": {"email": "ada@example.com\nBcc: x@example.com"},
    "joiner in mail": {"email": "kow@\u200d.com"},
    "long mail": {"email": "a" * 250 + "@example.com"},
    "no phone": {"phone": ""},
    "short phone": {"phone": "123"},
    "letters in phone": {"phone": "call me maybe"},
    "phone with a control character": {"phone": "612-555-0142\x07"},
    "no answer": {"is_new_patient": ""},
    "other answer": {"is_new_patient": "perhaps"},
    "long note": {"note": "x" * 1001},
    "control in note": {"note": "a\x1b[31m"},
    "no consent": {"consent": ""},
}


def test_a_phone_that_nobody_has_is_asked_about_once(client):
    address, hidden = open_details(client, in_days(3))

    asked = send(client, address, hidden, phone="999-999-9999")
    assert (asked.status_code, "We know of no phone number like this one" in asked.text) == (422, True)
    assert_nothing_happened()
    again = hidden | hidden_fields(asked.text)
    other = send(client, address, again, phone="000-000-0000")  # another one is asked about, too
    assert other.status_code == 422

    assert send(client, address, again, phone="(999) 999 9999").status_code == 302
    assert Appointment.objects.get(name="Ada Example").phone_e164 == "+19999999999"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("612\u00a0555\u20130142", "612 555-0142"),
        ("\u202a612-555-0142\u202c", "612-555-0142"),
        ("６１２５５５０１４２", "6125550142"),
    ],
)
def test_a_pasted_phone_is_taken_and_kept_plain(client, typed, kept):
    address, hidden = open_details(client, in_days(3))

    assert send(client, address, hidden, phone=typed).status_code == 302
    visit = Appointment.objects.get(name="Ada Example")
    assert (visit.phone, visit.phone_e164) == (kept, "+16125550142")


@pytest.mark.parametrize("typed", BAD_DETAILS.values(), ids=BAD_DETAILS)
def test_bad_details_say_what_is_wrong_keep_the_rest_and_store_nothing(client, typed):
    address, hidden = open_details(client, in_days(3))

    response = send(client, address, hidden, **typed)

    assert response.status_code == 422
    assert "needs your attention" in response.text
    assert 'aria-invalid="true"' in response.text
    said = re.findall(r'class="field__error"[^>]*>([^<]+)<', response.text)
    assert said
    assert all(words.endswith(".") and not words.startswith(("Ensure", "Select")) for words in said)
    if "phone" not in typed:
        assert "612-555-0142" in response.text
    assert_nothing_happened()


def test_a_nul_byte_is_a_bad_request(client):
    address, hidden = open_details(client, in_days(3))

    response = send(client, address, hidden, name="Ada\x00")

    assert response.status_code == 400
    assert "612-605-7594" in response.text
    assert_nothing_happened()


@pytest.mark.parametrize("change", [{"is_taking_patients": False}, {"slug": "dr-stanley"}])
def test_a_rule_that_changed_while_typing_keeps_what_was_typed(client, therapist, change):
    address, hidden = open_details(client, in_days(3))
    for name, value in change.items():
        setattr(therapist, name, value)
    therapist.save()

    response = send(client, address, hidden, note="Left shoulder")

    assert response.status_code == (409 if "is_taking_patients" in change else 400)
    if response.status_code == 409:
        assert 'value="Left shoulder"' in response.text
    assert_nothing_happened()


FORGED = {
    "start": {"start": "soon"},
    "no start": {"start": ""},
    "therapist": {"therapist": "nobody"},
    "key": {"submission_key": "1"},
    "no key": {"submission_key": ""},
    "article": {"came_from": "<script>"},
    "long article": {"came_from": "a" * 200},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_forged_hidden_fields_are_a_bad_request(client, forged):
    address, hidden = open_details(client, in_days(3))

    response = client.post(address, hidden | typed_details() | forged)

    assert response.status_code == 400
    assert_nothing_happened()


def test_a_forged_time_in_the_details_is_not_booked(client):
    address, hidden = open_details(client, in_days(3))

    response = client.post(address, hidden | typed_details() | {"start": iso(in_days(3, 9, 5))})

    assert response.status_code == 409
    assert_nothing_happened()


def test_a_forged_hold_cookie_is_no_hold(client, settings):
    take(client, in_days(3))
    client.cookies[settings.HOLD_COOKIE_NAME] = str(uuid.uuid4())

    assert take(client, in_days(4)).status_code == 302
    assert Appointment.objects.count() == 2


def test_forms_without_their_token_are_refused_in_the_sites_face():
    response = Client(enforce_csrf_checks=True).post(SLOTS, {"start": iso(in_days(3))})

    assert response.status_code == 403
    assert "612-605-7594" in response.text
    assert not Appointment.objects.exists()


def test_html_in_a_name_is_shown_as_text(client):
    address, hidden = open_details(client, in_days(3))

    response = send(client, address, hidden, name="<script>alert(1)</script>", email="")

    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text


# ---- the visit ----


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


def test_cancelling_asks_once_more_and_get_changes_nothing(client, visit):
    cancel = f"{visit.get_absolute_url()}cancel/"

    asked = client.get(cancel).text
    assert "Cancel this visit?" in asked
    assert "No, keep this visit" in the_bar(asked)
    assert Appointment.objects.get().state == State.REQUESTED
    assert "is cancelled" in client.post(cancel, hidden_fields(asked), follow=True).text
    assert Appointment.objects.get().state == State.CANCELLED
    assert client.post(cancel, hidden_fields(asked)).status_code == 302


def test_moving_shows_both_times_once_more_and_then_moves(client, visit):
    move = f"{visit.get_absolute_url()}move/"
    assert "You keep this time until you have chosen another" in client.get(move).text

    asked = client.post(move, {"start": iso(in_days(6, 11))})
    assert "Yes, move it" in the_bar(asked.text)
    assert Appointment.objects.get().starts_at == visit.starts_at

    moved = client.post(move, hidden_fields(asked.text), follow=True)

    assert Appointment.objects.get().starts_at == in_days(6, 11)
    assert "<title>Moved: your visit" in moved.text
    assert "Your visit is moved" in moved.text
    assert "11:00" in re.search(r'role="status"[^>]*data-take-focus>(.+)</p>', moved.text)[1]
    assert Message.objects.count() == 2


def test_only_a_visit_still_to_come_is_said_to_have_moved(client, visit):
    assert "Your visit is moved" not in client.get(visit.get_absolute_url()).text
    Appointment.objects.update(state=State.CANCELLED)

    page = client.get(f"{visit.get_absolute_url()}?moved=1").text

    assert "Your visit is moved" not in page
    assert "Your visit is cancelled" in page


@pytest.mark.parametrize("path", [SLOTS, "move/"])
def test_going_on_without_a_time_says_so_and_leads_to_the_first(client, visit, path):
    answer = client.post(path if path == SLOTS else visit.get_absolute_url() + path, {"start": ""})

    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    assert '<a href="#id_start">Choose a time.</a>' in answer.text
    assert answer.text.count('id="id_start"') == 1
    assert not Message.objects.exists()
    assert Appointment.objects.count() == 1


def test_losing_the_race_for_another_time_keeps_the_visit(client, visit, therapist, service):
    move = f"{visit.get_absolute_url()}move/"
    fields = hidden_fields(client.post(move, {"start": iso(in_days(6))}).text)
    an_appointment(therapist, service, in_days(6))

    response = client.post(move, fields)

    assert response.status_code == 409
    assert "has just been taken" in response.text
    assert "your visit is still as below" in response.text
    assert response.text.count('<button class="start"') > 10


def test_a_tab_that_saw_the_old_time_does_not_move_the_visit_again(client, visit):
    move = f"{visit.get_absolute_url()}move/"
    first, second = (hidden_fields(client.post(move, {"start": iso(in_days(day))}).text) for day in (6, 7))
    client.post(move, first)

    response = client.post(move, second)

    assert response.status_code == 409
    assert "Nothing was changed" in response.text
    assert (
        f'It is now: Waiting for our answer: <time datetime="{iso(in_days(6).astimezone(CHICAGO))}">' in response.text
    )
    assert Appointment.objects.get().starts_at == in_days(6)


@pytest.mark.parametrize("fields", [{"start": "soon"}, {"start": "2030-01-01T00:00"}, {"version": "x"}])
def test_a_garbled_move_is_a_bad_request(client, visit, fields):
    assert client.post(f"{visit.get_absolute_url()}move/", fields).status_code == 400


def test_inside_the_cut_off_nothing_can_be_moved(client, therapist, service):
    soon = an_appointment(therapist, service, timezone.now() + timedelta(hours=20))
    move = f"{soon.get_absolute_url()}move/"

    assert "too close to your visit" in client.get(move).text
    assert client.post(move, {"start": iso(in_days(6)), "version": soon.version}).status_code == 409
    assert Appointment.objects.get().starts_at == soon.starts_at


def test_inside_the_cut_off_the_page_gives_the_phone(client, therapist, service):
    soon = an_appointment(therapist, service, timezone.now() + timedelta(hours=20))

    response = client.post(f"{soon.get_absolute_url()}cancel/", {"version": soon.version})

    assert response.status_code == 409
    assert "612-605-7594" in response.text
    assert Appointment.objects.get().state == State.CONFIRMED


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.DECLINED, "Not possible"),
        (State.CANCELLED, "Cancelled"),
        (State.EXPIRED, "Not booked"),
        (State.NO_SHOW, ""),
    ],
)
def test_an_ended_visit_says_so_until_its_time_has_passed(client, visit, state, said):
    Appointment.objects.update(state=state)
    page = client.get(visit.get_absolute_url()).text
    assert f"<title>{said}: your visit" in page if said else "<title>Your visit –" in page
    assert "No-show" not in page

    hours = timedelta(days=6)
    Appointment.objects.update(
        starts_at=visit.starts_at - hours,
        ends_at=visit.ends_at - hours,
        blocked=(visit.starts_at - hours, visit.ends_at),
    )
    assert client.get(visit.get_absolute_url()).status_code == 404


def test_a_hold_is_not_a_visit(client):
    address = take(client, in_days(3))["Location"]

    assert client.get(address.replace("/book/hold/", "/visits/")).status_code == 404


def test_private_pages_are_not_kept_or_indexed(client, visit):
    for path in (SLOTS, "/book/", visit.get_absolute_url()):
        response = client.get(path)
        assert response["Cache-Control"] == "no-store"
        assert response["X-Robots-Tag"] == "noindex"
        assert response["Referrer-Policy"] == "strict-origin"


# ---- hours that are only examples ----


def test_in_production_example_hours_cannot_be_booked(client, therapist, settings):
    therapist.shifts.update(is_example=True)
    settings.IS_PRODUCTION = True

    assert "opens soon" in client.get("/book/").text
    page = client.get(SLOTS).text
    assert "opens soon" in page
    assert 'class="start' not in page
    assert take(client, in_days(3)).status_code == 409


def test_an_example_service_is_not_on_offer_in_production(client, service, settings):
    service.is_example = True
    service.save()
    settings.IS_PRODUCTION = True

    assert client.get(SLOTS).status_code == 404


def test_next_times_are_three_links_and_are_not_kept(client):
    response = client.get("/therapists/peter-stanley/next/")

    assert response.text.count("times__one") == 3
    assert response.text.count(" with Dr. Stanley</span></a>") == 3
    assert "no-store" in response["Cache-Control"]


# ---- speed ----


def test_slots_page_reads_the_database_a_fixed_number_of_times(client, django_assert_max_num_queries, service):
    for slug in ("benjamin-britton", "ana-lima"):
        other = a_therapist(slug)
        working_all_week(other)
        service.therapists.add(other)
    client.get(SLOTS)

    with django_assert_max_num_queries(10):
        client.get(SLOTS)


def test_booking_a_service_that_is_agreed_at_once_says_confirmed(client, therapist):
    a_service(therapist, slug="quick", needs_confirmation=False)
    address = take(client, in_days(3), "/book/peter-stanley/quick/")["Location"]
    hidden = hidden_fields(client.get(address).text)

    page = client.get(send(client, address, hidden)["Location"])

    assert "Confirmed" in page.text


# ---- lost link, privacy ----


def test_the_lost_link_page_answers_alike_and_asks_for_a_real_address(client, visit):
    known, unknown = (client.post("/visits/find/", {"email": f"{who}@example.com"}) for who in ("ada", "nobody"))
    assert known.text == unknown.text
    assert known.status_code == unknown.status_code == 200
    assert "If we know this address" in known.text

    wrong = client.post("/visits/find/", {"email": "ada@"})
    assert wrong.status_code == 422
    assert 'value="ada@"' in wrong.text


def test_the_privacy_page_says_for_how_long(client, settings):
    settings.BOOKING_KEEP_DAYS = 45

    assert "45 days after" in client.get("/privacy/").text


@pytest.mark.parametrize("charset", ["hex", "unicode_escape", "undefined"])
def test_other_charsets_are_a_bad_request(client, charset):
    response = client.generic("POST", SLOTS, b"start=1", f"application/x-www-form-urlencoded; charset={charset}")

    assert response.status_code == 400
    assert "612-605-7594" in response.text


def test_a_method_that_is_not_meant_gets_a_page_and_a_nul_cookie_a_refusal(client):
    response = client.put(SLOTS)
    assert response.status_code == 405
    assert "612-605-7594" in response.text
    assert "GET" in response["Allow"]

    client.cookies["sessionid"] = "\x00abc"
    assert client.get("/admin/login/").status_code == 400
