"""Answer, move and end a visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from booking.mail import queue
from booking.mail.other_times import OtherTime
from booking.models import COMING, Appointment, Audience, Clinic, Kind, State, Terms, Therapist
from revival.base.clock import Span

from . import free, limits
from .book import ask_for_answer
from .refusals import StateChangedError, TooLateToChangeError, action, demand_link, demand_seen


class Actor(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"


@action
def confirm_appointment(*, appointment: Appointment, seen: str) -> Appointment:
    """Agree to a request and tell the patient. Raises StateChangedError, also while its therapist is out.

    `seen` is here and below the version of the row on the page of whoever decides, see `demand_seen`.
    """
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now)
    demand_seen(visit, seen, done=State.CONFIRMED)
    _demand_state(visit, State.REQUESTED)
    if visit.outage is not None:
        raise StateChangedError
    visit.agree(now, Clinic.objects.current())
    return _change(visit, State.CONFIRMED, Kind.CONFIRMED)


@action
def decline_appointment(*, appointment: Appointment, seen: str, instead: Sequence[OtherTime] = ()) -> Appointment:
    """Turn a request down, free its time and tell the patient. Raises StateChangedError.

    `instead` are the times the message names; they are not held, and one that is gone when the
    message leaves is left out. Without any, it names the next free ones.
    """
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now)
    demand_seen(visit, seen, done=State.DECLINED)
    _demand_state(visit, State.REQUESTED)
    return _end(visit, State.DECLINED, Kind.DECLINED, now, suggested=instead)


@action
def cancel_appointment(*, appointment: Appointment, seen: str, by: Actor, reason: str = "") -> Appointment:
    """Free the time and tell the patient, and staff when the patient did it. `reason` is for staff alone.

    Cancelling twice is one cancellation. Raises TooLateToChangeError for a patient inside the
    cut-off, StateChangedError when the visit has ended otherwise.
    """
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now)
    if by == Actor.PATIENT:
        demand_link(visit, appointment)
    if visit.state == State.CANCELLED:
        return visit
    demand_seen(visit, seen)
    _demand_state(visit, *COMING)
    if by == Actor.PATIENT and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    return call_off(visit, by=by, now=now, reason=reason)


def call_off(visit: Appointment, *, by: Actor, now: datetime, reason: str = "") -> Appointment:
    """Cancel a coming visit and tell the patient. The caller has the locks and has checked that it may."""
    visit.cancel_reason = reason
    # Calendars that hold a confirmed visit must learn that it is cancelled.
    is_proved = by == Actor.STAFF or visit.confirmed_at is not None
    visit = _end(visit, State.CANCELLED, Kind.CANCELLED, now, is_proved=is_proved)
    if by == Actor.PATIENT:
        queue.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


def renew_answer(visit: Appointment, now: datetime) -> None:
    """Give staff the whole time again for a request that could not be answered for a while: it would expire at once."""
    if visit.state == State.REQUESTED and visit.starts_at > now:
        ask_for_answer(visit, now)
        visit.save(update_fields=["answer_by", "remind_staff_at"])


@action
def move_appointment(
    *, appointment: Appointment, seen: str, starts_at: datetime, by: Actor, therapist: Therapist | None = None
) -> Appointment:
    """Put a coming visit at another free time, or with another therapist, in place; its own time counts as free.

    Only staff name a `therapist`; without one, the visit stays with its own. Moving it twice to one place is moving
    it once. A request stays a request. Raises StateChangedError, TooLateToChangeError for a patient inside the
    cut-off, SlotTakenError or NotOfferedError; ValueError when a patient's move names a therapist.
    """
    if therapist is not None and by != Actor.STAFF:
        raise ValueError("A patient's move keeps the therapist.")
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now, and_therapists=[therapist.pk] if therapist else [])
    therapist = therapist or visit.therapist
    if by == Actor.PATIENT:
        demand_link(visit, appointment)
    if visit.is_coming and (visit.therapist_id, visit.starts_at) == (therapist.pk, starts_at):
        return visit
    demand_seen(visit, seen)
    _demand_state(visit, *COMING)
    if by == Actor.PATIENT and not visit.can_be_changed_online(now):
        raise TooLateToChangeError
    terms = Terms.of_visit(visit, Audience.STAFF if by == Actor.STAFF else Audience.VISIT)
    free.choose_therapist([therapist], terms=terms, starts_at=starts_at, now=now, besides=visit)
    if by == Actor.PATIENT:
        limits.demand_nowhere_else(visit, span=Span(starts_at, starts_at + visit.length))
    visit.is_override, visit.override_by, visit.override_reason = False, None, ""  # where it goes, the rules allow it
    return put_elsewhere(visit, therapist=therapist, starts_at=starts_at, by=by, now=now)


def put_elsewhere(
    visit: Appointment, *, therapist: Therapist, starts_at: datetime, by: Actor, now: datetime
) -> Appointment:
    """Move a visit, give its old time back and tell both sides. The caller has the locks; the new time is free.

    It stays as long as it was agreed, with the turnaround it had: the patient was told its length, and the free times
    that they chose from were looked up for that. The message says when it is with another therapist.
    """
    before, owner = visit.blocked, visit.therapist
    visit.put_at(
        therapist=therapist,
        service=visit.service,
        starts_at=starts_at,
        length=visit.length,
        turnaround=visit.turnaround,
    )
    visit.moved_at = now
    if visit.state == State.REQUESTED:
        ask_for_answer(visit, now)
    is_proved = by == Actor.STAFF or visit.has_proved_address
    _write(visit, State(visit.state))
    former = owner if owner != therapist else None
    queue.queue_message(Kind.MOVED, visit, is_proved=is_proved, former_therapist=former)
    free.give_back(owner.pk, Span(before.lower, before.upper), now=now)
    if by == Actor.PATIENT:
        queue.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


@action
def expire_request(*, appointment: Appointment) -> Appointment:
    """End a request nobody answered in time, free its time and tell the patient, with our apology."""
    now = timezone.now()
    visit = free.lock_visit(appointment, now=now)
    if not Appointment.objects.unanswered(now).filter(pk=visit.pk).exists():
        raise StateChangedError
    visit = _end(visit, State.EXPIRED, Kind.EXPIRED, now, is_proved=visit.has_proved_address)
    queue.queue_message(Kind.STAFF_NOTICE, visit)
    return visit


def _demand_state(visit: Appointment, *states: State) -> None:
    if visit.state not in states:
        raise StateChangedError


def end(visit: Appointment, state: State, *, now: datetime) -> None:
    """End a visit and free its time. The caller has the lock, and tells the patient."""
    visit.ended_at = now
    _write(visit, state)
    free.give_back(visit.therapist_id, Span(visit.blocked.lower, visit.blocked.upper), now=now)


def _end(
    visit: Appointment,
    state: State,
    kind: Kind,
    now: datetime,
    suggested: Sequence[OtherTime] = (),
    is_proved: bool = True,
) -> Appointment:
    end(visit, state, now=now)
    queue.queue_message(kind, visit, suggested=suggested, is_proved=is_proved)
    return visit


def _change(visit: Appointment, state: State, kind: Kind) -> Appointment:
    _write(visit, state)
    queue.queue_message(kind, visit)
    return visit


def _write(visit: Appointment, state: State) -> None:
    visit.state = state
    visit.calendar_sequence += 1
    visit.save()
