"""No time suits: ask the clinic to call or write."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from booking.mail import queue
from booking.models import ContactRequest, Kind

from .refusals import StateChangedError, action, demand_same


@action
def ask_for_contact(*, submission_key: uuid.UUID, **facts: Any) -> ContactRequest:
    """Put the wish before staff and tell them. Sending the same form again is the same request.

    Raises SubmissionReusedError when the form came before with other content.
    """
    asked, is_new = ContactRequest.objects.get_or_create(submission_key=submission_key, defaults=facts)
    if is_new:
        queue.queue_message(Kind.STAFF_NOTICE, asked)
    else:
        demand_same(asked, facts)
    return asked


@action
def take_up_contact(*, contact_request: ContactRequest, by: Any) -> ContactRequest:
    """Say who is dealing with it, so that no two colleagues call. Raises StateChangedError."""
    asked = _present(contact_request, ContactRequest.State.NEW)
    asked.state, asked.taken_up_at, asked.taken_up_by = ContactRequest.State.IN_HAND, timezone.now(), by
    asked.save()
    return asked


@action
def finish_contact(*, contact_request: ContactRequest, by: Any) -> ContactRequest:
    """It is answered. Raises StateChangedError when a colleague said so before."""
    asked = _present(contact_request, ContactRequest.State.NEW, ContactRequest.State.IN_HAND)
    if asked.taken_up_by is None:
        asked.taken_up_at, asked.taken_up_by = timezone.now(), by
    asked.state, asked.ended_at = ContactRequest.State.DONE, timezone.now()
    asked.save()
    return asked


def _present(contact_request: ContactRequest, *states: str) -> ContactRequest:
    asked = ContactRequest.objects.select_for_update().get(pk=contact_request.pk)
    if asked.state not in states:
        raise StateChangedError
    return asked
