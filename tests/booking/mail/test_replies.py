"""Mails can be answered: where a reply goes, what the mail says of it, and what keeps machines from answering."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest
import time_machine

from booking.mail import queue
from booking.models import TO_STAFF, Clinic, Kind, State
from tests.booking.mail.test_messages import PATIENT_KINDS, a_message, sent, written
from tests.factories import an_appointment, in_days

MAILBOX = "hello@clinic.example"
INVITES = ("Reply to this e-mail or call 612-605-7594.", "Reply to this e&#8209;mail or call <a ")
WARNS = (
    "We can't read replies to this e-mail. Call 612-605-7594.",
    "We can’t read replies to this e&#8209;mail. Call <a ",
)


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


@pytest.mark.parametrize("kind", PATIENT_KINDS)
def test_patients_reply_to_the_clinics_mailbox(kind, visit, mailbox):
    Clinic.objects.update(email=MAILBOX)

    mail = sent(a_message(kind, visit), mailbox)

    assert mail["Reply-To"] == MAILBOX
    for text, invitation, warning in zip(written(mail), INVITES, WARNS, strict=True):
        assert invitation in text
        assert warning not in text


@pytest.mark.parametrize("kind", PATIENT_KINDS)
def test_without_a_mailbox_mails_leave_and_say_that_nobody_reads_replies(kind, visit, mailbox):
    mail = sent(a_message(kind, visit), mailbox)

    assert mail["Reply-To"] is None
    for text, invitation, warning in zip(written(mail), INVITES, WARNS, strict=True):
        assert warning in text
        assert invitation not in text


@pytest.mark.parametrize("kind", TO_STAFF)
def test_replies_of_staff_go_to_no_patient(kind, visit, mailbox):
    Clinic.objects.update(email=MAILBOX)

    mail = sent(queue.queue_message(kind, visit), mailbox)

    assert mail["Reply-To"] is None
    assert "ada@example.com" not in mail.as_string()
    for text, invitation, warning in zip(written(mail), INVITES, WARNS, strict=True):
        assert invitation not in text
        assert warning not in text


@pytest.mark.parametrize("kind", [Kind.CONFIRMED, Kind.STAFF_NOTICE])
def test_machines_are_asked_not_to_answer_except_by_a_bounce(kind, visit, mailbox, settings):
    settings.DEFAULT_FROM_EMAIL = "Revival <no-reply@clinic.example>"
    message = queue.queue_message(kind, visit)

    with time_machine.travel(in_days(1), tick=False):
        mail = sent(message, mailbox)

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert mail["Message-ID"] == f"<{message.public_id}@clinic.example>"
    assert parsedate_to_datetime(mail["Date"]).replace(tzinfo=UTC) == in_days(1)
