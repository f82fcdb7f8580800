"""Book a visit: a hold becomes one, once the patient has sent their details."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, ArticleCount, Clinic, Kind, Service, State, Therapist, clinic_calendar
from booking.models.links import keyed_digest
from booking.time.clinic_calendar import answer_by, remind_at
from revival.base.clock import Span

from . import free, limits
from .refusals import SubmissionReusedError, action


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
        ask_for_answer(visit, now)
    else:
        visit.state = State.CONFIRMED
        visit.agree(now, Clinic.objects.current())
    visit.save()
    if details.came_from:
        day = now.astimezone(Clinic.objects.current().zone).date()
        ArticleCount.objects.add(article=details.came_from, therapist=visit.therapist, day=day)
    queue.queue_messages((Kind(visit.state), Kind.STAFF_NOTICE), visit, is_proved=has_proved_address)
    return visit


def ask_for_answer(visit: Appointment, now: datetime) -> None:
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
    return keyed_digest("submission", content).hex()
