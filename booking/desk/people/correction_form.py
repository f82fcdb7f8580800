"""The form that corrects who a row is about, and names other rows of theirs to correct as well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from booking.fields import AsksAboutPhone, DecisionForm, NameField, email_field, phone_field
from booking.models import Appointment, ContactRequest, WaitlistEntry
from booking.models.found_people import PersonRow
from booking.models.people import Person
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Passed

MODELS: dict[str, type[PersonRow]] = {
    "appointment": Appointment,
    "waitlistentry": WaitlistEntry,
    "contactrequest": ContactRequest,
}
SENT = re.compile(r"(?P<kind>[a-z]+)-(?P<pk>[0-9]{1,18})\.(?P<version>[0-9a-f]{32})")


@dataclass(frozen=True)
class Option:
    """Rows to correct as well, ticked together: one, or the visits of a series."""

    rows: tuple[PersonRow, ...]
    label: str
    is_usual: bool
    """Whether it is ticked at first: the name is the same, too, or it is the series of the visit."""

    @property
    def value(self) -> str:
        return " ".join(f"{name_of(row)}.{Person.of(row).version}" for row in self.rows)

    @property
    def names(self) -> set[str]:
        return {name_of(row) for row in self.rows}


def name_of(row: PersonRow) -> str:
    return f"{row._meta.model_name}-{row.pk}"


class CorrectionForm(AsksAboutPhone, DecisionForm):
    """Name, e-mail address and phone as they should be; `also` are the values of the options that are ticked."""

    name = NameField(label="Name", error_messages={"required": "Type a name."})
    email = email_field("")
    phone = phone_field("")
    patient_name = NameField(label="Who is it for, if not them?", required=False)

    def __init__(self, *args: Passed, row: PersonRow, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**_values(Person.of(row)), "version": Person.of(row).version, **self.initial}
        needs_email = isinstance(row, WaitlistEntry) or _answered_by(row, ContactRequest.ReachBy.EMAIL)
        self.fields["email"].required = needs_email
        self.fields["email"].help_text = "" if needs_email else "Leave it empty if they have none."
        self.fields["phone"].required = not _answered_by(row, ContactRequest.ReachBy.EMAIL)
        self.fields["email"].error_messages["required"] = "Type their e-mail address."
        self.fields["phone"].error_messages["required"] = "Type a phone number."
        if not isinstance(row, Appointment):
            del self.fields["patient_name"]
        for field in self.fields.values():
            field.widget.attrs.pop("autocomplete", None)  # the browser knows the colleague, not the patient

    @property
    def details(self) -> Person:
        return Person(**{name: self.cleaned_data[name] for name in _NAMES if name in self.cleaned_data})

    @property
    def _ticked(self) -> list[re.Match[str]]:
        sent: list[str] = self.data.getlist("also")[:100] if self.is_bound else []  # type: ignore[attr-defined]
        return [match for value in sent for match in SENT.finditer(value)]

    def is_ticked(self, option: Option) -> bool:
        if not self.is_bound:
            return option.is_usual
        return option.names <= {f"{match['kind']}-{match['pk']}" for match in self._ticked}

    def also(self, user: StaffUser) -> list[tuple[PersonRow, str]]:
        """The rows that are ticked, of those the user sees, each with the version that the page showed."""
        versions = {(match["kind"], int(match["pk"])): match["version"] for match in self._ticked}
        rows: list[tuple[PersonRow, str]] = []
        for kind, model in MODELS.items():
            ids = [pk for of_kind, pk in versions if of_kind == kind]
            found: Any = model.objects.seen_by(user).filter(pk__in=ids)  # Any: of three models
            rows += [(row, versions[kind, row.pk]) for row in found]
        return rows


_NAMES = ("name", "email", "phone", "patient_name")


def _values(person: Person) -> dict[str, str]:
    return {name: getattr(person, name) for name in _NAMES}


def _answered_by(row: PersonRow, way: ContactRequest.ReachBy) -> bool:
    return isinstance(row, ContactRequest) and row.reach_by == way
