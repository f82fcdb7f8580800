"""Queue e-mails: write the Message row and its job in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from booking.models import (
    TO_STAFF,
    Appointment,
    Clinic,
    ContactRequest,
    DaySheet,
    Delivery,
    Kind,
    LostLink,
    Message,
    Offer,
    OutageContact,
    WaitlistEntry,
)
from revival.base.jobs import BEHIND_PERIODIC_JOBS, jobs

# Deferred by name: tasks import actions, never the other way.
SEND_TASK = "booking.tasks.send_message"
LOST_LINK_TASK = "booking.tasks.send_lost_links"
DAY_SHEET_TASK = "booking.tasks.send_day_sheet"
OFFER_TASK = "booking.tasks.offer_freed_times"


@dataclass(frozen=True)
class OtherTime:
    """A time at which the patient might come instead, as a message keeps it: whose, and the start in UTC."""

    therapist_id: int
    starts_at: datetime

    def as_kept(self) -> list[Any]:
        return [self.therapist_id, self.starts_at.isoformat()]

    @classmethod
    def kept(cls, row: list[Any]) -> OtherTime:
        return cls(row[0], datetime.fromisoformat(row[1]))


About = Appointment | WaitlistEntry | Offer | ContactRequest | OutageContact


def queue_message(
    kind: Kind,
    about: About,
    *,
    suggested: Sequence[OtherTime] = (),
    together: Sequence[Appointment] = (),
) -> Message:
    """Write the message and its job in the caller's transaction: both are there, or neither.

    Without an address the row becomes a line for staff to phone, and no job is made. `suggested` are
    the other times that staff chose for someone whose request they decline; `together` are all visits
    it tells of when it tells of several, and it then is about the first.
    """
    recipient = Clinic.objects.current().notices_to if kind in TO_STAFF else _address_of(about)
    message = Message.objects.create(
        kind=kind,
        recipient=recipient,
        delivery=Delivery.QUEUED if recipient else Delivery.PLEASE_PHONE,
        suggested=[time.as_kept() for time in suggested],
        **_reference(about),
    )
    if together:
        message.visits.add(*together)
    if recipient:
        queue_sending(message)
    return message


def _address_of(about: About) -> str:
    return about.recipient if isinstance(about, WaitlistEntry | Offer | OutageContact) else about.email


def _reference(about: About) -> dict[str, Any]:
    """What the message is about, with the times as they are now."""
    if isinstance(about, Appointment):
        times = {"starts_at": about.starts_at, "ends_at": about.ends_at}
        return {"appointment": about, "sequence": about.calendar_sequence, **times}
    if isinstance(about, Offer):
        return {"offer": about, "starts_at": about.starts_at, "ends_at": about.ends_at}
    if isinstance(about, OutageContact):
        return {"outage_contact": about}
    return {"entry": about} if isinstance(about, WaitlistEntry) else {"contact_request": about}


def queue_sending(message: Message) -> None:
    # After what the clock does each minute: a mail server that hangs must not hold up expiry and reminders.
    jobs.configure_task(SEND_TASK, priority=BEHIND_PERIODIC_JOBS).defer(message_id=message.pk)


def queue_lost_link(lost_link: LostLink) -> None:
    jobs.configure_task(LOST_LINK_TASK).defer(lost_link_id=lost_link.pk)


def queue_day_sheet(sheet: DaySheet) -> None:
    jobs.configure_task(DAY_SHEET_TASK, priority=BEHIND_PERIODIC_JOBS).defer(day_sheet_id=sheet.pk)


def queue_offers() -> None:
    """Someone gave time back: look soon who waits for it."""
    jobs.configure_task(OFFER_TASK).defer(timestamp=0)


def drop_all_jobs() -> None:
    """Of a restored database: each is of a moment that has passed. What is on a clock is deferred anew."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
