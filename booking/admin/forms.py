"""What staff type at the desk. As everywhere, a form checks order and bounds; the action decides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from booking.actions import Details
from booking.forms import ONE_LINE, StartField, email_field, first_visit_field, note_field, phone_field
from booking.messages import MOST_OTHER_TIMES, OtherTime
from booking.models import Service, Therapist
from booking.templatetags.times import clock, day_words

from .fields import MomentInput


class MomentField(forms.DateTimeField):
    """A wall-clock time at the clinic. One that a night of change skips or makes twice is refused."""

    widget = MomentInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        if moment is not None and not 2000 < moment.year < 2900:
            raise ValidationError("That is not a time we know.")
        return moment.astimezone(UTC) if moment else None


class PlaceForm(forms.Form):
    """Whose time, for what, and when."""

    therapist = forms.ModelChoiceField(Therapist.objects.none(), to_field_name="slug", empty_label=None)
    service = forms.ModelChoiceField(Service.objects.none(), to_field_name="slug", empty_label=None)
    starts_at = MomentField(label="Start")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["therapist"].queryset = Therapist.objects.seen_by(user)  # type: ignore[attr-defined]
        self.fields["service"].queryset = Service.objects.on_offer()  # type: ignore[attr-defined]


class CallerForm(PlaceForm):
    name = forms.CharField(max_length=120, validators=ONE_LINE)
    phone = phone_field("")
    email = email_field("Empty: they have just heard it on the telephone, and each later message is a line to phone.")
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
        first_visit.help_text = "So that the therapist knows what to prepare."
        self.fields["note"].label, self.fields["note"].help_text = "Note", "The therapist reads it."
        for field in self.fields.values():
            field.widget.attrs.pop("autocomplete", None)  # it is not the browser's owner who is booked

    def clean_starts_at(self) -> datetime:
        moment: datetime = self.cleaned_data["starts_at"]
        if moment <= timezone.now():
            raise ValidationError("That time has gone by.")
        return moment

    @property
    def details(self) -> Details:
        typed = self.cleaned_data
        names = ("name", "email", "phone", "patient_name", "is_new_patient", "note")
        return Details(**{name: typed[name] for name in names})


class DeclineForm(forms.Form):
    """Up to three other times for the message; `others` are those that are free near the one asked for."""

    instead = forms.TypedMultipleChoiceField(
        label="Times to offer instead",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Up to three. None ticked: the message names the next free ones. They are not held.",
    )

    def __init__(self, *args: Any, others: Sequence[tuple[Therapist, datetime]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        times = {f"{therapist.pk} {start.isoformat()}": (therapist, start) for therapist, start in others}
        field: Any = self.fields["instead"]
        field.choices = [
            (key, f"{day_words(start)}, {clock(start)} with {therapist.short_name}")
            for key, (therapist, start) in times.items()
        ]
        field.coerce = lambda key: OtherTime(times[key][0].pk, times[key][1])
        field.error_messages["invalid_choice"] = "One of these is no longer free. Choose again."

    def clean_instead(self) -> list[OtherTime]:
        chosen: list[OtherTime] = self.cleaned_data["instead"]
        if len(chosen) > MOST_OTHER_TIMES:
            raise ValidationError(f"Tick at most {MOST_OTHER_TIMES}.")
        return chosen


class MoveForm(forms.Form):
    """`seen` is the start that the page showed: who moves it second is told, and does not move it again."""

    starts_at = MomentField(label="New start", help_text="With the same therapist. Its own time counts as free.")
    seen = StartField(max_length=40, widget=forms.HiddenInput)
