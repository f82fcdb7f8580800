"""RecurringAbsence: lunch, a team meeting; the rule that writes an absence for each of its days."""

from __future__ import annotations

from datetime import date, time, timedelta, tzinfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.text import get_text_list

from booking.time.availability import WeeklyHours, opening_spans
from revival.base.bidi import isolate
from revival.base.clock import Span
from revival.base.words import wall

from .hours import Weekday, WholeClinicToo
from .therapists import Therapist

LONGEST = timedelta(days=731)
"""Two years, one of them a leap year."""


class RecurringAbsence(models.Model):
    """A therapist, or the whole clinic, is away on the same weekdays at the same clinic time, until a last day.

    Only its absences keep patients out, each a row that points here. A day taken out by hand is in `left_out`.
    """

    therapist = models.ForeignKey(
        Therapist, on_delete=models.PROTECT, related_name="recurring_absences", null=True, blank=True
    )
    weekdays = ArrayField(models.PositiveSmallIntegerField(choices=Weekday))
    begins = models.TimeField(help_text="Clinic time.")
    ends = models.TimeField(help_text="Clinic time. 12:00 am means the end of the day.")
    first_day = models.DateField()
    last_day = models.DateField()
    reason = models.CharField(max_length=120, blank=True, help_text="For staff only; patients never see it.")
    left_out = ArrayField(models.DateField(), default=list, blank=True)

    objects = WholeClinicToo["RecurringAbsence"].as_manager()

    class Meta:
        ordering = ["first_day", "begins"]
        default_permissions = ()  # whoever may enter absences may enter these
        constraints = [
            models.CheckConstraint(
                name="booking_recurring_absence_is_on_weekdays",
                condition=Q(weekdays__len__gt=0, weekdays__contained_by=list(Weekday.values)),
                violation_error_message="Choose a day of the week.",
            ),
            models.CheckConstraint(
                name="booking_recurring_absence_begins_before_it_ends",
                condition=Q(begins__lt=F("ends")) | Q(ends=time(0)),
                violation_error_message="It ends before it begins.",
            ),
            models.CheckConstraint(
                name="booking_recurring_absence_is_two_years_at_most",
                condition=Q(last_day__gte=F("first_day"), last_day__lte=F("first_day") + LONGEST),
                violation_error_message="The last day is the first or a later one, at most two years after it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{isolate(self.therapist or 'Whole clinic')} away {self.when}"

    def spans(self, zone: tzinfo) -> list[Span]:
        """The span of each of its days, sorted. A time that the spring gap skips is shorter, or left out whole."""
        hours = [WeeklyHours(weekday, self.begins, self.ends) for weekday in self.weekdays]
        spans = opening_spans(hours, self.first_day, self.last_day, zone)
        return [span for span in spans if span.start.astimezone(zone).date() not in self.left_out]

    def days(self) -> list[date]:
        """Its dates by the calendar, also those left out."""
        every = (self.first_day + timedelta(days=number) for number in range((self.last_day - self.first_day).days + 1))
        return [day for day in every if day.weekday() in self.weekdays]

    @property
    def when(self) -> str:
        """every Monday and Thursday, 12:00 pm to 1:00 pm"""
        return f"{self.weekday_words}, {wall(self.begins)} to {wall(self.ends)}"

    @property
    def weekday_words(self) -> str:
        """every Thursday; every Monday and Thursday; Monday to Friday; every day"""
        days = sorted(set(self.weekdays))
        names = [str(Weekday(day).label) for day in days]
        if len(days) == len(Weekday):
            return "every day"
        is_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
        return f"{names[0]} to {names[-1]}" if is_row else f"every {get_text_list(names, 'and')}"
