"""Data of people who were found and chosen: export all of it, or erase it everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any

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
    EmailChange,
    Look,
    LostLink,
    Message,
    Offer,
    OutageContact,
    State,
    WaitlistEntry,
    phone_key,
)
from booking.models.found_people import FoundPerson, Lookup
from booking.people.addresses import address_key
from booking.people.names import name_key
from booking.people.phones import digits_in
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffUser

from . import free
from .refusals import ChangedMeanwhileError, NamesThePersonError, StillComingError, UnknownPersonError, action
from .retention import FORGOTTEN
from .waitlist import close_offer

NOT_THEIRS = (
    *("link_digest", "link_derivation", "submission_digest", "submission_key", "blocked"),
    *("override_by", "taken_up_by", "reached_by", "settled_by"),
)
"""Columns left out of an export: of no meaning to the person, about a colleague, or a digest of a private link."""
NATIONAL = 10  # digits of a phone number as people name it in a text
Chosen = Mapping[str, str]
"""Ids of people, and the version of each that was seen."""


@action
def export_people(
    *, lookup: Lookup, chosen: Chosen, by: StaffUser | AnonymousUser | None, reason: str
) -> dict[str, list[dict[str, object]]]:
    """Everything kept of the chosen people, ready for JSON; leaves a line in the access log.

    `chosen` are the ids of people that the look-up found, with the version of each that was seen. `by` is None for a
    command. Raises UnknownPersonError, ChangedMeanwhileError or NamesThePersonError.
    """
    person = _chosen_people(lookup, chosen, reason)
    AccessLog.objects.note(by, Look.EXPORT, reason=reason)
    addresses = _own_addresses(person)
    return {
        "visits": _as_kept(person.visits),
        "waiting_list": _as_kept(person.entries),
        "outages": _as_kept(AffectedVisit.objects.filter(visit__in=person.visits)),
        "offers": _as_kept(Offer.objects.filter(entry__in=person.entries)),
        "contact_requests": _as_kept(person.contact_requests),
        "messages": _as_kept(_mail_of(person, addresses)),
        "new_addresses": _as_kept(_new_addresses(person, addresses)),
        "lost_links": _as_kept(LostLink.objects.filter(_is_one_of("email", addresses))),
        "changes": _changes(person),
        "looks": _looks(person),
    }


@action
def erase_people(
    *,
    lookup: Lookup,
    chosen: Chosen,
    by: StaffUser | AnonymousUser | None,
    reason: str,
    cancel_visits: bool = False,
) -> int:
    """Take the chosen people out of every row and close their private links. Returns in how many rows they were.

    Their visits stay, without the name; so do both logs, which name nobody. `chosen` and `by` are as for
    `export_people`. Raises StillComingError when a visit is still to come and is not to be cancelled, or what
    `export_people` raises. No message is sent.
    """
    now = timezone.now()
    seen = FoundPerson.of(person for person in lookup.people() if person.id in chosen)
    offers = Offer.objects.open().filter(entry__in=seen.entries)
    of_visits = [visit.therapist_id for visit in seen.visits]
    free.lock_therapists({*of_visits, *offers.values_list("therapist", flat=True)}, now=now)
    person = _chosen_people(lookup, chosen, reason)
    coming = [visit for visit in person.visits if visit.state in _STILL_OPEN and visit.ends_at > now]
    if coming and not cancel_visits:
        raise StillComingError
    _forget_mail(person)
    for offer in offers.select_related("hold"):
        close_offer(offer, Offer.State.DECLINED, now)
    for visit in person.visits:
        _forget_visit(visit, now, is_coming=visit in coming)
    for contact in _own_contacts(person):
        contact.close_link()
        contact.save()
    WaitlistEntry.objects.filter(pk__in=[row.pk for row in person.entries]).delete()
    ContactRequest.objects.filter(pk__in=[row.pk for row in person.contact_requests]).delete()
    AccessLog.objects.note(by, Look.ERASE, reason=reason)
    return len(person.rows)


_STILL_OPEN = (State.REQUESTED, State.CONFIRMED, State.ARRIVED)


def _chosen_people(lookup: Lookup, chosen: Chosen, reason: str) -> FoundPerson:
    """All rows of the chosen people, as they are now. Raises when nobody is chosen, or somebody has other rows."""
    people = {person.id: person for person in lookup.people()}
    if not people or not chosen:
        raise UnknownPersonError
    if any(person_id not in people or people[person_id].version != seen for person_id, seen in chosen.items()):
        raise ChangedMeanwhileError
    together = FoundPerson.of(people[person_id] for person_id in chosen)
    _demand_no_name_in(reason, lookup, together)
    return together


def _demand_no_name_in(reason: str, lookup: Lookup, person: FoundPerson) -> None:
    """Raises NamesThePersonError when the reason has a name, e-mail address or phone of theirs."""
    people = [row.person for row in person.rows]
    addresses = {lookup.email, *(row.email for row in people)} - {""}
    digits = {phone_key(lookup.phone), *(row.phone_e164 for row in people)} - {""}
    words = f" {name_key(reason)} "  # whole words: "asked" does not name Ed
    is_named = any(row.name_key and f" {row.name_key} " in words for row in people)
    is_reached = any(address_key(address) in reason.lower() for address in addresses)
    national = [number[-NATIONAL:] for number in digits]
    if is_named or is_reached or any(number in digits_in(reason) for number in national):
        raise NamesThePersonError


def _own_addresses(person: FoundPerson) -> list[str]:
    """Their e-mail addresses, without those that another person's rows have, too."""
    return [email for email in person.emails if not _is_shared(email, person)]


def _is_shared(email: str, person: FoundPerson) -> bool:
    own = {(type(row), row.pk) for row in person.rows}
    rows = (model.objects.of_contact(email=email) for model in (Appointment, WaitlistEntry, ContactRequest))
    return any((type(row), row.pk) not in own for row in chain.from_iterable(rows))


def _own_contacts(person: FoundPerson) -> list[OutageContact]:
    """Their pages about a therapist who is out, without those that are also about another person's visits."""
    visits = [visit.pk for visit in person.visits]
    others = AffectedVisit.objects.exclude(visit__in=visits)
    return list(OutageContact.objects.of_visits(visits).exclude(pk__in=others.values("contact")))


def _is_one_of(column: str, addresses: Iterable[str]) -> Q:
    return reduce(or_, (Q(**{f"{column}__iexact": address}) for address in addresses), Q(pk__in=[]))


def _mail_of(person: FoundPerson, addresses: Iterable[str]) -> QuerySet[Message]:
    """Messages about their rows, and any that went to an address of theirs alone."""
    visits, entries = person.visits, person.entries
    together = Message.visits.through.objects.filter(appointment__in=visits)
    about = Q(appointment__in=visits) | Q(entry__in=entries) | Q(offer__entry__in=entries)
    about |= Q(pk__in=together.values("message")) | Q(contact_request__in=person.contact_requests)
    about |= Q(outage_contact__in=_own_contacts(person))
    return Message.objects.filter(about | _is_one_of("recipient", addresses))


def _new_addresses(person: FoundPerson, addresses: Iterable[str]) -> QuerySet[EmailChange]:
    """New e-mail addresses that were typed for their visits, or that are theirs alone."""
    return EmailChange.objects.filter(Q(visit__in=person.visits) | _is_one_of("email", addresses))


def _forget_visit(visit: Appointment, now: datetime, *, is_coming: bool) -> None:
    if is_coming:
        visit.state, visit.ended_at = State.CANCELLED, now
        free.give_back(visit.therapist_id, Span(visit.blocked.lower, visit.blocked.upper), now=now)
    if visit.override_reason:
        visit.override_reason = "Erased"  # staff typed it; it may name the person
    visit.forget_patient(now)
    visit.save()


def _forget_mail(person: FoundPerson) -> None:
    """Keep back messages that have not left, and take the address out of all of them."""
    addresses = _own_addresses(person)
    theirs = _mail_of(person, addresses)
    theirs.exclude(delivery__in=(Delivery.SENT, Delivery.PHONED)).update(delivery=Delivery.OVERTAKEN)
    theirs.exclude(recipient="").exclude(kind__in=TO_STAFF).update(recipient=FORGOTTEN)
    LostLink.objects.filter(_is_one_of("email", addresses)).delete()
    _new_addresses(person, addresses).delete()


# ---- contents of an export ------------------------------------------------------------------


def _as_kept(rows: Iterable[Model]) -> list[dict[str, object]]:
    return [{"number": row.pk, **_columns(row)} for row in rows]


def _columns(row: Model) -> dict[str, object]:
    values = model_to_dict(row, fields=[field.name for field in row._meta.fields])  # leaves out what is not editable
    return {name: value for name, value in values.items() if name not in NOT_THEIRS}


def _changes(person: FoundPerson) -> list[dict[str, Any]]:  # Any: text, numbers and moments, for JSON
    lines: list[dict[str, Any]] = [  # Any: as above
        {"of": kind._meta.model_name, "number": line.pgh_obj_id, "at": line.pgh_created_at, "what": line.pgh_label}
        for kind, of_kind in person.by_kind().items()
        for line in CHANGES[kind].objects.filter(pgh_obj__in=of_kind)
    ]
    return sorted(lines, key=lambda line: line["at"])


def _looks(person: FoundPerson) -> list[dict[str, object]]:
    """When someone at the clinic opened one of their rows; which colleague it was is not the person's data."""
    opened = [
        AccessLog.objects.filter(about=kind._meta.model_name, number__in=[row.pk for row in of_kind])
        for kind, of_kind in person.by_kind().items()
    ]
    return [{"of": line.about, "number": line.number, "at": line.at} for lines in opened for line in lines]
