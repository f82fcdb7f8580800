"""Form parts that patients' pages share: name, e-mail, phone, consent, and the fields that keep robots out."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.translation import gettext_lazy as _

from booking.fields import AsksAboutPhone, NameField, email_field, phone_field
from revival.base.django_types import Passed

from .robots import RobotCheck, StampField

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


class PersonForm(RobotCheck, AsksAboutPhone, ClinicForm):
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

    came_from = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=80)

    @classmethod
    def fresh(cls, drawn_at: datetime, **initial: object) -> Self:
        return cls(initial={"drawn_at": StampField.stamp(drawn_at), "submission_key": uuid.uuid4(), **initial})

    @property
    def is_forged(self) -> bool:
        """Whether a hidden field came back with a value that our page never wrote."""
        return any(self.fields[name].widget.is_hidden for name in self.errors if name in self.fields)
