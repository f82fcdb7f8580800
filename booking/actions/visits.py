"""Book, answer, move and end a visit."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.mail.other_times import OtherTime
from booking.models import (
    COMING,
    Appointment,
    ArticleCount,
    Audience,
    Clinic,
    Kind,
    Service,
    State,
    Terms,
    Therapist,
    clinic_calendar,
)
from booking.time.clinic_calendar import answer_by, remind_at
from revival.base.clock import Span

from . import free, limits
from .refusals import StateChangedError, SubmissionReusedError, TooLateToChangeError, action, demand_seen


@dataclass(frozen=True)
class Details:
    """What the patient typed. An empty string means "not given"."""

    name: str
    email: str
    phone: str
    is_new_patient: bool | None
    patient_name: str = ""
    note: str = ""
    consent_version: str = ""
    came_from: str = ""


@action
def book_appointment(
    *,
    hold: Appointment,
    therapist: Therapist,
    service: Service,
    starts_at: datetime,
    details: Details,
    submission_key: uuid.UUID,
) -> Appointment:
    """Make the held slot a visit, requested or confirmed as its service says.

    `therapist`, `service` and `starts_at` are what the patient saw: when the hold stands elsewhere by now
    (another tab), ran out, or its service has other rules, it is put there again, if that time is
    free. Sending the same again gives the same visit and no second message. Raises SlotTakenError, NotOfferedError or
    SubmissionReusedError.
    """
    now = timezone.now()
    free.lock_forms_of(hold)
    visit, sent = free.lock_visit_or_sent(hold, key=submission_key, now=now, and_therapists=[therapist.pk])
    digest = _digest(details, therapist, service, starts_at)
    already = sent if visit.is_hold else visit
    if already is not None:
        if hmac.compare_digest(already.submission_digest, digest):
            return already
        raise SubmissionReusedError

    service = visit.service if visit.service_id == service.pk else free.present(service)
    if free.is_held_at(visit, therapist, service, starts_at):
        free.keep_hold(visit, service=service, now=now)
    else:
        free.hold_for_patient(visit, candidates=[therapist], service=service, starts_at=starts_at, now=now)

    limits.demand_few_visits(details, span=visit.span, now=now)
    return settle(
        visit, details=details, submission_key=submission_key, digest=digest, now=now, has_proved_address=False
    )


def settle(
    visit: Appointment,
    *,
    details: Details,
    submission_key: uuid.UUID,
    digest: str,
    now: datetime,
    has_proved_address: bool,
) -> Appointment:
    """Make a hold a visit, and tell both sides. The caller has the lock and has checked that it may."""
    for field, value in asdict(details).items():
        setattr(visit, field, value)
    visit.submission_key, visit.submission_digest = submission_key, digest
    visit.held_until, visit.held_for = None, ""
    visit.requested_at = now
    if visit.service.needs_confirmation:
        visit.state = State.REQUESTED
        _ask_for_answer(visit, now)
    else:
        visit.state, visit.confirmed_at = State.CONFIRMED, now
    visit.save()
    if details.came_from:
        day = now.astimezone(Clinic.objects.current().zone).date()
        ArticleCount.objects.add(article=details.came_from, therapist=visit.therapist, day=day)
    queue.queue_messages((Kind(visit.state), Kind.STAFF_NOTICE), visit, is_proved=has_proved_address)
    return visit


def _ask_for_answer(visit: Appointment, now: datetime) -> None:
    """Set until when staff answer, and when they are reminded: once half of the open time until then is over."""
    calendar = clinic_calendar(Clinic.objects.current(), Span(now, max(now, visit.starts_at)))
    visit.answer_by = answer_by(
        asked_at=now,
        starts_at=visit.starts_at,
        calendar=calendar,
        working_days=settings.BOOKING_ANSWER_WORKING_DAYS,
        before=timedelta(hours=settings.BOOKING_ANSWER_HOURS_BEFORE),
    )
    visit.remind_staff_at = remind_at(asked_at=now, due=visit.answer_by, calendar=calendar)


def _digest(details: Details, therapist: Therapist, service: Service, starts_at: datetime) -> str:
    """A keyed digest of what was sent, to tell a repeat from something new; it reveals nothing at rest."""
    content = repr((sorted(asdict(details).items()), therapist.pk, service.pk, starts_at.timestamp()))
    return hmac.new(settings.LINK_KEY.encode(), content.encode(), hashlib.sha256).hexdigest()


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
    visit.confirmed_at = now
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
        _ask_for_answer(visit, now)
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
        _ask_for_answer(visit, now)
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
