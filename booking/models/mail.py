"""What each table of e-mails has: whom one goes to, and what became of it."""

from __future__ import annotations

import uuid
from email.utils import parseaddr

from django.conf import settings
from django.db import models
from django.utils import timezone


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
        """The same at every try, so that a double can be recognised (RFC 5322, 3.6.4)."""
        return message_id(self.public_id)


def message_id(public_id: uuid.UUID) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{public_id}@{domain}>"
