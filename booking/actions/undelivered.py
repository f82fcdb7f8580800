"""Resend a message that did not arrive, or mark it as told by phone."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from booking.mail import queue
from booking.models import TO_STAFF, Appointment, Delivery, Message, WaitlistEntry
from booking.models.found_people import PersonRow
from booking.models.people import Person

from .corrections import lock_people, owner_of, write_corrections
from .refusals import StateChangedError, action, demand_seen


@action
def resend_message(*, message: Message, seen: str, email: str) -> Message:
    """Send it again, to this address; pressed twice, once. Raises StateChangedError if it was sent or they were erased.

    A new address becomes that of everybody the message is about: it is a correction, and this message is what the new
    address is told.
    """
    people = lock_people(_people_of(message), now=timezone.now())
    present = _locked(message)
    if seen != present.version and (present.delivery, present.recipient) == (Delivery.QUEUED, email):
        return present
    demand_seen(present, seen)
    _demand_not_arrived(present)
    if present.kind not in TO_STAFF:
        corrected = {row: replace(Person.of(row), email=email) for row in people if row.email != email}
        write_corrections(corrected, asking=present.outage_contact)
    present.recipient, present.delivery, present.attempts, present.last_answer = email, Delivery.QUEUED, 0, ""
    present.save()
    queue.queue_sending(present)
    return present


def _people_of(message: Message) -> list[PersonRow]:
    """The rows that hold the details of whom the message is about; visits also for a message to staff."""
    subject = message.subject
    if isinstance(subject, Appointment):
        together = message.visits.filter(anonymised_at__isnull=True).exclude(pk=subject.pk)
        return [subject, *together]
    if message.outage_contact is not None:
        return list(Appointment.objects.filter(affected__contact=message.outage_contact, anonymised_at=None).distinct())
    return [owner_of(subject)] if isinstance(subject, WaitlistEntry) else []


def _locked(message: Message) -> Message:
    return Message.objects.select_for_update(of=("self",)).select_related("appointment").get(pk=message.pk)


def _demand_not_arrived(message: Message) -> None:
    """Raises StateChangedError if the message has reached someone."""
    if message.delivery not in (Delivery.REFUSED, Delivery.PLEASE_PHONE, Delivery.QUEUED):
        raise StateChangedError


@action
def mark_as_phoned(*, message: Message, seen: str) -> Message:
    """Note that the patient was told by phone. Raises StateChangedError if the message was sent meanwhile."""
    present = _locked(message)
    demand_seen(present, seen, done=Delivery.PHONED)
    _demand_not_arrived(present)
    present.delivery = Delivery.PHONED
    present.save()
    return present
