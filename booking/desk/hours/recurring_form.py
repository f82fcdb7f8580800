"""The form for a recurring absence: who, on which weekdays, from when to when, from the first day to the last."""

from __future__ import annotations

from datetime import date, time

from django import forms
from django.core.exceptions import ValidationError

from booking.fields import DayField
from booking.models import LONGEST, RecurringAbsence, Weekday
from revival.base.clock import MIDNIGHT
from revival.base.desk_parts.widgets import ClockInput
from revival.base.django_types import FormValues, Passed
from revival.base.words import date_words, whole_day

from .away_form import AwayForm


class WallClockField(forms.TimeField):
    """A time of day at the clinic, without seconds."""

    widget = ClockInput

    def __init__(self, **kwargs: Passed) -> None:
        messages = {"required": "Type a time.", "invalid": "Type a time, such as 12:30."}
        super().__init__(input_formats=["%H:%M", "%H:%M:%S"], error_messages=messages, **kwargs)

    def clean(self, value: Passed) -> time | None:
        wall: time | None = super().clean(value)
        return wall.replace(second=0) if wall else None


class RecurringForm(AwayForm):
    """For a new recurring absence, or with `rule` for a present one, whose therapist stays."""

    weekdays = forms.TypedMultipleChoiceField(
        label="On which days?",
        choices=Weekday.choices,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day of the week."},
    )
    begins = WallClockField(label="From")
    ends = WallClockField(label="Until", help_text="12:00 am means the end of the day.")
    first_day = DayField(label="First day")
    last_day = DayField(label="Last day", help_text="At most two years after the first. You can extend it later.")
    left_out = forms.MultipleChoiceField(
        label="Days taken out by hand",
        help_text="They stay open for patients. Untick a day to put it back.",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    field_order = ("who", "weekdays", "begins", "ends", "first_day", "last_day", "left_out", "reason")

    def __init__(self, *args: Passed, today: date, rule: RecurringAbsence | None = None, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.rule = today, rule
        days = [day for day in rule.left_out if day >= today] if rule else []
        if days:
            choices = [(day.isoformat(), whole_day(day)) for day in days]
            self.fields["left_out"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["left_out"]
        if rule is not None:
            del self.fields["who"]
            self.fields["first_day"].label = "Changes hold from"
            self.fields["first_day"].help_text = "Earlier days stay as they were."

    def clean_first_day(self) -> date:
        day: date = self.cleaned_data["first_day"]
        if day < self.today:
            raise ValidationError("That day has gone by.")
        return day

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        begins, ends, first, last = (cleaned_data.get(name) for name in ("begins", "ends", "first_day", "last_day"))
        if begins is not None and ends is not None and ends <= begins and ends != MIDNIGHT:
            self.add_error("ends", "It ends before it begins. For the end of the day type 12:00 am.")
        if first and last and last < first:
            self.add_error("last_day", "The last day is before the first.")
        elif first and last and last - first > LONGEST:
            self.add_error("last_day", f"Choose a day up to {date_words(first + LONGEST)}, two years after the first.")
        if not self.errors and not self.filled_in().days():
            self.add_error("weekdays", "None of these days comes between the first day and the last.")
        return cleaned_data

    def filled_in(self) -> RecurringAbsence:
        """The recurring absence as typed, not saved."""
        rule = self.rule or RecurringAbsence(therapist=self.therapist)
        for name in ("weekdays", "begins", "ends", "first_day", "last_day", "reason"):
            setattr(rule, name, self.cleaned_data[name])
        past = [day for day in rule.left_out if day < self.today]
        rule.left_out = past + sorted(date.fromisoformat(day) for day in self.cleaned_data.get("left_out", ()))
        return rule


def initial_of(rule: RecurringAbsence, today: date) -> FormValues:
    """A present recurring absence as values of the form's fields; what is changed holds from today."""
    values = {name: getattr(rule, name) for name in ("weekdays", "begins", "ends", "last_day", "reason")}
    left_out = [day.isoformat() for day in rule.left_out if day >= today]
    return values | {"first_day": max(rule.first_day, today), "left_out": left_out}
