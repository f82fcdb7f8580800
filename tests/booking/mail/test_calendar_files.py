"""The calendar chain, as a real SMTP server received it: REQUEST, REQUEST with a higher number, CANCEL.

The golden files are what a calendar gets, byte by byte. To write them anew after a wanted change:
`GOLDEN=write make test ARGS="-k chain"`, then read the difference.
"""

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from icalendar import Calendar

from booking import actions
from booking.mail import queue
from booking.models import Appointment, Clinic, Delivery, Kind, Message, State
from booking.models.versions import Together
from revival.base.mail import sender_address
from tests.factories import (
    CHICAGO,
    a_clinic,
    a_series,
    a_therapist,
    an_appointment,
    in_days,
    some_details,
    version_of,
    working_all_week,
)
from tests.staff import OWNER, staff_user

GOLDEN = Path(__file__).parent / "golden"
VISIT_ID = "5f2c7b1e-8f3a-4c7e-9a51-3d0b6a1f2c4d"
ASKED = datetime(2026, 11, 20, 15, tzinfo=UTC)
FIRST, SECOND = (datetime(2026, 12, day, 9, 15, tzinfo=CHICAGO).astimezone(UTC) for day in (7, 9))


def deliver(mailbox):
    """Send what waits for the patient; the mails that arrived."""
    mailbox.mails.clear()
    for message in Message.objects.filter(delivery=Delivery.QUEUED).exclude(kind=Kind.STAFF_NOTICE).order_by("pk"):
        actions.deliver_message(message_id=message.pk)
    return list(mailbox.mails)


def calendar_parts(mail):
    return [part for part in mail.walk() if part.get_content_type() in ("text/calendar", "application/ics")]


def event_of(mail):
    (event,) = Calendar.from_ical(calendar_parts(mail)[-1].get_payload(decode=True)).walk("VEVENT")
    return event


@pytest.fixture
def chain(therapist, service, mailbox, settings):
    """Asked for, confirmed, moved, cancelled: the mails of each step, in order."""
    settings.DEFAULT_FROM_EMAIL = "Revival Physical Therapy and Wellness <desk@clinic.example>"
    a_clinic(address_line="1 Example Street\nMinneapolis, MN")
    with time_machine.travel(ASKED, tick=False) as clock:
        visit = an_appointment(
            therapist, service, FIRST, state=State.REQUESTED, public_id=VISIT_ID, note="numb left leg"
        )
        steps = [
            lambda: queue.queue_message(Kind.REQUESTED, visit),
            lambda: actions.confirm_appointment(appointment=visit, seen=version_of(visit)),
            lambda: actions.move_appointment(
                appointment=visit, seen=version_of(visit), starts_at=SECOND, by=actions.Actor.PATIENT
            ),
            lambda: actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT),
        ]
        mails = []
        for step in steps:
            clock.shift(timedelta(hours=1))
            step()
            mails += deliver(mailbox)
    return mails


@pytest.mark.parametrize(("step", "name"), [(1, "confirmed"), (2, "moved"), (3, "cancelled")])
def test_the_chain_is_as_the_golden_files(chain, step, name):
    (as_part, as_file) = calendar_parts(chain[step])
    received = as_file.get_payload(decode=True)
    golden = GOLDEN / f"{name}.ics"
    if os.environ.get("GOLDEN") == "write":
        golden.write_bytes(received)

    assert received == golden.read_bytes()
    assert as_part.get_payload(decode=True) == received


def test_a_requested_visit_carries_no_calendar(chain):
    assert len(chain) == 4
    assert calendar_parts(chain[0]) == []


def test_the_method_is_the_same_in_the_mail_and_in_the_file(chain):
    for mail, method in zip(chain[1:], ["REQUEST", "REQUEST", "CANCEL"], strict=True):
        (as_part, as_file) = calendar_parts(mail)
        assert as_part.get_param("method") == method
        assert as_part.get_content_charset() == "utf-8"
        assert as_file.get_filename() == "invite.ics"
        assert f"METHOD:{method}\r\n".encode() in as_file.get_payload(decode=True)


def test_mail_readers_find_text_html_and_calendar_side_by_side_and_the_file_beside_them(chain):
    for mail in chain[1:]:
        assert mail.get_content_type() == "multipart/mixed"
        alternative, file = mail.iter_parts()
        assert alternative.get_content_type() == "multipart/alternative"
        kinds = [part.get_content_type() for part in alternative.iter_parts()]
        assert kinds == ["text/plain", "text/html", "text/calendar"]
        assert file.get_content_type() == "application/ics"


def test_one_visit_keeps_its_uid_and_counts_up(chain):
    events = [event_of(mail) for mail in chain[1:]]

    assert {str(event["uid"]) for event in events} == {VISIT_ID}
    assert [event["sequence"] for event in events] == [1, 2, 3]
    stamps = [event.decoded("dtstamp") for event in events]
    assert stamps == [ASKED + timedelta(hours=hours) for hours in (2, 3, 4)]
    assert [event.decoded("dtstart") for event in events] == [FIRST, SECOND, SECOND]
    assert [str(event["status"]) for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert {str(event["organizer"]) for event in events} == {"mailto:desk@clinic.example"}
    assert {str(event["attendee"]) for event in events} == {"mailto:ada@example.com"}
    assert not any(event.walk("VALARM") for event in events)


def organizers(mail):
    files = [part for part in mail.walk() if part.get_content_type() == "application/ics"]
    events = [event for file in files for event in Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")]
    return {str(event["organizer"]) for event in events}


@pytest.mark.parametrize("before", ["hello@clinic.example", ""])
def test_the_organizer_stays_who_invited_whatever_the_clinics_address_is_later(
    therapist, service, mailbox, settings, client, before
):
    settings.DEFAULT_FROM_EMAIL = "no-reply@clinic.example"
    Clinic.objects.update(email=before)
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)
    visit = actions.confirm_appointment(appointment=visit, seen=version_of(visit))
    mails = deliver(mailbox)
    Clinic.objects.update(email="other@clinic.example")
    settings.DEFAULT_FROM_EMAIL = "elsewhere@clinic.example"

    downloaded = client.get(f"{visit.get_absolute_url()}visit.ics").content
    visit = actions.move_appointment(
        appointment=visit, seen=version_of(visit), starts_at=in_days(6), by=actions.Actor.PATIENT
    )
    mails += deliver(mailbox)
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT)
    mails += deliver(mailbox)

    invited = f"mailto:{before or 'no-reply@clinic.example'}"
    assert [organizers(mail) for mail in mails] == [{invited}] * 3
    assert str(Calendar.from_ical(downloaded).walk("VEVENT")[0]["organizer"]) == invited


def test_the_visits_of_a_series_keep_their_organizer_too(therapist, service, mailbox):
    Clinic.objects.update(email="hello@clinic.example")
    first, *_ = a_series(therapist, service, in_days(3), in_days(4), in_days(5))
    mails = deliver(mailbox)
    Clinic.objects.update(email="")

    actions.move_appointment(appointment=first, seen=version_of(first), starts_at=in_days(6), by=actions.Actor.STAFF)
    mails += deliver(mailbox)
    rest = Appointment.objects.order_by("starts_at").first()
    seen = str(Together(list(Appointment.objects.order_by("starts_at"))).version)
    actions.cancel_rest(appointment=rest, seen=seen, by=staff_user(OWNER))
    mails += deliver(mailbox)

    assert len(mails) == 3
    assert [organizers(mail) for mail in mails] == [{"mailto:hello@clinic.example"}] * 3


@pytest.mark.parametrize("by", ["patient", "desk"])
def test_a_visit_agreed_at_once_is_invited_to_by_the_clinic(therapist, service, mailbox, by):
    Clinic.objects.update(email="hello@clinic.example")
    place = {"therapist": therapist, "service": service, "starts_at": in_days(5)}
    if by == "desk":
        details = some_details()
        actions.book_for_caller(**place, details=details, submission_key=uuid.uuid4(), by=staff_user(OWNER))
    else:
        service.needs_confirmation = False
        service.save()
        actions.book_appointment(
            hold=actions.take_hold(**place), **place, details=some_details(), submission_key=uuid.uuid4()
        )

    [mail] = deliver(mailbox)

    assert organizers(mail) == {"mailto:hello@clinic.example"}


def test_visits_from_before_the_column_keep_who_they_were_sent_with(therapist, service, settings):
    """As the migration finds them: agreed, and sent with the address of DEFAULT_FROM_EMAIL."""
    agreed = an_appointment(therapist, service, in_days(5), confirmed_at=ASKED)
    asked = an_appointment(therapist, service, in_days(6), state=State.REQUESTED)
    loader = MigrationLoader(connection)
    [name] = [key for key in loader.disk_migrations if key[1].endswith("_mail_organizer")]
    before = loader.project_state(loader.disk_migrations[name].dependencies[0])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor() as editor:
        loader.disk_migrations[name].unapply(before.clone(), editor)
    with connection.schema_editor() as editor:
        loader.disk_migrations[name].apply(before.clone(), editor)
    was_sent_with, settings.DEFAULT_FROM_EMAIL = sender_address(), "elsewhere@clinic.example"
    Clinic.objects.update(email="hello@clinic.example")

    agreed.refresh_from_db()
    asked.refresh_from_db()
    asked = actions.confirm_appointment(appointment=asked, seen=version_of(asked))

    assert agreed.organizer == was_sent_with
    assert asked.organizer == "hello@clinic.example"
    assert an_appointment(therapist, service, in_days(7), state=State.REQUESTED).organizer == ""


def test_a_move_to_another_therapist_changes_the_same_event(therapist, service, mailbox):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(5), confirmed_at=ASKED, public_id=VISIT_ID)

    place = {"starts_at": in_days(5), "therapist": other}
    actions.move_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.STAFF, **place)

    [mail] = deliver(mailbox)
    event = event_of(mail)
    assert (str(event["uid"]), event["sequence"]) == (VISIT_ID, 1)
    assert event.decoded("dtstart") == in_days(5)
    assert str(event["summary"]).startswith("Visit with Britton, ")
    assert mail["subject"].startswith("Your visit is now with Benjamin Britton on ")
    plain, rich = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))
    for text in (plain, rich):
        assert "It is now with Benjamin Britton, no longer with Dr. Peter Stanley." in text
    assert visit.get_absolute_url() in plain


def test_a_calendar_holds_no_name_of_the_patient_and_nothing_clinical(chain):
    for mail in chain[1:]:
        for part in calendar_parts(mail):
            text = part.get_payload(decode=True).decode().lower()
            for secret in ("numb", "ada example", "consultation", "physical therapist"):
                assert secret not in text


def test_lines_end_in_crlf_and_fold_at_75_octets(therapist, service, mailbox):
    therapist.short_name = "Dr. " + "Ø" * 50
    therapist.save()
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))

    content = calendar_parts(deliver(mailbox)[0])[-1].get_payload(decode=True)

    lines = content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(len(line) for line in lines) <= 75
    assert str(event_of(mailbox.mails[0])["summary"]).startswith("Visit with " + therapist.short_name)


def test_a_retry_carries_the_same_stamp(therapist, service, mailbox):
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))
    mailbox.answer = "451 later"
    with pytest.raises(actions.NotDeliveredError):
        deliver(mailbox)
    mailbox.answer = "250 OK"

    (mail,) = deliver(mailbox)

    assert event_of(mail).decoded("dtstamp") == Message.objects.get(kind=Kind.CONFIRMED).created_at.replace(
        microsecond=0
    )


def test_what_was_never_agreed_is_not_taken_out_of_a_calendar(therapist, service, mailbox):
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT)

    assert calendar_parts(deliver(mailbox)[0]) == []


def test_a_cancellation_takes_the_visit_out_even_when_the_confirmation_was_overtaken(therapist, service, mailbox):
    """The confirmation may have left just before the worker was killed; a needless CANCEL does no harm."""
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT)

    (mail,) = deliver(mailbox)

    assert str(event_of(mail)["status"]) == "CANCELLED"
    assert Message.objects.get(kind=Kind.CONFIRMED).delivery == Delivery.OVERTAKEN
