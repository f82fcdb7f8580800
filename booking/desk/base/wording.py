"""Sentences that several rooms of the desk share: moments, holds, numbers of visits, how a patient is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from booking.models import Appointment, HeldFor, Therapist
from revival.base.bidi import isolate
from revival.base.words import clock, day_words

HOLD_WORDS: dict[str, str] = {
    HeldFor.PATIENT: "Being booked online",
    HeldFor.OFFER: "Offered to the waiting list",
    HeldFor.ALTERNATIVE: "Kept for a patient whose therapist is out",
}
BOOKED_THEN = "Something is already booked then."
NOT_FREE = "That time is no longer among the free times."


def moment_words(moment: datetime) -> str:
    """Monday, December 7, 9:15 am"""
    return f"{day_words(moment)}, {clock(moment)}"


def time_with(therapist: Therapist, starts_at: datetime) -> str:
    """Monday, December 7, 9:15 am with Dr. Stanley"""
    return f"{moment_words(starts_at)} with {isolate(therapist.short_name)}"


def links_to(visits: Iterable[Appointment]) -> SafeString:
    """Monday, December 7, 9:15 am with Dr. Stanley; …, each linked to its page."""
    page = "admin:booking_appointment_change"
    links = [(reverse(page, args=[visit.pk]), time_with(visit.therapist, visit.starts_at)) for visit in visits]
    return format_html_join("; ", '<a href="{}">{}</a>', links)


def count_visits(number: int, verb: str = "", verb_of_many: str = "") -> str:
    """`1 visit` or `3 visits`, with the verb that agrees: `count_visits(3, "is", "are")` gives `3 visits are`."""
    words = f"1 visit {verb}" if number == 1 else f"{number} visits {verb_of_many}"
    return words.rstrip()


def told_or_to_phone(email: str) -> str:
    """How a patient who was not on the phone learns of a change: by e-mail, else staff phone them."""
    if email:
        return "The patient is told by e-mail."
    return "They have no e-mail address: please phone them. The message waits for you under Undelivered messages."


def told_by_email_or_phone(email: str) -> str:
    """How a patient who is on the phone right now is told: by e-mail, too, if they have an address."""
    if email:
        return "The patient is told by e-mail."
    return "They have no e-mail address, so no e-mail is sent."
