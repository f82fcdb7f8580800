"""Series of visits, for staff: all booked or none, and the rest of one cancelled, with one message each time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from booking.mail import queue
from booking.models import Appointment, Audience, Clinic, Kind, Series, Service, State, Terms, Therapist
from booking.models.versions import Together, VisitVersion
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.refusals import TryAgainError

from . import free, visits
from .book import Details
from .by_phone import mark_heard
from .refusals import StateChangedError, action, demand_same, demand_seen


@action
def book_series(
    *,
    therapist: Therapist,
    service: Service,
    starts: Sequence[datetime],
    details: Details,
    submission_key: uuid.UUID,
) -> Series:
    """Book confirmed visits at all of these starts, or at none, and tell the patient in one message.

    As for one caller, notice and horizon are for patients alone; here nothing is booked past the rules.
    Sending the same again gives the same series and no second message. Raises NotAllFreeError or
    SubmissionReusedError.
    """
    now, wanted = timezone.now(), sorted(starts)
    free.lock_therapists([therapist.pk], now=now)
    if already := Series.objects.filter(submission_key=submission_key).first():
        demand_same(already, {"therapist": therapist, "service": service, "starts": wanted})
        demand_same(
            already.visits.earliest("pk"), {name: getattr(details, name) for name in ("name", "phone", "email")}
        )
        return already
    service = free.present(service)
    free.demand_all_free(therapist, terms=Terms.anew(service, Audience.STAFF), starts=wanted, now=now)
    series = Series.objects.create(therapist=therapist, service=service, starts=wanted, submission_key=submission_key)
    clinic = Clinic.objects.current()
    booked = Appointment.objects.bulk_create(_visit(series, start, details, now, clinic) for start in wanted)
    mark_heard(queue.queue_message(Kind.SERIES, booked[0], together=booked))
    return series


def _visit(series: Series, start: datetime, details: Details, now: datetime, clinic: Clinic) -> Appointment:
    visit = Appointment(series=series, is_online=False, state=State.CONFIRMED, requested_at=now)
    visit.agree(now, clinic)
    visit.put_at(therapist=series.therapist, service=series.service, starts_at=start, zone=clinic.zone)
    for field in ("name", "email", "phone", "patient_name", "note"):
        setattr(visit, field, getattr(details, field))
    visit.is_new_patient = details.is_new_patient and start == series.starts[0]  # the others no longer are
    visit.renew_link()
    return visit


@action
def cancel_rest(*, appointment: Appointment, seen: str, by: StaffUser | AnonymousUser) -> list[Appointment]:
    """Cancel the coming visits of a series, from this visit on, with one message to the patient.

    `seen` is the version of the visits that were shown to `by`, of those they may see (`Together`): when a colleague
    or the patient changed one meanwhile, nothing is cancelled. Cancelling twice is cancelling once. Returns the
    visits cancelled. Raises StateChangedError.
    """
    if appointment.series_id is None:
        raise StateChangedError
    now = timezone.now()
    series = Appointment.objects.filter(series=appointment.series_id)
    owners = set(series.values_list("therapist", flat=True))
    free.lock_therapists(owners, now=now)
    present = series.select_related("therapist", "service").get(pk=appointment.pk)
    rest: list[Appointment] = Appointment.objects.seen_by(by).rest_of(present, now).in_order()
    if {visit.therapist_id for visit in rest} - owners:
        raise TryAgainError  # one was moved to a colleague while we waited
    if not rest and _are_cancelled(seen, series):
        return []
    demand_seen(Together(rest), seen)
    if not rest:
        raise StateChangedError
    for visit in rest:
        visits.end(visit, State.CANCELLED, now=now)
    for _, theirs in groupby(
        sorted(rest, key=attrgetter("email_key")), key=attrgetter("email_key")
    ):  # one, unless an address was corrected
        together = list(theirs)
        queue.queue_message(Kind.SERIES_CANCELLED, together[0], together=together)
    return rest


def _are_cancelled(seen: str, series: Iterable[Appointment]) -> bool:
    """Whether all visits that were shown are cancelled by now, where they were."""
    shown, present = [VisitVersion.last_in(version) for version in seen.split()], {visit.version for visit in series}
    return bool(shown) and all(was and str(replace(was, state=State.CANCELLED)) in present for was in shown)
