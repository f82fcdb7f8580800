"""Queue e-mails: write the Message row and its job in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from procrastinate.types import JSONDict

from booking.models import (
    TO_STAFF,
    Appointment,
    Clinic,
    Counted,
    DailyCount,
    DaySheet,
    Delivery,
    Kind,
    LostLink,
    Message,
    Offer,
    Therapist,
)
from booking.models.messages import COLUMNS, About
from booking.people.addresses import address_key
from revival.base.jobs import BEHIND_PERIODIC_JOBS, jobs

from .kinds import KINDS
from .other_times import OtherTime

# Deferred by name: tasks import actions, never the other way.
SEND_TASK = "booking.tasks.send_message"
LOST_LINK_TASK = "booking.tasks.send_lost_links"
DAY_SHEET_TASK = "booking.tasks.send_day_sheet"
OFFER_TASK = "booking.tasks.offer_freed_times"

MANY_TODAY = "Not sent: many e-mails to this address today"


def queue_message(
    kind: Kind,
    about: About,
    *,
    suggested: Sequence[OtherTime] = (),
    together: Sequence[Appointment] = (),
    is_proved: bool = True,
    former_therapist: Therapist | None = None,
) -> Message:
    """Write the message and its job in the caller's transaction: both are there, or neither.

    Without an address the row becomes a line for staff to phone, and no job is made. So it does past
    BOOKING_MAILS_A_DAY when the address was typed online and nobody has proved that it is theirs (`is_proved`):
    a stranger who types it again and again neither fills that mailbox nor keeps its owner from booking.
    `suggested` are the other times that staff chose for someone whose request they decline. A message about several
    visits names all of them in `together`, and `about` is the first. `former_therapist` is whom a visit was with before
    it moved to another. Raises TypeError when the kind is not about rows like this one.
    """
    message = _message(kind, about, suggested=suggested, is_proved=is_proved, former_therapist=former_therapist)
    message.save()
    if together:
        message.visits.add(*together)
    queue_sending(message)
    return message


def queue_messages(kinds: Sequence[Kind], about: About, *, is_proved: bool) -> None:
    """As `queue_message` for each of these kinds, with one statement for the rows and one for the jobs."""
    queue_sending(*Message.objects.bulk_create(_message(kind, about, is_proved=is_proved) for kind in kinds))


def _message(
    kind: Kind,
    about: About,
    *,
    suggested: Sequence[OtherTime] = (),
    is_proved: bool,
    former_therapist: Therapist | None = None,
) -> Message:
    """The row, not saved; a message to an address that nobody has proved is counted."""
    if not isinstance(about, KINDS[kind].about):
        raise TypeError(f"A message of the kind {kind} is not about {type(about).__name__}.")
    recipient = Clinic.objects.current().notices_to if kind in TO_STAFF else _address_of(about)
    is_within_limit = is_proved or kind in TO_STAFF or not recipient or _is_within_days_limit(recipient)
    is_sent = bool(recipient) and is_within_limit
    return Message(
        kind=kind,
        recipient=recipient,
        delivery=Delivery.QUEUED if is_sent else Delivery.PLEASE_PHONE,
        last_answer="" if is_within_limit else MANY_TODAY,
        suggested=[time.to_json() for time in suggested],
        former_therapist=former_therapist,
        **{COLUMNS[type(about)]: about},
        **_times(about),
    )


def _address_of(about: About) -> str:
    return (about.entry if isinstance(about, Offer) else about).person.email


def _is_within_days_limit(address: str) -> bool:
    """Count a message to this address, in the caller's transaction; False once today's limit is reached."""
    today, limit = timezone.now().date(), settings.BOOKING_MAILS_A_DAY
    return DailyCount.objects.add(kind=Counted.MAIL, subject=address_key(address), day=today, limit=limit)


def _times(about: About) -> dict[str, Any]:  # Any: fields of Message, moments and a number
    """The times as they are now, and a visit's number in the calendar."""
    if isinstance(about, Appointment):
        return {"starts_at": about.starts_at, "ends_at": about.ends_at, "sequence": about.calendar_sequence}
    return {"starts_at": about.starts_at, "ends_at": about.ends_at} if isinstance(about, Offer) else {}


def queue_sending(*messages: Message) -> None:
    """Queue a job for each of these messages that is to be sent."""
    arguments: list[JSONDict] = [{"message_id": row.pk} for row in messages if row.delivery == Delivery.QUEUED]
    if arguments:
        # After the periodic jobs: a mail server that hangs must not hold up expiry and reminders.
        jobs.configure_task(SEND_TASK, priority=BEHIND_PERIODIC_JOBS).batch_defer(*arguments)


def queue_lost_link(lost_link: LostLink) -> None:
    jobs.configure_task(LOST_LINK_TASK).defer(lost_link_id=lost_link.pk)


def queue_day_sheet(sheet: DaySheet) -> None:
    jobs.configure_task(DAY_SHEET_TASK, priority=BEHIND_PERIODIC_JOBS).defer(day_sheet_id=sheet.pk)


def queue_offers() -> None:
    """Offer the freed times soon, because a time was given back."""
    jobs.configure_task(OFFER_TASK).defer(timestamp=0)


def drop_all_jobs() -> None:
    """Delete the jobs of a restored database: their moment has passed, and periodic jobs are deferred anew."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
