"""Form fields that several rooms of the desk share: a moment at the clinic, the choice of a therapist."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from booking.fields import StartField
from booking.models import Service, Therapist
from revival.base.bidi import isolate
from revival.base.clock import is_in_era
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.desk_parts.widgets import MomentInput
from revival.base.django_types import Passed


class MomentField(forms.DateTimeField):
    """A wall-clock time at the clinic, as an instant in UTC.

    A time that a clock change skips or repeats is refused.
    """

    widget = MomentInput

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)

    def clean(self, value: object) -> datetime | None:
        moment = super().clean(value)
        if moment is not None and not is_in_era(moment):
            raise ValidationError("That is not a time we know.")
        return moment.astimezone(UTC) if moment else None


def read_moment(text: str) -> datetime | None:
    """An instant with its offset, or a wall-clock time at the clinic; None for anything else."""
    for field in (StartField(required=False), MomentField(required=False)):
        try:
            if moment := field.clean(text):
                return moment
        except (ValidationError, OverflowError):
            continue
    return None


class TherapistField(forms.ModelChoiceField):
    """The choice of one therapist by slug. Nobody can be chosen until the form calls `offer_therapists`."""

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(Therapist.objects.none(), to_field_name="slug", empty_label=None, **kwargs)


class ServiceField(forms.ModelChoiceField):
    """The choice of one service by slug: staff book also those that patients cannot book online, and see which."""

    def __init__(self, **kwargs: Passed) -> None:
        super().__init__(Service.objects.all(), to_field_name="slug", empty_label=None, **kwargs)

    def label_from_instance(self, obj: Service) -> str:
        return isolate(obj) if obj.is_on_offer else f"{isolate(obj)} (not on offer online)"


def offer_therapists(form: forms.BaseForm, user: StaffUser) -> QuerySet[Therapist]:
    """Let the form's field `therapist` choose among those this user may book: everyone, or themselves alone."""
    therapists: QuerySet[Therapist] = Therapist.objects.seen_by(user)
    form.fields["therapist"].queryset = therapists  # type: ignore[attr-defined]
    return therapists
