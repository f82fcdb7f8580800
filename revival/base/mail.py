"""E-mails as rows: the abstract model of a table of mails, and at-least-once delivery of one row."""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TypeVar

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from revival.base import verp
from revival.base.refusals import wait_for_a_standby

NO_REPLIES = "DR, RN, NRN, OOF, AutoReply"
"""What Exchange is asked not to send about our mails (MS-OXCMAIL, 2.1.3.2.20): every automatic reply but bounces (NDR),
which "All" would leave out as well."""


class Mail(models.Model):
    """One e-mail to one person, sent at least once and always under the same Message-ID."""

    class Delivery(models.TextChoices):
        QUEUED = "queued", "Waiting to be sent"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused by the mail server"
        OVERTAKEN = "overtaken", "No longer needed when it was to leave"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.EmailField(max_length=254, blank=True, help_text="Whom it went to, or was to go to last.")
    delivery = models.CharField(max_length=9, choices=Delivery, default=Delivery.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_answer = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def message_id(self) -> str:
        """The same at every try, so that a double can be recognized (RFC 5322, 3.6.4).

        Its domain is that of DEFAULT_FROM_EMAIL, not of SITE_URL: a mail server sends for that domain alone, and
        filters compare the two. SITE_URL may be another host, and has none but localhost in a trial copy.
        """
        return f"<{self.public_id}@{sender_address().rpartition('@')[2]}>"


M = TypeVar("M", bound=Mail)


def sender_address() -> str:
    """The address of DEFAULT_FROM_EMAIL, without its name."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


# ---- delivery ----------------------------------------------------------------------------------


class NotDeliveredError(Exception):
    """The mail could not be handed over now; try again later."""


def deliver(rows: QuerySet[M], pk: int, hand_over_row: Callable[[M], bool]) -> None:
    """Send one row of a table of mails. `hand_over_row` returns whether nothing is left to try.

    At least once, always with the same Message-ID: the row is held while sending, so no two
    workers send it, and a worker killed between the server's 250 and our COMMIT is the only way
    to a double. Raises NotDeliveredError when it should be tried again.
    """
    with transaction.atomic(durable=True):
        wait_for_a_standby()  # no mail about a booking that a failover could still lose
    with transaction.atomic(durable=True):
        row = _locked(rows, pk)
        if row is None:
            return
        done = hand_over_row(row)
        if row.delivery != Mail.Delivery.SENT:  # try_once saved that before it sent the mail
            row.save()
    if not done:
        raise NotDeliveredError


def _locked(rows: QuerySet[M], pk: int) -> M | None:
    """The row, locked; None when nothing is to be sent. Raises NotDeliveredError when another worker has locked it."""
    row = rows.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if row is None and rows.filter(pk=pk, delivery=Mail.Delivery.QUEUED).exists():
        raise NotDeliveredError
    return row if row is not None and row.delivery == Mail.Delivery.QUEUED else None


def try_once(row: Mail, compose: Callable[[], EmailMessage]) -> bool:
    """Give a mail to the mail server and write the answer into its row; True when nothing is left to try.

    "Sent" is written first, and rolled back when the server did not take the mail. So a database that cannot write
    sends nothing. The alternative weighed on 2026-11-25 was to write it afterwards: on a full disk 28 of 103 messages
    then left twice (`make drill ARGS=disk-full`).
    """
    row.attempts += 1
    try:
        with transaction.atomic():
            row.delivery, row.sent_at, row.last_answer = Mail.Delivery.SENT, timezone.now(), ""
            row.save()
            answer = hand_over(lambda: _address(compose(), row))
            if not answer.is_taken:
                raise _NotTakenError
    except _NotTakenError:
        row.sent_at, row.last_answer = None, answer.text
        row.delivery = Mail.Delivery.REFUSED if answer.is_final else Mail.Delivery.QUEUED
    return answer.is_taken or answer.is_final


def _address(mail: EmailMessage, row: Mail) -> EmailMessage:
    """Write the headers that every mail of ours carries, and the envelope sender that bounces come back to.

    Django takes `from_email` for the envelope, and for the header only when there is no From of its own.
    """
    mail.extra_headers |= {
        "Message-ID": row.message_id,
        "Auto-Submitted": "auto-generated",  # RFC 3834, 5
        "X-Auto-Response-Suppress": NO_REPLIES,
    }
    if settings.BOUNCE_ADDRESS:
        mail.extra_headers["From"] = mail.from_email
        mail.from_email = verp.envelope_sender(row)
    return mail


class _NotTakenError(Exception):
    """Rolls "sent" back."""


@dataclass(frozen=True)
class Answer:
    """Outcome of one try: the server's code or the kind of fault, without personal data; empty when it was taken."""

    text: str = ""
    is_final: bool = False

    @property
    def is_taken(self) -> bool:
        return not self.text


def hand_over(compose: Callable[[], EmailMessage]) -> Answer:
    """Compose a mail and give it to the mail server. Raises nothing: a fault is in the answer."""
    try:
        compose().send()
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
    except smtplib.SMTPResponseException as error:  # sign-in or sender refused: our configuration, so keep trying
        return Answer(f"SMTP {error.smtp_code}")
    except Exception as error:  # no connection; or a mail that cannot be composed, which staff must see
        return Answer(type(error).__name__)
    else:
        return Answer()
    return Answer(f"SMTP {code}", is_final=500 <= code < 600)  # permanent (RFC 5321, 4.2.1)
