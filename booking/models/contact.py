"""ContactRequest: no time suits, and the clinic is asked to call or write."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .hours import Weekday
from .parts_of_day import PartOfDay, parts_of_day
from .people import PersonKeys, WithPeople
from .therapists import Therapist


class ContactRequestQuerySet(WithPeople["ContactRequest"]):
    def not_done(self) -> ContactRequestQuerySet:
        """Requests that staff still have to answer, oldest first."""
        return self.exclude(state=ContactRequest.State.DONE).order_by("created_at")


class ContactRequest(PersonKeys):
    class State(models.TextChoices):
        NEW = "new", "New"
        IN_HAND = "in-hand", "Being dealt with"
        DONE = "done", "Done"

    class ReachBy(models.TextChoices):
        PHONE = "phone", "Call me"
        EMAIL = "email", "Write me an e-mail"

    state = models.CharField(max_length=7, choices=State, default=State.NEW)
    therapist = models.ForeignKey(
        Therapist, on_delete=models.PROTECT, null=True, blank=True, help_text="Empty: whoever is free."
    )
    weekdays = ArrayField(models.PositiveSmallIntegerField(choices=Weekday), verbose_name="days", blank=True)
    parts = parts_of_day()
    name = models.CharField(max_length=120)
    reach_by = models.CharField("how to answer", max_length=5, choices=ReachBy)
    email = models.EmailField("e-mail", max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    note = models.TextField(max_length=1000, blank=True)
    consent_version = models.CharField(max_length=20, blank=True)
    came_from = models.CharField("came from article", max_length=80, blank=True)

    submission_key = models.UUIDField(unique=True)
    created_at = models.DateTimeField("asked", default=timezone.now)
    taken_up_at = models.DateTimeField(null=True, blank=True)
    taken_up_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField("done", null=True, blank=True)

    objects = ContactRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="booking_contact_request_state_is_known",
                condition=Q(state__in=("new", "in-hand", "done")),
                violation_error_message="Choose one of the states.",
            ),
            models.CheckConstraint(
                name="booking_contact_request_can_be_answered",
                condition=(Q(reach_by="phone") & ~Q(phone="")) | (Q(reach_by="email") & ~Q(email="")),
                violation_error_message="Say how to reach you the way you chose.",
            ),
            models.CheckConstraint(
                name="booking_contact_request_days_are_known",
                condition=Q(weekdays__contained_by=list(Weekday.values)) & Q(parts__contained_by=PartOfDay.values),
                violation_error_message="Choose days of the week and times of day.",
            ),
        ]

    def __str__(self) -> str:
        return f"Contact request {self.pk}"  # no name: this text reaches logs and titles

    @property
    def person(self) -> ContactRequest:
        """Where name, e-mail address and phone are kept."""
        return self

    @property
    def version(self) -> str:
        return f"{self.state}.{self.pk}"

    @property
    def day_names(self) -> list[str]:
        return [str(Weekday(day).label) for day in self.weekdays]

    @property
    def part_names(self) -> list[str]:
        return [str(PartOfDay(part).label) for part in self.parts]
