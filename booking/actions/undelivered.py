"""Resend a message that did not arrive, or mark it as told by phone."""

from __future__ import annotations

from django.utils import timezone

from booking.mail import queue
from booking.models import TO_STAFF, Appointment, Delivery, Message, OutageContact, WaitlistEntry

from . import free
from .outages.contact import phone_instead
from .refusals import StateChangedError, action, demand_seen


@action
def resend_message(*, message: Message, seen: str, email: str) -> Message:
    """Send it again, to this address; pressed twice, once. Raises StateChangedError if it was sent or they were erased.

    A new address becomes that of the visits the message is about, or of the waiting-list entry. For a visit it also
    closes the link sent to the old address, and redirects the patient's other queued messages to the new one.
    """
    owners = message.visits.values_list("therapist", flat=True)
    now = timezone.now()
    visit = free.lock_visit(message.appointment, now=now, and_therapists=owners) if message.appointment else None
    present = _locked(message)
    if seen != present.version and (present.delivery, present.recipient) == (Delivery.QUEUED, email):
        return present
    demand_seen(present, seen)
    _demand_not_arrived(present)
    if visit is not None and visit.anonymised_at is not None:
        raise StateChangedError
    if present.kind not in TO_STAFF and email != present.recipient:
        _correct_address(present, visit, email)
    present.recipient, present.delivery, present.attempts, present.last_answer = email, Delivery.QUEUED, 0, ""
    present.save()
    queue.queue_sending(present)
    return present


def _correct_address(message: Message, visit: Appointment | None, email: str) -> None:
    person = message.person
    if isinstance(person, WaitlistEntry):
        WaitlistEntry.objects.filter(pk=person.pk).update(email=email)
    elif message.outage_contact is not None:
        _correct_outage_contact(message.outage_contact, email)
    elif isinstance(person, Appointment):
        _correct_visits(message, visit or free.lock_visit(person, now=timezone.now()), email)


def _correct_visits(message: Message, visit: Appointment, email: str) -> None:
    visits = [visit, *message.visits.filter(anonymised_at__isnull=True).exclude(pk=visit.pk)]
    for visit in visits:
        phone_instead(visit)
        _change_address(visit, email)
    waiting = Message.objects.filter(appointment__in=visits, delivery=Delivery.QUEUED)
    waiting.exclude(kind__in=TO_STAFF).exclude(pk=message.pk).update(recipient=email)


def _correct_outage_contact(contact: OutageContact, email: str) -> None:
    """All the patient's visits of the outage get the address, and the links sent to the old one stop working."""
    for visit in Appointment.objects.filter(affected__contact=contact).distinct():
        _change_address(visit, email)
    contact.close_link()
    contact.save()


def _change_address(visit: Appointment, email: str) -> None:
    """Save the address, and close the link that was sent to the old one."""
    visit.email = email
    visit.close_link()
    visit.save(update_fields=["email", "link_version", "link_digest"])


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
