"""Who a patient is and how to reach them, and what keeps robots out."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError

from booking.fields import ONE_LINE, email_field, phone_field

CONSENT_VERSION = "2026-12"


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
