"""Therapist and Service: what can be booked, and with whom."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import timedelta

from django.conf import settings
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from booking.time.availability import Rules

from .people import OwnOnly

RESERVED_SLUGS = ("hold", "ask", "any", "find")
"""Path segments that the booking addresses use themselves."""


class TherapistQuerySet(OwnOnly["Therapist"]):
    owners = ("account",)

    def taking_patients(self) -> TherapistQuerySet:
        return self.filter(is_taking_patients=True)

    def bookable(self) -> TherapistQuerySet:
        """Taking patients, and with hours that count (example hours count only in a trial copy)."""
        from .hours import Shift  # hours point at therapists, so not at the top

        return self.taking_patients().filter(Exists(Shift.objects.in_force().filter(therapist=OuterRef("pk"))))

    def giving(self, service: Service) -> TherapistQuerySet:
        """Those with whom this service can be booked."""
        return self.taking_patients().filter(services=service)

    def among(self, therapists: Iterable[Therapist] | None) -> TherapistQuerySet:
        """Only these of them; None is no limit."""
        return self if therapists is None else self.filter(pk__in=[therapist.pk for therapist in therapists])


class Therapist(models.Model):
    """A person patients can choose by name."""

    name = models.CharField(max_length=120, help_text="With title, such as Dr. Peter Stanley.")
    short_name = models.CharField(max_length=60, help_text="After the first mention, such as Dr. Stanley.")
    slug = models.SlugField(unique=True, help_text="Part of the page’s address. Links outside depend on it.")
    role = models.CharField(max_length=80, blank=True, help_text="Such as Physical therapist. Empty when unknown.")
    about = models.TextField(blank=True, help_text="Their own words. The page leaves it out while empty.")
    is_taking_patients = models.BooleanField(
        default=True, help_text="Untick to stop online booking with this therapist at once."
    )
    order = models.PositiveSmallIntegerField(default=0, help_text="Smaller numbers come first.")
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="therapist",
        null=True,
        blank=True,
        help_text="Who signs in to the desk as this therapist, and so sees their own schedule and patients.",
    )

    objects = TherapistQuerySet.as_manager()

    class Meta:
        ordering = ["order", "name"]
        constraints = [
            models.CheckConstraint(
                name="booking_therapist_slug_is_not_reserved",
                condition=~Q(slug__in=RESERVED_SLUGS),
                violation_error_message="That address is used by the site itself. Choose another.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("therapists:detail", args=[self.slug])


class ServiceQuerySet(models.QuerySet["Service"]):
    def on_offer(self) -> ServiceQuerySet:
        """Services that patients can book; an example service only in a trial copy."""
        offered = self.filter(is_active=True)
        return offered.filter(is_example=False) if settings.IS_PRODUCTION else offered


LEAST_STEP, A_DAY, TWO_YEARS = 5, 24 * 60, 732
"""Minutes, minutes, days. Narrower steps and longer horizons make pages that nobody can read."""


def _within(least: int, most: int) -> list[BaseValidator]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class Service(models.Model):
    """A kind of visit that can be booked, with its rules of time."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    minutes = models.PositiveSmallIntegerField(validators=_within(1, A_DAY), help_text="How long the visit takes.")
    turnaround_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Kept free after each visit, for notes and cleaning."
    )
    step_minutes = models.PositiveSmallIntegerField(
        default=15, validators=_within(LEAST_STEP, A_DAY), help_text="Starts are offered every so many minutes."
    )
    notice_hours = models.PositiveSmallIntegerField(
        default=24, help_text="How many hours ahead a visit must be booked online."
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=60, validators=_within(1, TWO_YEARS), help_text="How many days ahead patients can look."
    )
    needs_confirmation = models.BooleanField(
        default=True, help_text="Ticked: staff confirm each request. Unticked: the visit is agreed at once."
    )
    therapists = models.ManyToManyField(Therapist, related_name="services", blank=True)
    cautions = models.ManyToManyField("booking.Caution", related_name="services", blank=True)
    is_active = models.BooleanField("on offer", default=True)
    is_example = models.BooleanField(default=False, help_text="Made for a trial copy; not the clinic’s own.")
    order = models.PositiveSmallIntegerField(default=0, help_text="Smaller numbers come first.")

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["order", "name"]
        constraints = [
            models.CheckConstraint(
                name="booking_service_takes_time",
                condition=Q(minutes__range=(1, A_DAY))
                & Q(turnaround_minutes__lte=A_DAY)
                & Q(step_minutes__range=(LEAST_STEP, A_DAY))
                & Q(horizon_days__range=(1, TWO_YEARS)),
                violation_error_message=f"A visit takes up to a day, starts are at least {LEAST_STEP} minutes"
                f" apart, and patients look from 1 to {TWO_YEARS} days ahead.",
            ),
            models.CheckConstraint(
                name="booking_service_slug_is_not_reserved",
                condition=~Q(slug__in=RESERVED_SLUGS),
                violation_error_message="That address is used by the site itself. Choose another.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def turnaround(self) -> timedelta:
        return timedelta(minutes=self.turnaround_minutes)

    def for_staff(self) -> Service:
        """The same without notice and with the widest horizon: those two are for patients alone (not to be saved)."""
        wide = copy(self)
        wide.notice_hours, wide.horizon_days = 0, TWO_YEARS
        return wide

    def for_outage(self) -> Service:
        """The same as offered to patients whose therapist is out: short notice, widest horizon (not to be saved)."""
        wide = self.for_staff()
        wide.notice_hours = settings.BOOKING_OUTAGE_NEAR_HOURS
        return wide

    @property
    def rules(self) -> Rules:
        return Rules(
            length=self.length,
            turnaround=self.turnaround,
            step=timedelta(minutes=self.step_minutes),
            notice=timedelta(hours=self.notice_hours),
            horizon_days=self.horizon_days,
        )
