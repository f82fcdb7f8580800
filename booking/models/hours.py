"""Working hours: Shift (weekly hours), Override (other hours for one date) and Absence (a span away)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Self, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, OuterRef, Q
from django.utils import timezone

from booking.time.availability import DayHours, WeeklyHours
from booking.time.weekly_hours import meet
from revival.base.bidi import isolate
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.words import wall

from .owned_rows import OwnOnly
from .therapists import Therapist

LONG_AGO, FAR_FUTURE = datetime(1900, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class HowOften(models.IntegerChoices):
    EVERY_WEEK = 1, "Every week"
    EVERY_SECOND_WEEK = 2, "Every second week"


class ShiftQuerySet(OwnOnly["Shift"]):
    def holding_between(self, first: date, last: date) -> ShiftQuerySet:
        """Shifts whose validity meets the clinic-local dates `first` to `last`, both included."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=last),
            Q(valid_until__isnull=True) | Q(valid_until__gte=first),
        )

    def in_force(self) -> ShiftQuerySet:
        """Hours that can be booked. Example hours are not real, so only a trial copy counts them."""
        return self.filter(is_example=False) if settings.IS_PRODUCTION else self


class Shift(models.Model):
    """Weekly hours of a therapist, in clinic time; two rows make a split day."""

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.TimeField(help_text="Clinic time.")
    closes = models.TimeField(help_text="Clinic time. 12:00 am means the end of the day.")
    valid_from = models.DateField(null=True, blank=True, help_text="Empty: since always.")
    valid_until = models.DateField(null=True, blank=True, help_text="The last day. Empty: until further notice.")
    every_weeks = models.PositiveSmallIntegerField("how often", choices=HowOften, default=HowOften.EVERY_WEEK)
    counts_from = models.DateField(
        "first date",
        null=True,
        blank=True,
        help_text="Only for hours of every second week: the first day on which they hold, a date on that weekday.",
    )
    is_example = models.BooleanField(
        default=False, help_text="Made for a trial copy; these are not the clinic’s real hours."
    )

    objects = ShiftQuerySet.as_manager()

    class Meta:
        ordering = ["therapist", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                name="booking_shift_weekday_is_a_weekday",
                condition=Q(weekday__lte=6),
                violation_error_message="Choose a day of the week.",
            ),
            models.CheckConstraint(
                name="booking_shift_opens_before_it_closes",
                condition=Q(opens__lt=F("closes")) | Q(closes=time(0)),
                violation_error_message="A shift closes after it opens. For a split day add a second shift.",
            ),
            models.CheckConstraint(
                name="booking_shift_is_valid_from_before_until",
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_from__lte=F("valid_until")),
                violation_error_message="The last day lies before the first.",
            ),
            models.CheckConstraint(
                name="booking_shift_of_every_second_week_has_a_first_date",
                condition=Q(every_weeks=1, counts_from__isnull=True) | Q(every_weeks=2, counts_from__isnull=False),
                violation_error_message="Hours of every second week need a first date; those of every week have none.",
            ),
            models.CheckConstraint(
                name="booking_shift_first_date_is_on_its_weekday",
                condition=Q(counts_from__isnull=True) | Q(counts_from__iso_week_day=F("weekday") + 1),
                violation_error_message="The first date is not on that day of the week.",
            ),
        ]

    def __str__(self) -> str:
        words = f"{isolate(self.therapist)}, {self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"
        return f"{words}, every second week from {self.counts_from}" if self.counts_from else words

    @property
    def hours(self) -> WeeklyHours:
        return WeeklyHours(
            self.weekday, self.opens, self.closes, self.valid_from, self.valid_until, self.every_weeks, self.counts_from
        )

    def clean(self) -> None:
        """Refuse hours at a time at which the therapist has others on the same date."""
        if self.therapist_id is None or None in (self.weekday, self.opens, self.closes):
            return  # a field of its own says so
        others = Shift.objects.filter(therapist=self.therapist_id, weekday=self.weekday, is_example=self.is_example)
        other = next((row for row in others.exclude(pk=self.pk) if meet(self.hours, row.hours)), None)
        if other is not None:
            raise ValidationError(
                f"They work from {wall(other.opens)} to {wall(other.closes)} on that day already. Hours of every "
                "second week may be the same as others only when the two never come on one date."
            )


class OverrideQuerySet(OwnOnly["Override"]):
    pass


class Override(models.Model):
    """Other hours for one date; that date's shifts do not count. Two rows make a split day."""

    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="overrides")
    day = models.DateField(help_text="The shifts of this date do not count.")
    opens = models.TimeField(help_text="Clinic time.")
    closes = models.TimeField(help_text="Clinic time. 12:00 am means the end of the day.")

    objects = OverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "opens"]
        constraints = [
            models.CheckConstraint(
                name="booking_override_opens_before_it_closes",
                condition=Q(opens__lt=F("closes")) | Q(closes=time(0)),
                violation_error_message="Hours close after they open. For a day off enter an absence.",
            ),
        ]

    def __str__(self) -> str:
        return f"{isolate(self.therapist)}, {self.day} {self.opens:%H:%M}–{self.closes:%H:%M}"

    @property
    def hours(self) -> DayHours:
        return DayHours(self.day, self.opens, self.closes)


M = TypeVar("M", bound=models.Model)


class WholeClinicToo(OwnOnly[M]):
    def seen_by(self, user: StaffUser | AnonymousUser) -> Self:
        """Also those of the whole clinic, which everyone may see."""
        return super().seen_by(user) | self.filter(therapist__isnull=True)


class AbsenceQuerySet(WholeClinicToo["Absence"]):
    def touching(self, span: Span) -> AbsenceQuerySet:
        return self.filter(starts_at__lt=span.end, ends_at__gt=span.start)

    def closing_the_clinic(self) -> AbsenceQuerySet:
        return self.filter(therapist__isnull=True)

    def keeping_away(self, therapist: int | OuterRef) -> AbsenceQuerySet:
        """The absences of one therapist (id), and those of the whole clinic."""
        return self.filter(Q(therapist=therapist) | Q(therapist__isnull=True))


class Absence(models.Model):
    """A span when a therapist, or the whole clinic, is away."""

    therapist = models.ForeignKey(
        Therapist,
        on_delete=models.PROTECT,
        related_name="absences",
        null=True,
        blank=True,
        help_text="Empty: the whole clinic is closed.",
    )
    starts_at = models.DateTimeField("from", help_text="Clinic time.")
    ends_at = models.DateTimeField("until", help_text="Clinic time.")
    reason = models.CharField(max_length=120, blank=True, help_text="For staff only; patients never see it.")
    recurring = models.ForeignKey(
        "RecurringAbsence", on_delete=models.PROTECT, related_name="absences", null=True, blank=True, editable=False
    )

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                name="booking_absence_starts_before_it_ends",
                condition=Q(starts_at__lt=F("ends_at")),
                violation_error_message="An absence ends after it starts.",
            ),
            models.CheckConstraint(  # later ones cannot be read back: UTC may fall into the year 10000
                name="booking_absence_lies_within_reach",
                condition=Q(starts_at__gt=LONG_AGO, ends_at__lt=FAR_FUTURE),
                violation_error_message="Choose dates between 1900 and 3000.",
            ),
        ]

    def __str__(self) -> str:
        whose = isolate(self.therapist or "Whole clinic")
        return f"{whose} away from {timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)
