"""One patient of an outage: whether they know of it, and what they are told."""

from __future__ import annotations

from collections.abc import Sequence

from booking.actions.by_phone import mark_heard
from booking.mail import queue
from booking.models import AffectedVisit, Appointment, Delivery, Kind, Message, OutageContact

NOT_READ = (Delivery.REFUSED, Delivery.PLEASE_PHONE)


def may_know(contact: OutageContact) -> bool:
    """Whether they may know that the therapist is out: someone reached them, or the message left or is leaving.

    The messages are locked on the way; a worker has those that cannot be, and is handing them over this very moment.
    """
    if contact.visits.filter(reached_at__isnull=False).exists():
        return True
    asking = contact.messages.filter(kind=Kind.OUTAGE)
    locked = list(asking.select_for_update(skip_locked=True))
    return len(locked) < asking.count() or any(_may_have_arrived(message) for message in locked)


def _may_have_arrived(message: Message) -> bool:
    is_being_tried = message.delivery == Delivery.QUEUED and message.attempts > 0
    return is_being_tried or message.delivery in (Delivery.SENT, Delivery.PHONED)


def withdraw_message(contact: OutageContact) -> None:
    """Keep back the message to a patient who does not know yet, once nothing is left to ask them."""
    if not contact.visits.open().exists():
        unsent = contact.messages.filter(kind=Kind.OUTAGE).exclude(delivery=Delivery.OVERTAKEN)
        unsent.update(delivery=Delivery.OVERTAKEN)


def tell_it_stands(contact: OutageContact, *, is_on_the_phone: bool = False) -> None:
    message = queue.queue_message(Kind.OUTAGE_STANDS, contact)
    if is_on_the_phone:
        mark_heard(message)


def mark_phoned(contact: OutageContact) -> None:
    """A colleague has said on the phone what no e-mail could tell."""
    contact.messages.filter(kind=Kind.OUTAGE, delivery__in=NOT_READ).update(delivery=Delivery.PHONED)


def phone_instead(contact: OutageContact) -> None:
    """After their e-mail address was corrected: the page sent to the old one opens nothing, and staff phone.

    The other time stays held, for the phone call.
    """
    waiting = contact.visits.filter(state=AffectedVisit.State.WAITING)
    waiting.update(state=AffectedVisit.State.TO_PHONE, why=AffectedVisit.Why.OLD_ADDRESS)


def contacts_alone(visits: Sequence[Appointment]) -> list[OutageContact]:
    """The patients of these visits in every outage. One who has other visits, too, becomes two, with a page each."""
    contacts = list(OutageContact.objects.of_visits(visits).select_for_update().order_by("pk"))
    return [_alone(contact, visits) for contact in contacts]


def _alone(contact: OutageContact, visits: Sequence[Appointment]) -> OutageContact:
    if not contact.visits.exclude(visit__in=visits).exists():
        return contact
    alone = OutageContact(outage=contact.outage)
    alone.renew_link()
    alone.save()
    contact.visits.filter(visit__in=visits).update(contact=alone)
    return alone
