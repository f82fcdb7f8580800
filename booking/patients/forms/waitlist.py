"""Forms of the waiting list: join it, or ask for something earlier."""

from __future__ import annotations

from datetime import date
from typing import Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.fields import email_field, first_visit_field, phone_field
from booking.models import PartOfDay
from revival.base.django_types import FormValues
from revival.base.words import date_words

from .person import CONSENT_VERSION, ClinicForm, PersonForm, consent_field
from .robots import AgingForm, StampField


def parts_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Which times of day suit you?"),
        choices=PartOfDay,
        initial=PartOfDay.values,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one time of day.")},
    )


A_DATE = _("Type a date like 12/07/2026.")


class DatesMixin(forms.Form):
    """The days and times of day that suit. `first` and `last` bound what can be chosen, both included."""

    first_day = forms.DateField(
        label=_("First day that suits you"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose the first day that suits you."), "invalid": A_DATE},
    )
    last_day = forms.DateField(
        label=_("Last day that suits you"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose the last day that suits you."), "invalid": A_DATE},
    )
    parts = parts_field()
    suits_short_notice = forms.BooleanField(
        label=_("A time at short notice suits me, too"),
        required=False,
        help_text=_("When somebody cancels late, the visit may begin only a few hours after our e-mail."),
    )

    def bound(self, first: date, last: date) -> Self:
        self.first, self.last = first, last
        for name, day in (("first_day", first), ("last_day", last)):
            self.fields[name].initial = self.initial.get(name, day)
            self.fields[name].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}
        return self

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        first, last = cleaned_data.get("first_day"), cleaned_data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", ValidationError(_("Choose a last day that is not before the first.")))
        elif last and last < self.first:
            self.add_error("last_day", ValidationError(_("Choose a last day that is not over yet.")))
        elif last and last > self.last:
            error = ValidationError(_("Choose a last day by %(day)s."), params={"day": date_words(self.last)})
            self.add_error("last_day", error)
        return cleaned_data

    @property
    def wish(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in ("first_day", "last_day", "parts", "suits_short_notice")}


class JoinForm(DatesMixin, PersonForm):
    """Join the waiting list: for someone who has no visit yet."""

    email = email_field(_("We’ll write here when a time opens."))
    phone = phone_field(_("We’ll only call about the waiting list."))
    is_new_patient = first_visit_field()
    consent = consent_field(_("I agree that the clinic may keep what I typed here to find me a time."))

    field_order = [
        *("first_day", "last_day", "parts", "suits_short_notice"),
        *("name", "email", "phone", "is_new_patient", "consent"),
    ]

    @property
    def details(self) -> dict[str, object]:
        """Fields of the WaitlistEntry."""
        names = ("name", "email", "phone", "is_new_patient", "came_from")
        person = {name: self.cleaned_data[name] for name in names}
        return {**person, **self.wish, "consent_version": CONSENT_VERSION}


class EarlierForm(DatesMixin, AgingForm, ClinicForm):
    """Ask for an earlier time: for someone with a visit, which would move."""

    drawn_at = StampField(required=False)  # pages drawn by older code have none, and are drawn again
