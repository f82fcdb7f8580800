"""Day sheets, for when the site cannot be reached: times, therapists, first names and phones, nothing clinical."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from booking.mail import compose, queue
from booking.models import AccessLog, Appointment, Clinic, DaySheet, Edition, Look, State, Therapist, group_by_therapist
from revival.base.clock import bounds_of_days
from revival.base.mail import deliver, try_once

EXPECTED = (State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED)


def visits_by_therapist(
    day: date, *, clinic: Clinic, therapists: QuerySet[Therapist], visits: QuerySet[Appointment]
) -> list[tuple[Therapist, list[Appointment]]]:
    """Each therapist with the visits expected on a clinic-local day, of those given. Two queries."""
    bounds = bounds_of_days(day, day, clinic.zone)
    due = visits.filter(state__in=EXPECTED, starts_at__gte=bounds.start, starts_at__lt=bounds.end)
    visits_of = group_by_therapist(due.order_by("starts_at"))
    return [(therapist, visits_of[therapist.pk]) for therapist in therapists]


def write_day_sheets() -> list[DaySheet]:
    """Write the sheets that are due to be sent, each with its job in one transaction; none while that is turned off."""
    clinic, now = Clinic.objects.first(), timezone.now()
    if clinic is None or not clinic.mails_day_sheet:
        return []
    today = now.astimezone(clinic.zone).date()
    sheets = [
        DaySheet(day=today + timedelta(days=1), edition=Edition.EVENING),
        DaySheet(day=today, edition=Edition.MORNING),
    ]
    due = [sheet for sheet in sheets if sheet.leaves_at(clinic.zone) <= now and sheet.is_of_use(now, clinic.zone)]
    return [row for sheet in due if (row := _write(sheet, clinic))]


def _write(sheet: DaySheet, clinic: Clinic) -> DaySheet | None:
    with transaction.atomic():
        row, is_new = DaySheet.objects.get_or_create(
            day=sheet.day, edition=sheet.edition, defaults={"recipient": clinic.notices_to}
        )
        if is_new:
            queue.queue_day_sheet(row)
    return row if is_new else None


def deliver_day_sheet(*, day_sheet_id: int) -> None:
    """Send one and write down what became of it; see `deliver`. The access log says that it left."""
    deliver(DaySheet.objects.all(), day_sheet_id, _hand_over)


def _hand_over(sheet: DaySheet) -> bool:
    clinic, now = Clinic.objects.current(), timezone.now()
    if not clinic.mails_day_sheet or not sheet.is_of_use(now, clinic.zone):
        sheet.delivery = DaySheet.Delivery.OVERTAKEN
        return True
    sheet.recipient = clinic.notices_to  # as it is now, not when the sheet was written
    AccessLog.objects.note(None, Look.DAY_SHEET, reason="Sent by e-mail")
    return try_once(sheet, lambda: compose.compose_day_sheet(sheet, clinic, _lists(sheet.day, clinic), now))


def _lists(day: date, clinic: Clinic) -> list[tuple[Therapist, list[Appointment]]]:
    return visits_by_therapist(day, clinic=clinic, therapists=Therapist.objects.all(), visits=Appointment.objects.all())
