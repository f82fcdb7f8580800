"""Limits: exact, kept without saying who it was, and refused alike."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client

from booking import actions
from booking.models import Appointment, Counted, DailyCount, Message, State
from booking.models.limits import digest_of
from revival.base.network import network_of
from tests.booking.patients.test_book import SLOTS, book, hidden_fields, iso, open_details, send, take
from tests.factories import (
    a_clinic,
    a_service,
    a_therapist,
    an_appointment,
    an_offer,
    in_days,
    joins,
    some_details,
    working_all_week,
)
from tests.races import all_at_once

TRUSTED = ["127.0.0.1"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not a proxy of ours: what it says is nothing to us
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.1, 198.51.100.1", "198.51.100.1"),  # the last hop; the rest the visitor wrote
        ("127.0.0.1", "", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_the_network_is_the_peers_or_what_our_own_proxy_added(peer, forwarded, network):
    assert network_of(peer=peer, forwarded_for=forwarded, trusted=TRUSTED) == network


@pytest.fixture
def _site(therapist, service):
    """What can be booked."""


@pytest.mark.usefixtures("_site")
def test_an_eleventh_open_hold_of_one_network_is_refused_in_words(client, settings):
    for n in range(settings.BOOKING_OPEN_HOLDS_A_DAY):
        client.cookies.clear()
        assert take(client, in_days(3 + n)).status_code == 302
    client.cookies.clear()

    response = take(client, in_days(20))

    assert response.status_code == 429
    assert "We can’t take this booking online" in response.text
    assert "612-605-7594" in response.text
    elsewhere = client.post(SLOTS, {"start": iso(in_days(20))}, headers={"x-forwarded-for": "198.51.100.7"})
    assert elsewhere.status_code == 302


@pytest.mark.usefixtures("_site")
def test_pointing_the_one_hold_elsewhere_counts_once_and_booking_it_closes_it(client):
    for n in range(15):
        assert take(client, in_days(3 + n)).status_code == 302
    assert DailyCount.objects.get(kind=Counted.HOLD).count == 1

    book(client, in_days(30))

    assert DailyCount.objects.get(kind=Counted.HOLD).count == 0
    assert DailyCount.objects.get(kind=Counted.BOOKING).count == 1


@pytest.mark.usefixtures("_site")
def test_times_that_were_refused_do_not_count(client, therapist, service):
    an_appointment(therapist, service, in_days(3))
    for _ in range(15):
        assert take(client, in_days(3)).status_code == 409

    assert take(client, in_days(4)).status_code == 302


@pytest.mark.usefixtures("_site")
def test_holds_past_the_limit_are_refused_and_not_counted(client, settings):
    settings.BOOKING_OPEN_HOLDS_A_DAY = 2
    first = Client()
    take(first, in_days(3))
    for n in range(6):
        take(Client(), in_days(4 + n))
    assert DailyCount.objects.get(kind=Counted.HOLD).count == 2

    book(first, in_days(3))

    assert take(Client(), in_days(20)).status_code == 302


def lost_database(**kwargs):
    raise actions.BusyError


def stumble(**kwargs):
    raise RuntimeError("an error of ours")


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("fault", [lost_database, stumble])
def test_a_hold_that_was_not_taken_for_any_reason_is_not_counted(client, monkeypatch, fault):
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(actions, "take_hold", fault)
        assert take(client, in_days(3)).status_code >= 500

    assert DailyCount.objects.get(kind=Counted.HOLD).count == 0


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("fault", [lost_database, stumble])
def test_a_booking_that_was_not_made_for_any_reason_leaves_both_counts(client, monkeypatch, fault):
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(actions, "book_appointment", fault)
        assert book(client, in_days(3)).status_code >= 500

    assert counts() == {Counted.HOLD: 1, Counted.BOOKING: 0}


@pytest.mark.usefixtures("_site")
def test_a_booking_refused_for_its_person_leaves_both_counts(client):
    book(client, in_days(3))
    book(client, in_days(4))

    assert book(client, in_days(5)).status_code == 429

    assert counts() == {Counted.HOLD: 1, Counted.BOOKING: 2}


def counts() -> dict[str, int]:
    return dict(DailyCount.objects.exclude(kind=Counted.MAIL).values_list("kind", "count"))


@pytest.mark.usefixtures("_site")
def test_a_twenty_first_booking_of_one_network_is_refused(client, settings):
    settings.BOOKING_BOOKINGS_A_DAY = 1
    book(client, in_days(3))

    response = book(client, in_days(4), name="Someone Else", email="else@example.com", phone="612-555-0100")

    assert response.status_code == 429
    assert Appointment.objects.visits().count() == 1
    assert Message.objects.count() == 2


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({}, 429),
        ({"email": "other@example.com"}, 429),  # same name and phone
        ({"phone": "(612) 555 0142", "email": "other@example.com"}, 429),
        ({"name": "ada EXAMPLE", "email": "ADA@EXAMPLE.COM", "phone": "612-555-0100"}, 429),
        ({"name": "Bob Example"}, 302),  # several people may share an address and a phone
        ({"email": "other@example.com", "phone": "612-555-0100"}, 302),  # someone else of that name
    ],
)
def test_a_third_coming_visit_of_one_person_is_refused(client, typed, status):
    book(client, in_days(3))
    book(client, in_days(4))

    assert book(client, in_days(5), **typed).status_code == status


@pytest.fixture
def second_therapist(service):
    """Another therapist who gives the same service."""
    second = a_therapist("benjamin-britton")
    working_all_week(second)
    service.therapists.add(second)
    return second


def book_with(client, therapist, starts_at, **typed):
    address = take(client, starts_at, path=f"/book/{therapist.slug}/consultation/")["Location"]
    return send(client, address, hidden_fields(client.get(address).text), **typed)


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("is_online", [True, False])
@pytest.mark.parametrize(
    ("minutes", "typed", "status"),
    [
        (0, {}, 429),
        (15, {}, 429),
        (-15, {}, 429),
        (30, {}, 302),  # one after the other
        (-30, {}, 302),
        (0, {"email": "other@example.com"}, 429),  # same name and phone
        (0, {"name": "ada EXAMPLE", "phone": "612-555-0100"}, 429),
        (0, {"name": "Bob Example"}, 302),
        (0, {"patient_name": "Ada’s daughter"}, 302),  # for someone else, side by side
    ],
)
def test_one_patient_cannot_be_with_two_therapists_at_once(
    client, therapist, service, second_therapist, minutes, typed, status, is_online
):
    an_appointment(therapist, service, in_days(3, 11), is_online=is_online)

    response = book_with(client, second_therapist, in_days(3, 11) + timedelta(minutes=minutes), **typed)

    assert response.status_code == status
    assert Appointment.objects.visits().count() == (1 if status == 429 else 2)


@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("state", [State.CANCELLED, State.DECLINED, State.COMPLETED, State.NO_SHOW])
def test_a_visit_that_has_ended_is_in_nobodys_way(client, therapist, service, second_therapist, state):
    an_appointment(therapist, service, in_days(3, 11), state=state, ended_at=in_days(0))

    assert book_with(client, second_therapist, in_days(3, 11)).status_code == 302


def test_a_visit_cannot_be_moved_to_where_its_patient_has_another(client, therapist, service, second_therapist):
    an_appointment(second_therapist, service, in_days(3, 11))
    visit = an_appointment(therapist, service, in_days(4, 11))

    path = visit.get_absolute_url() + "move/"
    response = client.post(path, {"start": iso(in_days(3, 11)), "version": visit.version})

    assert response.status_code == 429
    assert "612-605-7594" in response.text
    visit.refresh_from_db()
    assert visit.starts_at == in_days(4, 11)
    assert not Message.objects.exists()


def test_an_offer_at_the_time_of_another_visit_is_refused(client, therapist, service, second_therapist):
    entry = joins(service, therapist=second_therapist)
    person = {"name": entry.name, "email": entry.email, "phone": entry.phone}
    an_appointment(therapist, service, in_days(3, 11), **person)
    offer = an_offer(entry, second_therapist, in_days(3, 11))

    response = client.post(entry.get_absolute_url() + "accept/", {"offer": offer.pk, "version": offer.version})

    assert response.status_code == 429
    assert Appointment.objects.visits().count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_patient_who_sends_both_forms_at_once_gets_one_visit():
    a_clinic()
    therapists = [a_therapist(slug) for slug in ("peter-stanley", "benjamin-britton")]
    service = a_service(*therapists)
    for therapist in therapists:
        working_all_week(therapist)
    start = in_days(3)
    holds = [actions.take_hold(therapist=one, service=service, starts_at=start) for one in therapists]

    def go(number):
        return actions.book_appointment(
            hold=holds[number],
            therapist=therapists[number],
            service=service,
            starts_at=start,
            details=some_details(),
            submission_key=uuid.uuid4(),
        )

    outcomes = all_at_once(go, 2)

    assert sum(isinstance(outcome, actions.TooManyError) for outcome in outcomes) == 1


@pytest.mark.usefixtures("_site")
def test_sending_the_same_again_is_not_counted_again(client):
    address, hidden = open_details(client, in_days(3))
    for _ in range(3):
        send(client, address, hidden)

    assert DailyCount.objects.get(kind=Counted.BOOKING).count == 1


@pytest.mark.usefixtures("_site")
def test_no_address_is_kept_and_days_cannot_be_joined(client):
    take(client, in_days(3))

    assert "127.0.0.1" not in str(list(DailyCount.objects.values()))
    today = date(2026, 12, 7)
    assert digest_of("127.0.0.1", today) != digest_of("127.0.0.1", today + timedelta(days=1))


@pytest.mark.usefixtures("_site")
def test_counts_are_deleted_after_two_days(client):
    take(client, in_days(3))
    DailyCount.objects.create(kind=Counted.HOLD, digest="x", day=date(2026, 1, 1), count=3)

    actions.delete_dead_holds()

    assert DailyCount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_a_person_is_exact_when_everything_is_sent_at_once():
    a_clinic()
    therapists = [a_therapist(slug) for slug in ("peter-stanley", "benjamin-britton", "ana-lima", "jo-park")]
    service = a_service(*therapists)
    holds = []
    for number, therapist in enumerate(therapists):
        working_all_week(therapist)
        holds.append(actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3 + number)))

    def go(number):
        return actions.book_appointment(
            hold=holds[number],
            therapist=therapists[number],
            service=service,
            starts_at=holds[number].starts_at,
            details=some_details(),
            submission_key=uuid.uuid4(),
        )

    outcomes = all_at_once(go, 4)

    assert sum(isinstance(outcome, actions.TooManyError) for outcome in outcomes) == 2
    assert Appointment.objects.visits().count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_count_of_a_network_is_exact_when_everyone_comes_at_once(settings):
    settings.BOOKING_OPEN_HOLDS_A_DAY = 3

    def go(_):
        try:
            with actions.counting_hold(network="203.0.113.9"):
                return
        finally:
            connection.close()

    outcomes = all_at_once(go, 8)

    assert sum(isinstance(outcome, actions.TooManyError) for outcome in outcomes) == 5
