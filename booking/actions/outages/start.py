"""An outage starts: who is affected, which time is held for each, and one message to each patient."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone

from booking.actions import free
from booking.actions.refusals import AlreadyOutError, AlternativesGoneError, action, demand_same, demand_seen
from booking.mail import queue
from booking.models import (
    COMING,
    Absence,
    AffectedVisit,
    Appointment,
    Audience,
    Clinic,
    HeldFor,
    Kind,
    Outage,
    OutageContact,
    Terms,
    Therapist,
    phone_notice,
    quiet_hours,
)
from revival.base.clock import ONE_DAY, Span
from revival.base.desk_parts.staff_request import StaffUser

from .affected import leave_to_phone

TO_READ_IT = timedelta(hours=2)  # before either of the two times comes, the answer is due


@dataclass(frozen=True)
class OutagePlan:
    """What staff chose for one visit: the time that is held, if any, and whether to phone instead of writing.

    `seen` is the version of the visit for which they chose it.
    """

    seen: str
    therapist: Therapist | None = None
    starts_at: datetime | None = None
    by_phone: bool = False


def affected_by(therapist: Therapist, span: Span, now: datetime) -> list[Appointment]:
    """The visits that meet this span, agreed or asked for, not over yet, and not on another board."""
    rows = Appointment.objects.filter(therapist=therapist, state__in=COMING, ends_at__gt=now)
    return rows.filter(starts_at__lt=span.end, ends_at__gt=span.start).without_outage().in_order()


def why_by_phone(visit: Appointment, now: datetime) -> AffectedVisit.Why | Literal[""]:
    """Why no e-mail can be sent about this visit; empty when one can."""
    if not visit.email:
        return AffectedVisit.Why.NO_ADDRESS
    return AffectedVisit.Why.NEAR if visit.starts_at < now + phone_notice() else ""


def usual_answer_by(now: datetime) -> datetime:
    """BOOKING_OUTAGE_ANSWER_HOURS from now, on the full hour before; when that is in the quiet hours, at their end."""
    zone = Clinic.objects.current().zone
    local = (now + timedelta(hours=settings.BOOKING_OUTAGE_ANSWER_HOURS)).astimezone(zone)
    full = quiet_hours().next_end(local.replace(minute=0, second=0, microsecond=0), zone).astimezone(zone)
    return full if full > now.astimezone(zone) else full + ONE_DAY


@action
def start_outage(
    *,
    therapist: Therapist,
    span: Span,
    answer_by: datetime,
    plans: Mapping[int, OutagePlan],
    reason: str,
    by: StaffUser,
    submission_key: uuid.UUID,
) -> Outage:
    """Keep new visits away, hold a time for each patient, and write one message to each; all of it or nothing.

    `plans` is by visit; a visit without one, booked while staff were choosing, is to be phoned. `reason`
    is for staff alone. Starting the same again gives the same outage. Raises AlreadyOutError when this
    therapist is out then already, AlternativesGoneError when somebody else has taken a time meanwhile,
    ChangedMeanwhileError when one of the visits is no longer as staff saw it.
    """
    now = timezone.now()
    chosen = [plan.therapist.pk for plan in plans.values() if plan.therapist]
    free.lock_therapists([therapist.pk, *chosen], now=now)
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
    _give_up_times(therapist, span)
    affected = affected_by(therapist, span, now)
    for visit in affected:
        if visit.pk in plans:
            demand_seen(visit, plans[visit.pk].seen)
    _demand_free(affected, plans, now)
    pairs = _with_contacts(outage, affected)
    lines = [_ask(outage, visit, plans.get(visit.pk), contact, now) for contact, visit in pairs]
    asked = {line.contact for line in lines if line.state == AffectedVisit.State.WAITING}
    for contact in sorted(asked, key=lambda contact: contact.pk):
        queue.queue_message(Kind.OUTAGE, contact)
    return outage


def _give_up_times(therapist: Therapist, span: Span) -> None:
    """Times held with this therapist for patients of another outage can no longer be kept."""
    lost = AffectedVisit.objects.open().filter(therapist=therapist, starts_at__lt=span.end, ends_at__gt=span.start)
    for line in lost.select_for_update():
        leave_to_phone(line, AffectedVisit.Why.TIME_LOST)


def _demand_free(visits: list[Appointment], plans: Mapping[int, OutagePlan], now: datetime) -> None:
    """Check all chosen times at once; the exclusion constraint guarantees it. Raises AlternativesGoneError."""
    wanted: dict[Appointment, free.WantedTime] = {}
    for visit in visits:
        plan = plans.get(visit.pk)
        if plan and plan.therapist and plan.starts_at:
            terms = Terms.of_visit(visit, Audience.STAFF)  # it is staff who choose, whatever the notice is
            wanted[visit] = free.WantedTime(plan.therapist, terms, plan.starts_at)
    looks = free.look_at(list(wanted.values()), now=now)
    if gone := {visit: why for visit, why in zip(wanted, looks, strict=True) if why.reasons}:
        raise AlternativesGoneError(list(gone), list(gone.values()))


def _with_contacts(outage: Outage, visits: Iterable[Appointment]) -> list[tuple[OutageContact, Appointment]]:
    """Each visit with its patient. Visits with the same e-mail address, or else the same phone, are one patient's."""
    contacts: dict[str, OutageContact] = {}
    pairs = []
    for visit in visits:
        key = visit.email_key or visit.phone_e164 or str(visit.public_id)
        if key not in contacts:
            contacts[key] = OutageContact(outage=outage)
            contacts[key].renew_link()
            contacts[key].save()
        pairs.append((contacts[key], visit))
    return pairs


def _ask(
    outage: Outage, visit: Appointment, plan: OutagePlan | None, contact: OutageContact, now: datetime
) -> AffectedVisit:
    line = AffectedVisit(outage=outage, visit=visit, contact=contact, original_start=visit.starts_at)
    line.why = why_by_phone(visit, now) or _why_as_planned(plan)
    line.state = AffectedVisit.State.TO_PHONE if line.why else AffectedVisit.State.WAITING
    if plan and plan.therapist and plan.starts_at:
        line.until = _held_until(outage, visit, plan.starts_at, now)
        line.hold = _hold(visit, plan.therapist, plan.starts_at, line.until)
        line.therapist, line.starts_at, line.ends_at = plan.therapist, line.hold.starts_at, line.hold.ends_at
    line.save()
    return line


def _why_as_planned(plan: OutagePlan | None) -> AffectedVisit.Why | Literal[""]:
    if plan is None:
        return AffectedVisit.Why.NEW
    if plan.by_phone:
        return AffectedVisit.Why.CHOSEN
    return "" if plan.starts_at else AffectedVisit.Why.NO_TIME


def _held_until(outage: Outage, visit: Appointment, starts_at: datetime, now: datetime) -> datetime:
    """Until when the time is held: as announced, but well before the visit and before that time itself.

    Where a visit is so near that they are phoned anyway, only the held time counts.
    """
    ends = [outage.answer_by, starts_at - TO_READ_IT]
    if visit.starts_at >= now + phone_notice():
        ends.append(visit.starts_at - TO_READ_IT)
    return max(min(ends), now + timedelta(minutes=1))


def _hold(visit: Appointment, therapist: Therapist, starts_at: datetime, until: datetime) -> Appointment:
    hold = Appointment()
    hold.hold_at(
        therapist=therapist,
        service=visit.service,
        starts_at=starts_at,
        length=visit.length,
        turnaround=visit.turnaround,
        until=until,
        held_for=HeldFor.ALTERNATIVE,
    )
    hold.save()
    return hold
