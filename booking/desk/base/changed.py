"""What staff are told when a row is no longer as their page showed it."""

from __future__ import annotations

from dataclasses import dataclass

from booking.models import Service, State, Therapist
from booking.models.versions import VisitVersion
from revival.base.bidi import isolate
from revival.base.words import clock

from .wording import moment_words


@dataclass(frozen=True)
class Changed:
    """Context of `booking/desk/base/_changed.html`: what the page showed, what is so now, and whether to offer it anew.

    `seen` is empty when the page sent nothing we know.
    """

    seen: str
    now: str
    is_still_possible: bool


def visit_words(version: str) -> str:
    """Confirmed, Monday, December 7, 9:15 am to 10:00 am, Consultation with Dr. Stanley; empty for anything else."""
    visit = VisitVersion.last_in(version)
    if visit is None or visit.state not in State.values:
        return ""
    therapist = Therapist.objects.filter(pk=visit.therapist).first()
    service = Service.objects.filter(pk=visit.service).first()
    if therapist is None or service is None:
        return ""
    times = f"{moment_words(visit.starts_at)} to {clock(visit.ends_at)}"
    return f"{State(visit.state).label}, {times}, {isolate(service.name)} with {isolate(therapist.short_name)}"
