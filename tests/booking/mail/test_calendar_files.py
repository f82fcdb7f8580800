"""The calendar chain, as a real SMTP server received it: REQUEST, REQUEST with a higher number, CANCEL.

The golden files are what a calendar gets, byte by byte. To write them anew after a wanted change:
`GOLDEN=write make test ARGS="-k chain"`, then read the difference.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from icalendar import Calendar

from booking import actions
from booking.mail import queue
from booking.models import Delivery, Kind, Message, State
from tests.factories import CHICAGO, a_clinic, a_therapist, an_appointment, in_days, version_of, working_all_week

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
    a_clinic(address="1 Example Street\nMinneapolis, MN")
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
