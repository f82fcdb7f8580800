"""Messages that did not arrive: staff send them again, or note that they phoned."""

from __future__ import annotations

from django.utils import timezone

from booking.mail import queue
from booking.models import TO_STAFF, Appointment, Delivery, Message, OutageContact, WaitlistEntry

from . import free
from .outages.contact import phone_instead
from .refusals import StateChangedError, action


@action
def resend_message(*, message: Message, email: str) -> Message:
    """Send it again, to this address. Raises StateChangedError when it arrived, or they were forgotten, meanwhile.

    Another address than before becomes that of the visits it tells of, or of the waiting-list entry; for a
    visit it closes the link sent to the old one, and what else still waits for them goes to the new one, too.
    """
    owners = message.visits.values_list("therapist", flat=True)
    now = timezone.now()
    visit = free.lock_visit(message.appointment, now=now, and_therapists=owners) if message.appointment else None
    present = _present(message)
    if visit is not None and visit.anonymised_at is not None:
        raise StateChangedError
    if present.kind not in TO_STAFF and email != present.recipient:
        _correct_address(present, visit, email)
    present.recipient, present.delivery, present.attempts, present.last_answer = email, Delivery.QUEUED, 0, ""
    present.save()
    queue.queue_sending(present)
    return present


def _correct_address(message: Message, visit: Appointment | None, email: str) -> None:
    if visit is None and isinstance(message.person, WaitlistEntry):
        WaitlistEntry.objects.filter(pk=message.person.pk).update(email=email)
        return
    if message.outage_contact is not None:
        _correct_patient(message.outage_contact, email)
        return
    if visit is None:
        visit = free.lock_visit(message.person, now=timezone.now())
    visits = [visit, *message.visits.filter(anonymised_at__isnull=True).exclude(pk=visit.pk)]
    for row in visits:
        phone_instead(row)
        _change_address(row, email)
    waiting = Message.objects.filter(appointment__in=visits, delivery=Delivery.QUEUED)
    waiting.exclude(kind__in=TO_STAFF).exclude(pk=message.pk).update(recipient=email)


def _change_address(visit: Appointment, email: str) -> None:
    """The link sent to the old address opens nothing any more."""
    visit.email = email
    visit.close_link()
    visit.save(update_fields=["email", "link_version", "link_digest"])


def _correct_patient(contact: OutageContact, email: str) -> None:
    """Give the address to all their visits in the outage; links sent to the old one stop working."""
    for visit in Appointment.objects.filter(affected__contact=contact).distinct():
        _change_address(visit, email)
    contact.close_link()
    contact.save()


def _present(message: Message) -> Message:
    """The row as it is now, locked, if it has not reached anyone yet."""
    present = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if present.delivery not in (Delivery.REFUSED, Delivery.PLEASE_PHONE, Delivery.QUEUED):
        raise StateChangedError
    return present


@action
def mark_as_phoned(*, message: Message) -> Message:
    """Note that the patient was told by phone. Raises StateChangedError when it was sent meanwhile."""
    present = _present(message)
    present.delivery = Delivery.PHONED
    present.save()
    return present
