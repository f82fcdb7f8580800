"""Correct the name, e-mail address and phone of a person, in one row of theirs or in several at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from django.utils import timezone

from booking.models import Appointment, ContactRequest, OutageContact, WaitlistEntry, phone_of
from booking.models.found_people import PersonRow
from booking.models.people import Person
from booking.people.addresses import address_key
from booking.people.names import name_key
from revival.base.refusals import TryAgainError

from . import free
from .new_address import close_links, send_present_state
from .refusals import AddressNeededError, StateChangedError, action, demand_seen


@action
def correct_person(
    *, person: PersonRow, details: Person, seen: str, also: Sequence[tuple[PersonRow, str]] = ()
) -> list[PersonRow]:
    """Correct who a row is about, and how to reach them. Returns the rows that were changed; none when nothing was.

    `seen` is the version of the details on the page (`Person.version`): a colleague's correction since raises
    ChangedMeanwhileError, while a new time or state is no matter. `also` are other rows of theirs, each with the
    version seen: what was wrong in the first is corrected in them where it was the same. An entry of the waiting list
    that has a visit is corrected in the visit. The change log says who did it.

    A new e-mail address closes the links sent to the old one, and is told what is so now. Raises StateChangedError
    for a row that names nobody any more, AddressNeededError when somebody could not be reached as they must be.
    """
    versions = {owner_of(row): version for row, version in [*also, (person, seen)]}
    now = timezone.now()
    locked = {row: row for row in lock_people(versions, now=now)}
    main = locked[owner_of(person)]
    was = Person.of(main)
    if details == was:
        return []
    corrected: dict[PersonRow, Person] = {}
    for row in locked.values():
        demand_seen(Person.of(row), versions[row])
        wanted = details if row == main else _corrected_alike(Person.of(row), was, details)
        if wanted != Person.of(row):
            corrected[row] = wanted
    moved = write_corrections(corrected)
    send_present_state(moved, now=now)
    return list(corrected)


def owner_of(row: PersonRow) -> PersonRow:
    """The row that holds the details: for an entry with a visit, the visit."""
    return row.person


def lock_people(rows: Iterable[PersonRow], *, now: datetime) -> list[PersonRow]:
    """The rows as they are now. Locks therapists, then visits, entries and requests, each in the order of their ids.

    The visits' own rows are locked, too: a reminder is written without the therapist's lock. Raises StateChangedError
    when one is gone or names nobody any more.
    """
    ids: dict[type[PersonRow], set[int]] = {Appointment: set(), WaitlistEntry: set(), ContactRequest: set()}
    for row in rows:
        ids[type(row)].add(row.pk)
    visits = Appointment.objects.filter(pk__in=ids[Appointment])
    owners = set(visits.order_by().values_list("therapist", flat=True))
    free.lock_therapists(owners, now=now)
    locked: list[PersonRow] = [
        *visits.select_for_update(of=("self",)).select_related("therapist", "service").order_by("pk"),
        *WaitlistEntry.objects.select_for_update().filter(pk__in=ids[WaitlistEntry]).order_by("pk"),
        *ContactRequest.objects.select_for_update().filter(pk__in=ids[ContactRequest]).order_by("pk"),
    ]
    if {row.therapist_id for row in locked if isinstance(row, Appointment)} - owners:
        raise TryAgainError  # one was moved to another therapist while we waited
    if len(locked) < sum(map(len, ids.values())) or any(_names_nobody(row) for row in locked):
        raise StateChangedError
    return locked


def _names_nobody(row: PersonRow) -> bool:
    return isinstance(row, Appointment) and (row.anonymised_at is not None or row.is_hold)


def _corrected_alike(present: Person, was: Person, details: Person) -> Person:
    """What was corrected from `was` to `details`, corrected in another row where it was the same."""
    same = {
        "name": name_key(present.name) == name_key(was.name),
        "email": address_key(present.email) == address_key(was.email),
        "phone": (phone_of(present.phone) or present.phone) == (phone_of(was.phone) or was.phone),
        "patient_name": False,
    }
    new, old = asdict(details), asdict(was)
    return replace(present, **{name: new[name] for name in same if same[name] and new[name] != old[name]})


def write_corrections(corrected: Mapping[PersonRow, Person], *, asking: OutageContact | None = None) -> list[PersonRow]:
    """Save the details of locked rows, and close the links of those with a new address, which are returned.

    `asking` as for `close_links`.
    """
    moved = []
    for row, person in corrected.items():
        if not _can_be_reached(row, person):
            raise AddressNeededError
        if address_key(person.email) != address_key(row.email):
            moved.append(row)
        for name, value in asdict(person).items():
            if name != "patient_name" or isinstance(row, Appointment):
                setattr(row, name, value)
        row.save()
    close_links(moved, asking=asking)
    return moved


def _can_be_reached(row: PersonRow, person: Person) -> bool:
    if isinstance(row, ContactRequest):
        return bool(person.email if row.reach_by == ContactRequest.ReachBy.EMAIL else person.phone)
    return bool(person.email) or not isinstance(row, WaitlistEntry)
