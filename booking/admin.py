"""Registers the admin pages of the booking half, where Django looks for them."""

from booking.desk import clinic, messages, safety, therapists, waiting
from booking.desk.hours import admin as hours
from booking.desk.people import access_log
from booking.desk.visits import admin as visits

__all__ = ["access_log", "clinic", "hours", "messages", "safety", "therapists", "visits", "waiting"]
