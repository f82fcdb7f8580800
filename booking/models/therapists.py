"""Clinic, Therapist and Service: what can be booked, and with whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from .people import OwnOnly

RESERVED_SLUGS = ("hold", "ask", "any", "find")
"""Path segments that the booking addresses use themselves."""


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Choose a time zone by its IANA name, such as America/Chicago.")


class ClinicQuerySet(models.QuerySet["Clinic"]):
    def current(self) -> Clinic:
        return self.get()


class Clinic(models.Model):
    """The one place of care. Unknown facts stay empty, and the pages leave them out."""

    name = models.CharField(max_length=120)
    opening_line = models.CharField(max_length=300, blank=True, help_text="One sentence that says who you help.")
    phone = models.CharField(
        max_length=20,
        validators=[RegexValidator(r"^\d{3}-\d{3}-\d{4}$", "Write it like 612-605-7594.")],
        help_text="Shown on every page and in every message, like 612-605-7594.",
    )
    email = models.EmailField("e-mail", blank=True, help_text="Shown in the footer when set.")
    address = models.TextField(blank=True, help_text="Shown in the footer and on visits when set.")
    opening_hours = models.TextField(blank=True, help_text="Shown in the footer when set.")
    notices_to = models.EmailField(
        "e-mail for staff notices", blank=True, help_text="Where a notice goes when someone asks for a visit."
    )
    mails_day_sheet = models.BooleanField(
        "send the day sheet by e-mail",
        default=False,
        help_text="To the address for staff notices, the evening before and again in the morning: times, therapists, "
        "first names and phones, in case the site cannot be reached. E-mail is not sealed: turn it on only for "
        "an address that the clinic alone reads.",
    )
    time_zone = models.CharField(max_length=40, default="America/Chicago", validators=[validate_time_zone])
    zone_name = models.CharField(
        max_length=40,
        default="Minneapolis time",
        help_text="How patients call the clinic’s time, such as “Minneapolis time”.",
    )

    objects = ClinicQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "clinic"
        constraints = [
            models.CheckConstraint(
                name="booking_clinic_is_the_only_one",
                condition=Q(pk=1),
                violation_error_message="There is one clinic; change it instead of adding another.",
            ),
            models.CheckConstraint(
                name="booking_clinic_mails_day_sheet_to_someone",
                condition=Q(mails_day_sheet=False) | ~Q(notices_to=""),
                violation_error_message="Give the e-mail for staff notices: the day sheet goes there.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def brand(self) -> tuple[str, str]:
        """The name in two parts: the masthead sets its first word large, the rest small."""
        first, _, rest = self.name.partition(" ")
        return first, rest

    @property
    def phone_link(self) -> str:
        """An RFC 3966 address, such as `tel:+16126057594`."""
        return "tel:+1" + self.phone.replace("-", "")

    @property
    def facts(self) -> dict[str, str]:
        """The facts that articles name by a token, so that they are edited here alone."""
        return {"clinic": self.name, "phone": self.phone, "email": self.email, "address": self.address}

    @property
    def directions_url(self) -> str:
        """The way here on a map, by the documented address that opens a phone's map application."""
        return "https://www.google.com/maps/dir/?" + urlencode(
            {"api": 1, "destination": " ".join(self.address.split())}
        )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def is_quiet_at(self, now: datetime) -> bool:
        """Whether it is night at the clinic: no waiting-list offer is sent then."""
        hour = now.astimezone(self.zone).hour
        return hour >= settings.BOOKING_QUIET_FROM_HOUR or hour < settings.BOOKING_QUIET_UNTIL_HOUR


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


class Therapist(models.Model):
    """A person patients can choose by name."""

    name = models.CharField(max_length=120, help_text="With title, such as Dr. Peter Stanley.")
    short_name = models.CharField(max_length=60, help_text="After the first mention, such as Dr. Stanley.")
    slug = models.SlugField(unique=True, help_text="Part of the page’s address. Links outside depend on it.")
    role = models.CharField(max_length=80, blank=True, help_text="Such as Physical therapist. Empty when unknown.")
    about = models.TextField(blank=True, help_text="Their own words. The page leaves it out while empty.")
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
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("therapists:detail", args=[self.slug])


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
    offer_notice_hours = models.PositiveSmallIntegerField(
        "notice for the waiting list, in hours",
        default=2,
        validators=[MinValueValidator(1)],
        help_text="A time that becomes free is offered to the waiting list down to so many hours ahead.",
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=60, validators=_within(1, TWO_YEARS), help_text="How many days ahead patients can look."
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
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def turnaround(self) -> timedelta:
        return timedelta(minutes=self.turnaround_minutes)

    @property
    def is_on_offer(self) -> bool:
        """Whether patients can book it anew: an example service only in a trial copy."""
        return self.is_active and not (self.is_example and settings.IS_PRODUCTION)
