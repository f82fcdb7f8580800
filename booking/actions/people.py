"""Data of one person: export all of it, or erase it everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.forms.models import model_to_dict
from django.utils import timezone

from booking.models import (
    CHANGES,
    TO_STAFF,
    AccessLog,
    AffectedVisit,
    Appointment,
    ContactRequest,
    Delivery,
    Look,
    LostLink,
    Message,
    Offer,
    OutageContact,
    State,
    WaitlistEntry,
    digits_of,
)
from booking.models.appointment_queries import AppointmentQuerySet
from booking.models.contact import ContactRequestQuerySet
from booking.models.waitlist import WaitlistEntryQuerySet
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser

from . import free
from .refusals import NamesThePersonError, StillComingError, UnknownPersonError, action
from .retention import FORGOTTEN
from .waitlist import close_offer

NOT_THEIRS = (
    *("link_digest", "submission_digest", "submission_key", "blocked"),
    *("override_by", "taken_up_by", "reached_by", "settled_by"),
)
"""Columns left out of an export: of no meaning to the person, about a colleague, or a digest of a private link."""


class PersonRows(NamedTuple):
    """The rows of one person."""

    visits: list[Appointment]
    entries: list[WaitlistEntry]
    contact_requests: list[ContactRequest]

    def by_kind(self) -> dict[type[Model], Sequence[Model]]:
        return {Appointment: self.visits, WaitlistEntry: self.entries, ContactRequest: self.contact_requests}


@dataclass(frozen=True)
class Person:
    """A person by e-mail address or phone: rows with either are theirs."""

    email: str = ""
    phone: str = ""

    def visits(self) -> AppointmentQuerySet:
        return Appointment.objects.of_contact(email=self.email, phone=self.phone)

    def entries(self) -> WaitlistEntryQuerySet:
        return WaitlistEntry.objects.of_contact(email=self.email, phone=self.phone)

    def contact_requests(self) -> ContactRequestQuerySet:
        return ContactRequest.objects.of_contact(email=self.email, phone=self.phone)

    def rows(self) -> PersonRows:
        return PersonRows(list(self.visits()), list(self.entries()), list(self.contact_requests()))

    def mail(self) -> QuerySet[Message]:
        """Messages about their rows, and any that went to their address."""
        visits, entries = self.visits(), self.entries()
        together = Message.visits.through.objects.filter(appointment__in=visits)
        about = Q(appointment__in=visits) | Q(entry__in=entries) | Q(offer__entry__in=entries)
        about |= Q(pk__in=together.values("message"))
        about |= Q(outage_contact__in=OutageContact.objects.of_visits(visits))
        to = Q(recipient__iexact=self.email) if self.email else Q(pk__in=[])
        return Message.objects.filter(about | Q(contact_request__in=self.contact_requests()) | to)


@action
def export_person(
    *, person: Person, by: StaffUser | AnonymousUser | None, reason: str
) -> dict[str, list[dict[str, object]]]:
    """Everything kept of them, ready for JSON; leaves a line in the access log. Raises UnknownPersonError.

    `by` is None for a command.
    """
    rows = person.rows()
    _demand_someone(rows, person, reason)
    AccessLog.objects.note(by, Look.EXPORT, reason=reason)
    visits, entries = rows.visits, rows.entries
    return {
        "visits": _as_kept(visits),
        "waiting_list": _as_kept(entries),
        "outages": _as_kept(AffectedVisit.objects.filter(visit__in=visits)),
        "offers": _as_kept(Offer.objects.filter(entry__in=entries)),
        "contact_requests": _as_kept(rows.contact_requests),
        "messages": _as_kept(person.mail()),
        "lost_links": _as_kept(LostLink.objects.filter(email__iexact=person.email) if person.email else []),
        "changes": _changes(rows),
        "looks": _looks(rows),
    }


@action
def erase_person(
    *, person: Person, by: StaffUser | AnonymousUser | None, reason: str, cancel_visits: bool = False
) -> int:
    """Take them out of every row and close their private links. Returns in how many rows they were.

    Their visits stay, without the name; so do both logs, which name nobody. Raises StillComingError when a
    visit is still to come and is not to be cancelled. No message is sent. `by` is None for a command.
    """
    now = timezone.now()
    offers = Offer.objects.open().filter(entry__in=person.entries())
    of_visits = person.visits().values_list("therapist", flat=True)
    free.lock_therapists({*of_visits, *offers.values_list("therapist", flat=True)}, now=now)
    rows = person.rows()
    visits = rows.visits
    _demand_someone(rows, person, reason)
    coming = [visit for visit in visits if visit.state in _STILL_OPEN and visit.ends_at > now]
    if coming and not cancel_visits:
        raise StillComingError
    _forget_mail(person)
    for offer in offers.select_related("hold"):
        close_offer(offer, Offer.State.DECLINED, now)
    for visit in visits:
        _forget_visit(visit, now, is_coming=visit in coming)
    for contact in OutageContact.objects.of_visits([visit.pk for visit in visits]):
        contact.close_link()
        contact.save()
    WaitlistEntry.objects.filter(pk__in=[row.pk for row in rows.entries]).delete()
    ContactRequest.objects.filter(pk__in=[row.pk for row in rows.contact_requests]).delete()
    AccessLog.objects.note(by, Look.ERASE, reason=reason)
    return sum(len(of_kind) for of_kind in rows)


_STILL_OPEN = (State.REQUESTED, State.CONFIRMED, State.ARRIVED)


def _demand_someone(rows: PersonRows, person: Person, reason: str) -> None:
    """Raises UnknownPersonError for nobody, NamesThePersonError when the reason names them."""
    if not any(rows):
        raise UnknownPersonError
    people = [row.person for of_kind in rows for row in of_kind]
    words = {person.email, *(word for row in people for word in (row.name, row.email))} - {""}
    digits = digits_of(person.phone)
    if any(word.lower() in reason.lower() for word in words) or (digits and digits in digits_of(reason)):
        raise NamesThePersonError


def _forget_visit(visit: Appointment, now: datetime, *, is_coming: bool) -> None:
    if is_coming:
        visit.state, visit.ended_at = State.CANCELLED, now
        free.give_back(visit.therapist_id, Span(visit.blocked.lower, visit.blocked.upper), now=now)
    if visit.override_reason:
        visit.override_reason = "Erased"  # staff typed it; it may name the person
    visit.forget_patient(now)
    visit.save()


def _forget_mail(person: Person) -> None:
    """Keep back messages that have not left, and take the address out of all of them."""
    theirs = person.mail()
    theirs.exclude(delivery__in=(Delivery.SENT, Delivery.PHONED)).update(delivery=Delivery.OVERTAKEN)
    theirs.exclude(recipient="").exclude(kind__in=TO_STAFF).update(recipient=FORGOTTEN)
    if person.email:
        LostLink.objects.filter(email__iexact=person.email).delete()


# ---- contents of an export ------------------------------------------------------------------


def _as_kept(rows: Iterable[Model]) -> list[dict[str, object]]:
    return [{"number": row.pk, **_columns(row)} for row in rows]


def _columns(row: Model) -> dict[str, object]:
    values = model_to_dict(row, fields=[field.name for field in row._meta.fields])  # leaves out what is not editable
    return {name: value for name, value in values.items() if name not in NOT_THEIRS}


def _changes(rows: PersonRows) -> list[dict[str, Any]]:  # Any: text, numbers and moments, for JSON
    lines: list[dict[str, Any]] = [  # Any: as above
        {"of": kind._meta.model_name, "number": line.pgh_obj_id, "at": line.pgh_created_at, "what": line.pgh_label}
        for kind, of_kind in rows.by_kind().items()
        for line in CHANGES[kind].objects.filter(pgh_obj__in=of_kind)
    ]
    return sorted(lines, key=lambda line: line["at"])


def _looks(rows: PersonRows) -> list[dict[str, object]]:
    """When someone at the clinic opened one of their rows; which colleague it was is not the person's data."""
    opened = [
        AccessLog.objects.filter(about=kind._meta.model_name, number__in=[row.pk for row in of_kind])
        for kind, of_kind in rows.by_kind().items()
    ]
    return [{"of": line.about, "number": line.number, "at": line.at} for lines in opened for line in lines]
