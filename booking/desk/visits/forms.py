"""Forms about one visit. As everywhere, a form checks order and bounds; the action decides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property

from booking.actions import Details
from booking.desk.base.fields import MomentField, ServiceField, TherapistField, offer_therapists
from booking.desk.base.other_visits import OtherVisits, other_visits
from booking.desk.base.wording import time_with
from booking.fields import (
    ONE_LINE,
    AsksAboutPhone,
    DecisionForm,
    NameField,
    email_field,
    first_visit_field,
    note_field,
    phone_field,
)
from booking.mail.other_times import MOST_OTHER_TIMES, OtherTime
from booking.models import Appointment, Audience, Terms, Therapist
from booking.models.versions import VisitVersion
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import FormValues, Passed


class PlaceForm(forms.Form):
    """Therapist, service and start."""

    therapist = TherapistField()
    service = ServiceField()
    starts_at = MomentField(label="Start", error_messages={"required": "Choose a start."})

    def __init__(self, *args: Passed, user: StaffUser, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        offer_therapists(self, user)


HERE_BEFORE = timedelta(hours=2)
GONE_BY = "That time has gone by. Choose the next start; for someone who is here now, give a reason below."


class CallerForm(AsksAboutPhone, PlaceForm):
    """Books one visit for a caller, or for someone who is at the desk."""

    PLACE = ("therapist", "service", "starts_at")
    name = NameField(error_messages={"required": "Type a name."})
    phone = phone_field("")
    email = email_field("Leave empty if they have no e-mail. Later messages will be listed for you to call.")
    patient_name = NameField(label="Who is it for, if not them?", required=False)
    is_new_patient = first_visit_field()
    note = note_field()
    override_reason = forms.CharField(
        label="Reason to book past the rules",
        max_length=200,
        required=False,
        validators=ONE_LINE,
        help_text="Fill this in only to book outside working hours or beside another visit. "
        "The reason and your name are saved with the visit.",
    )
    submission_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = False
        first_visit: Any = self.fields["is_new_patient"]  # `choices` is not known of every field
        first_visit.label = "Is it their first visit?"
        first_visit.choices = [("yes", "Yes, their first"), ("no", "No, they have been before")]
        first_visit.error_messages["required"] = "Choose whether it is their first visit."
        self.fields["phone"].error_messages["required"] = "Type a phone number."
        first_visit.help_text = "So that the therapist knows what to prepare."
        self.fields["note"].label, self.fields["note"].help_text = "Note", "The therapist reads it."
        for field in self.fields.values():
            field.widget.attrs.pop("autocomplete", None)  # the browser knows the colleague, not the caller

    def clean(self) -> FormValues:
        """With a reason, a visit may have started up to two hours ago (HERE_BEFORE)."""
        cleaned_data = super().clean() or {}
        start, now = cleaned_data.get("starts_at"), timezone.now()
        earliest = now - HERE_BEFORE if cleaned_data.get("override_reason") else now
        if start and start <= earliest:
            self.add_error("starts_at", GONE_BY)
        return cleaned_data

    def renew_submission_key(self) -> None:
        """Give the page a new key, so that it can book someone else."""
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data["submission_key"] = str(uuid.uuid4())
        self.data = data

    @property
    def details(self) -> Details:
        names = ("name", "email", "phone", "patient_name", "is_new_patient", "note")
        return Details(**{name: self.cleaned_data[name] for name in names})


class DeclineForm(DecisionForm):
    """Choice of up to three other times for the message that declines a request.

    `others` are the free times near the one that `visit` asks for; the nearest are ticked at first.
    """

    instead = forms.TypedMultipleChoiceField(
        label="Times to offer instead",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Choose up to three. If you tick none, the message names the nearest ones. "
        "These times are not held; anyone can book them.",
    )

    def __init__(
        self, *args: Passed, visit: Appointment, others: Sequence[tuple[Therapist, datetime]], **kwargs: Passed
    ) -> None:
        super().__init__(*args, **kwargs)
        self.times = {f"{therapist.pk} {start.isoformat()}": (therapist, start) for therapist, start in others}
        field: Any = self.fields["instead"]  # `choices` and `coerce` are not known of every field
        field.initial = self.nearest = self._nearest_to(visit)
        field.choices = [(key, time_with(therapist, start)) for key, (therapist, start) in self.times.items()]
        field.coerce = self.time_of
        field.error_messages["invalid_choice"] = "One of these is no longer free. Choose again."

    def _nearest_to(self, visit: Appointment) -> list[str]:
        """Keys of the nearest times, in order; with the therapist asked for if they have any."""
        same = [key for key, (therapist, _) in self.times.items() if therapist == visit.therapist]
        near = sorted(same or self.times, key=lambda key: abs(self.times[key][1] - visit.starts_at))
        return sorted(near[:MOST_OTHER_TIMES], key=lambda key: self.times[key][1])

    def time_of(self, key: str) -> OtherTime:
        therapist, start = self.times[key]
        return OtherTime(therapist.pk, start)

    @property
    def chosen(self) -> list[OtherTime]:
        """The times that are ticked, also before anything was sent; none while there is an error."""
        if not self.is_bound:
            return [self.time_of(key) for key in self.nearest]
        return self.cleaned_data["instead"] if self.is_valid() else []

    def clean_instead(self) -> list[OtherTime]:
        chosen: list[OtherTime] = self.cleaned_data["instead"]
        if len(chosen) > MOST_OTHER_TIMES:
            raise ValidationError(f"Tick at most {MOST_OTHER_TIMES}.")
        return chosen


class MoveForm(DecisionForm):
    """A new therapist, a new start, or both, for a visit. At first it shows where the visit is now."""

    VERB = "Move it"
    therapist = TherapistField(required=False)
    starts_at = MomentField(label="Start", error_messages={"required": "Choose a start."})

    def __init__(self, *args: Passed, visit: Appointment, user: StaffUser, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.visit, self.user = visit, user
        self.therapists = offer_therapists(self, user)
        self.initial = {"therapist": visit.therapist.slug, **self.initial}
        if not self.initial.get("starts_at"):
            self.initial["starts_at"] = visit.starts_at

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        cleaned_data["therapist"] = cleaned_data.get("therapist") or self.visit.therapist
        seen, place = VisitVersion.last_in(cleaned_data["version"]), (self.chosen_therapist.pk, self.start)
        if seen and (seen.therapist, seen.starts_at) == place:
            self.add_error("starts_at", "That is when it is now. Choose another time, or another therapist.")
        elif not self.errors and (others := self.other_visits):
            others.refuse(self, self.VERB)
        return cleaned_data

    @property
    def chosen_therapist(self) -> Therapist:
        """The chosen therapist; by default the visit's own."""
        if self.is_bound:
            return self.cleaned_data.get("therapist") or self.visit.therapist
        return self.therapists.filter(slug=self.initial["therapist"]).first() or self.visit.therapist

    @property
    def start(self) -> datetime | None:
        """The start as typed or picked; None while there is none."""
        start = self.cleaned_data.get("starts_at") if self.is_bound else self.initial.get("starts_at")
        return start if isinstance(start, datetime) else None

    @property
    def has_new_place(self) -> bool:
        place = (self.chosen_therapist, self.start)
        return self.start is not None and place != (self.visit.therapist, self.visit.starts_at)

    @cached_property
    def other_visits(self) -> OtherVisits | None:
        """Other visits of the same patient at the start that is chosen."""
        if not self.has_new_place:
            return None
        return other_visits(
            self.visit,
            terms=Terms.of_visit(self.visit, Audience.STAFF),
            starts=[self.start],
            therapist=self.chosen_therapist,
            user=self.user,
            sent=self.data if self.is_bound else self.initial,
            besides=Q(pk=self.visit.pk),
        )
