"""Clinic: the one place of care, its facts and its clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, time
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, Deferrable, F, Func, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Greatest

from booking.people.phones import COUNTRIES
from booking.time.quiet_hours import QuietHours
from booking.time.weekly_hours import DayShift
from revival.base.django_types import Passed
from revival.base.mail import sender_address

from .hours import Weekday
from .place import INSURANCE_IS_NAMED, Place


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Choose a time zone by its IANA name, such as America/Chicago.")


def validate_country(code: str) -> None:
    if code not in COUNTRIES:
        raise ValidationError("Choose a country by its two capital letters, such as US.")


def quiet_hours() -> QuietHours:
    return QuietHours(settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR)


_read: ContextVar[list[Clinic] | None] = ContextVar("clinic_read_in_this_request", default=None)
"""The row that this request has read, in a list of at most one; None outside a request."""


@contextmanager
def reading_clinic_once() -> Iterator[None]:
    """Within, `Clinic.objects.current()` reads the row once, unless it is saved meanwhile; an action in a request, too.

    An action that waits for a lock goes on with the zone that its page was drawn in, which is what the person saw.
    The database keeps the zone from changing while visits are to come.
    """
    if _read.get() is not None:
        yield
        return
    token = _read.set([])
    try:
        yield
    finally:
        _read.reset(token)


def _read_again() -> None:
    if rows := _read.get():
        rows.clear()


HOURS_AS_JSON = """
SELECT coalesce(jsonb_agg(jsonb_build_object('weekday', weekday, 'opens', opens, 'closes', closes)
    ORDER BY weekday, opens), '[]')
FROM booking_openinghours WHERE clinic_id = booking_clinic.id
"""
"""Text, since every request reads it: Django takes six times as long to make the same out of expressions."""


class ClinicQuerySet(models.QuerySet["Clinic"]):
    def current(self) -> Clinic:
        """The clinic with its opening hours; in a request it is read once. Raises Clinic.DoesNotExist."""
        rows = _read.get()
        if rows:
            return rows[0]
        clinic = self.with_hours().get()
        if rows is not None:
            rows.append(clinic)
        return clinic

    def current_if_any(self) -> Clinic | None:
        """None before the first `load_clinic`."""
        try:
            return self.current()
        except Clinic.DoesNotExist:
            return None

    def with_hours(self) -> ClinicQuerySet:
        """Reads the opening hours in the same query, for `Clinic.week`."""
        return self.annotate(hours_as_json=RawSQL(HOURS_AS_JSON, (), models.JSONField()))  # noqa: S611 - no input in it


class Clinic(Place):
    """The one place of care. Unknown facts stay empty, and the pages leave them out."""

    COUNTRY = "US"

    name = models.CharField(max_length=120)
    opening_line = models.CharField(max_length=300, blank=True, help_text="One sentence that says who you help.")
    phone = models.CharField(
        max_length=20,
        validators=[RegexValidator(r"^\d{3}-\d{3}-\d{4}$", "Write it like 612-605-7594.")],
        help_text="Shown on every page and in every message, like 612-605-7594.",
    )
    country = models.CharField(
        max_length=2,
        default=COUNTRY,
        db_default=COUNTRY,
        validators=[validate_country],
        help_text="Of the address. Phone numbers that patients type without a country code are numbers of it, too.",
    )
    email = models.EmailField(
        "e-mail",
        blank=True,
        help_text="Shown in the footer. Patients’ replies to our e-mails and answers of their calendars go here.",
    )
    opening_hours = models.TextField(
        "note on the opening hours",
        blank=True,
        help_text="Shown below the opening hours: what they cannot say, such as “Evenings by appointment.”",
    )
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
            INSURANCE_IS_NAMED,
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Passed, **kwargs: Passed) -> None:
        super().save(*args, **kwargs)
        _read_again()

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
    def organizer(self) -> str:
        """Where calendars send their answers: the clinic's mailbox, or while it has none, the address we send from."""
        return self.email or sender_address()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def week(self) -> tuple[DayShift, ...]:
        """The opening hours as entered, Monday first; empty when none are."""
        rows = self.__dict__.get("hours_as_json")
        if rows is None:
            return tuple(row.shift for row in self.hours.all())
        return tuple(_shift_from_json(row) for row in rows)

    def is_quiet_at(self, now: datetime) -> bool:
        """Whether it is night at the clinic: no waiting-list offer is sent then."""
        return quiet_hours().hold_at(now, self.zone)


def _shift_from_json(row: Mapping[str, str]) -> DayShift:
    return DayShift(int(row["weekday"]), time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"]))


class SecondOfDay(Func):
    template = "extract(epoch FROM %(expressions)s)::int"
    output_field = models.IntegerField()


class OpenSeconds(Func):
    """From `opens` to `closes` in seconds since midnight, where closing at 00:00 is the end of the day."""

    function = "int4range"
    output_field = IntegerRangeField()

    def __init__(self) -> None:
        end = Case(When(closes=time(0), then=Value(24 * 3600)), default=SecondOfDay("closes"))
        # A span that closes before it opens is empty here; another constraint refuses it.
        super().__init__(SecondOfDay("opens"), Greatest(SecondOfDay("opens"), end))


class OpeningHours(models.Model):
    """One span of the clinic's opening hours on a weekday; two rows make a day with a break."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField("day", choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = verbose_name_plural = "opening hours"
        constraints = [
            models.CheckConstraint(
                name="booking_opening_hours_weekday_is_a_weekday",
                condition=Q(weekday__lte=6),
                violation_error_message="Choose a day of the week.",
            ),
            models.CheckConstraint(
                name="booking_opening_hours_open_before_they_close",
                condition=Q(opens__lt=F("closes")) | Q(closes=time(0)),
                violation_error_message="The clinic closes after it opens. For a break give two lines for that day.",
            ),
            # Deferred, since several lines of a day may change together.
            ExclusionConstraint(
                name="booking_opening_hours_never_overlap",
                expressions=[
                    ("clinic", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (OpenSeconds(), RangeOperators.OVERLAPS),
                ],
                deferrable=Deferrable.DEFERRED,
                violation_error_message="Two lines of one day overlap.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"

    def save(self, *args: Passed, **kwargs: Passed) -> None:
        super().save(*args, **kwargs)
        _read_again()

    def delete(self, *args: Passed, **kwargs: Passed) -> tuple[int, dict[str, int]]:
        deleted = super().delete(*args, **kwargs)
        _read_again()
        return deleted

    @property
    def shift(self) -> DayShift:
        return DayShift(self.weekday, self.opens, self.closes)
