"""Links to other sites, with the result of the last check."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from articles.rich_text import MAX_ADDRESS_LENGTH


class Outcome(models.TextChoices):
    WORKS = "works", "Works"
    DEAD = "dead", "Dead"
    UNSURE = "unsure", "Refuses automatic checks: open it yourself"


class OutsideLink(models.Model):
    """Result of the last check of one address. Only `manage.py content_report --network` writes these."""

    address = models.CharField(max_length=MAX_ADDRESS_LENGTH, unique=True)
    checked_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; none when there was no answer.")
    outcome = models.CharField(max_length=6, choices=Outcome)
    said = models.CharField(max_length=120, help_text="The result in words.")

    class Meta:
        ordering = ["address"]
        constraints = [
            models.CheckConstraint(
                name="articles_outsidelink_outcome_is_known",
                condition=Q(outcome__in=Outcome.values),
                violation_error_message="Choose one of the outcomes.",
            ),
        ]

    def __str__(self) -> str:
        return self.address
