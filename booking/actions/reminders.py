"""Reminders: to patients before their visit, to staff before a request expires.

Reminders are found, not scheduled: each minute a task asks which confirmed visits begin within 24 or 2 elapsed hours
and have no such message for their present time; a unique constraint allows one. So a visit that moves takes its
reminders along. The alternative weighed on 2026-11-24 was a job for each reminder, which every move and cancellation
would have to find and replace.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.utils import timezone

from booking.mail import queue
from booking.models import REMINDERS, Appointment, Kind, Message
from booking.models.appointment_queries import AppointmentQuerySet

from .refusals import StateChangedError, action


def visits_to_remind(kind: Kind) -> AppointmentQuerySet:
    """Visits whose reminder of this kind is due and was not written yet for their present time."""
    ahead, until = REMINDERS[kind]
    written = Message.objects.filter(appointment=OuterRef("pk"), kind=kind, starts_at=OuterRef("starts_at"))
    return Appointment.objects.to_be_reminded(timezone.now(), ahead=ahead, until=until).exclude(Exists(written))


@action
def remind_patient(*, appointment: Appointment, kind: Kind) -> Message:
    """Write one reminder for a confirmed visit, once for each time it has had.

    Raises StateChangedError when it was written, or the visit was moved or ended, meanwhile.
    """
    visit = Appointment.objects.select_for_update().get(pk=appointment.pk)
    if not visits_to_remind(kind).filter(pk=visit.pk).exists():
        raise StateChangedError
    return queue.queue_message(kind, visit)


@action
def remind_staff(*, appointment: Appointment) -> Message:
    """Remind staff of a request that has no answer when half of the time for it is over. Raises StateChangedError."""
    now = timezone.now()
    visit = Appointment.objects.select_for_update().get(pk=appointment.pk)
    if not Appointment.objects.staff_to_be_reminded(now).filter(pk=visit.pk).exists():
        raise StateChangedError
    visit.remind_staff_at = None
    visit.save(update_fields=["remind_staff_at"])
    return queue.queue_message(Kind.STAFF_REMINDER, visit)
