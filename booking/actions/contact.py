"""Contact requests: no time suits, and the clinic is asked to call or write."""

from __future__ import annotations

import uuid

from django.utils import timezone

from booking.mail import queue
from booking.models import ContactRequest, Kind
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Passed

from .refusals import StateChangedError, action, demand_same, demand_seen


@action
def ask_for_contact(*, submission_key: uuid.UUID, **fields: Passed) -> ContactRequest:
    """Write a contact request and tell staff. Sending the same form again is the same request.

    Raises SubmissionReusedError when the form came before with other content.
    """
    row, is_new = ContactRequest.objects.get_or_create(submission_key=submission_key, defaults=fields)
    if is_new:
        queue.queue_message(Kind.STAFF_NOTICE, row)
    else:
        demand_same(row, fields)
    return row


@action
def take_up_contact(*, contact_request: ContactRequest, seen: str, by: StaffUser) -> ContactRequest:
    """Note which colleague deals with it, so that no two of them call. Raises StateChangedError."""
    present = _locked(contact_request)
    demand_seen(present, seen, done=ContactRequest.State.IN_HAND)
    _demand_state(present, ContactRequest.State.NEW)
    present.state, present.taken_up_at, present.taken_up_by = ContactRequest.State.IN_HAND, timezone.now(), by
    present.save()
    return present


@action
def finish_contact(*, contact_request: ContactRequest, seen: str, by: StaffUser) -> ContactRequest:
    """Note that it is answered. Raises StateChangedError when a colleague was quicker."""
    present = _locked(contact_request)
    demand_seen(present, seen, done=ContactRequest.State.DONE)
    _demand_state(present, ContactRequest.State.NEW, ContactRequest.State.IN_HAND)
    if present.taken_up_by is None:
        present.taken_up_at, present.taken_up_by = timezone.now(), by
    present.state, present.ended_at = ContactRequest.State.DONE, timezone.now()
    present.save()
    return present


def _locked(contact_request: ContactRequest) -> ContactRequest:
    return ContactRequest.objects.select_for_update().get(pk=contact_request.pk)


def _demand_state(contact_request: ContactRequest, *states: ContactRequest.State) -> None:
    if contact_request.state not in states:
        raise StateChangedError
