"""The change log: triggers write down that a row changed, whoever changed it and however.

A trigger on each table adds a row to a table of changes, so that bulk updates, raw SQL and admin
actions are in it. It keeps states and times; of a person only the fact that something changed,
since any difference between the old and the new row counts while no personal column is copied.
"""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models

from .appointments import Appointment
from .contact import ContactRequest
from .hours import Absence, Override, Shift
from .messages import Message
from .outages import AffectedVisit, Outage, OutageContact
from .safety import Caution, UrgentHelp
from .series import Series
from .therapists import Clinic, Service, Therapist
from .waitlist import WaitlistEntry

ANYTHING = "OLD.* IS DISTINCT FROM NEW.*"
"""Unlike pghistory's own condition, also columns that are not copied."""


def changes_of(tracked: type[models.Model], *columns: str, app: str, when: str = ANYTHING) -> Any:
    """The table of changes of `tracked`, keeping `columns` of each new (or deleted) row.

    Who and where travel as JSON in the row itself: a table of contexts would have to be updated, and
    nothing here ever is. No column is a constraint, as the log outlives what it tells of.
    """
    return pghistory.create_event_model(
        tracked,
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(condition=pgtrigger.Condition(when)),
        pghistory.DeleteEvent(),
        fields=list(columns),
        obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+"),
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,  # type: ignore[arg-type]  # documented, but not in its types
        model_name=f"{tracked.__name__}Change",
        app_label=app,
        meta={"indexes": [models.Index(fields=["pgh_created_at"])], "default_permissions": ()},
        abstract=False,
    )


TRACKED: dict[type[models.Model], tuple[str, ...]] = {
    Appointment: (
        *("state", "therapist", "service", "series", "starts_at", "ends_at", "held_until", "held_for"),
        *("is_override", "override_by", "link_version", "calendar_sequence", "anonymised_at"),
    ),
    Series: ("therapist", "service", "starts"),
    WaitlistEntry: ("state", "therapist", "service", "visit", "first_day", "last_day"),
    ContactRequest: ("state", "therapist", "taken_up_by"),
    Message: ("kind", "delivery", "attempts"),
    Shift: ("therapist", "weekday", "opens", "closes", "valid_from", "valid_until"),
    Override: ("therapist", "day", "opens", "closes"),
    Absence: ("therapist", "starts_at", "ends_at"),
    Outage: ("therapist", "starts_at", "ends_at", "answer_by", "state"),
    OutageContact: ("outage", "link_version"),
    AffectedVisit: ("outage", "visit", "state", "why", "therapist", "starts_at", "until", "reached_by", "settled_by"),
    Therapist: ("slug", "is_taking_patients", "account"),
    Service: ("slug", "minutes", "turnaround_minutes", "notice_hours", "needs_confirmation", "is_active"),
    Clinic: ("name", "phone", "time_zone"),
    Caution: ("slug", "approved_on"),
    UrgentHelp: ("approved_on",),
}

CHANGES = {tracked: changes_of(tracked, *columns, app="booking") for tracked, columns in TRACKED.items()}
"""Tracked table to its table of changes."""
