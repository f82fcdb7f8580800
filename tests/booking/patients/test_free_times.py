"""What patients' pages say of times that can and cannot be had: causes, weeks, and what was typed."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from booking import actions
from booking.models import Absence, Appointment, Service, State, Therapist
from tests.factories import CHICAGO, a_service, a_therapist, an_appointment, day_in, in_days, working_all_week

from .test_book import SLOTS, iso, open_details, send, take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clinic(therapist, service):
    """All tests here need a clinic that can be booked."""


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5))


def shown(moment):
    return moment.astimezone(CHICAGO).isoformat(timespec="minutes")


def untick():
    Therapist.objects.update(is_taking_patients=False)
    Service.objects.update(is_active=False)


def move_page(visit):
    return f"{visit.get_absolute_url()}move/"


# ---- who may be booked anew, and who may be moved ----


def test_ticks_close_new_bookings_and_leave_a_visit_to_be_moved(client, visit):
    untick()

    assert 'type="radio"' not in client.get(SLOTS).text
    page = client.get(f"{move_page(visit)}?from={day_in(6)}")
    assert f'value="{shown(in_days(6))}"' in page.text
    moved = client.post(move_page(visit), {"start": iso(in_days(6)), "version": visit.version})
    assert moved.status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == in_days(6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda therapist, service: Therapist.objects.update(is_taking_patients=False), "is not taking new patients"),
        (lambda therapist, service: Service.objects.update(is_active=False), "can’t be booked online just now"),
        (lambda therapist, service: service.therapists.clear(), "Dr. Stanley does not give Consultation."),
        (lambda therapist, service: therapist.shifts.all().delete(), "Online booking with Dr. Stanley opens soon."),
    ],
    ids=["therapist", "service", "pairing", "hours"],
)
def test_what_closes_a_page_is_said_there_and_to_who_had_it_open(client, therapist, service, change, said):
    change(therapist, service)

    page = client.get(SLOTS)
    assert said in page.text
    assert "612-605-7594" in page.text
    assert 'type="radio"' not in page.text
    refused = take(client, in_days(3))
    assert refused.status_code == 409
    assert said in refused.text
    assert "/join/" not in refused.text
    joining = client.get(reverse("booking:join", args=[therapist.slug, service.slug]))
    assert joining["Location"] == SLOTS
    assert not Appointment.objects.exists()


def test_a_visit_whose_therapist_gives_the_service_no_more_is_not_moved_online(client, visit, service):
    service.therapists.clear()

    page = client.get(move_page(visit))

    assert "Dr. Stanley does not give Consultation." in page.text
    assert 'type="radio"' not in page.text


# ---- causes ----


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (in_days(3, 9, 5), "Visits do not begin at that minute."),
        (in_days(3, 7), "Dr. Stanley does not see patients then."),
        (in_days(3, 16, 45), "would last longer than Dr. Stanley sees patients"),
        (in_days(4, 10), "Dr. Stanley is away then."),
        (in_days(90), "at most 60 days ahead"),
        (in_days(-1), "That time has gone by."),
    ],
)
def test_a_refused_time_says_why(client, therapist, start, said):
    Absence.objects.create(therapist=None, starts_at=in_days(4, 0), ends_at=in_days(5, 0), reason="Private")

    refused = take(client, start)

    assert refused.status_code == 409
    assert said in refused.text
    assert "Private" not in refused.text


def test_notice_is_named_in_hours(client, service):
    Service.objects.update(notice_hours=100)

    assert "at least 100 hours ahead" in take(client, in_days(2)).text


# ---- where the person was ----


def test_after_a_refused_move_the_week_stays(client, visit, therapist, service):
    an_appointment(therapist, service, in_days(23, 10))
    address = f"{move_page(visit)}?from={day_in(21)}"

    refused = client.post(address, {"start": iso(in_days(23, 10)), "version": visit.version})
    assert refused.status_code == 409
    assert f'value="{shown(in_days(21))}"' in refused.text
    refused = client.post(move_page(visit), {"start": iso(in_days(23, 10)), "version": visit.version})
    assert f'value="{shown(in_days(23, 11))}"' in refused.text
    confirm = client.post(address, {"start": iso(in_days(23, 11))})
    assert f'move/?from={day_in(23)}"' in confirm.text


def test_the_whole_week_after_a_refusal_is_that_of_the_time(client, therapist, service):
    an_appointment(therapist, service, in_days(23, 10))

    assert f"{SLOTS}?from={day_in(23)}" in take(client, in_days(23, 10)).text


def test_nothing_free_close_by_shows_later_times_and_keeps_what_was_typed(client, therapist):
    address, hidden = open_details(client, in_days(3))
    Absence.objects.create(therapist=therapist, starts_at=in_days(0), ends_at=in_days(40, 0))

    refused = send(client, address, hidden, note="Left shoulder")

    assert refused.status_code == 409
    assert f'value="{shown(in_days(40))}"' in refused.text
    assert "What you typed is kept" in refused.text
    assert 'value="Left shoulder"' in refused.text


def test_what_was_typed_is_kept_also_when_nothing_is_free_at_all(client, therapist):
    address, hidden = open_details(client, in_days(3))
    absence = Absence.objects.create(therapist=therapist, starts_at=in_days(0), ends_at=in_days(90))

    refused = send(client, address, hidden, note="Left shoulder")

    assert refused.status_code == 409
    assert "What you typed is kept" in refused.text
    assert 'value="Left shoulder"' in refused.text
    absence.delete()
    again = dict(fields_of(refused.text))
    assert client.post(address, again).status_code == 302
    assert Appointment.objects.get().note == "Left shoulder"


def fields_of(page):
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)


# ---- the row's own length ----


def test_a_hold_whose_service_became_longer_is_put_again(client, service):
    address, hidden = open_details(client, in_days(3))
    Service.objects.update(minutes=60, turnaround_minutes=15)

    assert send(client, address, hidden).status_code == 302

    visit = Appointment.objects.get()
    assert (visit.length, visit.turnaround) == (timedelta(minutes=60), timedelta(minutes=15))
    page = client.get(visit.get_absolute_url()).text
    assert "60 minutes" in page


def test_a_hold_that_became_too_long_is_refused_with_other_times(client, therapist, service):
    address, hidden = open_details(client, in_days(3))
    an_appointment(therapist, service, in_days(3, 9, 45))
    Service.objects.update(minutes=60)

    refused = send(client, address, hidden, note="Left shoulder")

    assert refused.status_code == 409
    assert 'value="Left shoulder"' in refused.text
    assert f'value="{shown(in_days(3, 10, 30))}"' in refused.text
    assert Appointment.objects.get(state=State.HELD).length == timedelta(minutes=30)


def test_a_visit_shows_and_keeps_the_length_it_was_agreed_with(client, visit, mailoutbox):
    Service.objects.update(minutes=60, turnaround_minutes=30)

    assert "30 minutes" in client.get(visit.get_absolute_url()).text
    actions.move_appointment(
        appointment=visit, seen=visit.version, starts_at=in_days(6, 16, 30), by=actions.Actor.PATIENT
    )

    visit.refresh_from_db()
    assert (visit.length, visit.turnaround) == (timedelta(minutes=30), timedelta(minutes=10))
    assert visit.ends_at.astimezone(CHICAGO).hour == 17
    assert "30 minutes" in client.get(visit.get_absolute_url()).text


def test_a_pairing_that_does_not_exist_offers_nothing(client):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service = a_service(slug="massage", name="Massage")

    page = client.get(f"/book/{other.slug}/{service.slug}/")

    assert "Britton does not give Massage." in page.text
    assert 'type="radio"' not in page.text
