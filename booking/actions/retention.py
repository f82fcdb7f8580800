"""Retention: delete and anonymize as early as the privacy page says."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from booking.models import (
    TO_STAFF,
    Appointment,
    ContactRequest,
    Delivery,
    EmailChange,
    FreedTime,
    LostLink,
    Message,
    Outage,
    OutageContact,
    WaitlistEntry,
)

from .refusals import action

LONGEST_LOST = timedelta(days=3)  # longer than the worker tries to send the links
MOST_FORGOTTEN_AT_ONCE = 1000
FORGOTTEN = "forgotten@invalid"


@action
def forget_past_visits() -> int:
    """Keep notes until the visit's end, and the person in it for BOOKING_KEEP_DAYS after it.

    Waiting-list entries and contact requests go, whole, so many days after they ended; a request that
    nobody ever finished goes BOOKING_KEEP_UNANSWERED_DAYS after it was made.

    Returns how many visits were anonymized.
    """
    now = timezone.now()
    since = now - timedelta(days=settings.BOOKING_KEEP_DAYS)
    Appointment.objects.filter(ends_at__lte=now).exclude(note="", cancel_reason="").update(note="", cancel_reason="")
    WaitlistEntry.objects.filter(ended_at__lte=since).delete()  # with their offers and messages
    ContactRequest.objects.filter(ended_at__lte=since).delete()
    never_answered = now - timedelta(days=settings.BOOKING_KEEP_UNANSWERED_DAYS)
    ContactRequest.objects.filter(ended_at__isnull=True, created_at__lte=never_answered).delete()
    EmailChange.objects.over(now).delete()
    LostLink.objects.filter(created_at__lte=now - LONGEST_LOST).delete()
    FreedTime.objects.filter(ends_at__lte=now).delete()
    Outage.objects.filter(ends_at__lte=since).delete()  # with their lines and messages; the visits stay
    old = Appointment.objects.filter(ends_at__lte=since, anonymised_at__isnull=True)
    rows = list(old.select_for_update()[:MOST_FORGOTTEN_AT_ONCE])
    for visit in rows:
        visit.forget_patient(now)
        visit.save()
    alone = OutageContact.objects.of_visits(rows).exclude(visits__visit__anonymised_at__isnull=True)
    Message.objects.filter(outage_contact__in=alone).exclude(recipient="").update(recipient=FORGOTTEN)
    undelivered = Message.objects.filter(appointment__in=rows).exclude(delivery__in=(Delivery.SENT, Delivery.PHONED))
    undelivered.update(delivery=Delivery.OVERTAKEN)  # nobody is left to be told
    Message.objects.filter(appointment__in=rows).exclude(recipient="").exclude(kind__in=TO_STAFF).update(
        recipient=FORGOTTEN
    )
    return len(rows)
