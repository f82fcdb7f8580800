"""The desk's page that corrects name, e-mail address and phone."""

import re

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from booking import actions
from booking.models import AccessLog, Appointment, Message
from booking.models.people import Person
from revival.models import Change
from tests.factories import a_series, an_appointment, asks, in_days, joins
from tests.guest import hidden_fields
from tests.staff import EDITOR, THERAPIST, at_the_desk, signed_in_as, staff_user

RIGHT = "right@example.com"


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), confirmed_at=timezone.now())


def page_of(row):
    return f"/admin/patients/correct/{row._meta.model_name}/{row.pk}/"


def typed(row, **fields):
    person = Person.of(row)
    details = {"name": person.name, "email": person.email, "phone": person.phone, "patient_name": person.patient_name}
    return details | {"version": person.version} | fields


def ticks(page, *, ticked=None):
    found = re.findall(r'name="also" value="([^"]+)"( checked)?', page)
    return [value for value, is_ticked in found if ticked in (None, bool(is_ticked))]


def said(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_every_row_with_a_person_leads_to_the_page(clerk, visit, service):
    entry, asked = joins(service), asks()

    for row in (visit, entry, asked):
        page = clerk.get(f"/admin/booking/{row._meta.model_name}/{row.pk}/change/").text
        assert f'href="{page_of(row)}"' in page
        assert clerk.get(page_of(row)).status_code == 200


def test_an_entry_with_a_visit_leads_to_the_visit(clerk, visit, service):
    entry = joins(service, visit=visit)

    assert page_of(visit) in clerk.get(f"/admin/booking/waitlistentry/{entry.pk}/change/").text
    assert clerk.get(page_of(entry))["Location"] == page_of(visit)
    assert clerk.post(page_of(entry), {"name": "X"})["Location"] == page_of(visit)


def test_the_page_shows_what_is_so_what_will_leave_and_that_the_link_is_closed(clerk, visit):
    page = clerk.get(page_of(visit)).text

    assert 'value="ada@example.com"' in page
    assert "A corrected e-mail address closes the private link" in page
    assert "[their private link]" in page
    assert visit.token not in page
    assert AccessLog.objects.filter(what="opened", about="appointment", number=visit.pk).count() == 1


def test_a_correction_is_made_and_said_without_a_name(clerk, visit, client):
    link = visit.get_absolute_url()

    answer = clerk.post(page_of(visit), typed(visit, email=RIGHT, phone="612 555 0199"))

    visit.refresh_from_db()
    assert answer["Location"] == f"/admin/booking/appointment/{visit.pk}/change/"
    assert (visit.email, visit.phone) == (RIGHT, "612 555 0199")
    assert said(answer) == (
        "Corrected. The old private link no longer works. What is still to come goes to the new address."
    )
    assert client.get(link).status_code == 404
    assert Message.objects.get().recipient == RIGHT


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Nothing was changed: that is how it is already."),
        ({"phone": "612-555-0198"}, "Corrected."),
        ({"email": ""}, "Without an e-mail address, later messages are listed for you to phone."),
    ],
)
def test_what_was_done_is_said(clerk, visit, fields, words):
    assert words in said(clerk.post(page_of(visit), typed(visit, **fields)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " . "}, "at least one letter"),
        ({"email": "ada@"}, "Type the whole address"),
        ({"phone": "12"}, "too few digits"),
        ({"phone": ""}, "Type a phone number"),
    ],
)
def test_bad_input_is_refused_with_what_was_typed_kept(clerk, visit, fields, words):
    answer = clerk.post(page_of(visit), typed(visit, patient_name="Kept Here", **fields))

    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Kept Here"' in answer.text
    visit.refresh_from_db()
    assert visit.patient_name == ""


def test_the_log_names_the_colleague_and_a_patients_own_change_nobody(clerk, visit, client):
    clerk.post(page_of(visit), typed(visit, phone="612-555-0199"))

    line = Change.objects.filter(about="appointment", number=visit.pk).first()
    assert (line.what, line.place) == ("update", "admin:correct_person")
    assert line.user.username == "colleague-front-desk"


# ---- other rows of theirs ---------------------------------------------------------------------


def test_other_rows_of_theirs_are_offered_and_corrected_together(clerk, visit, therapist, service):
    same = an_appointment(therapist, service, in_days(6))
    family = an_appointment(therapist, service, in_days(7), name="Anne Example", email="")
    entry = joins(service, name="Ada Example", email="ada@example.com")
    past = an_appointment(therapist, service, in_days(-2))
    page = clerk.get(page_of(visit)).text
    assert f"appointment-{past.pk}." not in page
    assert "for Anne Example" in page
    assert [value.split(".")[0] for value in ticks(page, ticked=True)] == [
        f"appointment-{same.pk}",
        f"waitlistentry-{entry.pk}",
    ]

    answer = clerk.post(page_of(visit), typed(visit, email=RIGHT, also=ticks(page, ticked=True)))

    assert "Corrected in 3 places." in said(answer)
    assert [type(row).objects.get(pk=row.pk).email for row in (same, entry, family)] == [RIGHT, RIGHT, ""]


def test_a_series_is_one_tick(clerk, therapist, service):
    visits = a_series(therapist, service, in_days(3), in_days(4), in_days(5))
    change = clerk.get(f"/admin/booking/appointment/{visits[1].pk}/change/").text
    assert "Correct name, e-mail or phone of the series" in change
    page = clerk.get(page_of(visits[1])).text
    assert "The 2 other visits of this series" in page

    clerk.post(page_of(visits[1]), typed(visits[1], email=RIGHT, also=ticks(page)))

    assert set(Appointment.objects.values_list("email", flat=True)) == {RIGHT}


def test_another_row_that_a_colleague_corrected_meanwhile_is_seen_and_ticks_are_kept(clerk, visit, therapist, service):
    other = an_appointment(therapist, service, in_days(6))
    form = typed(visit, email=RIGHT, also=ticks(clerk.get(page_of(visit)).text))
    details = Person(name="Ada Example", email="ada@example.com", phone="612-555-0133")
    actions.correct_person(person=other, details=details, seen=Person.of(other).version)

    answer = clerk.post(page_of(visit), form)

    assert answer.status_code == 409
    assert f'value="{RIGHT}"' in answer.text
    again = form | hidden_fields(answer.text) | {"also": ticks(answer.text, ticked=True)}
    assert clerk.post(page_of(visit), again).status_code == 302
    assert Appointment.objects.get(pk=other.pk).email == RIGHT


def test_therapists_correct_their_own_patients_and_see_no_rows_of_others(therapist, colleague, service, visit):
    therapist.account = staff_user(THERAPIST)
    therapist.save()
    theirs = an_appointment(colleague, service, in_days(6))
    browser = at_the_desk(therapist.account)

    assert browser.get(page_of(theirs)).status_code == 404
    page = browser.get(page_of(visit))
    assert page.status_code == 200
    assert ticks(page.text) == []
    forged = f"appointment-{theirs.pk}.{Person.of(theirs).version}"
    browser.post(page_of(visit), typed(visit, email=RIGHT, also=[forged]))
    assert Appointment.objects.get(pk=theirs.pk).email == "ada@example.com"
    assert Appointment.objects.get(pk=visit.pk).email == RIGHT


def test_nobody_else_corrects(visit):
    client = signed_in_as(EDITOR)

    assert client.get(page_of(visit)).status_code == 403
    assert client.post(page_of(visit), typed(visit, email=RIGHT)).status_code == 403
    assert Appointment.objects.get(pk=visit.pk).email == "ada@example.com"


@pytest.mark.parametrize("also", ["x", "appointment-1.", "message-1." + "0" * 32, "appointment-9.x", "é" * 90])
def test_odd_ticks_are_left_out(clerk, visit, also):
    assert clerk.post(page_of(visit), typed(visit, phone="612-555-0199", also=also)).status_code == 302


def test_a_visit_that_names_nobody_has_no_such_page(clerk, visit):
    visit.forget_patient(timezone.now())
    visit.save()

    assert clerk.get(page_of(visit))["Location"] == f"/admin/booking/appointment/{visit.pk}/change/"
    assert "Correct name" not in clerk.get(f"/admin/booking/appointment/{visit.pk}/change/").text
