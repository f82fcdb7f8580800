"""ReviewReminder: one e-mail that asks for the review of one article by one day."""

from __future__ import annotations

import uuid
from datetime import date
from email.utils import parseaddr

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .articles import Article


class Step(models.TextChoices):
    MONTH = "month", "30 days before"
    WEEK = "week", "7 days before"
    OVERDUE = "overdue", "Overdue"


def step_on(day: date, due_on: date) -> Step | None:
    """The step that applies on a clinic-local day: always the last one reached, never two at once."""
    days_left = (due_on - day).days
    if days_left < 0:
        return Step.OVERDUE
    if days_left <= 7:
        return Step.WEEK
    return Step.MONTH if days_left <= 30 else None


class ReviewReminder(models.Model):
    class Delivery(models.TextChoices):
        QUEUED = "queued", "Waiting to be sent"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused by the mail server"
        OVERTAKEN = "overtaken", "No longer needed when it was to leave"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="review_reminders")
    due_on = models.DateField()
    step = models.CharField(max_length=7, choices=Step)
    recipient = models.EmailField(max_length=254, blank=True, help_text="Whom it went to, or was to go to last.")
    delivery = models.CharField(max_length=9, choices=Delivery, default=Delivery.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_answer = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "due_on", "step"],
                name="articles_reviewreminder_is_written_once",
                violation_error_message="This reminder was written before.",
            ),
            models.CheckConstraint(
                name="articles_reviewreminder_step_is_known",
                condition=Q(step__in=Step.values),
                violation_error_message="Choose one of the steps.",
            ),
            models.CheckConstraint(
                name="articles_reviewreminder_sent_says_when_and_to_whom",
                condition=~Q(delivery="sent") | (Q(sent_at__isnull=False) & ~Q(recipient="")),
                violation_error_message="A sent reminder says when it was sent, and to whom.",
            ),
            models.CheckConstraint(
                name="articles_reviewreminder_delivery_is_known",
                condition=Q(delivery__in=("queued", "sent", "refused", "overtaken")),
                violation_error_message="Choose one of the delivery states.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.article}, {self.due_on}: {self.get_step_display()}"

    @property
    def message_id(self) -> str:
        """The same at every try, so that a double can be recognised (RFC 5322, 3.6.4)."""
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        return f"<{self.public_id}@{domain}>"
