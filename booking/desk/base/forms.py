"""What staff type at the desk. As everywhere, a form checks order and bounds; the action decides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone

from booking.actions import Details
from booking.fields import ONE_LINE, StartField, email_field, first_visit_field, note_field, phone_field
from booking.mail.compose import MOST_OTHER_TIMES
from booking.mail.queue import OtherTime
from booking.models import MOST_A_WEEK, MOST_VISITS, MOST_WEEKS, Appointment, PartOfDay, Service, Therapist, Weekday
from booking.models.therapists import TWO_YEARS
from booking.time.recurrence import SeriesPattern
from revival.base.clock import is_in_era
from revival.base.widgets import ClockInput, DayInput, MomentInput
from revival.base.words import clock, day_words


class MomentField(forms.DateTimeField):
    """A wall-clock time at the clinic. One that a night of change skips or makes twice is refused."""

    widget = MomentInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        if moment is not None and not is_in_era(moment):
            raise ValidationError("That is not a time we know.")
        return moment.astimezone(UTC) if moment else None


class PlaceForm(forms.Form):
    """Whose time, for what, and when."""

    therapist = forms.ModelChoiceField(Therapist.objects.none(), to_field_name="slug", empty_label=None)
    service = forms.ModelChoiceField(Service.objects.none(), to_field_name="slug", empty_label=None)
    starts_at = MomentField(label="Start", error_messages={"required": "Choose a start."})

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["therapist"].queryset = Therapist.objects.seen_by(user)  # type: ignore[attr-defined]
        self.fields["service"].queryset = Service.objects.on_offer()  # type: ignore[attr-defined]


HERE_BEFORE = timedelta(hours=2)
GONE_BY = "That time has gone by. Choose the next start; for someone who is here now, give a reason below."


class CallerForm(PlaceForm):
    PLACE = ("therapist", "service", "starts_at")
    name = forms.CharField(max_length=120, validators=ONE_LINE, error_messages={"required": "Type a name."})
    phone = phone_field("")
    email = email_field("Empty: they have just heard it on the phone, and each later message is a line to phone.")
    patient_name = forms.CharField(
        label="Who is it for, if not them?", max_length=120, required=False, validators=ONE_LINE
    )
    is_new_patient = first_visit_field()
    note = note_field()
    override_reason = forms.CharField(
        label="Reason to book past the rules",
        max_length=200,
        required=False,
        validators=ONE_LINE,
        help_text="Only when you mean it: outside of hours, or beside another visit. Your name is kept with it.",
    )
    submission_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = False
        first_visit: Any = self.fields["is_new_patient"]
        first_visit.label = "Is it their first visit?"
        first_visit.choices = [("yes", "Yes, their first"), ("no", "No, they have been before")]
        first_visit.error_messages["required"] = "Choose whether it is their first visit."
        self.fields["phone"].error_messages["required"] = "Type a phone number."
        first_visit.help_text = "So that the therapist knows what to prepare."
        self.fields["note"].label, self.fields["note"].help_text = "Note", "The therapist reads it."
        for field in self.fields.values():
            field.widget.attrs.pop("autocomplete", None)  # it is not the browser's owner who is booked

    def clean(self) -> dict[str, Any]:
        """Who stands at the desk now may be booked from a little before, with a reason."""
        typed = super().clean() or {}
        start, now = typed.get("starts_at"), timezone.now()
        earliest = now - HERE_BEFORE if typed.get("override_reason") else now
        if start and start <= earliest:
            self.add_error("starts_at", GONE_BY)
        return typed

    @property
    def details(self) -> Details:
        typed = self.cleaned_data
        names = ("name", "email", "phone", "patient_name", "is_new_patient", "note")
        return Details(**{name: typed[name] for name in names})


class DeclineForm(forms.Form):
    """Up to three other times for the message; `others` are those that are free near the one asked for.

    The nearest are ticked before anyone ticks.
    """

    instead = forms.TypedMultipleChoiceField(
        label="Times to offer instead",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Up to three; with none ticked, the message names the nearest. "
        "They are not held: whoever books first has them.",
    )

    def __init__(
        self, *args: Any, asked: Appointment, others: Sequence[tuple[Therapist, datetime]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.times = times = {f"{therapist.pk} {start.isoformat()}": (therapist, start) for therapist, start in others}
        field: Any = self.fields["instead"]
        field.initial = self.nearest = self._nearest_to(asked)
        field.choices = [
            (key, f"{day_words(start)}, {clock(start)} with {therapist.short_name}")
            for key, (therapist, start) in times.items()
        ]
        field.coerce = self.time_of
        field.error_messages["invalid_choice"] = "One of these is no longer free. Choose again."

    def _nearest_to(self, asked: Appointment) -> list[str]:
        """In the order of the day; with the therapist asked for while they have any."""
        theirs = [key for key, (therapist, _) in self.times.items() if therapist == asked.therapist]
        near = sorted(theirs or self.times, key=lambda key: abs(self.times[key][1] - asked.starts_at))
        return sorted(near[:MOST_OTHER_TIMES], key=lambda key: self.times[key][1])

    def time_of(self, key: str) -> OtherTime:
        therapist, start = self.times[key]
        return OtherTime(therapist.pk, start)

    def clean_instead(self) -> list[OtherTime]:
        chosen: list[OtherTime] = self.cleaned_data["instead"]
        if len(chosen) > MOST_OTHER_TIMES:
            raise ValidationError(f"Tick at most {MOST_OTHER_TIMES}.")
        return chosen


class SeriesForm(CallerForm):
    """With whom, how often and when, and for whom: the pattern first, then the caller's own fields."""

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
        help_text="None ticked: any day. With more ticked than they come a week, those that fit best are taken.",
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
        help_text="Empty: the time of that part of the day that is free most often.",
        error_messages={"invalid": "Type a time, like 09:30."},
    )

    PATTERN = ("therapist", "service", "first_day", "weeks", "a_week", "weekdays", "part", "clock")
    field_order = [
        *PATTERN,
        *("name", "phone", "email", "patient_name", "is_new_patient", "note", "submission_key"),
    ]

    def __init__(self, *args: Any, is_booking: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "phone", "is_new_patient"):  # looking at times comes before asking who it is
            self.fields[name].required = is_booking

    def clean_first_day(self) -> date:
        day: date = self.cleaned_data["first_day"]
        today = timezone.localdate()
        if day < today:
            raise ValidationError("That day has gone by.")
        if day > today + timedelta(days=TWO_YEARS - MOST_WEEKS * 7):
            raise ValidationError("That is further away than can be booked.")
        return day

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        days, a_week, weeks = typed.get("weekdays"), typed.get("a_week"), typed.get("weeks")
        if days and a_week and len(days) < a_week:
            self.add_error("weekdays", f"Tick at least {a_week} days, or none, or let them come less often.")
        if a_week and weeks and a_week * weeks > MOST_VISITS:
            self.add_error("weeks", f"A series has at most {MOST_VISITS} visits: fewer weeks, or fewer a week.")
        return typed

    @property
    def has_pattern(self) -> bool:
        """Whether the pattern is whole, whatever else is still missing."""
        return self.is_bound and not set(self.errors) & {*self.PATTERN, NON_FIELD_ERRORS}

    @property
    def pattern(self) -> SeriesPattern:
        typed = self.cleaned_data
        part = typed["part"]
        return SeriesPattern(
            first=typed["first_day"],
            weeks=typed["weeks"],
            a_week=typed["a_week"],
            weekdays=tuple(typed["weekdays"] or Weekday.values),
            otherwise=time(PartOfDay.begins(part or PartOfDay.MORNING)),
            clock=typed["clock"],
        )

    def suits(self, wall: time) -> bool:
        """Whether a time is in the part of day that was chosen."""
        part = self.cleaned_data["part"]
        return not part or PartOfDay.at(wall) == part

    @property
    def pattern_typed(self) -> str:
        """The pattern as it was typed, to tell whether what is planned was planned for it."""
        return "|".join(",".join(sorted(self.data.getlist(name))) for name in self.PATTERN)  # type: ignore[attr-defined]


class MoveForm(forms.Form):
    """`seen` is the start that the page showed: who moves it second is told, and does not move it again."""

    starts_at = MomentField(
        label="New start",
        help_text="With the same therapist. With another one: book that visit first, then cancel this one.",
    )
    seen = StartField(max_length=40, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if typed.get("starts_at") and typed["starts_at"] == typed.get("seen"):
            self.add_error("starts_at", "That is when it is now. Choose another time.")
        return typed
