"""Outage: a therapist is out for a span in which patients have visits."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from revival.base.bidi import isolate
from revival.base.clock import Span

from .hours import Absence
from .owned_rows import OwnOnly
from .therapists import Therapist


class _Range(Func):
    function, output_field = "TSTZRANGE", DateTimeRangeField()


class OutageQuerySet(OwnOnly["Outage"]):
    def open(self) -> OutageQuerySet:
        return self.filter(state=Outage.State.OPEN)

    def to_do(self, now: datetime) -> OutageQuerySet:
        """What staff still have in hand: not over yet, or with visits that nobody has settled."""
        from .affected_visits import AffectedVisit  # affected visits point at outages, so not at the top

        unsettled = AffectedVisit.objects.open().filter(outage=OuterRef("pk"))
        return self.filter(Q(state=Outage.State.OPEN, ends_at__gt=now) | Exists(unsettled)).order_by("starts_at")

    def touching(self, span: Span) -> OutageQuerySet:
        return self.filter(starts_at__lt=span.end, ends_at__gt=span.start)


class Outage(models.Model):
    """A therapist is out for this span; its absence keeps new visits away. Two of one therapist never overlap."""

    class State(models.TextChoices):
        OPEN = "open", "Out"
        WITHDRAWN = "withdrawn", "Withdrawn"

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="outages")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    answer_by = models.DateTimeField(help_text="Until when times are held, and patients are asked to answer.")
    absence = models.OneToOneField(Absence, on_delete=models.PROTECT, null=True, related_name="outage")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    submission_key = models.UUIDField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        default_permissions = ()
        constraints = [
            ExclusionConstraint(
                name="booking_outage_one_at_a_time",
                expressions=[
                    ("therapist", RangeOperators.EQUAL),
                    (_Range("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(state="open"),
                violation_error_message="This therapist is out then already.",
            ),
            models.CheckConstraint(
                name="booking_outage_state_is_known",
                condition=Q(state__in=("open", "withdrawn")),
                violation_error_message="Choose one of the states.",
            ),
            models.CheckConstraint(
                name="booking_outage_starts_before_it_ends",
                condition=Q(starts_at__lt=F("ends_at")),
                violation_error_message="An outage ends after it starts.",
            ),
            models.CheckConstraint(
                name="booking_outage_keeps_its_absence",
                condition=Q(state="withdrawn") | Q(absence__isnull=False),
                violation_error_message="While a therapist is out there is an absence.",
            ),
        ]

    def __str__(self) -> str:
        return f"Outage {self.pk} of {isolate(self.therapist)}"

    def get_absolute_url(self) -> str:
        return reverse("admin:outage", args=[self.pk])

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)

    @property
    def version(self) -> str:
        return f"{self.state}.{int(self.starts_at.timestamp())}.{int(self.ends_at.timestamp())}"

    def is_over(self, now: datetime) -> bool:
        return self.state != self.State.OPEN or self.ends_at <= now
