"""Message: one e-mail to one person, with what became of it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .appointments import Appointment

LONG_FOR_A_MESSAGE = timedelta(minutes=10)


class Kind(models.TextChoices):
    REQUESTED = "requested", "Request received"
    CONFIRMED = "confirmed", "Visit confirmed"
    DECLINED = "declined", "Request declined"
    MOVED = "moved", "Visit moved"
    EXPIRED = "expired", "Request not answered in time"
    CANCELLED = "cancelled", "Visit cancelled"
    LOST_LINK = "lost-link", "Private link again"
    STAFF_NOTICE = "staff-notice", "Notice to staff"


class Delivery(models.TextChoices):
    QUEUED = "queued", "Waiting to be sent"
    SENT = "sent", "Sent"
    REFUSED = "refused", "Refused by the mail server"
    OVERTAKEN = "overtaken", "Overtaken by a later message"
    PLEASE_PHONE = "please-phone", "No e-mail address: please phone"


class MessageQuerySet(models.QuerySet["Message"]):
    def undelivered(self) -> MessageQuerySet:
        """What staff must look at: refused, to be phoned, tried in vain so far, or waiting long."""
        return self.exclude(kind=Kind.STAFF_NOTICE, delivery=Delivery.PLEASE_PHONE).filter(
            Q(delivery__in=(Delivery.REFUSED, Delivery.PLEASE_PHONE))
            | Q(delivery=Delivery.QUEUED, attempts__gt=0)
            | Q(delivery=Delivery.QUEUED, created_at__lt=timezone.now() - LONG_FOR_A_MESSAGE)
        )


class LostLink(models.Model):
    """Someone asked for their private links again. Lives until the worker has looked the address up."""

    email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Lost link {self.pk}"  # never the address: this text reaches logs


class Message(models.Model):
    """Kind, recipient and the times as they were; never a rendered body or a link."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="messages")
    recipient = models.EmailField(max_length=254, blank=True)
    sequence = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    delivery = models.CharField(max_length=12, choices=Delivery, default=Delivery.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_answer = models.CharField(
        max_length=80,
        blank=True,
        help_text="The mail server’s code or the kind of fault, without personal data.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="booking_message_kind_is_known",
                condition=Q(kind__in=Kind.values),
                violation_error_message="Choose one of the kinds.",
            ),
            models.CheckConstraint(
                name="booking_message_delivery_is_known",
                condition=Q(delivery__in=Delivery.values),
                violation_error_message="Choose one of the delivery states.",
            ),
            models.CheckConstraint(
                name="booking_message_is_sent_to_someone",
                condition=~Q(recipient="") | ~Q(delivery=Delivery.SENT),
                violation_error_message="A sent message has a recipient.",
            ),
            models.CheckConstraint(
                name="booking_message_sent_says_when",
                condition=~Q(delivery=Delivery.SENT) | Q(sent_at__isnull=False),
                violation_error_message="A sent message says when it was sent.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({str(self.public_id)[:8]})"

    @property
    def message_id(self) -> str:
        """The same at every try, so that a double can be recognised (RFC 5322, 3.6.4)."""
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        return f"<{self.public_id}@{domain}>"
