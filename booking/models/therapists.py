"""Therapist and Service: what can be booked, and with whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from revival.base.bidi import isolate

from .facts import Fact, WithExamples, line_field, lines_of, text_field
from .owned_rows import OwnOnly

RESERVED_SLUGS = ("hold", "ask", "any", "find")
"""Path segments that the booking addresses use themselves."""


class TherapistQuerySet(OwnOnly["Therapist"]):
    owners = ("account",)

    def taking_patients(self) -> TherapistQuerySet:
        return self.filter(is_taking_patients=True)

    def with_hours(self) -> TherapistQuerySet:
        """Annotates `has_hours`: hours that count have been entered (example hours count only in a trial copy)."""
        return self.annotate(has_hours=self._hours())

    def bookable(self) -> TherapistQuerySet:
        """Those who can be booked anew online: taking patients, and with hours that count."""
        return self.taking_patients().filter(self._hours())

    def for_service(self, service: Service) -> TherapistQuerySet:
        """Annotates what `booking.models.free` asks of a therapist: `gives` (this service) and `has_hours`."""
        return self.with_hours().annotate(gives=self._pairs(service))

    def giving(self, service: Service) -> TherapistQuerySet:
        """Those who give this service, also while they take no patients online; annotated as by `for_service`."""
        return self.for_service(service).filter(self._pairs(service))

    @staticmethod
    def _hours() -> Exists:
        from .hours import Shift  # hours point at therapists, so not at the top

        return Exists(Shift.objects.in_force().filter(therapist=OuterRef("pk")))

    @staticmethod
    def _pairs(service: Service) -> Exists:
        return Exists(Service.therapists.through.objects.filter(service=service.pk, therapist=OuterRef("pk")))

    def among(self, therapists: Iterable[Therapist] | None) -> TherapistQuerySet:
        """Only these of them; None is no limit."""
        return self if therapists is None else self.filter(pk__in=[therapist.pk for therapist in therapists])


FIRST_YEAR = 1940


def check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= timezone.now().year:
        raise ValidationError("Give a year that has begun, such as 2009.")


class Therapist(WithExamples):
    """A person patients can choose by name."""

    name = models.CharField(max_length=120, help_text="With title, such as Dr. Peter Stanley.")
    short_name = models.CharField(max_length=60, help_text="After the first mention, such as Dr. Stanley.")
    slug = models.SlugField(unique=True, help_text="Part of the page’s address. Links outside depend on it.")
    role = models.CharField(max_length=80, blank=True, help_text="Such as Physical therapist. Empty when unknown.")
    about = models.TextField(blank=True, help_text="Their own words. The page leaves it out while empty.")
    degree = line_field(120, help_text="Such as Doctor of Physical Therapy, and where from.")
    license_number = line_field(40)
    license_url = models.URLField(
        "page where the license can be looked up",
        blank=True,
        validators=[URLValidator(["https"], message="Give an address that begins with https://.")],
        help_text="Of the state board. It begins with https://.",
    )
    practicing_since = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[check_year], help_text="The year, such as 2009."
    )
    focus = line_field(200, help_text="What they see most, such as “Backs, knees, runners”.")
    languages = line_field(200, help_text="Such as “English and Spanish”.")
    is_taking_patients = models.BooleanField(
        default=True,
        help_text="Untick to stop online booking with this therapist at once. Visits that exist can still be moved.",
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
            models.CheckConstraint(
                name="booking_therapist_license_is_looked_up_by_its_number",
                condition=Q(license_url="") | (Q(license_url__startswith="https://") & ~Q(license_number="")),
                violation_error_message="Give the license number, too, and an address that begins with https://.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("therapists:detail", args=[self.slug])

    @property
    def facts(self) -> list[Fact]:
        """What their page says of them, beside their own words."""
        since = (str(self.practicing_since),) if self.practicing_since else ()
        look_up = gettext("Look up the license") if self.license_url else ""
        return [
            *self.fact("degree", _("Degree")),
            *self.fact("license_number", _("License"), url=self.license_url, link=look_up),
            *self.fact("practicing_since", _("In practice since"), since),
            *self.fact("focus", _("Focus")),
            *self.fact("languages", _("Languages")),
        ]


class ServiceQuerySet(models.QuerySet["Service"]):
    def real(self) -> ServiceQuerySet:
        """The clinic's own services; in a trial copy also the examples."""
        return self.filter(is_example=False) if settings.IS_PRODUCTION else self

    def on_offer(self) -> ServiceQuerySet:
        """Services that patients can book anew (`Service.is_on_offer`)."""
        return self.real().filter(is_active=True)


LEAST_STEP, A_DAY, TWO_YEARS = 5, 24 * 60, 732
"""Minutes, minutes, days. Narrower steps and longer horizons make pages that nobody can read."""


def _within(least: int, most: int) -> list[BaseValidator]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class Service(WithExamples):
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
    offer_notice_hours = models.PositiveSmallIntegerField(
        "notice for the waiting list, in hours",
        default=2,
        validators=[MinValueValidator(1)],
        help_text="A time that becomes free is offered to the waiting list down to so many hours ahead.",
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=60, validators=_within(1, TWO_YEARS), help_text="How many days ahead patients can look."
    )
    description = text_field(help_text="In patients’ words: what it is for and what happens.")
    fee = line_field(60, help_text="For patients who pay themselves, as you write it, such as $95.")
    includes = text_field(verbose_name="what it includes", help_text="One or two sentences.")
    may_include_cupping = models.BooleanField(
        "cupping can be part of it", default=False, help_text="Pages say so when this is ticked."
    )
    needs_confirmation = models.BooleanField(
        default=True, help_text="Ticked: staff confirm each request. Unticked: the visit is agreed at once."
    )
    therapists = models.ManyToManyField(Therapist, related_name="services", blank=True)
    cautions = models.ManyToManyField("booking.Caution", related_name="services", blank=True)
    is_active = models.BooleanField(
        "on offer",
        default=True,
        help_text="Untick to stop online booking. Staff can still book it, and move its visits.",
    )
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
    def visit_facts(self) -> list[Fact]:
        """What the visit is, under the service's name."""
        cupping = (gettext("Cupping can be part of it."),) if self.may_include_cupping else ()
        lines = (*lines_of(self.description), *lines_of(self.includes), *cupping)
        return list(self.fact("description", self.name, lines))

    @property
    def named_fee(self) -> str:
        return f"{isolate(self.name)}: {isolate(self.fee)}"

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def turnaround(self) -> timedelta:
        return timedelta(minutes=self.turnaround_minutes)

    @property
    def is_on_offer(self) -> bool:
        """Whether patients can book it anew: an example service only in a trial copy."""
        return self.is_active and not (self.is_example and settings.IS_PRODUCTION)
