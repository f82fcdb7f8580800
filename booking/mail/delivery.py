"""Deliver one message of the booking half, unless something that happened since made it stale."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from booking.models import Delivery, Message
from booking.models.messages import MessageQuerySet
from revival.base.mail import deliver, try_once

from .compose import compose
from .kinds import KINDS, kind_of


def deliver_message(*, message_id: int) -> None:
    """Send one message over the mail server and write down what became of it; see `deliver`."""
    # Most are about a visit. All that a message can be about in one statement is more tables than PostgreSQL plans in
    # passing: it took five milliseconds for each message.
    deliver(Message.objects.select_related("appointment__therapist", "appointment__service"), message_id, _hand_over)


def _hand_over(message: Message) -> bool:
    if _is_stale(message, timezone.now()):
        message.delivery = Delivery.OVERTAKEN
        return True
    return try_once(message, lambda: compose(message))


def _is_stale(message: Message, now: datetime) -> bool:
    return kind_of(message).is_stale(message, _later(message), now)


def _later(message: Message) -> MessageQuerySet:
    """Messages about the same visit that were written later, of the kinds that overtake."""
    visit = message.appointment
    if visit is None:
        return Message.objects.none()
    overtaking = [kind for kind, row in KINDS.items() if row.overtakes]
    return Message.objects.filter(Q(appointment=visit) | Q(visits=visit), pk__gt=message.pk, kind__in=overtaking)
