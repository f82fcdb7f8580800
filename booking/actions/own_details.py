"""What patients change of their own details on their visit's page: phone and note at once, e-mail once confirmed."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Delivery, EmailChange, Kind, Message
from booking.models.found_people import PersonRow
from booking.models.people import Person

from . import free
from .corrections import lock_people, write_corrections
from .new_address import NOT_LEFT, send_present_state
from .refusals import StateChangedError, action, demand_link, demand_seen
from .visits import Actor


@action
def change_phone_or_note(
    *, appointment: Appointment, seen: str, phone: str = "", note: str | None = None
) -> Appointment:
    """The patient gives another phone or note. Without a `phone` the old one stays; a note of None, too.

    An empty `note` clears it. Raises StateChangedError when the visit is not to come any more.
    """
    visit = _opened_by_patient(appointment, seen)
    before = (visit.phone, visit.note)
    visit.phone, visit.note = phone or visit.phone, visit.note if note is None else note
    if (visit.phone, visit.note) != before:
        visit.details_changed_at = timezone.now()
        visit.save()
    return visit


@action
def ask_for_new_email(*, appointment: Appointment, seen: str, email: str) -> EmailChange:
    """The patient wants another e-mail address: the old one gets a link that confirms it, and staff see it, too.

    Nothing changes until then. It ends after a day, or when another address is asked for. Asking twice for one address
    is asking once. Raises StateChangedError when the visit is not to come any more.
    """
    visit = _opened_by_patient(appointment, seen)
    now = timezone.now()
    change = EmailChange.objects.select_for_update().filter(visit=visit).first()
    if change is None:
        change = EmailChange(visit=visit)
        change.renew_link()
    elif change.email == email and EmailChange.objects.open(now).filter(pk=change.pk).exists():
        return change
    else:
        change.close_link()
    change.email, change.asked_at, change.settled_at = email, now, None
    change.save()
    _withdraw_question(visit)
    if visit.email:
        queue.queue_message(Kind.EMAIL_CHANGE, visit, is_proved=visit.has_proved_address)
    return change


@action
def confirm_new_email(*, change: EmailChange, seen: str, by: Actor) -> Appointment:
    """Use the new address, for the visit and for those of its series that have the same; see `correct_person`.

    The link in the mail to the old address allows it, or a colleague does. Raises StateChangedError when it is over,
    ChangedMeanwhileError when another address was asked for.
    """
    now = timezone.now()
    people = lock_people(_with_series(change.visit), now=now)
    present = _lock_open(change, seen)
    email, present.email, present.settled_at = present.email, "", now
    present.save()
    corrected = {row: replace(Person.of(row), email=email) for row in people}
    moved = write_corrections(corrected)
    send_present_state(moved, now=now, is_proved=by == Actor.STAFF)
    _withdraw_question(present.visit)
    return present.visit


@action
def drop_new_email(*, change: EmailChange, seen: str) -> None:
    """Staff drop the new address: it was not the patient's wish. Raises as `confirm_new_email`."""
    now = timezone.now()
    free.lock_visit(change.visit, now=now)
    present = _lock_open(change, seen)
    present.email, present.settled_at = "", now
    present.close_link()
    present.save()
    _withdraw_question(present.visit)


def _opened_by_patient(appointment: Appointment, seen: str) -> Appointment:
    """The visit, locked, if it is to come and its page showed it as it is."""
    visit = free.lock_visit(appointment, now=timezone.now())
    demand_link(visit, appointment)
    demand_seen(visit, seen)
    if not visit.is_coming:
        raise StateChangedError
    return visit


def _with_series(visit: Appointment) -> list[PersonRow]:
    """The visit, and the others of its series that are not over and have the same address."""
    present = Appointment.objects.get(pk=visit.pk)
    if present.series_id is None:
        return [present]
    series = Appointment.objects.filter(series=present.series_id, email_key=present.email_key, anonymised_at=None)
    return [present, *series.filter(ends_at__gt=timezone.now()).exclude(pk=present.pk)]


def _lock_open(change: EmailChange, seen: str) -> EmailChange:
    open_changes = EmailChange.objects.open(timezone.now()).select_for_update(of=("self",))
    present = open_changes.select_related("visit").filter(pk=change.pk).first()
    if present is None:
        raise StateChangedError
    demand_seen(present, seen)
    return present


def _withdraw_question(visit: Appointment) -> None:
    asked = Message.objects.filter(appointment=visit, kind=Kind.EMAIL_CHANGE, delivery__in=NOT_LEFT)
    asked.update(delivery=Delivery.OVERTAKEN)
