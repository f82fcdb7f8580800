"""Calendar files of visits: RFC 5545 for the file, RFC 5546 for the method a calendar acts on.

The same visit keeps its UID for life and counts its SEQUENCE in the row, so that a calendar knows
which of two files is newer. Only agreed visits have a file. Calendars are shared, so the file holds no patient's name,
no service or reason, and no private link.

`icalendar` writes it: folding and escaping are where files written by hand break (weighed on 2026-11-24). Golden files
in the tests hold every byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from booking.models import Appointment, Clinic
from booking.people.addresses import sending_address
from revival.base.bidi import isolate
from revival.base.mail import sender_address

if TYPE_CHECKING:  # imported when the first file is made: it takes 2 MB in each process
    from icalendar import Event, vCalAddress

PRODUCT = "-//Revival//Booking//EN"


class Method(StrEnum):
    """RFC 5546, 1.4: add or change an event; remove it; publish events without inviting anyone."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def calendar_file(
    visit: Appointment,
    *,
    clinic: Clinic,
    method: Method,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    stamp: datetime,
) -> bytes:
    """One visit: UTC times, lines folded at 75 octets and ended by CRLF.

    `stamp` (DTSTAMP) is when this state of the visit was written, the same at every try to send it.
    """
    times = {"starts_at": starts_at, "ends_at": ends_at, "stamp": stamp}
    return _file(method, _event(visit, clinic=clinic, method=method, sequence=sequence, **times))


def series_file(visits: Iterable[Appointment], *, clinic: Clinic) -> bytes:
    """Agreed visits as they are now, in one file; each keeps the UID that later updates are about."""
    events = [
        _event(
            visit,
            clinic=clinic,
            method=Method.PUBLISH,
            sequence=visit.calendar_sequence,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            stamp=last_agreed(visit),
        )
        for visit in visits
    ]
    return _file(Method.PUBLISH, *events)


def last_agreed(visit: Appointment) -> datetime:
    """The moment when an agreed visit got its present time."""
    return max(moment for moment in (visit.confirmed_at, visit.moved_at) if moment)


def _event(
    visit: Appointment,
    *,
    clinic: Clinic,
    method: Method,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    stamp: datetime,
) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", str(visit.public_id))  # RFC 7986, 5.3: a UUID and nothing of the host
    event.add("sequence", sequence)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", ends_at.astimezone(UTC))
    event.add("summary", f"Visit with {isolate(visit.therapist.short_name)}, {isolate(clinic.name)}")
    event.add("description", f"To move or cancel it, use the link in our e-mail or call {clinic.phone}.")
    if clinic.address:
        event.add("location", ", ".join(clinic.address.splitlines()))
    event.add("organizer", _organizer(visit, clinic))
    event.add("status", "CANCELLED" if method == Method.CANCEL else "CONFIRMED")
    event.add("transp", "OPAQUE")
    if method != Method.PUBLISH:  # RFC 5546, 3.2.1: a published event has no attendee
        event.add("attendee", _attendee(visit))
    return event


def _file(method: Method, *events: Event) -> bytes:
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    for event in events:
        calendar.add_component(event)
    return calendar.to_ical()


def _organizer(visit: Appointment, clinic: Clinic) -> vCalAddress:
    """The address as it was when the visit was agreed; before visits kept it, it was the one we send from."""
    from icalendar import vCalAddress, vText

    address = vCalAddress(f"mailto:{visit.organizer or sender_address()}")
    address.params["CN"] = vText(clinic.name)
    return address


def _attendee(visit: Appointment) -> vCalAddress:
    """The patient as ACCEPTED and without RSVP: they have agreed already, so no calendar asks them or answers us."""
    from icalendar import vCalAddress, vText

    address = vCalAddress(f"mailto:{sending_address(visit.email)}")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("ACCEPTED")
    address.params["RSVP"] = vText("FALSE")
    return address
