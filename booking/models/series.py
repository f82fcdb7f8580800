"""Series: visits booked together, all or none. Each of them is an ordinary visit."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .owned_rows import OwnOnly
from .therapists import Service, Therapist

MOST_WEEKS, MOST_A_WEEK, MOST_VISITS = 26, 5, 60


class Series(models.Model):
    """A series as it was booked: therapist, service and starts. Its visits may be moved or cancelled; this stays."""

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="series")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="series")
    starts = ArrayField(models.DateTimeField(), help_text="As they were booked; visits may have moved since.")
    submission_key = models.UUIDField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnOnly["Series"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "series"
        default_permissions = ()  # staff see it on its visits
        constraints = [
            models.CheckConstraint(
                name="booking_series_has_visits",
                condition=Q(starts__len__range=(1, MOST_VISITS)),
                violation_error_message=f"A series has from 1 to {MOST_VISITS} visits.",
            ),
        ]

    def __str__(self) -> str:
        return f"Series {self.pk}"
