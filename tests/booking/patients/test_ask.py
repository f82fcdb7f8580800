"""No time suits: the clinic is asked to call or write, and the desk keeps track."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from booking import actions
from booking.models import ContactRequest, Kind, Message
from tests.factories import asks, version_of

pytestmark = pytest.mark.usefixtures("clinic")
States = ContactRequest.State


def test_asking_tells_staff_and_names_nobody_in_the_mail(clinic):
    asked = asks()

    message = Message.objects.get()
    assert (message.kind, message.contact_request, message.recipient) == (
        Kind.STAFF_NOTICE,
        asked,
        "front-desk@example.com",
    )


def test_sending_the_form_twice_is_one_request_and_one_notice():
    key = uuid.uuid4()

    assert asks(submission_key=key) == asks(submission_key=key)

    assert Message.objects.count() == 1


def test_the_form_again_with_other_content_is_refused():
    key = uuid.uuid4()
    asks(submission_key=key)

    with pytest.raises(actions.SubmissionReusedError):
        asks(submission_key=key, phone="612-555-0000")


def test_the_desk_takes_it_up_and_finishes_it_once(admin_user):
    asked = asks()

    assert (
        actions.take_up_contact(contact_request=asked, seen=version_of(asked), by=admin_user).taken_up_by == admin_user
    )
    with pytest.raises(actions.StateChangedError):
        actions.take_up_contact(contact_request=asked, seen=version_of(asked), by=admin_user)
    assert actions.finish_contact(contact_request=asked, seen=version_of(asked), by=admin_user).state == States.DONE
    with pytest.raises(actions.StateChangedError):
        actions.finish_contact(contact_request=asked, seen=version_of(asked), by=admin_user)
    assert not ContactRequest.objects.not_done().exists()


@pytest.mark.parametrize(
    "facts",
    [{"phone": ""}, {"reach_by": "email"}, {"weekdays": [7]}, {"parts": ["midnight"]}],
    ids=["no phone to call", "no address to write to", "an eighth day", "an unknown time of day"],
)
def test_a_request_that_cannot_be_answered_is_refused_by_the_database(facts):
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactRequest.objects.create(
            **{"name": "x", "reach_by": "phone", "phone": "1", "weekdays": [], "parts": [], "email": ""} | facts,
            submission_key=uuid.uuid4(),
        )


def test_it_is_erased_some_days_after_it_was_answered(admin_user):
    done, waits = asks(), asks()
    actions.finish_contact(contact_request=done, seen=version_of(done), by=admin_user)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        actions.forget_past_visits()

    assert list(ContactRequest.objects.all()) == [waits]
