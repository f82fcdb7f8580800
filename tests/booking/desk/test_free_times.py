"""Free times beside the desk's forms, and why a time was refused there."""

import re

import pytest

from booking.models import Absence, Appointment, Service, State, Therapist
from tests.factories import a_therapist, an_absence, an_appointment, day_in, in_days, outage_of, working_all_week

from .test_visits import CALLER, call_form, local, typed

pytestmark = pytest.mark.django_db


def times_beside(page):
    return re.findall(r'name="look" value="([^"]+)"', page.text)


def look(client, therapist, service, start):
    return client.post(CALLER, call_form(therapist, service, start, look=""))


def test_staff_book_whom_patients_cannot_book_online(clerk, therapist, service):
    Therapist.objects.update(is_taking_patients=False)
    Service.objects.update(is_active=False)

    page = clerk.get(CALLER)
    assert times_beside(page)
    assert "Consultation (not on offer online)" in page.text
    assert clerk.post(CALLER, call_form(therapist, service, in_days(3))).status_code == 302
    assert Appointment.objects.get().state == State.CONFIRMED


def test_a_pairing_that_does_not_exist_offers_nothing_and_leads_to_the_service(clerk, therapist, service):
    service.therapists.clear()

    page = clerk.get(CALLER)
    assert not times_beside(page)
    refused = clerk.post(CALLER, call_form(therapist, service, in_days(3)))
    assert refused.status_code == 409
    for answer in (page, refused):
        assert "Dr. Stanley does not give “Consultation”." in answer.text
        assert f'href="/admin/booking/service/{service.pk}/change/"' in answer.text
    assert not Appointment.objects.exists()


def test_times_follow_the_therapist_and_a_start_that_is_not_free_there_is_said(clerk, therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    an_absence(other, in_days(3, 8), in_days(3, 12))

    page = look(clerk, other, service, in_days(3))

    assert "Free with Britton" in page.text
    assert local(in_days(3)).isoformat(timespec="minutes") not in times_beside(page)
    assert "Britton is away until" in page.text
    assert "Start is now" not in page.text
    assert clerk.post(CALLER, call_form(other, service, in_days(3))).status_code == 409


@pytest.mark.parametrize(
    ("start", "said", "link"),
    [
        (in_days(3, 20), "Dr. Stanley does not work then.", "/admin/booking/shift/"),
        (in_days(3, 9, 5), "Starts are offered every 15 minutes from 9:00 am.", "/admin/booking/service/"),
        (in_days(4, 10), "Dr. Stanley is away until", "/admin/booking/absence/"),
        (in_days(5), "Something is already booked then.", "/admin/booking/appointment/"),
    ],
)
def test_a_refusal_names_its_cause_and_the_page_that_mends_it(clerk, therapist, service, start, said, link):
    an_absence(therapist, in_days(4, 8), in_days(4, 12))
    an_appointment(therapist, service, in_days(5))
    visit = an_appointment(therapist, service, in_days(9))

    moved = {"version": visit.version, "starts_at": typed(start)}
    for refused in (
        clerk.post(CALLER, call_form(therapist, service, start)),
        clerk.post(f"/admin/booking/appointment/{visit.pk}/move/", moved),
    ):
        errors = re.search(r'<ul class="errorlist"[^>]*id="id_starts_at_error".*?</ul>', refused.text, re.DOTALL)[0]
        assert said in errors
        assert f'href="{link}' in errors


def test_a_week_without_free_times_shows_the_next(clerk, therapist, service):
    Absence.objects.create(therapist=therapist, starts_at=in_days(0), ends_at=in_days(30, 0))

    page = look(clerk, therapist, service, in_days(3))

    assert "None in the seven days from then. These are the next:" in page.text
    assert times_beside(page)[0] == local(in_days(30)).isoformat(timespec="minutes")


def test_a_move_at_the_desk_is_offered_times_for_the_visits_own_length(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    Service.objects.update(minutes=120)

    page = clerk.get(f"/admin/booking/appointment/{visit.pk}/move/")

    assert local(in_days(3, 16, 30)).isoformat(timespec="minutes") in times_beside(page)


def test_settling_shows_the_free_times_of_the_therapist_who_is_chosen(clerk, therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(3))
    outage = outage_of(therapist, visit.span)
    line = outage.visits.get()
    form = {"version": visit.version, "therapist": other.slug, "starts_at": f"{day_in(4)}T12:00"}

    page = clerk.post(f"/admin/calendar/out/{outage.pk}/{line.pk}/", form | {"look": "", "agreed": "cancel"})

    assert page.status_code == 200
    assert "Free with Britton" in page.text
    assert local(in_days(4, 12)).isoformat(timespec="minutes") in times_beside(page)
    line.refresh_from_db()
    assert line.is_open


def test_an_outage_whose_held_time_cannot_be_had_says_why(clerk, therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(3))
    address = "/admin/calendar/out/"
    asked = {"therapist": therapist.slug, "when": "dates", "first_day": day_in(3), "first": "other"}
    page = clerk.get(f"{address}new/", asked).text
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    sent |= {"answer_by": f"{day_in(2)}T12:00", f"time-{visit.pk}": f"{other.slug} {local(in_days(4)).isoformat()}"}
    service.therapists.remove(other)

    refused = clerk.post(f"{address}new/", sent)

    assert refused.status_code == 409
    assert "One time cannot be booked any more: Britton does not give “Consultation”." in refused.text
    assert not Absence.objects.exists()
