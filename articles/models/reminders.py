"""Reminder e-mails for reviews of articles that fall due."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from booking.models import Mail

from .article import Article


class ReminderStep(models.TextChoices):
    MONTH = "month", "30 days before"
    WEEK = "week", "7 days before"
    OVERDUE = "overdue", "Overdue"


def reminder_step(day: date, due_on: date) -> ReminderStep | None:
    """The last step reached on `day` (clinic-local), or None more than 30 days before `due_on`."""
    days_left = (due_on - day).days
    if days_left < 0:
        return ReminderStep.OVERDUE
    if days_left <= 7:
        return ReminderStep.WEEK
    return ReminderStep.MONTH if days_left <= 30 else None


class ReviewReminder(Mail):
    """One e-mail that asks for the review of an article by a date; written once for each step."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="review_reminders")
    due_on = models.DateField()
    step = models.CharField(max_length=7, choices=ReminderStep)

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
                condition=Q(step__in=ReminderStep.values),
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
