"""The clinic's calendar as it is in the database: its opening hours, and when it is closed all the same."""

from __future__ import annotations

from booking.time.availability import WeeklyHours
from booking.time.clinic_calendar import USUAL_WEEK, ClinicCalendar
from revival.base.clock import ONE_DAY, Span, bounds_of_days

from .clinic import Clinic
from .hours import Absence, Shift


def clinic_calendar(clinic: Clinic, span: Span) -> ClinicCalendar:
    """When the clinic is open on the days of `span`. At most two queries.

    Without opening hours of its own it is open when a therapist works by their weekly hours, and without those in the
    usual week.
    """
    first, last = (moment.astimezone(clinic.zone).date() for moment in span)
    weekly = tuple(WeeklyHours(shift.weekday, shift.opens, shift.closes) for shift in clinic.week)
    if not weekly:
        # Each hours once: many therapists work the same, and the calendar looks at all of them for each day.
        shifts = Shift.objects.in_force().holding_between(first, last).order_by()
        rows = shifts.values_list(*WeeklyHours._fields).distinct()
        weekly = tuple(WeeklyHours(*row) for row in rows) or USUAL_WEEK
    # Two days more for `ClinicCalendar.open_until`, which looks past the end of today.
    days = bounds_of_days(first, last + 2 * ONE_DAY, clinic.zone)
    closed = tuple(absence.span for absence in Absence.objects.closing_the_clinic().touching(days))
    return ClinicCalendar(weekly, closed, clinic.zone)
