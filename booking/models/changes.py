"""Tables of the booking half in the change log, and the columns it keeps of each."""

from __future__ import annotations

from django.db import models

from revival.base.change_log import create_change_model

from .affected_visits import AffectedVisit, OutageContact
from .appointments import Appointment
from .clinic import Clinic, OpeningHours
from .contact import ContactRequest
from .email_changes import EmailChange
from .hours import Absence, Override, Shift
from .messages import Message
from .outages import Outage
from .recurring import RecurringAbsence
from .safety import Caution, UrgentHelp
from .series import Series
from .therapists import Service, Therapist
from .waitlist import WaitlistEntry

TRACKED: dict[type[models.Model], tuple[str, ...]] = {
    Appointment: (
        *("state", "therapist", "service", "series", "starts_at", "ends_at", "held_until", "held_for"),
        *("is_override", "override_by", "link_version", "calendar_sequence", "anonymised_at"),
    ),
    Series: ("therapist", "service", "starts"),
    WaitlistEntry: ("state", "therapist", "service", "visit", "first_day", "last_day"),
    ContactRequest: ("state", "therapist", "taken_up_by"),
    EmailChange: ("visit", "link_version", "settled_at"),
    Message: ("kind", "delivery", "attempts"),
    Shift: (
        *("therapist", "weekday", "opens", "closes", "valid_from", "valid_until"),
        *("every_weeks", "counts_from"),
    ),
    Override: ("therapist", "day", "opens", "closes"),
    Absence: ("therapist", "starts_at", "ends_at", "recurring"),
    RecurringAbsence: ("therapist", "weekdays", "begins", "ends", "first_day", "last_day", "left_out"),
    Outage: ("therapist", "starts_at", "ends_at", "answer_by", "state"),
    OutageContact: ("outage", "link_version"),
    AffectedVisit: ("outage", "visit", "state", "why", "therapist", "starts_at", "until", "reached_by", "settled_by"),
    Therapist: ("slug", "is_taking_patients", "account"),
    Service: ("slug", "minutes", "turnaround_minutes", "notice_hours", "needs_confirmation", "is_active"),
    Clinic: ("name", "phone", "time_zone"),
    OpeningHours: ("weekday", "opens", "closes"),
    Caution: ("slug", "approved_on"),
    UrgentHelp: ("approved_on",),
}

CHANGES = {tracked: create_change_model(tracked, *columns, app="booking") for tracked, columns in TRACKED.items()}
"""Tracked table to its table of changes."""
