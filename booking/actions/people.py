"""What we keep of one person, to give it to them or to take it out everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from revival.base.clock import Span

from . import free
from .refusals import NamesThePersonError, StillComingError, UnknownPersonError, action
from .retention import FORGOTTEN
from .waitlist import close_offer

NOT_THEIRS = (
    *("link_digest", "submission_digest", "submission_key", "blocked"),
    *("override_by", "taken_up_by", "reached_by", "settled_by"),
)
"""Of no meaning to the person, or about a colleague; digests of links stay here."""


@dataclass(frozen=True)
class Person:
    """Whoever has this e-mail address or this phone: rows with either are theirs."""

    email: str = ""
    phone: str = ""

    def rows(self, kind: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = kind.objects.of_one(email=self.email, phone=self.phone)
        return found

    def mail(self) -> QuerySet[Message]:
        """Messages about their rows, and any that went to their address."""
        visits, entries = self.rows(Appointment), self.rows(WaitlistEntry)
        together = Message.visits.through.objects.filter(appointment__in=visits)
        about = Q(appointment__in=visits) | Q(entry__in=entries) | Q(offer__entry__in=entries)
        about |= Q(pk__in=together.values("message"))
        about |= Q(outage_contact__in=OutageContact.objects.of_visits(visits))
        to = Q(recipient__iexact=self.email) if self.email else Q(pk__in=[])
        return Message.objects.filter(about | Q(contact_request__in=self.rows(ContactRequest)) | to)


@action
def export_person(*, person: Person, by: Any, reason: str) -> dict[str, Any]:
    """Everything kept of them, as JSON will have it; leaves a line in the access log. Raises UnknownPersonError."""
    kept = {kind: list(person.rows(kind)) for kind in (Appointment, WaitlistEntry, ContactRequest)}
    _demand_someone(kept, person, reason)
    AccessLog.objects.note(by, Look.EXPORT, reason=reason)
    entries = kept[WaitlistEntry]
    return {
        "visits": _facts(kept[Appointment]),
        "waiting_list": _facts(entries),
        "outages": _facts(AffectedVisit.objects.filter(visit__in=kept[Appointment])),
        "offers": _facts(Offer.objects.filter(entry__in=entries)),
        "contact_requests": _facts(kept[ContactRequest]),
        "messages": _facts(person.mail()),
        "lost_links": _facts(LostLink.objects.filter(email__iexact=person.email) if person.email else []),
        "changes": _changes(kept),
        "looks": _looks(kept),
    }


@action
def erase_person(*, person: Person, by: Any, reason: str, cancel_visits: bool = False) -> int:
    """Take them out of every row and close their private links. Returns in how many rows they were.

    Their visits stay, without whose they were; so do both logs, which name nobody. Raises
    StillComingError when a visit is still to come and is not to be cancelled. Nobody is written to.
    """
    now = timezone.now()
    offers = Offer.objects.open().filter(entry__in=person.rows(WaitlistEntry))
    of_visits = person.rows(Appointment).values_list("therapist", flat=True)
    free.lock({*of_visits, *offers.values_list("therapist", flat=True)}, now=now)
    kept = {kind: list(person.rows(kind)) for kind in (Appointment, WaitlistEntry, ContactRequest)}
    _demand_someone(kept, person, reason)
    coming = [visit for visit in kept[Appointment] if visit.state in _STILL_OPEN and visit.ends_at > now]
    if coming and not cancel_visits:
        raise StillComingError
    _forget_mail(person)
    for offer in offers.select_related("hold"):
        close_offer(offer, Offer.State.DECLINED, now)
    for visit in kept[Appointment]:
        _forget_visit(visit, now, is_coming=visit in coming)
    for contact in OutageContact.objects.of_visits([visit.pk for visit in kept[Appointment]]):
        contact.close_link()
        contact.save()
    for kind in (WaitlistEntry, ContactRequest):
        kind.objects.filter(pk__in=[row.pk for row in kept[kind]]).delete()
    AccessLog.objects.note(by, Look.ERASE, reason=reason)
    return sum(len(rows) for rows in kept.values())


_STILL_OPEN = (State.REQUESTED, State.CONFIRMED, State.ARRIVED)


def _demand_someone(kept: dict[Any, list[Any]], person: Person, reason: str) -> None:
    if not any(kept.values()):
        raise UnknownPersonError
    rows = [row.person for kind in kept for row in kept[kind]]
    words = {person.email, *(word for row in rows for word in (row.name, row.email) if word)} - {""}
    digits = digits_of(person.phone)
    if any(word.lower() in reason.lower() for word in words) or (digits and digits in digits_of(reason)):
        raise NamesThePersonError


def _forget_visit(visit: Appointment, now: datetime, *, is_coming: bool) -> None:
    if is_coming:
        visit.state, visit.ended_at = State.CANCELLED, now
        free.give_back(visit.therapist_id, Span(visit.blocked.lower, visit.blocked.upper), now=now)
    if visit.override_reason:
        visit.override_reason = "Erased"  # staff typed it; it may say who
    visit.forget_patient(now)
    visit.save()


def _forget_mail(person: Person) -> None:
    """What has not left never will; of what has, the address goes."""
    theirs = person.mail()
    theirs.exclude(delivery__in=(Delivery.SENT, Delivery.PHONED)).update(delivery=Delivery.OVERTAKEN)
    theirs.exclude(recipient="").exclude(kind__in=TO_STAFF).update(recipient=FORGOTTEN)
    if person.email:
        LostLink.objects.filter(email__iexact=person.email).delete()


# ---- what an export says --------------------------------------------------------------------


def _facts(rows: Any) -> list[dict[str, Any]]:
    return [{"number": row.pk, **_columns(row)} for row in rows]


def _columns(row: Model) -> dict[str, Any]:
    values = model_to_dict(row, fields=[field.name for field in row._meta.fields])  # leaves out what is not editable
    return {name: value for name, value in values.items() if name not in NOT_THEIRS}


def _changes(kept: dict[Any, list[Any]]) -> list[dict[str, Any]]:
    lines = [
        {"of": kind._meta.model_name, "number": line.pgh_obj_id, "at": line.pgh_created_at, "what": line.pgh_label}
        for kind, rows in kept.items()
        for line in CHANGES[kind].objects.filter(pgh_obj__in=rows)
    ]
    return sorted(lines, key=lambda line: line["at"])


def _looks(kept: dict[Any, list[Any]]) -> list[dict[str, Any]]:
    """When someone at the clinic opened one of their rows; who it was is the clinic's own affair."""
    opened = [
        AccessLog.objects.filter(about=kind._meta.model_name, number__in=[row.pk for row in rows])
        for kind, rows in kept.items()
    ]
    return [{"of": line.about, "number": line.number, "at": line.at} for lines in opened for line in lines]
