"""The desk's pages for the booking half, one module per noun."""

from . import appointments, hours, logs, messages, safety, therapists, waiting

__all__ = ["appointments", "hours", "logs", "messages", "safety", "therapists", "waiting"]
