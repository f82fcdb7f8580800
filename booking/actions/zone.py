"""Visits whose hour changed since it was agreed, because the rules of the clinic's time zone did."""

from __future__ import annotations

import logging

from django.utils import timezone

from booking.models import Appointment, Clinic

log = logging.getLogger(__name__)


def check_zone() -> list[Appointment]:
    """Coming visits whose wall-clock time is not the one that was agreed; logs how many. Staff decide what to do."""
    visits: list[Appointment] = Appointment.objects.at_another_hour(
        timezone.now(), Clinic.objects.current().zone
    ).in_order()
    if visits:
        log.warning("%s visits are at another hour than was agreed", len(visits))
    return visits
