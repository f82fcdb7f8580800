"""The page that moves a visit: with whom and when, the free times beside it, and the message before it leaves."""

from __future__ import annotations

import re

import pytest

from booking.models import Appointment, Message
from revival.base.words import day_words
from revival.models import Change
from tests.factories import (
    CHICAGO,
    a_series,
    an_absence,
    an_appointment,
    in_days,
)
from tests.guest import press
from tests.staff import THERAPIST, at_the_desk, staff_user

pytestmark = pytest.mark.django_db


def page_of(visit):
    return f"/admin/booking/appointment/{visit.pk}/move/"


def typed(moment):
    return f"{moment.astimezone(CHICAGO):%Y-%m-%dT%H:%M}"


def place(therapist, moment):
    return {"therapist": therapist.slug, "starts_at": typed(moment)}


def mail_shown(text):
    shown = re.search(r'<details class="answer__mail".*?</details>', text, re.DOTALL)
    return shown[0] if shown else ""


def test_the_page_shows_where_the_visit_is_and_no_message_yet(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))

    page = clerk.get(page_of(visit)).text

    assert f'<option value="{therapist.slug}" selected>' in page
    assert f'value="{typed(in_days(3))}"' in page
    assert "Free with Dr. Stanley" in page
    assert mail_shown(page) == ""


def test_choosing_another_therapist_shows_their_times_and_the_message(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))

    page = press(clerk, page_of(visit), place(colleague, in_days(3)) | {"look": ""})

    assert page.status_code == 200
    assert "Free with Dr. Britton" in page.text
    assert "It is now with Dr. Benjamin Britton, no longer with Dr. Peter Stanley." in mail_shown(page.text)
    assert Appointment.objects.get().therapist == therapist
    assert not Message.objects.exists()


def test_staff_move_a_visit_to_another_therapist_at_the_same_time(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))

    answer = press(clerk, page_of(visit), place(colleague, in_days(3)))

    assert answer.status_code == 302
    visit.refresh_from_db()
    assert (visit.therapist, visit.starts_at, visit.calendar_sequence) == (colleague, in_days(3), 1)
    assert [message.kind for message in visit.messages.all()] == ["moved"]
    page = clerk.get(answer.url).text
    assert "with Dr. Britton: moved. The patient is told by e-mail." in page


def test_where_it_is_now_is_no_move(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))

    refused = press(clerk, page_of(visit), place(therapist, in_days(3)))

    assert refused.status_code == 422
    assert "That is when it is now. Choose another time, or another therapist." in refused.text


def not_given(visit, colleague):
    visit.service.therapists.remove(colleague)


def away(visit, colleague):
    an_absence(colleague, in_days(4, 8), in_days(4, 12))


def taken(visit, colleague):
    an_appointment(colleague, visit.service, in_days(4), name="Bo Other", email="bo@example.com", phone="612-555-0100")


@pytest.mark.parametrize(
    ("meanwhile", "cause"),
    [
        (not_given, "Dr. Britton does not give “Consultation”."),
        (away, "Dr. Britton is away until"),
        (taken, "Something is already booked then."),
    ],
)
def test_a_refusal_names_its_cause_with_the_therapist_who_was_chosen(
    clerk, therapist, service, colleague, meanwhile, cause
):
    visit = an_appointment(therapist, service, in_days(3))
    meanwhile(visit, colleague)

    refused = press(clerk, page_of(visit), place(colleague, in_days(4)))

    assert refused.status_code == 422
    errors = re.search(r'<ul class="errorlist"[^>]*id="id_starts_at_error".*?</ul>', refused.text, re.DOTALL)[0]
    assert cause in errors
    assert f'<option value="{colleague.slug}" selected>' in refused.text
    assert f'value="{typed(in_days(4))}"' in refused.text
    assert not visit.messages.exists()


def test_a_therapist_moves_only_within_their_own(therapist, service, colleague):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    visit, client = an_appointment(therapist, service, in_days(3)), at_the_desk(account)

    assert "Britton" not in client.get(page_of(visit)).text
    assert press(client, page_of(visit), place(colleague, in_days(4))).status_code == 422
    assert press(client, page_of(visit), place(therapist, in_days(4))).status_code == 302
    visit.refresh_from_db()
    assert (visit.therapist, visit.starts_at) == (therapist, in_days(4))


def test_a_visit_of_a_series_names_the_others_therapist_where_it_differs(clerk, therapist, service, colleague):
    first, second = a_series(therapist, service, in_days(4), in_days(6))
    assert press(clerk, page_of(first), place(colleague, in_days(4))).status_code == 302

    page = clerk.get(f"/admin/booking/appointment/{first.pk}/change/").text

    assert "Visit 1 of 2 in a series" in page
    assert re.search(rf"{day_words(in_days(6))}, 9:00 am</a>\s+with Dr. Stanley", page)
    second.refresh_from_db()
    assert second.therapist == therapist


def test_the_change_log_keeps_that_the_therapist_changed(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))
    press(clerk, page_of(visit), place(colleague, in_days(3)))

    changes = Change.objects.filter(about="appointment", number=visit.pk)

    assert sorted(change.facts["therapist_id"] for change in changes) == [therapist.pk, colleague.pk]
