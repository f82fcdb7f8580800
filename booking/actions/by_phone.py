"""Messages that were said on the phone."""

from __future__ import annotations

from booking.models import Delivery, Message


def mark_heard(message: Message) -> None:
    """Note that a patient without an e-mail address has just heard this message from a colleague on the phone."""
    if message.delivery == Delivery.PLEASE_PHONE:
        message.delivery = Delivery.PHONED
        message.save(update_fields=["delivery"])
