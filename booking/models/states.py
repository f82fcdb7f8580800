"""States of an appointment, and for whom a time is held."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    HELD = "held", "Held"
    REQUESTED = "requested", "Requested"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    ARRIVED = "arrived", "Arrived"
    COMPLETED = "completed", "Completed"
    NO_SHOW = "no-show", "No-show"


OCCUPYING = (State.HELD, State.REQUESTED, State.CONFIRMED, State.ARRIVED)
"""States whose rows keep others out of their time."""

COMING = (State.REQUESTED, State.CONFIRMED)
"""States of a visit that is asked for or agreed, and has not taken place."""


class HeldFor(models.TextChoices):
    PATIENT = "patient", "A patient who is typing"
    OFFER = "offer", "A waiting-list offer"
    ALTERNATIVE = "alternative", "Another time offered by staff"
