"""The desk's pages for the booking half, one module per noun."""

from . import appointments, hours, messages, safety, therapists

__all__ = ["appointments", "hours", "messages", "safety", "therapists"]
