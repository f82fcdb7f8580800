"""The day's limit of e-mails to an address that nobody has proved to be theirs: staff phone instead."""

import pytest
from django.test import Client

from booking import actions
from booking.models import Appointment, Counted, DailyCount, Delivery, Kind, LostLink, Message, State
from tests.booking.patients.test_book import book
from tests.factories import an_appointment, in_days

VICTIM = "victim@example.com"


@pytest.fixture(autouse=True)
def _limit(therapist, service, settings):
    settings.BOOKING_MAILS_A_DAY = 2


def book_as(number: int, email: str = VICTIM, client: Client | None = None) -> Appointment:
    """A booking from a network and under a name and phone of its own."""
    client = client or Client(headers={"x-forwarded-for": f"198.51.100.{number}"})
    response = book(client, in_days(3 + number), name=f"Guest {number}", email=email, phone=f"612-555-01{number:02}")
    assert response.status_code == 302
    return Appointment.objects.get(name=f"Guest {number}")


def deliveries(*kinds: Kind) -> list[str]:
    return list(Message.objects.filter(kind__in=kinds).order_by("pk").values_list("delivery", flat=True))


def test_requests_from_many_networks_to_one_address_book_on_and_mail_no_more():
    visits = [book_as(number) for number in range(4)]

    assert {visit.state for visit in visits} == {State.REQUESTED}
    assert deliveries(Kind.REQUESTED) == [Delivery.QUEUED] * 2 + [Delivery.PLEASE_PHONE] * 2
    assert deliveries(Kind.STAFF_NOTICE) == [Delivery.QUEUED] * 4
    assert Message.objects.undelivered().count() == 2


def test_the_address_is_compared_whatever_its_case_and_others_go_on():
    for number, email in enumerate(["victim@example.com", "VICTIM@example.com", "Victim@Example.com"]):
        book_as(number, email)
    book_as(3, "somebody@example.com")

    assert deliveries(Kind.REQUESTED) == [Delivery.QUEUED] * 2 + [Delivery.PLEASE_PHONE, Delivery.QUEUED]


def test_the_page_says_what_is_true_when_we_phone():
    clients = [Client(headers={"x-forwarded-for": f"198.51.100.{n}"}) for n in range(3)]
    pages = [client.get(book_as(n, client=client).get_absolute_url()).text for n, client in enumerate(clients)]

    assert "The link to this page comes by e-mail, too." in pages[0]
    assert "comes by e-mail" not in pages[2]
    assert "so we’ll call you" in pages[2]


def test_a_request_moved_again_and_again_mails_no_more():
    visit = book_as(0)
    for number in range(1, 4):
        visit = actions.move_appointment(
            appointment=visit,
            seen=visit.version,
            starts_at=in_days(3 + number),
            by=actions.Actor.PATIENT,
        )

    assert deliveries(Kind.MOVED) == [Delivery.QUEUED, Delivery.PLEASE_PHONE, Delivery.PLEASE_PHONE]
    assert "so we’ll call you" in Client().get(visit.get_absolute_url() + "?moved=1").text


def test_what_follows_for_a_visit_that_staff_confirmed_always_leaves():
    for number in range(3):
        visit = book_as(number)
    visit = actions.confirm_appointment(appointment=visit, seen=visit.version)
    for number in range(3, 6):
        visit = actions.move_appointment(
            appointment=visit, seen=visit.version, starts_at=in_days(3 + number), by=actions.Actor.PATIENT
        )
    actions.cancel_appointment(appointment=visit, seen=visit.version, by=actions.Actor.PATIENT)

    assert set(deliveries(Kind.CONFIRMED, Kind.MOVED, Kind.CANCELLED)) == {Delivery.QUEUED}


def test_calendars_that_hold_a_visit_learn_that_it_is_cancelled(service):
    service.needs_confirmation = False
    service.save()
    visits = [book_as(number) for number in range(3)]
    for visit in visits:
        actions.cancel_appointment(appointment=visit, seen=visit.version, by=actions.Actor.PATIENT)

    assert deliveries(Kind.CONFIRMED) == [Delivery.QUEUED] * 2 + [Delivery.PLEASE_PHONE]
    assert deliveries(Kind.CANCELLED) == [Delivery.QUEUED] * 3


def test_waiting_list_and_lost_links_count_too(therapist, service):
    visit = an_appointment(therapist, service, in_days(3), email=VICTIM, state=State.CONFIRMED)
    lost = LostLink.objects.create(email=VICTIM)
    actions.send_lost_links(lost_link_id=lost.pk)
    for number in range(2):
        book_as(number + 2)
    lost = LostLink.objects.create(email=VICTIM)
    actions.send_lost_links(lost_link_id=lost.pk)

    assert deliveries(Kind.LOST_LINK)[0] == Delivery.QUEUED
    assert deliveries(Kind.LOST_LINK)[-1] == Delivery.PLEASE_PHONE
    assert Message.objects.filter(kind=Kind.LOST_LINK, appointment=visit).count() == 2


def test_a_booking_that_is_refused_counts_no_mail(client, settings):
    settings.BOOKING_COMING_VISITS = 1
    visit = book_as(0)

    refused = book(client, in_days(9), name=visit.name, email=VICTIM, phone=visit.phone)

    assert refused.status_code == 429
    assert DailyCount.objects.get(kind=Counted.MAIL).count == 1


def test_staff_see_why_it_was_not_sent():
    for number in range(3):
        book_as(number)

    assert Message.objects.get(delivery=Delivery.PLEASE_PHONE).last_answer == (
        "Not sent: many e-mails to this address today"
    )
