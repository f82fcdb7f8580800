"""Form fields that patients' pages and the desk share: checked text, starts, e-mail, phone, note."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.models import clinic_country, phone_of
from booking.people.addresses import clean_address
from booking.people.names import clean_name, has_letter
from booking.people.phones import PhoneError, PhoneProblem, plain_phone, read_phone
from revival.base.clock import is_in_era
from revival.base.desk_parts.widgets import DayInput
from revival.base.django_types import FormValues, Passed
from revival.base.plain_text import BIDI, ONE_LINE, UNREADABLE, refuse_hidden_characters

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NO_TIME = _("We couldn’t read that time. Please choose one from the list. Nothing was changed.")


def refuse_invisible_characters(text: str) -> None:
    """Refuse joiners and other format characters, but not what `refuse_hidden_characters` refuses already."""
    if any(unicodedata.category(character) == "Cf" and character not in BIDI for character in text):
        raise ValidationError(UNREADABLE)


class StartField(forms.CharField):
    """An ISO 8601 instant with offset, as our own pages write it."""

    def clean(self, value: object) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError(NO_TIME) from error
        if moment.tzinfo is None or not is_in_era(moment):
            raise ValidationError(NO_TIME)
        return moment.astimezone(UTC)  # PostgreSQL knows no offset of nearly a day


class VersionField(forms.CharField):
    """Hidden field: the version of the row that the page showed. Any other text counts as out of date."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(required=False, **kwargs)

    def clean(self, value: Passed) -> str:
        try:
            return str(super().clean(value))
        except ValidationError:
            return ""


def version_in(data: Mapping[str, object]) -> str:
    """The version that a form sent back; empty when it sent none."""
    return VersionField().clean(data.get("version"))


class DecisionForm(forms.Form):
    """A form that decides about a row: it sends back the `version` of that row which its page showed."""

    version = VersionField()

    def show_version(self, version: str) -> None:
        """Offer the decision anew about the row as it is now; what was typed is kept."""
        self.initial = {**self.initial, "version": version}
        if self.is_bound:
            self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
            self.data["version"] = version  # type: ignore[index]
            self.full_clean()


class PlaceField(StartField):
    """A therapist's slug and a start (ISO 8601), as our own pages write them together."""

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(max_length=100, **kwargs)

    def clean(self, value: object) -> Any:  # a pair, which is no datetime as StartField's
        slug, _space, start = str(value or "").strip().partition(" ")
        if not slug:
            if self.required:
                raise ValidationError(_("Choose a time."))
            return None
        moment = super().clean(start)
        if moment is None or not all(sign.isalnum() or sign in "-_" for sign in slug):
            raise ValidationError(NO_TIME)
        return slug, moment


class NoteField(forms.CharField):
    """Text of several lines: a browser counts a line break as one character but sends two."""

    def to_python(self, value: object) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class NameField(forms.CharField):
    """The name of a person: NFC, single spaces, and at least one letter."""

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(max_length=120, validators=ONE_LINE, **kwargs)

    def clean(self, value: object) -> str:
        name = clean_name(super().clean(value))
        if name and not has_letter(name):
            raise ValidationError(_("Type a name with at least one letter. A first name is enough."))
        return name


class AddressField(forms.EmailField):
    """An e-mail address, with its domain in lower case and in Unicode."""

    default_error_messages = {
        "required": _("Type your e-mail address."),
        "invalid": _("Type the whole address, like name@example.com."),
    }

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(max_length=254, **kwargs)
        self.validators += [*ONE_LINE, refuse_invisible_characters]
        self.widget.attrs |= {"autocomplete": "email", "inputmode": "email"}

    def clean(self, value: object) -> str:
        address = super().clean(value)
        try:
            return clean_address(address) if address else ""
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def email_field(help_text: StrOrPromise) -> AddressField:
    return AddressField(label=_("E-mail"), help_text=help_text)


PHONE_PROBLEMS = {
    PhoneProblem.NOT_DIGITS: _("Type a phone number in digits, like 612-555-0142."),
    PhoneProblem.LETTERS: _("Type the number in digits, like 612-555-0142. It has letters in it now."),
    PhoneProblem.NO_AREA_CODE: _("Add the area code, like 612-555-0142."),
    PhoneProblem.TOO_SHORT: _("This number has too few digits. Type all of it, with area code, like 612-555-0142."),
    PhoneProblem.TOO_LONG: _("This number has too many digits. Type one number, like 612-555-0142."),
    PhoneProblem.NO_SUCH_COUNTRY: _("No country has the code after the +. Check it, or leave it out."),
    PhoneProblem.LONG_EXTENSION: _("This extension is too long. Check the digits after the number."),
}
LONGEST_PHONE = 40
NOT_IN_USE = _("We know of no phone number like this one. Please check it. If it is right, send the form again.")


class PhoneField(forms.CharField):
    """A phone number as people type or paste it, in plain digits and without marks that nobody sees."""

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(label=_("Phone"), max_length=60, widget=forms.TelInput, **kwargs)
        self.widget.attrs |= {"autocomplete": "tel", "inputmode": "tel"}
        self.error_messages["required"] = _("Type your phone number.")

    def clean(self, value: object) -> str:
        typed = plain_phone(super().clean(value))
        refuse_hidden_characters(typed)
        if not typed:
            return ""
        try:
            read_phone(typed, clinic_country())
            if len(typed) > LONGEST_PHONE:
                raise PhoneError(PhoneProblem.TOO_LONG)
        except PhoneError as error:
            raise ValidationError(PHONE_PROBLEMS[error.problem], code=error.problem.name) from error
        return typed


class AsksAboutPhone(forms.Form):
    """A form with a `phone`, which asks once about a number that can be one but is not in use."""

    phone_asked = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    """The number, in E.164, that the page has asked about."""

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        number = phone_of(cleaned_data.get("phone") or "")
        if number and not number.is_in_use and number.e164 != self.data.get("phone_asked"):
            self.add_error("phone", ValidationError(NOT_IN_USE, code="not in use"))
            self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
            self.data["phone_asked"] = number.e164  # type: ignore[index]
        return cleaned_data


def phone_field(help_text: StrOrPromise) -> PhoneField:
    return PhoneField(help_text=help_text)


def first_visit_field() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=_("Is this your first visit with us?"),
        choices=[("yes", _("Yes, my first visit")), ("no", _("No, I’ve been here before"))],
        coerce=lambda value: value == "yes",
        help_text=_("So that your therapist knows what to prepare."),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether this is your first visit.")},
    )


def note_field() -> NoteField:
    return NoteField(
        label=_("Anything we should know?"),
        required=False,
        max_length=1000,
        validators=[refuse_hidden_characters],
        help_text=_("Please leave out what you would rather say in person."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DayField(forms.DateField):
    """A date from 2001 to 2899, from the browser's own date field."""

    widget = DayInput

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], error_messages={"invalid": "Choose a date."}, **kwargs)

    def clean(self, value: object) -> date | None:
        day = super().clean(value)
        if day is not None and not is_in_era(day):
            raise ValidationError("Choose a date between 2001 and 2899.")
        return day
