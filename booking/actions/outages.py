"""A therapist is out: ask each patient to move, hold a time for them meanwhile, and lose nobody.

A visit stays valid, in its state and its time, until one person has decided about it; its AffectedVisit says
beside it that the therapist is out (see `booking.models.outages` for why). Each step out of that state is one
transaction here: the patient takes the held time or another one, or cancels; staff settle it by phone; the
outage ends. Who does not answer becomes a line to phone. Triggers of the database settle the line when the
visit is ended or moved by anything else, and let go of the time that was held.

Locks are taken in one order everywhere: therapists, then the line.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import (
    UNSETTLED,
    Absence,
    AffectedVisit,
    Appointment,
    Clinic,
    Delivery,
    HeldFor,
    Kind,
    Message,
    Outage,
    OutageContact,
    Service,
    State,
    Therapist,
    digits_of,
    free_times,
    near,
    rules_for,
)
from revival.base.clock import ONE_DAY, Span

from . import free as slots
from . import visits
from .refusals import (
    AlreadyOutError,
    AlternativesGoneError,
    NotOfferedError,
    StateChangedError,
    TooLateToChangeError,
    action,
    demand_same,
)

Line = AffectedVisit.State
Why = AffectedVisit.Why
TO_READ_IT = timedelta(hours=2)  # before either of the two times comes, the answer is due
STANDING = (Line.KEPT, Line.STANDS)
NOT_READ = (Delivery.REFUSED, Delivery.PLEASE_PHONE)


@dataclass(frozen=True)
class Plan:
    """What staff chose for one visit: the time that is held, if any, and whether to phone instead of writing."""

    therapist: Therapist | None = None
    starts_at: datetime | None = None
    by_phone: bool = False


# ---- start ----------------------------------------------------------------------------------


def affected_by(therapist: Therapist, span: Span, now: datetime) -> list[Appointment]:
    """The visits that meet this span, agreed or asked for, not over yet, and not on another board."""
    rows = Appointment.objects.filter(
        therapist=therapist, state__in=(State.REQUESTED, State.CONFIRMED), ends_at__gt=now
    )
    return rows.filter(starts_at__lt=span.end, ends_at__gt=span.start).without_outage().in_order()


def why_by_phone(visit: Appointment, now: datetime) -> str:
    """Why no e-mail can be sent about this visit; empty when one can."""
    if not visit.email:
        return Why.NO_ADDRESS
    return Why.NEAR if visit.starts_at < now + near() else ""


@action
def start_outage(
    *,
    therapist: Therapist,
    span: Span,
    answer_by: datetime,
    plans: Mapping[int, Plan],
    reason: str,
    by: Any,
    submission_key: uuid.UUID,
) -> Outage:
    """Keep new visits away, hold a time for each patient, and write one message to each; all of it or nothing.

    `plans` is by visit; a visit without one, booked while staff were choosing, is to be phoned. `reason`
    is for staff alone. Starting the same again gives the same outage. Raises AlreadyOutError when this
    therapist is out then already, AlternativesGoneError when somebody else has taken a time meanwhile.
    """
    now = timezone.now()
    chosen = [plan.therapist.pk for plan in plans.values() if plan.therapist]
    slots.lock([therapist.pk, *chosen], now=now)
    if already := Outage.objects.filter(submission_key=submission_key).first():
        demand_same(already, {"therapist": therapist, "starts_at": span.start, "ends_at": span.end})
        return already
    if Outage.objects.open().filter(therapist=therapist).touching(span).exists():
        raise AlreadyOutError
    absence = Absence.objects.create(therapist=therapist, starts_at=span.start, ends_at=span.end, reason=reason)
    outage = Outage.objects.create(
        therapist=therapist,
        starts_at=span.start,
        ends_at=span.end,
        answer_by=answer_by,
        absence=absence,
        started_by=by,
        submission_key=submission_key,
    )
    _lose_times(therapist, span)
    rows = affected_by(therapist, span, now)
    kept = {visit.pk: plans.get(visit.pk) for visit in rows}
    _demand_free(rows, kept, now)
    lines = [_ask(outage, visit, kept[visit.pk], contact, now) for contact, visit in _by_patient(outage, rows)]
    asked = {line.contact for line in lines if line.state == Line.WAITING}
    for contact in sorted(asked, key=lambda one: one.pk):
        queue.queue_message(Kind.OUTAGE, contact)
    return outage


def _by_patient(outage: Outage, rows: Iterable[Appointment]) -> list[tuple[OutageContact, Appointment]]:
    """Each visit with its patient: who has the same e-mail address, or else the same phone, is one."""
    contacts: dict[str, OutageContact] = {}
    pairs = []
    for visit in rows:
        key = visit.email.lower() or digits_of(visit.phone) or str(visit.public_id)
        if key not in contacts:
            contacts[key] = OutageContact(outage=outage)
            contacts[key].renew_link()
            contacts[key].save()
        pairs.append((contacts[key], visit))
    return pairs


def _demand_free(rows: list[Appointment], plans: Mapping[int, Plan | None], now: datetime) -> None:
    """All chosen times at once, four queries a service; the exclusion constraint is what guarantees it."""
    free: dict[int, dict[int, set[datetime]]] = {}
    given: dict[int, list[Span]] = defaultdict(list)
    gone = []
    for visit in rows:
        plan = plans[visit.pk]
        if plan is None or plan.therapist is None or plan.starts_at is None:
            continue
        if visit.service_id not in free:
            starts = [one.starts_at for one in plans.values() if one and one.starts_at]
            free[visit.service_id] = _free_between(visit.service, min(starts), max(starts), now)
        busy = Span(plan.starts_at, plan.starts_at + visit.service.length + visit.service.turnaround)
        is_free = plan.starts_at in free[visit.service_id].get(plan.therapist.pk, ())
        if not is_free or any(busy.overlaps(span) for span in given[plan.therapist.pk]):
            gone.append(visit)
        given[plan.therapist.pk].append(busy)
    if gone:
        raise AlternativesGoneError(gone)


def _free_between(service: Service, first: datetime, last: datetime, now: datetime) -> dict[int, set[datetime]]:
    zone = Clinic.objects.current().zone
    givers = Therapist.objects.giving(service)
    wide = service.for_staff()
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    free = free_times(therapists=givers, service=wide, first=begin, last=end, now=now, zone=zone)
    return {pk: set(starts) for pk, starts in free.items()} if service.is_active else {}


def _ask(outage: Outage, visit: Appointment, plan: Plan | None, contact: OutageContact, now: datetime) -> AffectedVisit:
    line = AffectedVisit(outage=outage, visit=visit, contact=contact, original_start=visit.starts_at)
    line.why = why_by_phone(visit, now) or _why(plan)
    line.state = Line.TO_PHONE if line.why else Line.WAITING
    if plan and plan.therapist and plan.starts_at:
        line.until = _until(outage, visit, plan.starts_at, now)
        line.hold = _hold(visit.service, plan.therapist, plan.starts_at, line.until)
        line.therapist, line.starts_at, line.ends_at = plan.therapist, line.hold.starts_at, line.hold.ends_at
    line.save()
    return line


def _why(plan: Plan | None) -> str:
    if plan is None:
        return Why.NEW
    if plan.by_phone:
        return Why.CHOSEN
    return "" if plan.starts_at else Why.NO_TIME


def _until(outage: Outage, visit: Appointment, starts_at: datetime, now: datetime) -> datetime:
    """Until when the time is held: as announced, but well before the visit and before that time itself.

    Where a visit is so near that they are phoned anyway, only the held time counts.
    """
    ends = [outage.answer_by, starts_at - TO_READ_IT]
    if visit.starts_at >= now + near():
        ends.append(visit.starts_at - TO_READ_IT)
    return max(min(ends), now + timedelta(minutes=1))


def _hold(service: Service, therapist: Therapist, starts_at: datetime, until: datetime) -> Appointment:
    hold = Appointment(state=State.HELD, held_for=HeldFor.ALTERNATIVE, held_until=until)
    hold.put_at(therapist=therapist, service=service, starts_at=starts_at)
    hold.renew_link()
    hold.save()
    return hold


def _lose_times(therapist: Therapist, span: Span) -> None:
    """Times held with this therapist for patients of another outage, which they cannot keep any more."""
    lost = AffectedVisit.objects.open().filter(therapist=therapist, starts_at__lt=span.end, ends_at__gt=span.start)
    for line in lost.select_for_update():
        _to_phone(line, Why.TIME_LOST)


def _to_phone(line: AffectedVisit, why: str) -> None:
    line.state, line.why, line.hold = Line.TO_PHONE, why, None  # a trigger lets go of the time
    line.save()


def move_to_phone(visit: Appointment) -> None:
    """Their e-mail address is corrected: the page sent to the old one opens nothing, and staff phone instead."""
    for contact in OutageContact.objects.of_visits([visit.pk]):
        contact.close_link()
        contact.save()
        waiting = contact.visits.filter(state=Line.WAITING)
        waiting.update(state=Line.TO_PHONE, why=Why.OLD_ADDRESS)  # the time is held on, for the phone call


# ---- the patient answers, or nobody does ----------------------------------------------------


@action
def take_other_time(
    *, line: AffectedVisit, therapist: Therapist, starts_at: datetime, by: visits.Actor, who: Any = None
) -> Appointment:
    """Move the visit to the time held for them, or to another free one, and let go of what was held.

    Its old time is no longer theirs, in the same transaction. Taking the same time twice is taking it once.
    `who` is the colleague on the phone. Raises SlotTakenError or NotOfferedError, with the held time still
    held; StateChangedError when it was settled meanwhile; TooLateToChangeError for a patient whose visit has begun.
    """
    now = timezone.now()
    visit, present = _locked(line, now=now, also=[therapist.pk])
    place = (visit.therapist_id, visit.starts_at)
    if present.state in (Line.ACCEPTED, Line.OTHER_TIME) and place == (therapist.pk, starts_at):
        return visit
    _demand_open(visit, present, by, now)
    hold = present.hold if present.is_held(now) else None
    is_held = hold is not None and (present.therapist_id, present.starts_at) == (therapist.pk, starts_at)
    is_anything = is_held or by == visits.Actor.STAFF  # who was offered a time may take it whatever the notice is
    rules = visit.service.for_staff() if is_anything else rules_for(visit.service)
    slots.free_one([therapist], service=rules, starts_at=starts_at, now=now, besides=hold or Appointment())
    _settle(present, Line.ACCEPTED if is_held else Line.OTHER_TIME, now, who)  # makes room for the visit
    moved = visits.put_elsewhere(visit, therapist=therapist, starts_at=starts_at, by=by, now=now)
    _was_heard(moved, by)
    return moved


@action
def cancel_affected(*, line: AffectedVisit, by: visits.Actor, who: Any = None) -> Appointment:
    """They do not want another time. No cut-off: it is the clinic that cannot keep the visit.

    Cancelling twice is cancelling once. Raises StateChangedError, and TooLateToChangeError as above.
    """
    now = timezone.now()
    visit, present = _locked(line, now=now)
    if visit.state == State.CANCELLED:
        return visit
    _demand_open(visit, present, by, now)
    _settle(present, Line.CANCELLED, now, who)
    ended = visits.call_off(visit, by=by, now=now)
    _was_heard(ended, by)
    return ended


@action
def expire_alternative(*, line: AffectedVisit) -> AffectedVisit:
    """No answer in time, or nothing left to answer: staff phone. Raises StateChangedError."""
    now = timezone.now()
    _, present = _locked(line, now=now)
    if not AffectedVisit.objects.to_phone(now).filter(pk=present.pk).exists():
        raise StateChangedError
    is_late = present.until is not None and present.until <= now
    _to_phone(present, Why.NO_ANSWER if is_late else Why.TIME_LOST)
    return present


# ---- staff settle it by phone -----------------------------------------------------------


@action
def keep_affected(*, line: AffectedVisit, who: Any) -> AffectedVisit:
    """The visit takes place as planned; who was told otherwise gets a message. Raises StateChangedError."""
    now = timezone.now()
    visit, present = _locked(line, now=now)
    _demand_open(visit, present, visits.Actor.STAFF, now)
    _settle(present, Line.KEPT, now, who)
    if _was_told(present.contact) and not present.has_begun(now):
        _tell_it_stands(present.contact, was_on_the_line=True)
    return present


@action
def note_reached(*, line: AffectedVisit, who: Any) -> AffectedVisit:
    """They know by phone that the therapist is out, and have not decided yet. Raises StateChangedError."""
    now = timezone.now()
    visit, present = _locked(line, now=now)
    _demand_open(visit, present, visits.Actor.STAFF, now)
    present.reached_at, present.reached_by = now, who
    present.save()
    _note_phoned(present.contact)
    return present


def _note_phoned(contact: OutageContact) -> None:
    """What did not arrive has been said."""
    contact.messages.filter(kind=Kind.OUTAGE, delivery__in=NOT_READ).update(delivery=Delivery.PHONED)


def _was_heard(visit: Appointment, by: visits.Actor) -> None:
    """Who has no e-mail address has just heard it from a colleague on the phone."""
    if by == visits.Actor.STAFF:
        newest = visit.messages.order_by("pk").last()
        if newest is not None and newest.delivery == Delivery.PLEASE_PHONE:
            newest.delivery = Delivery.PHONED
            newest.save(update_fields=["delivery"])


# ---- end ------------------------------------------------------------------------------------


@action
def end_outage(*, outage: Outage, ends_at: datetime | None, by: Any) -> int:
    """The therapist is back earlier, at `ends_at`, or was never away (None): visits from then on stand as they were.

    Held times are let go, and each patient who was told gets one message. What patients have changed stays
    changed, and a visit that meets another absence stays on the board. An outage that has begun ends now at the
    earliest. Returns how many visits stand. Raises
    StateChangedError when it is over, NotOfferedError when it would end later than planned.
    """
    now = timezone.now()
    slots.lock([outage.therapist_id], now=now)
    present = Outage.objects.select_for_update(of=("self",)).select_related("absence", "therapist").get(pk=outage.pk)
    if present.is_over(now):
        raise StateChangedError
    end = max(ends_at or present.starts_at, now)
    if end >= present.ends_at:
        raise NotOfferedError
    lines = [
        line
        for line in present.visits.open().select_for_update(of=("self",)).in_order()
        if line.visit.starts_at >= end and line.visit.is_coming and not _is_away_besides(present, line.visit)
    ]
    freed = Span(max(end, present.starts_at), present.ends_at)
    _shorten(present, end, now)
    for line in lines:
        _settle(line, Line.STANDS, now, by)
    told = {line.contact for line in lines if _was_told(line.contact)}
    for contact in sorted(told, key=lambda one: one.pk):
        _tell_it_stands(contact)
    slots.give_back(present.therapist_id, freed, now=now)
    return len(lines)


def _is_away_besides(outage: Outage, visit: Appointment) -> bool:
    """Whether another absence, of the therapist or the whole clinic, meets the visit: then it does not stand."""
    others = Absence.objects.exclude(pk=outage.absence_id or 0).keeping_away([visit.therapist_id])
    return others.touching(visit.span).exists()


def _shorten(outage: Outage, end: datetime, now: datetime) -> None:
    """The outage first: its absence must cover it, and an absence that never was is deleted."""
    absence = outage.absence
    if end > outage.starts_at:
        outage.ends_at = end
        outage.save()
        if absence is not None:
            absence.ends_at = end
            absence.save()
        return
    outage.state, outage.ended_at, outage.absence = Outage.State.WITHDRAWN, now, None
    outage.save()
    if absence is not None:
        absence.delete()


def _was_told(contact: OutageContact) -> bool:
    """Whether they may know that the therapist is out. A message that nobody has begun to send is withdrawn."""
    if contact.visits.filter(reached_at__isnull=False).exists():
        return True
    written = contact.messages.filter(kind=Kind.OUTAGE)
    mine = {row.pk: row for row in written.select_for_update(skip_locked=True)}
    is_told = False
    for row in written:
        free = mine.get(row.pk)  # else a worker is handing it over this very moment
        if (
            free is None
            or free.delivery in (Delivery.SENT, Delivery.PHONED)
            or (free.attempts and free.delivery == "queued")
        ):
            is_told = True
        elif not contact.visits.open().exists() and free.delivery != Delivery.OVERTAKEN:
            Message.objects.filter(pk=free.pk).update(delivery=Delivery.OVERTAKEN)
    return is_told


def _tell_it_stands(contact: OutageContact, *, was_on_the_line: bool = False) -> None:
    message = queue.queue_message(Kind.OUTAGE_STANDS, contact)
    if was_on_the_line and message.delivery == Delivery.PLEASE_PHONE:
        message.delivery = Delivery.PHONED
        message.save(update_fields=["delivery"])


# ---- shared ---------------------------------------------------------------------------------


def _locked(line: AffectedVisit, *, now: datetime, also: Iterable[int] = ()) -> tuple[Appointment, AffectedVisit]:
    """The visit and its line as they are now, locked after the therapists of both times."""
    of_hold = [line.therapist_id] if line.therapist_id else []
    visit = slots.locked(line.visit, now=now, and_therapists=[*of_hold, *also])
    rows = AffectedVisit.objects.select_for_update(of=("self",)).select_related(
        "hold", "contact", "outage", "therapist"
    )
    present = rows.get(pk=line.pk)
    present.visit = visit
    return visit, present


def _demand_open(visit: Appointment, line: AffectedVisit, by: visits.Actor, now: datetime) -> None:
    if line.state not in UNSETTLED or not visit.is_coming:
        raise StateChangedError
    if by == visits.Actor.PATIENT and visit.starts_at <= now:
        raise TooLateToChangeError


def _settle(line: AffectedVisit, state: str, now: datetime, who: Any = None) -> None:
    line.state, line.settled_at, line.settled_by = state, now, who
    line.save()
    if state in STANDING:
        visits.renew_answer(line.visit, now)
    if who is not None and state != Line.STANDS:
        _note_phoned(line.contact)


def usual_answer_by(now: datetime) -> datetime:
    """BOOKING_OUT_ANSWER_HOURS from now, on the full hour before, and not before the clinic's morning."""
    zone = Clinic.objects.current().zone
    local = (now + timedelta(hours=settings.BOOKING_OUT_ANSWER_HOURS)).astimezone(zone)
    full = local.replace(minute=0, second=0, microsecond=0)
    if full.hour < settings.BOOKING_QUIET_UNTIL_HOUR:
        full = full.replace(hour=settings.BOOKING_QUIET_UNTIL_HOUR)
    return full if full > now.astimezone(zone) else full + ONE_DAY
