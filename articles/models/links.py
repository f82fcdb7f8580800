"""OutsideLink: what the last look at an address outside our site found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

LONGEST_ADDRESS = 2000  # characters; longer ones no browser promises to open


class Outcome(models.TextChoices):
    WORKS = "works", "Works"
    DEAD = "dead", "Dead"
    UNSURE = "unsure", "Answers, but not to programs: look yourself"


class OutsideLink(models.Model):
    """Rows are written by `manage.py content_report --network` only."""

    address = models.CharField(max_length=LONGEST_ADDRESS, unique=True)
    checked_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; none when there was no answer.")
    outcome = models.CharField(max_length=6, choices=Outcome)
    said = models.CharField(max_length=120, help_text="What was found, in words.")

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
