"""Keep no longer than the privacy page says."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from booking.models import Appointment, Kind, Message

from .refusals import action

MOST_FORGOTTEN_AT_ONCE = 1000
FORGOTTEN = "forgotten@invalid"


@action
def forget_past_visits() -> int:
    """Keep no longer than we say: notes until the visit's end, the person for BOOKING_KEEP_DAYS after it.

    Returns how many visits were anonymised.
    """
    now = timezone.now()
    Appointment.objects.filter(ends_at__lte=now).exclude(note="").update(note="")
    old = Appointment.objects.filter(
        ends_at__lte=now - timedelta(days=settings.BOOKING_KEEP_DAYS), anonymised_at__isnull=True
    )
    rows = list(old.select_for_update()[:MOST_FORGOTTEN_AT_ONCE])
    for visit in rows:
        visit.forget_patient(now)
        visit.save()
    Message.objects.filter(appointment__in=rows).exclude(recipient="").exclude(kind=Kind.STAFF_NOTICE).update(
        recipient=FORGOTTEN
    )
    return len(rows)
