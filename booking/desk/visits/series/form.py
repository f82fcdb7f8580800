"""The form for a series: therapist, service and pattern, then the patient's own fields."""

from __future__ import annotations

from datetime import date, time, timedelta

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone

from booking.desk.visits.forms import CallerForm
from booking.models import MOST_A_WEEK, MOST_VISITS, MOST_WEEKS, PartOfDay, Weekday
from booking.models.therapists import TWO_YEARS
from booking.time.recurrence import SeriesPattern
from revival.base.desk_parts.widgets import ClockInput, DayInput
from revival.base.django_types import FormValues, Passed


class SeriesForm(CallerForm):
    """The pattern can be sent alone, to see the visits; `is_booking` requires the patient's fields, too."""

    starts_at = None  # type: ignore[assignment]
    override_reason = None  # type: ignore[assignment]
    first_day = forms.DateField(
        label="From which day",
        widget=DayInput,
        error_messages={"invalid": "Choose a day, like 2026-12-07."},
    )
    weeks = forms.IntegerField(label="For how many weeks", initial=4, min_value=1, max_value=MOST_WEEKS)
    a_week = forms.IntegerField(label="How many a week", initial=2, min_value=1, max_value=MOST_A_WEEK)
    weekdays = forms.TypedMultipleChoiceField(
        label="Days that suit",
        choices=Weekday,
        coerce=int,
        required=False,
        help_text="Leave all unticked for any day. "
        "If you tick more days than visits per week, the best-fitting days are used.",
        widget=forms.CheckboxSelectMultiple,
    )
    part = forms.ChoiceField(
        label="Time of day",
        choices=[("", "Any time"), *PartOfDay.choices],
        required=False,
        widget=forms.RadioSelect,
    )
    clock = forms.TimeField(
        label="Or always at this time",
        required=False,
        widget=ClockInput,
        help_text="Leave empty to use the time that is free most often in that part of the day.",
        error_messages={"invalid": "Type a time, like 09:30."},
    )

    PATTERN = ("therapist", "service", "first_day", "weeks", "a_week", "weekdays", "part", "clock")
    field_order = [
        *PATTERN,
        *("name", "phone", "email", "patient_name", "is_new_patient", "note", "submission_key"),
    ]

    def __init__(self, *args: Passed, is_booking: bool = False, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "phone", "is_new_patient"):  # staff look at times before they ask for a name
            self.fields[name].required = is_booking

    def clean_first_day(self) -> date:
        day: date = self.cleaned_data["first_day"]
        today = timezone.localdate()
        if day < today:
            raise ValidationError("That day has gone by.")
        if day > today + timedelta(days=TWO_YEARS - MOST_WEEKS * 7):
            raise ValidationError("That is further away than can be booked.")
        return day

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        days, a_week, weeks = (cleaned_data.get(name) for name in ("weekdays", "a_week", "weeks"))
        if days and a_week and len(days) < a_week:
            self.add_error("weekdays", f"Tick at least {a_week} days, or none, or choose fewer visits a week.")
        if a_week and weeks and a_week * weeks > MOST_VISITS:
            most = f"A series has at most {MOST_VISITS} visits."
            self.add_error("weeks", f"{most} Choose fewer weeks, or fewer visits a week.")
        return cleaned_data

    @property
    def has_pattern(self) -> bool:
        """Whether the pattern is complete and valid, also when other fields are not."""
        return self.is_bound and not set(self.errors) & {*self.PATTERN, NON_FIELD_ERRORS}

    @property
    def pattern(self) -> SeriesPattern:
        return SeriesPattern(
            first=self.cleaned_data["first_day"],
            weeks=self.cleaned_data["weeks"],
            a_week=self.cleaned_data["a_week"],
            weekdays=tuple(self.cleaned_data["weekdays"] or Weekday.values),
            otherwise=time(PartOfDay.begins(self.cleaned_data["part"] or PartOfDay.MORNING)),
            clock=self.cleaned_data["clock"],
        )

    def suits(self, wall: time) -> bool:
        """Whether a wall-clock time is in the part of the day that was chosen."""
        part = self.cleaned_data["part"]
        return not part or PartOfDay.at(wall) == part

    @property
    def pattern_typed(self) -> str:
        """The pattern as text, to notice when it has changed since the visits were proposed."""
        return "|".join(",".join(sorted(self.data.getlist(name))) for name in self.PATTERN)  # type: ignore[attr-defined]
