"""What patients type. A form checks order and bounds; the action decides."""

from __future__ import annotations

import re
import unicodedata
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError

from booking.actions import Details, Person
from booking.models import ContactRequest, PartOfDay, Service, Therapist, Weekday, digits_of

CONSENT_VERSION = "2026-12"
UNREADABLE = "This has characters we can’t read. Please delete it and type it again instead of pasting."
NO_TIME = "We couldn’t read that time. Please choose one from the list. Nothing was changed."

_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def refuse_hidden_characters(text: str) -> None:
    """Control and bidi characters can make a name read as something else (Unicode TR 36)."""
    for character in text:
        if character in _BIDI or (unicodedata.category(character) == "Cc" and character not in "\r\n\t"):
            raise ValidationError(UNREADABLE)


def refuse_invisible_characters(text: str) -> None:
    """Joiners and the like have their place in names, none in an address. What is refused anyway is said once."""
    if any(unicodedata.category(character) == "Cf" and character not in _BIDI for character in text):
        raise ValidationError(UNREADABLE)


def refuse_line_breaks(text: str) -> None:
    if any(character in text for character in "\r\n\t\u2028\u2029"):
        raise ValidationError("Type this on one line.")


def check_phone(text: str) -> None:
    if not re.fullmatch(r"[0-9+()./ \-]*(?:(?:x|ext\.?) ?[0-9]{1,6})?", text, re.IGNORECASE):
        raise ValidationError("Use digits, like 612-555-0142.")
    if len(re.sub(r"\D", "", text)) < 7:
        raise ValidationError("Type the whole number with area code, like 612-555-0142.")


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
            raise ValidationError(NO_TIME) from error
        if moment.tzinfo is None or not 2000 < moment.year < 2900:
            raise ValidationError(NO_TIME)
        return moment.astimezone(UTC)  # PostgreSQL knows no offset of nearly a day


class PlaceField(StartField):
    """A therapist's slug and an instant, as our own pages write them together: with whom, and when."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)

    def clean(self, value: Any) -> Any:
        slug, _, start = str(value or "").strip().partition(" ")
        if not slug:
            if self.required:
                raise ValidationError("Choose a time.")
            return None
        moment = super().clean(start)
        if moment is None or not all(sign.isalnum() or sign in "-_" for sign in slug):
            raise ValidationError(NO_TIME)
        return slug, moment


class NoteField(forms.CharField):
    """A browser counts a line break as one character and sends two."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class StartForm(forms.Form):
    """One of the times of a week. `is_empty`: none was chosen, as opposed to something our page never wrote."""

    start = StartField(max_length=40, error_messages={"required": "Choose a time."})

    @property
    def is_empty(self) -> bool:
        return set(self.errors) == {"start"} and self.has_error("start", "required")


class MoveForm(StartForm):
    """`seen` is the start the confirming page showed as the old one; without it nothing is moved yet."""

    seen = StartField(max_length=40, required=False)


IN_OUR_WORDS = {
    "max_length": "Please make this shorter: %(limit_value)d characters at most.",
    "invalid_choice": "Please choose one of the answers.",
}
"""Instead of what Django says to everyone."""


class ClinicForm(forms.Form):
    """Drawn by our crispy pack inside a form tag of the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages |= IN_OUR_WORDS
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
            "required": "Type your e-mail address.",
            "invalid": "Type the whole address, like name@example.com.",
        },
    )


def phone_field(help_text: str) -> forms.CharField:
    return forms.CharField(
        label="Telephone",
        max_length=40,
        validators=[*ONE_LINE, check_phone],
        help_text=help_text,
        widget=forms.TelInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        error_messages={"required": "Type your telephone number."},
    )


def first_visit_field() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label="Is this your first visit with us?",
        choices=[("yes", "Yes, my first visit"), ("no", "No, I’ve been here before")],
        coerce=lambda value: value == "yes",
        help_text="So that your therapist knows what to prepare.",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether this is your first visit."},
    )


def note_field() -> NoteField:
    return NoteField(
        label="Anything we should know?",
        required=False,
        max_length=1000,
        validators=[refuse_hidden_characters],
        help_text="Please leave out what you would rather say in person.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def consent_field(what_for: str) -> forms.BooleanField:
    return forms.BooleanField(
        label=f"I agree that the clinic may keep what I typed here to {what_for}.",
        error_messages={"required": "Check this box so we can keep your details."},
    )


class FindForm(ClinicForm):
    email = email_field("The one you gave us when you booked.")


class StampField(forms.CharField):
    """When the page drew this form, signed, so that a robot cannot make it up."""

    widget = forms.HiddenInput
    signer = signing.Signer(salt="form-drawn-at")

    @classmethod
    def stamp(cls, moment: datetime) -> str:
        return cls.signer.sign(str(int(moment.timestamp())))

    def clean(self, value: Any) -> datetime:
        try:
            return datetime.fromtimestamp(int(self.signer.unsign(super().clean(value))), tz=UTC)
        except (signing.BadSignature, ValueError, OverflowError, OSError) as error:
            raise ValidationError("That is no stamp of ours.") from error


class PersonForm(ClinicForm):
    """Who someone is and how to reach them, with what keeps robots out. Hidden fields are filled in by `fresh`."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        validators=ONE_LINE,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Type your name."},
    )
    email = email_field("We’ll send your private link, and news about your visit, here.")
    phone = phone_field("We’ll only call about this visit.")
    consent = consent_field("arrange my visit")  # drawn last by the page, after when to get urgent help

    # People never see this one (CSS and `aria-hidden`); robots fill it in.
    website = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )
    drawn_at = StampField()
    submission_key = forms.UUIDField(widget=forms.HiddenInput)
    came_from = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=80)

    @classmethod
    def fresh(cls, now: datetime, **initial: Any) -> Self:
        return cls(initial={"drawn_at": StampField.stamp(now), "submission_key": uuid.uuid4(), **initial})

    @property
    def is_forged(self) -> bool:
        """Whether a field that our page filled in by itself came back as something it never wrote."""
        return any(self.fields[name].widget.is_hidden for name in self.errors if name in self.fields)

    def is_robot(self, now: datetime) -> bool:
        """Whether no person sent this: a field nobody sees was filled in, or all of it within a moment.

        The stamp is signed, so one of the future is ours, too: the server's clock was put back meanwhile.
        """
        least, took = timedelta(seconds=settings.BOOKING_LEAST_SECONDS), now - self.cleaned_data["drawn_at"]
        return bool(self.cleaned_data["website"]) or timedelta(0) <= took < least


class DetailsForm(PersonForm):
    patient_name = forms.CharField(
        label="Who is the visit for, if not you?",
        required=False,
        max_length=120,
        validators=ONE_LINE,
        help_text="Leave it empty when it is for you.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_new_patient = first_visit_field()
    note = note_field()

    start = StartField(max_length=40, widget=forms.HiddenInput)
    therapist = forms.ModelChoiceField(
        Therapist.objects.none(), to_field_name="slug", widget=forms.HiddenInput, required=True
    )
    service = forms.ModelChoiceField(Service.objects.none(), to_field_name="slug", widget=forms.HiddenInput)

    field_order = ["name", "email", "phone", "patient_name", "is_new_patient", "note", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Any that exist: whether they can still be booked is for the action to say, which keeps what was typed.
        self.fields["therapist"].queryset = Therapist.objects.all()  # type: ignore[attr-defined]
        self.fields["service"].queryset = Service.objects.all()  # type: ignore[attr-defined]

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


# ---- when no time suits ---------------------------------------------------------------------


def parts_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label="Which times of day suit you?",
        choices=PartOfDay,
        initial=PartOfDay.values,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one time of day."},
    )


class AskForm(PersonForm):
    """No time suits: when would, and how to reach me."""

    reach_by = forms.ChoiceField(
        label="How should we get back to you?",
        choices=[(ContactRequest.ReachBy.PHONE, "Call me"), (ContactRequest.ReachBy.EMAIL, "E-mail me")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how we should get back to you."},
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="Which days suit you?",
        choices=Weekday,
        coerce=int,
        required=False,
        help_text="Leave all unchecked if any day works.",
        widget=forms.CheckboxSelectMultiple,
    )
    parts = parts_field()
    note = note_field()
    consent = consent_field("find me a time")

    field_order = ["name", "reach_by", "phone", "email", "weekdays", "parts", "note", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, need in (("phone", "Needed if we should call you."), ("email", "Needed if we should e-mail you.")):
            self.fields[name].required = False
            self.fields[name].help_text = need
            self.fields[name].is_conditional = True  # type: ignore[attr-defined]  # read by the crispy pack

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        way = clean.get("reach_by")
        if way and not clean.get(way) and way not in self.errors:
            self.add_error(way, self.fields[way].error_messages["required"])
        return clean

    @property
    def facts(self) -> dict[str, Any]:
        names = ("name", "reach_by", "email", "phone", "weekdays", "parts", "note", "came_from", "submission_key")
        return {**{name: self.cleaned_data[name] for name in names}, "consent_version": CONSENT_VERSION}


A_DATE = "Type a date like 12/07/2026."


class DatesMixin(forms.Form):
    """From when until when, and at which times of day. `first` and `last` bound what can be chosen."""

    first_day = forms.DateField(
        label="First day that suits you",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose the first day that suits you.", "invalid": A_DATE},
    )
    last_day = forms.DateField(
        label="Last day that suits you",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose the last day that suits you.", "invalid": A_DATE},
    )
    parts = parts_field()

    def bound(self, first: date, last: date) -> Self:
        self.first, self.last = first, last
        for name, day in (("first_day", first), ("last_day", last)):
            self.fields[name].initial = self.initial.get(name, day)
            self.fields[name].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}
        return self

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        first, last = clean.get("first_day"), clean.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "Choose a last day that is not before the first.")
        elif last and last < self.first:
            self.add_error("last_day", "Choose a last day that is not over yet.")
        elif last and last > self.last:
            self.add_error("last_day", f"Choose a last day by {self.last:%B} {self.last.day}, {self.last.year}.")
        return clean

    @property
    def wish(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("first_day", "last_day", "parts")}


class JoinForm(DatesMixin, PersonForm):
    """Join the waiting list: for someone who has no visit yet."""

    email = email_field("We’ll write here when a time opens.")
    phone = phone_field("We’ll only call about the waiting list.")
    is_new_patient = first_visit_field()
    consent = consent_field("find me a time")

    field_order = ["first_day", "last_day", "parts", "name", "email", "phone", "is_new_patient", "consent"]

    @property
    def facts(self) -> dict[str, Any]:
        names = ("name", "email", "phone", "is_new_patient", "came_from", "submission_key")
        typed = {name: self.cleaned_data[name] for name in names}
        return {**typed, **self.wish, "consent_version": CONSENT_VERSION}


class EarlierForm(DatesMixin, ClinicForm):
    """The same for someone with a visit, which would move."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput)


class CancelForm(ClinicForm):
    reason = forms.CharField(
        label="Why are you cancelling?",
        required=False,
        max_length=300,
        validators=ONE_LINE,
        help_text="It helps us do better. Only our staff will see this.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PatientSearchForm(forms.Form):
    """Staff look for someone; one field is enough, and each may be typed in part."""

    name = forms.CharField(label="Name", max_length=120, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    phone = forms.CharField(label="Telephone", max_length=40, required=False, help_text="At least four digits.")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and len(digits_of(phone)) < 4:
            raise ValidationError("Type at least four digits.")
        return phone

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        if not self.errors and not any(typed.values()):
            raise ValidationError("Type a name, an e-mail address or a telephone number.")
        return typed


class OnePersonForm(forms.Form):
    """Whose data, why, and which of the two buttons was pressed."""

    email = forms.CharField(label="Their e-mail", max_length=254, required=False)
    phone = forms.CharField(label="Their telephone", max_length=40, required=False)
    reason = forms.CharField(
        label="Reason", max_length=200, help_text="Kept in the access log; name nobody in it. Such as: asked by letter."
    )
    cancel_visits = forms.BooleanField(
        label="Also cancel visits still to come",
        required=False,
        help_text="For erasing. Nobody is written to, so tell them first.",
    )
    is_sure = forms.BooleanField(label="I am sure", required=False, help_text="For erasing: it cannot be taken back.")

    @property
    def is_erasure(self) -> bool:
        return self.data.get("do") == "erase"

    def whom(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {"person": Person(email=typed["email"], phone=typed["phone"]), "reason": typed["reason"]}

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        if not typed.get("email") and not digits_of(typed.get("phone", "")):
            raise ValidationError("Type an e-mail address or a telephone number.")
        if self.is_erasure and not typed.get("is_sure"):
            self.add_error("is_sure", "Check this box to erase.")
        return typed
