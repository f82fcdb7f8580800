"""What patients type. A form checks order and bounds; the action decides."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError

from booking.actions import Details
from booking.models import Service, Therapist

CONSENT_VERSION = "2026-11"
CONSENT_WORDS = "I agree that the clinic keeps what I typed here to arrange my visit."

_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def refuse_hidden_characters(text: str) -> None:
    """Control and bidi characters can make a name read as something else (Unicode TR 36)."""
    for character in text:
        if character in _BIDI or (unicodedata.category(character) == "Cc" and character not in "\r\n\t"):
            raise ValidationError("Take out the hidden characters; typing it again by hand helps.")


def refuse_invisible_characters(text: str) -> None:
    """Joiners and the like have their place in names, none in an address."""
    if any(unicodedata.category(character) == "Cf" for character in text):
        raise ValidationError("Take out the hidden characters; typing it again by hand helps.")


def refuse_line_breaks(text: str) -> None:
    if any(character in text for character in "\r\n\t\u2028\u2029"):
        raise ValidationError("Write this on one line.")


def check_phone(text: str) -> None:
    if not re.fullmatch(r"[0-9+()./ \-]*(?:(?:x|ext\.?) ?[0-9]{1,6})?", text, re.IGNORECASE):
        raise ValidationError("Use digits, like 612-555-0142")
    if len(re.sub(r"\D", "", text)) < 7:
        raise ValidationError("Add the missing digits, like 612-555-0142")


ONE_LINE = [refuse_hidden_characters, refuse_line_breaks]


class StartField(forms.CharField):
    """An ISO 8601 instant with offset, as our own pages write it."""

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("That is not a time we know.") from error
        if moment.tzinfo is None or not 2000 < moment.year < 2900:
            raise ValidationError("That is not a time we know.")
        return moment.astimezone(UTC)  # PostgreSQL knows no offset of nearly a day


class NoteField(forms.CharField):
    """A browser counts a line break as one character and sends two."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class StartForm(forms.Form):
    start = StartField(max_length=40)


class MoveForm(StartForm):
    """`seen` is the start the confirming page showed as the old one; without it nothing is moved yet."""

    seen = StartField(max_length=40, required=False)


class ClinicForm(forms.Form):
    """Drawn by our crispy pack inside a form tag of the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


def email_field(help_text: str) -> forms.EmailField:
    return forms.EmailField(
        label="E-mail",
        max_length=254,
        validators=[*ONE_LINE, refuse_invisible_characters],
        help_text=help_text,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={
            "required": "Type your e-mail address",
            "invalid": "Write the whole address, like name@example.com",
        },
    )


class FindForm(ClinicForm):
    email = email_field("The one you gave us when you booked.")


class DetailsForm(ClinicForm):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        validators=ONE_LINE,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Type your name"},
    )
    email = email_field("We send the answer and your private link here.")
    phone = forms.CharField(
        label="Telephone",
        max_length=40,
        validators=[*ONE_LINE, check_phone],
        help_text="Only used if we must reach you about this visit.",
        widget=forms.TelInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        error_messages={"required": "Type your telephone number"},
    )
    patient_name = forms.CharField(
        label="Who is the visit for, if not you?",
        required=False,
        max_length=120,
        validators=ONE_LINE,
        help_text="Leave it empty when it is for you.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_new_patient = forms.TypedChoiceField(
        label="Is this your first visit to us?",
        choices=[("yes", "Yes, my first visit"), ("no", "No, I have been before")],
        coerce=lambda value: value == "yes",
        help_text="So that your therapist knows what to prepare.",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose whether this is your first visit",
            "invalid_choice": "Choose whether this is your first visit",
        },
    )
    note = NoteField(
        label="Anything we should know?",
        required=False,
        max_length=1000,
        validators=[refuse_hidden_characters],
        help_text="Not needed. Please leave out what you would rather say in person.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    consent = forms.BooleanField(
        label=CONSENT_WORDS,
        error_messages={"required": "Tick this so that we may keep your details for the visit"},
    )

    # People never see this one (CSS and `aria-hidden`); robots fill it in.
    website = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )

    start = StartField(max_length=40, widget=forms.HiddenInput)
    therapist = forms.ModelChoiceField(
        Therapist.objects.none(), to_field_name="slug", widget=forms.HiddenInput, required=True
    )
    service = forms.ModelChoiceField(Service.objects.none(), to_field_name="slug", widget=forms.HiddenInput)
    submission_key = forms.UUIDField(widget=forms.HiddenInput)
    came_from = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=80)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Any that exist: whether they can still be booked is for the action to say, which keeps what was typed.
        self.fields["therapist"].queryset = Therapist.objects.all()  # type: ignore[attr-defined]
        self.fields["service"].queryset = Service.objects.all()  # type: ignore[attr-defined]

    @property
    def is_forged(self) -> bool:
        """Whether a field that our page filled in by itself came back as something it never wrote."""
        return any(self.fields[name].widget.is_hidden for name in self.errors if name in self.fields)

    @property
    def details(self) -> Details:
        clean = self.cleaned_data
        return Details(
            name=clean["name"],
            email=clean["email"],
            phone=clean["phone"],
            is_new_patient=clean["is_new_patient"],
            patient_name=clean["patient_name"],
            note=clean["note"],
            consent_version=CONSENT_VERSION,
            came_from=clean["came_from"],
        )

    def as_kept(self) -> list[tuple[str, str]]:
        """What was typed, as pairs for hidden fields, without the time and the therapist."""
        return [
            (name, value)
            for name in self.fields
            if name not in ("start", "therapist", "website")
            for value in self.data.getlist(name)[:1]  # type: ignore[attr-defined]
        ]
