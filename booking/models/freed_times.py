"""FreedTime: time that was given back, and is offered to those who wait."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from revival.base.clock import Span

from .therapists import Therapist
from .waitlist import WaitlistEntry


class FreedTimeQuerySet(models.QuerySet["FreedTime"]):
    def to_offer(self, now: datetime) -> FreedTimeQuerySet:
        """Freed time still to come, of therapists for whose services someone waits."""
        waiting = WaitlistEntry.objects.waiting().filter(service__therapists=OuterRef("therapist"))
        return self.filter(Exists(waiting), ends_at__gt=now).order_by("created_at")


class FreedTime(models.Model):
    """Time that was given back: it is offered to those who wait, one after another, until it is over."""

    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, related_name="freed_times")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = FreedTimeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="booking_freed_time_starts_before_it_ends",
                condition=Q(starts_at__lt=F("ends_at")),
                violation_error_message="Freed time ends after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"Freed time {self.pk}"

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)
