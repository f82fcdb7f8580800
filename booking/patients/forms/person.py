"""Form parts that patients' pages share: name, e-mail, phone, consent, and the fields that keep robots out."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.fields import AsksAboutPhone, NameField, email_field, phone_field
from revival.base.django_types import Passed

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CONSENT_VERSION = "2026-12"

ERROR_MESSAGES = {
    "max_length": _("Please make this shorter: %(limit_value)d characters at most."),
    "invalid_choice": _("Please choose one of the answers."),
}
"""In place of Django's own."""


class ClinicForm(forms.Form):
    """Drawn by our crispy pack inside a form tag of the page."""

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages |= ERROR_MESSAGES
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


def consent_field(label: StrOrPromise) -> forms.BooleanField:
    return forms.BooleanField(
        label=label, error_messages={"required": _("Check this box so we can keep your details.")}
    )


class FindForm(ClinicForm):
    email = email_field(_("The one you gave us when you booked."))


class StampField(forms.CharField):
    """The moment at which the page drew this form, signed, so that a robot cannot make it up."""

    widget = forms.HiddenInput
    signer = signing.Signer(salt="form-drawn-at")

    @classmethod
    def stamp(cls, moment: datetime) -> str:
        return cls.signer.sign(str(int(moment.timestamp())))

    def clean(self, value: object) -> datetime:
        try:
            return datetime.fromtimestamp(int(self.signer.unsign(super().clean(value))), tz=UTC)
        except (signing.BadSignature, ValueError, OverflowError, OSError) as error:
            raise ValidationError("not a stamp of ours") from error


class PersonForm(AsksAboutPhone, ClinicForm):
    """Name, e-mail, phone and consent, with fields that keep robots out. `fresh` fills in the hidden ones."""

    name = NameField(
        label=_("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your name.")},
    )
    email = email_field(_("We’ll send your private link, and news about your visit, here."))
    phone = phone_field(_("We’ll only call about this visit."))
    # Drawn last by the page, after when to get urgent help.
    consent = consent_field(_("I agree that the clinic may keep what I typed here to arrange my visit."))

    # Hidden from people by CSS and `aria-hidden`; robots fill it in.
    website = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )
    drawn_at = StampField()
    submission_key = forms.UUIDField(widget=forms.HiddenInput)
    came_from = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=80)

    @classmethod
    def fresh(cls, now: datetime, **initial: object) -> Self:
        return cls(initial={"drawn_at": StampField.stamp(now), "submission_key": uuid.uuid4(), **initial})

    @property
    def is_forged(self) -> bool:
        """Whether a hidden field came back with a value that our page never wrote."""
        return any(self.fields[name].widget.is_hidden for name in self.errors if name in self.fields)

    def is_robot(self, now: datetime) -> bool:
        """Whether a robot sent this: the field hidden from people was filled in, or the form was sent too soon.

        The stamp is signed, so a stamp in the future is ours, too: the server's clock was put back meanwhile.
        """
        least, elapsed = timedelta(seconds=settings.BOOKING_LEAST_SECONDS), now - self.cleaned_data["drawn_at"]
        return bool(self.cleaned_data["website"]) or timedelta(0) <= elapsed < least
