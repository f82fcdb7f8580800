"""People found by e-mail address, phone or name: their rows of every table, put together person by person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Self

from django.db.models import Model

from booking.people.names import name_key
from revival.base.desk_parts.staff_request import StaffUser

from .appointments import Appointment
from .contact import ContactRequest
from .people import WithPeople, phone_key
from .states import State
from .waitlist import WaitlistEntry

PersonRow = Appointment | WaitlistEntry | ContactRequest


def others_with_contact(row: PersonRow, *, user: StaffUser, now: datetime) -> list[PersonRow]:
    """Other rows with the same e-mail address or phone, of those that this user sees and that still matter.

    These are visits that are not over, people who wait without a visit, and requests to be called that are not done.
    """
    whose = {"email": row.email, "phone": row.phone}
    visits = Appointment.objects.visits().of_contact(**whose).filter(ends_at__gt=now, anonymised_at=None)
    entries = WaitlistEntry.objects.waiting().of_contact(**whose).filter(visit=None)
    requests = ContactRequest.objects.not_done().of_contact(**whose)
    found: list[PersonRow] = [
        *visits.seen_by(user).in_order(),
        *entries.seen_by(user).order_by("created_at"),
        *requests.seen_by(user),
    ]
    return [other for other in found if other != row]


@dataclass
class FoundPerson:
    """Rows with the same name, and for the same patient; the addresses in them may differ.

    A family shares an e-mail address or a phone, so one look-up can find several people.
    """

    visits: list[Appointment] = field(default_factory=list)
    entries: list[WaitlistEntry] = field(default_factory=list)
    contact_requests: list[ContactRequest] = field(default_factory=list)

    @property
    def rows(self) -> list[PersonRow]:
        return [*self.visits, *self.entries, *self.contact_requests]

    def add(self, row: PersonRow) -> None:
        if isinstance(row, Appointment):
            self.visits.append(row)
        elif isinstance(row, WaitlistEntry):
            self.entries.append(row)
        else:
            self.contact_requests.append(row)

    @property
    def name(self) -> str:
        return self.rows[0].person.name

    @property
    def patient_name(self) -> str:
        """Who the visits are for, if not the person who booked them."""
        return _patient_name(self.rows[0])

    @property
    def emails(self) -> list[str]:
        """Each e-mail address in the rows, once, as it was typed."""
        return [email for email in {row.person.email_key: row.person.email for row in self.rows}.values() if email]

    @property
    def phones(self) -> list[str]:
        """Each phone in the rows, once, as it was typed; another extension is another phone here."""
        phones = {(row.person.phone_e164, row.person.phone_extension): row.person.phone for row in self.rows}
        return [phone for phone in phones.values() if phone]

    @property
    def id(self) -> str:
        """Names this person among those that one look-up finds, without saying who they are."""
        return _digest([name_key(self.name), name_key(self.patient_name)])

    @property
    def version(self) -> str:
        """Which rows they are, for a decision about what was seen."""
        return _digest(sorted(f"{row._meta.model_name} {row.pk}" for row in self.rows))

    @property
    def coming(self) -> int:
        """How many visits staff still have to cancel, or to end."""
        return sum(visit.state in (State.REQUESTED, State.CONFIRMED, State.ARRIVED) for visit in self.visits)

    @classmethod
    def of(cls, people: Iterable[FoundPerson]) -> Self:
        """All rows of several people together."""
        together = cls()
        for row in (row for person in people for row in person.rows):
            together.add(row)
        return together

    def by_kind(self) -> dict[type[Model], Sequence[Model]]:
        return {Appointment: self.visits, WaitlistEntry: self.entries, ContactRequest: self.contact_requests}


@dataclass(frozen=True)
class Lookup:
    """Whom to find: rows with this e-mail address or this phone; with neither, rows with exactly this name.

    Normal forms are compared whole, never in part. A text that is no number finds nobody.
    """

    email: str = ""
    phone: str = ""
    name: str = ""

    def people(self) -> list[FoundPerson]:
        """Who has such rows, in the order of their newest row."""
        people: dict[tuple[str, str], FoundPerson] = {}
        entries = WaitlistEntry.objects.select_related("visit")
        tables: list[WithPeople] = [Appointment.objects.visits(), entries, ContactRequest.objects.all()]
        for row in chain.from_iterable(map(self._rows, tables)):
            key = (name_key(row.person.name), name_key(_patient_name(row)))
            people.setdefault(key, FoundPerson()).add(row)
        return list(people.values())

    def _rows(self, rows: WithPeople) -> WithPeople:
        if self.email or self.phone:
            return rows.of_contact(email=self.email, phone=self.phone)
        return rows.of_name(self.name)

    @property
    def is_readable(self) -> bool:
        """Whether there is something to compare: a phone has to be a whole number."""
        return bool(self.email or self.name) if not self.phone else bool(phone_key(self.phone))


def _patient_name(row: PersonRow) -> str:
    person = row.person
    return person.patient_name if isinstance(person, Appointment) else ""


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
