"""Patients change their own phone, note and e-mail address on the page of their visit."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from booking import actions
from booking.models import Appointment, Delivery, EmailChange, Kind, Message, State
from revival.models import Change
from tests.factories import a_series, an_appointment, in_days, joins, version_of
from tests.guest import hidden_fields
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, signed_in_as, staff_user

NEW = "new@example.com"


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), confirmed_at=timezone.now(), note="Old knee")


@pytest.fixture
def desk(visit):
    return signed_in_as(FRONT_DESK)


def page_of(visit, name="details"):
    return f"{visit.get_absolute_url()}{name}/"


def send(client, visit, name="details", **typed):
    return client.post(page_of(visit, name), {"version": version_of(visit)} | typed)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def ask(visit, email=NEW):
    return actions.ask_for_new_email(appointment=visit, seen=version_of(visit), email=email)


# ---- phone and note ---------------------------------------------------------------------------


def test_the_pages_show_nothing_that_was_given_before(client, visit):
    ask(visit)

    for page in (visit.get_absolute_url(), page_of(visit), page_of(visit, "email")):
        text = client.get(page).text
        assert not any(one in text for one in ("555-0142", "Old knee", "ada@example.com", NEW, "Ada"))


def test_the_visit_leads_to_both(client, visit):
    text = client.get(visit.get_absolute_url()).text

    assert all(page_of(visit, name) in text for name in ("details", "email"))


@pytest.mark.parametrize(
    ("typed", "phone", "note"),
    [
        ({"phone": "+1 (612) 555-0199"}, "+1 (612) 555-0199", "Old knee"),
        ({"note": "New\r\nknee"}, "612-555-0142", "New\nknee"),
        ({"clear_note": "on"}, "612-555-0142", ""),
        ({"note": "New", "clear_note": "on", "phone": "612-555-0199"}, "612-555-0199", "New"),
    ],
)
def test_what_was_typed_takes_the_place_of_what_was_given(client, visit, typed, phone, note):
    answer = send(client, visit, **typed)

    now = fresh(visit)
    assert (now.phone, now.note) == (phone, note)
    assert now.phone_e164.endswith(re.sub(r"\D", "", phone)[-10:])
    assert "We have what you typed" in client.get(answer["Location"]).text
    assert not Message.objects.exists()


def test_staff_see_that_it_was_the_patient_and_the_log_names_nobody(client, visit, desk):
    send(client, visit, phone="612-555-0199")

    assert fresh(visit).details_changed_at is not None
    assert "Phone or note changed by the patient" in desk.get(f"/admin/booking/appointment/{visit.pk}/change/").text
    line = Change.objects.filter(about="appointment", number=visit.pk).first()
    assert (line.what, line.user) == ("update", None)
    assert "0199" not in str(vars(line))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "Nothing was changed"),
        ({"phone": "12"}, "too few digits"),
        ({"note": "x" * 1001}, "1000"),
        ({"note": "\u202eevil"}, "characters we can’t read"),
    ],
)
def test_bad_input_is_refused_and_stores_nothing(client, visit, typed, words):
    answer = send(client, visit, **typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert (fresh(visit).phone, fresh(visit).note) == ("612-555-0142", "Old knee")


def test_a_number_that_is_not_in_use_is_asked_about_once(client, visit):
    answer = send(client, visit, phone="612-155-0199")
    assert answer.status_code == 422

    again = client.post(page_of(visit), hidden_fields(answer.text) | {"phone": "612-155-0199"})

    assert again.status_code == 302
    assert fresh(visit).phone == "612-155-0199"


@pytest.mark.parametrize("name", ["details", "email"])
def test_a_visit_that_ended_has_no_such_pages(client, visit, name):
    Appointment.objects.update(state=State.CANCELLED, ended_at=timezone.now())

    assert client.get(page_of(visit, name))["Location"] == visit.get_absolute_url()
    assert send(client, visit, name, phone="612-555-0199", email=NEW).status_code == 302
    assert fresh(visit).phone == "612-555-0142"
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("name", ["details", "email"])
def test_a_network_that_asks_too_often_is_turned_away(client, visit, name, settings):
    settings.BOOKING_ASKS_A_DAY = 1
    send(client, visit, name, phone="612-555-0198", email="first@example.com")

    answer = send(client, visit, name, phone="612-555-0199", email=NEW)

    assert answer.status_code == 429
    assert fresh(visit).phone != "612-555-0199"
    assert not EmailChange.objects.filter(email=NEW).exists()


# ---- another e-mail address -------------------------------------------------------------------


def test_a_new_address_changes_nothing_before_it_is_confirmed(client, visit):
    link = visit.get_absolute_url()

    answer = send(client, visit, "email", email="New@EXAMPLE.com")

    assert "Please confirm the new address" in client.get(answer["Location"]).text
    message = Message.objects.get()
    assert (message.kind, message.recipient) == (Kind.EMAIL_CHANGE, "ada@example.com")
    assert (fresh(visit).email, EmailChange.objects.get().email) == ("ada@example.com", "New@example.com")
    assert client.get(link).status_code == 200


def test_the_link_in_the_old_mailbox_shows_one_button_and_confirms(client, visit, service):
    joins(service, visit=visit)
    old, page = visit.get_absolute_url(), ask(visit).get_absolute_url()
    for _ in range(2):
        text = client.get(page).text
        assert (text.count('<button class="button button--main">'), NEW in text) == (1, False)
    assert fresh(visit).email == "ada@example.com"

    answers = [client.post(page) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [page, page]
    assert "The new address is confirmed" in client.get(page).text
    assert (fresh(visit).email, fresh(visit).email_key) == (NEW, NEW)
    assert client.get(old).status_code == 404
    sent = Message.objects.filter(delivery=Delivery.QUEUED).values_list("kind", "recipient")
    assert sorted(sent) == [(Kind.CONFIRMED, NEW), (Kind.JOINED, NEW)]
    assert EmailChange.objects.get().email == ""


def test_another_address_closes_the_link_for_the_first(client, visit):
    first = ask(visit, "first@example.com").get_absolute_url()

    second = ask(visit).get_absolute_url()

    assert client.get(first).status_code == client.post(first).status_code == 404
    assert client.get(second).status_code == 200
    assert Message.objects.filter(delivery=Delivery.QUEUED).count() == 1
    assert EmailChange.objects.get().email == NEW


def test_asking_twice_for_one_address_is_asking_once(client, visit):
    assert ask(visit).get_absolute_url() == ask(visit).get_absolute_url()
    assert Message.objects.count() == 1


def test_after_a_day_it_is_over_and_the_row_goes(client, visit, desk):
    change = ask(visit)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert client.get(change.get_absolute_url()).status_code == 404
        assert client.post(change.get_absolute_url()).status_code == 404
        with pytest.raises(actions.StateChangedError):
            actions.confirm_new_email(change=change, seen=change.version, by=actions.Actor.STAFF)
        actions.forget_past_visits()

    assert fresh(visit).email == "ada@example.com"
    assert not EmailChange.objects.exists()


def test_whoever_has_no_address_is_confirmed_by_staff_alone(client, visit, desk):
    Appointment.objects.update(email="", email_key="")

    change = ask(fresh(visit))

    assert not Message.objects.exists()
    assert f"/admin/patients/new-email/{change.pk}/" in desk.get("/admin/").text


def test_a_correction_at_the_desk_ends_what_was_asked_for(client, visit, desk):
    page = ask(visit).get_absolute_url()
    form = hidden_fields(desk.get(f"/admin/patients/correct/appointment/{visit.pk}/").text)
    typed = {"name": "Ada Example", "email": "desk@example.com", "phone": "612-555-0142"}
    desk.post(f"/admin/patients/correct/appointment/{visit.pk}/", form | typed)

    assert client.get(page).status_code == 404
    assert fresh(visit).email == "desk@example.com"
    assert not Message.objects.filter(kind=Kind.EMAIL_CHANGE, delivery=Delivery.QUEUED, recipient=NEW).exists()


def test_a_series_changes_as_a_whole(client, therapist, service):
    visits = a_series(therapist, service, in_days(3), in_days(4))
    child = an_appointment(therapist, service, in_days(6), name="Anne Example")

    client.post(ask(visits[0]).get_absolute_url())

    assert {fresh(visit).email for visit in visits} == {NEW}
    assert fresh(child).email == "ada@example.com"
    assert Message.objects.filter(kind=Kind.SERIES, delivery=Delivery.QUEUED).get().recipient == NEW


@pytest.mark.parametrize("do", ["use", "drop"])
def test_staff_use_it_or_drop_it(client, visit, desk, do):
    change = ask(visit)
    page = f"/admin/patients/new-email/{change.pk}/"
    assert page in desk.get("/admin/").text
    assert page in desk.get(f"/admin/booking/appointment/{visit.pk}/change/").text
    text = desk.get(page).text
    assert NEW in text

    answer = desk.post(page, hidden_fields(text) | {"do": do})

    assert answer["Location"] == f"/admin/booking/appointment/{visit.pk}/change/"
    assert fresh(visit).email == (NEW if do == "use" else "ada@example.com")
    assert page not in desk.get("/admin/").text
    assert not Message.objects.filter(kind=Kind.EMAIL_CHANGE, delivery=Delivery.QUEUED).exists()
    if do == "drop":
        assert client.get(change.get_absolute_url()).status_code == 404


def test_a_therapist_confirms_for_own_patients_only(visit, therapist):
    change = ask(visit)
    stranger = at_the_desk(staff_user(THERAPIST))

    page = f"/admin/patients/new-email/{change.pk}/"
    assert stranger.get(page).status_code == stranger.post(page, {"do": "use"}).status_code == 404
    assert page not in stranger.get("/admin/").text
    therapist.account = staff_user(THERAPIST, username="peter")
    therapist.save()
    assert at_the_desk(therapist.account).get(page).status_code == 200
