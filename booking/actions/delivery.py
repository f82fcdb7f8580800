"""Hand one message over to the mail server, and write down what became of it."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from booking import messages
from booking.models import (
    REMINDERS,
    TO_STAFF,
    AffectedVisit,
    Appointment,
    Delivery,
    Kind,
    Message,
    Offer,
    OutageContact,
    State,
    WaitlistEntry,
)

from . import slots
from .outages import move_to_telephone
from .refusals import StateChangedError, action, wait_for_a_standby
from .waitlist import is_quiet

BESIDE_THE_CHAIN = (*TO_STAFF, Kind.LOST_LINK)
NEVER_STALE = (Kind.STAFF_NOTICE, Kind.LOST_LINK, Kind.CANCELLED, Kind.SERIES_CANCELLED)


class NotDeliveredError(Exception):
    """The mail could not be handed over now; try again later."""


def deliver_message(*, message_id: int) -> None:
    """Send one message over the mail server and write down what became of it; see `deliver`."""
    about = ("appointment__therapist", "appointment__service", "offer__entry", "entry", "outage_contact")
    deliver(Message.objects.select_related(*about), message_id, _hand_over)


def deliver(rows: QuerySet[Any], pk: int, hand_over_row: Callable[[Any], bool]) -> None:
    """Send one row of a table of mails. `hand_over_row` says whether there is nothing left to try.

    At least once, always with the same Message-ID: the row is held while sending, so no two
    workers send it, and a worker killed between the server's 250 and our COMMIT is the only way
    to a double. Raises NotDeliveredError when it should be tried again.
    """
    with transaction.atomic(durable=True):
        wait_for_a_standby()  # what it tells of must be kept before anybody is told
    with transaction.atomic(durable=True):
        row = _held(rows, pk)
        if row is None:
            return
        done = hand_over_row(row)
        if row.delivery != Delivery.SENT:  # that was written before it was sent
            row.save()
    if not done:
        raise NotDeliveredError


def _held(rows: QuerySet[Any], pk: int) -> Any:
    """The row, locked; None when nothing is to be sent. Raises NotDeliveredError when another worker has it in hand."""
    row = rows.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if row is None and rows.filter(pk=pk, delivery=Delivery.QUEUED).exists():
        raise NotDeliveredError
    return row if row is not None and row.delivery == Delivery.QUEUED else None


def _hand_over(message: Message) -> bool:
    if _is_overtaken(message, timezone.now()):
        message.delivery = Delivery.OVERTAKEN
        return True
    return try_once(message, lambda: messages.compose(message))


def try_once(row: Any, compose: Callable[[], EmailMessage]) -> bool:
    """Give a mail to the mail server and write the answer into its row; True when there is nothing left to try.

    "Sent" is written first, and taken back when it was not: a database that has no room for it sends nothing, else
    the same mail would leave at every try.
    """
    row.attempts += 1
    try:
        with transaction.atomic():
            row.delivery, row.sent_at, row.last_answer = Delivery.SENT, timezone.now(), ""
            row.save()
            answer = hand_over(compose)
            if not answer.is_taken:
                raise _NotTakenError
    except _NotTakenError:
        row.sent_at, row.last_answer = None, answer.text
        row.delivery = Delivery.REFUSED if answer.is_final else Delivery.QUEUED  # refused: someone has to tell them
    return answer.is_taken or answer.is_final


class _NotTakenError(Exception):
    """Takes back what was written."""


@dataclass(frozen=True)
class Answer:
    """What became of one try: the server's code or the kind of fault, without personal data. Empty: taken."""

    text: str = ""
    is_final: bool = False

    @property
    def is_taken(self) -> bool:
        return not self.text


def hand_over(compose: Callable[[], EmailMessage]) -> Answer:
    """Write a mail and give it to the mail server. Raises nothing: what went wrong is in the answer."""
    try:
        compose().send()
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
    except smtplib.SMTPResponseException as error:  # sign-in or sender refused: ours to mend, so keep trying
        return Answer(f"SMTP {error.smtp_code}")
    except Exception as error:  # no connection; or a mail that cannot even be written, which staff must see
        return Answer(type(error).__name__)
    else:
        return Answer()
    return Answer(f"SMTP {code}", is_final=500 <= code < 600)  # permanent (RFC 5321, 4.2.1)


def _is_overtaken(message: Message, now: datetime) -> bool:
    """Whether what happened since makes this message stale."""
    if message.offer is not None:
        is_open = message.offer.is_open(now) and not Offer.objects.over(now).filter(pk=message.offer.pk).exists()
        return not is_open or is_quiet(now) or message.offer.entry.state != WaitlistEntry.State.WAITING
    if message.entry is not None:
        return message.entry.state != WaitlistEntry.State.WAITING
    if message.outage_contact is not None:
        return _is_settled(message.outage_contact, Kind(message.kind), now)
    visit = message.appointment
    if visit is None or message.kind in NEVER_STALE:
        return False
    if message.kind == Kind.SERIES:  # it tells how the series stands, so only an end of all of it is in the way
        return not message.visits.coming(now).exists()
    if message.kind == Kind.STAFF_REMINDER:
        return visit.state != State.REQUESTED
    about_it = Message.objects.filter(Q(appointment=visit) | Q(visits=visit), pk__gt=message.pk)
    later = about_it.exclude(kind__in=BESIDE_THE_CHAIN)
    if message.kind in REMINDERS:
        return later.exists() or not _is_still_to_come(visit, message, now)
    return later.exclude(kind__in=list(REMINDERS)).exists()


def _is_still_to_come(visit: Appointment, message: Message, now: datetime) -> bool:
    is_same = visit.state == State.CONFIRMED and visit.starts_at == message.starts_at and visit.starts_at > now
    return is_same and visit.outage is None


def _is_settled(contact: OutageContact, kind: Kind, now: datetime) -> bool:
    """Whether there is nothing left to ask them, or to tell them, about an outage."""
    if kind == Kind.STANDS:
        return not contact.still_valid(now)
    return not contact.visits.filter(state=AffectedVisit.State.WAITING, until__gt=now).exists()


# ---- what staff do with a message that did not arrive ---------------------------------------


@action
def resend_message(*, message: Message, email: str) -> Message:
    """Send it again, to this address. Raises StateChangedError when it arrived, or they were forgotten, meanwhile.

    Another address than before becomes that of the visits it tells of, or of the waiting-list entry; for a
    visit it closes the link sent to the old one, and what else still waits for them goes to the new one, too.
    """
    owners = message.visits.values_list("therapist", flat=True)
    now = timezone.now()
    visit = slots.locked(message.appointment, now=now, and_therapists=owners) if message.appointment else None
    present = _present(message)
    if visit is not None and visit.anonymised_at is not None:
        raise StateChangedError
    if present.kind not in TO_STAFF and email != present.recipient:
        _correct_address(present, visit, email)
    present.recipient, present.delivery, present.attempts, present.last_answer = email, Delivery.QUEUED, 0, ""
    present.save()
    messages.queue_sending(present)
    return present


def _correct_address(message: Message, visit: Appointment | None, email: str) -> None:
    if visit is None and isinstance(message.person, WaitlistEntry):
        WaitlistEntry.objects.filter(pk=message.person.pk).update(email=email)
        return
    if message.outage_contact is not None:
        _correct_patient(message.outage_contact, email)
        return
    if visit is None:
        visit = slots.locked(message.person, now=timezone.now())
    told = [visit, *message.visits.filter(anonymised_at__isnull=True).exclude(pk=visit.pk)]
    for one in told:
        move_to_telephone(one)
        one.email = email
        one.link_version += 1
        one.renew_link()
        one.save(update_fields=["email", "link_version", "link_digest"])
    waiting = Message.objects.filter(appointment__in=told, delivery=Delivery.QUEUED)
    waiting.exclude(kind__in=TO_STAFF).exclude(pk=message.pk).update(recipient=email)


def _correct_patient(contact: OutageContact, email: str) -> None:
    """All their visits of the outage get the address, and the links sent to the old one stop working."""
    for visit in Appointment.objects.filter(affected__contact=contact).distinct():
        visit.email = email
        visit.link_version += 1
        visit.renew_link()
        visit.save(update_fields=["email", "link_version", "link_digest"])
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
    """The patient was told by telephone. Raises StateChangedError when it was sent meanwhile."""
    present = _present(message)
    present.delivery = Delivery.PHONED
    present.save()
    return present
