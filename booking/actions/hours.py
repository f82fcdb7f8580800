"""Absences and hours, written under the therapists' locks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from booking.availability import subtract
from booking.models import Absence, Appointment, Clinic, Outage, Override, Shift, Therapist, working_time

from . import slots
from .refusals import OutageOpenError, action


@action
def save_absence(*, absence: Absence) -> list[Appointment]:
    """Write an absence under the therapists' locks. Returns the coming visits that fall into it.

    Raises OutageOpenError for the absence of an outage.
    """
    now = timezone.now()
    _demand_no_outage(absence)
    before = list(Absence.objects.filter(pk=absence.pk))  # its time may be free again after the change
    owners = set().union(*(_owners(row) for row in [absence, *before]))
    slots.lock(owners, now=now)
    absence.save()
    for row in before:
        for pk in _owners(row):
            slots.give_back(pk, row.span, now=now)
    return _coming(owners, now).touching(absence.span).in_order()


@action
def save_hours(*, row: Shift | Override) -> list[Appointment]:
    """Write weekly or one day's hours under the locks. Returns the coming visits that are now outside."""
    now = timezone.now()
    before = type(row)._default_manager.filter(pk=row.pk).values_list("therapist", flat=True)
    owners = {row.therapist_id, *before}
    slots.lock(owners, now=now)
    row.save()
    return _outside_hours(owners, now)


@action
def remove_hours(*, row: Shift | Override | Absence) -> list[Appointment]:
    """Delete hours or an absence under the locks. Returns the coming visits that are now outside.

    Raises OutageOpenError for the absence of an outage.
    """
    now = timezone.now()
    owners = _owners(row)
    slots.lock(owners, now=now)
    _demand_no_outage(row)
    row.delete()
    if isinstance(row, Absence):
        for pk in owners:
            slots.give_back(pk, row.span, now=now)
    return _outside_hours(owners, now)


def _demand_no_outage(row: Shift | Override | Absence) -> None:
    """Patients were told of it, and have to be told when it ends."""
    if isinstance(row, Absence) and row.pk and Outage.objects.open().filter(absence=row.pk).exists():
        raise OutageOpenError


def _owners(row: Shift | Override | Absence) -> set[int]:
    if row.therapist_id is not None:
        return {row.therapist_id}
    return set(Therapist.objects.values_list("pk", flat=True))


def _coming(therapist_ids: Iterable[int], now: datetime) -> Any:
    return Appointment.objects.occupying(now).visits().filter(therapist__in=therapist_ids, starts_at__gt=now)


def _outside_hours(therapist_ids: Iterable[int], now: datetime) -> list[Appointment]:
    zone = Clinic.objects.current().zone
    visits = _coming(therapist_ids, now).in_order()
    if not visits:
        return []
    first, last = now.astimezone(zone).date(), visits[-1].ends_at.astimezone(zone).date()
    hours = working_time(therapist_ids, first=first, last=last, zone=zone)
    working = {pk: subtract(one.openings, one.away) for pk, one in hours.items()}
    return [visit for visit in visits if not any(span.contains(visit.span) for span in working[visit.therapist_id])]
