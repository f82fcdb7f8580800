"""A person has a new e-mail address: links sent to the old one are closed, and what they need to know goes to the new.

Each message that has not left goes to the new address, or becomes a line to phone. What was sent to the old one stays
there, with a link that opens nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from booking.mail import queue
from booking.models import (
    TO_STAFF,
    Appointment,
    Delivery,
    EmailChange,
    Kind,
    Message,
    Offer,
    OutageContact,
    WaitlistEntry,
)
from booking.models.found_people import PersonRow
from booking.models.messages import COLUMNS
from booking.people.addresses import address_key

from .outages.contact import contacts_alone, phone_instead

NOT_LEFT = (Delivery.QUEUED, Delivery.REFUSED, Delivery.PLEASE_PHONE)
PRESENT_STATE = (Kind.REQUESTED, Kind.CONFIRMED, Kind.MOVED, Kind.SERIES, Kind.JOINED, Kind.OFFER)
"""What a message of the present state says anew, so that it need not arrive, too."""


def close_links(rows: Sequence[PersonRow], *, asking: OutageContact | None = None) -> None:
    """Close every link sent to the old address of these rows, and redirect what has not left.

    The caller has locked the rows and saved the new address. `asking` is a patient of an outage whose question is about
    to be sent to the new address; others who still have to answer are phoned.
    """
    visits, entries = _visits_in(rows), _entries_of(rows)
    contacts = contacts_alone(visits)
    EmailChange.objects.filter(visit__in=visits, settled_at=None).delete()  # of the old address
    linked: list[Appointment | WaitlistEntry | OutageContact] = [*visits, *entries, *contacts]
    for row in linked:
        row.close_link()
        row.save()
    for contact in contacts:
        if contact != asking:
            phone_instead(contact)
    _redirect(visits, entries, contacts)


Told = Appointment | WaitlistEntry | Offer


def present_state(row: PersonRow, *, now: datetime) -> list[tuple[Kind, Told]]:
    """What a new address is told: the visit if it is to come, the place on the waiting list, an open offer.

    A request to be called was never answered by e-mail, so there is nothing to say. While a visit's therapist is out,
    staff phone.
    """
    told: list[tuple[Kind, Told]] = []
    if isinstance(row, Appointment) and row.is_coming and row.starts_at > now and row.outage is None:
        told.append((Kind(row.state), row))
    for entry in _waiting_with(row):
        told += [(Kind.JOINED, entry), *((Kind.OFFER, offer) for offer in entry.offers.open())]
    return told


def _waiting_with(row: PersonRow) -> list[WaitlistEntry]:
    if isinstance(row, Appointment):
        return list(row.waitlist_entries.waiting())
    return [row] if isinstance(row, WaitlistEntry) and row.state == WaitlistEntry.State.WAITING else []


def send_present_state(rows: Sequence[PersonRow], *, now: datetime, is_proved: bool = True) -> None:
    """Tell the new address of these rows what is so now, the visits of a series in one message.

    A visit keeps its number in the calendar: neither its time nor its state is another, and the file has a later stamp
    (RFC 5546, 2.1.4 and 2.1.5).
    """
    told = [pair for row in rows if row.email for pair in present_state(row, now=now)]
    together: dict[int, list[Appointment]] = {}
    for kind, about in told:
        if kind == Kind.CONFIRMED and isinstance(about, Appointment) and about.series_id is not None:
            together.setdefault(about.series_id, []).append(about)
    series = [sorted(visits, key=lambda visit: visit.starts_at) for visits in together.values() if len(visits) > 1]
    for visits in series:
        _send_anew(Kind.SERIES, visits[0], is_proved=is_proved, together=visits)
    in_series = {visit for visits in series for visit in visits}
    for kind, about in told:
        if about not in in_series:
            _send_anew(kind, about, is_proved=is_proved)


def _visits_in(rows: Iterable[PersonRow]) -> list[Appointment]:
    return [row for row in rows if isinstance(row, Appointment)]


def _entries_of(rows: Sequence[PersonRow]) -> list[WaitlistEntry]:
    """The entries among these rows, and those of people who wait for an earlier time of these visits, locked here."""
    of_visits = WaitlistEntry.objects.filter(visit__in=_visits_in(rows)).select_related("visit").order_by("pk")
    return [*(row for row in rows if isinstance(row, WaitlistEntry)), *of_visits.select_for_update(of=("self",))]


# ---- messages that have not left ------------------------------------------------------------


def _redirect(visits: list[Appointment], entries: list[WaitlistEntry], contacts: list[OutageContact]) -> None:
    """Send to the new address what has not left; without one, staff phone. Waits for what is being sent just now."""
    about = Q(appointment__in=visits) | Q(visits__in=visits) | Q(outage_contact__in=contacts)
    about |= Q(entry__in=entries) | Q(offer__entry__in=entries)
    theirs = Message.objects.filter(pk__in=Message.objects.filter(about).order_by().values("pk"))
    waiting = theirs.filter(delivery__in=NOT_LEFT).exclude(kind__in=TO_STAFF)
    for message in waiting.select_for_update(of=("self",)).order_by("pk"):
        if not _part_from_others(message, visits):
            _send_to(message, message.person.email if message.person else "")


def _send_to(message: Message, address: str) -> None:
    message.recipient = address
    if not address and message.delivery == Delivery.QUEUED:
        message.delivery = Delivery.PLEASE_PHONE
    message.save(update_fields=["recipient", "delivery"])


def _part_from_others(message: Message, visits: list[Appointment]) -> bool:
    """Take these visits out of a message that is also about visits of the old address, which get theirs.

    What only such a message tells, that a series was cancelled, is told to the new address in one of its own.
    """
    if not visits or not message.visits.exists():
        return False
    others = message.visits.filter(anonymised_at=None).exclude(pk__in=[visit.pk for visit in visits])
    staying = others.exclude(email_key=address_key(visits[0].email)).order_by("starts_at")
    if not staying:
        return False
    leaving = [visit for visit in visits if message.visits.filter(pk=visit.pk).exists()]
    message.visits.remove(*leaving)
    if message.appointment in leaving:
        message.appointment = staying[0]
        message.save(update_fields=["appointment"])
    if message.kind == Kind.SERIES_CANCELLED:
        queue.queue_message(Kind.SERIES_CANCELLED, leaving[0], together=leaving)
    return True


def _send_anew(kind: Kind, about: Told, *, is_proved: bool, together: Sequence[Appointment] = ()) -> None:
    rows: Sequence[Told] = together or [about]
    earlier = Message.objects.filter(**{f"{COLUMNS[type(about)]}__in": rows}, kind__in=PRESENT_STATE)
    earlier.filter(delivery__in=NOT_LEFT).update(delivery=Delivery.OVERTAKEN)
    queue.queue_message(kind, about, together=together, is_proved=is_proved)
