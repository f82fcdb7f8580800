"""Hand one message over to the mail server, and write down what became of it."""

from __future__ import annotations

import smtplib

from django.db import transaction
from django.utils import timezone

from booking import messages
from booking.models import Delivery, Kind, Message


class NotDeliveredError(Exception):
    """The mail could not be handed over now; try again later."""


def deliver_message(*, message_id: int) -> None:
    """Send one message over the mail server and write down what became of it.

    At least once, always with the same Message-ID: the row is held while sending, so no two
    workers send it, and a worker killed between the server's 250 and our COMMIT is the only way
    to a double. Raises NotDeliveredError when it should be tried again.
    """
    with transaction.atomic(durable=True):
        row = Message.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=message_id)
        message = row.select_related("appointment__therapist", "appointment__service").first()
        if message is None:
            if Message.objects.filter(pk=message_id, delivery=Delivery.QUEUED).exists():
                raise NotDeliveredError  # another worker has it in hand
            return
        if message.delivery != Delivery.QUEUED:
            return
        done = _hand_over(message)
        message.save()
    if not done:
        raise NotDeliveredError


def _hand_over(message: Message) -> bool:
    """Try once; True when there is nothing left to try."""
    if _is_overtaken(message):
        message.delivery = Delivery.OVERTAKEN
        return True
    message.attempts += 1
    try:
        messages.compose(message).send()
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
    except smtplib.SMTPResponseException as error:  # sign-in or sender refused: ours to mend, so keep trying
        message.last_answer = f"SMTP {error.smtp_code}"
        return False
    except (OSError, smtplib.SMTPException) as error:
        message.last_answer = type(error).__name__
        return False
    except Exception as error:  # a mail that cannot even be written: staff must see it, not only the log
        message.last_answer = type(error).__name__
        return False
    else:
        message.delivery, message.sent_at, message.last_answer = Delivery.SENT, timezone.now(), ""
        return True
    message.last_answer = f"SMTP {code}"
    if 500 <= code < 600:  # permanent (RFC 5321, 4.2.1): staff have to phone
        message.delivery = Delivery.REFUSED
    return message.delivery == Delivery.REFUSED


def _is_overtaken(message: Message) -> bool:
    """Whether a later message to the patient about the same visit makes this one stale."""
    beside_the_chain = (Kind.STAFF_NOTICE, Kind.LOST_LINK)
    if message.kind in (*beside_the_chain, Kind.CANCELLED):
        return False
    later = Message.objects.filter(appointment=message.appointment_id, pk__gt=message.pk)
    return later.exclude(kind__in=beside_the_chain).exists()
