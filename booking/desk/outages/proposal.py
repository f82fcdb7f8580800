"""The preview's rows: each affected visit with the times that can be held for it, and what staff chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.utils import timezone

from booking import actions
from booking.desk.base.changed import visit_words
from booking.desk.base.wording import time_with
from booking.fields import PlaceField
from booking.models import AffectedVisit, Alternative, Appointment, FirstChoice, Proposal, Therapist, propose
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser

from .access import therapists_to_offer

MOST_PROPOSALS = 150  # a page with more choices than that is no use; further visits are phoned


def place_value(therapist: Therapist, starts_at: datetime) -> str:
    """A therapist and a start as one form value, which `PlaceField` reads."""
    return f"{therapist.slug} {timezone.localtime(starts_at).isoformat(timespec='minutes')}"


@dataclass
class ProposalRow:
    """One visit of the preview. `why` says why the patient must be phoned, `chosen` is the value of the held time."""

    proposal: Proposal
    why: str
    chosen: str
    by_phone: bool
    is_gone: bool = False
    shown: str | None = None
    """What the page showed of the visit, in words, when it is no longer so."""

    @property
    def visit(self) -> Appointment:
        return self.proposal.visit

    @property
    def why_words(self) -> str:
        return str(AffectedVisit.Why(self.why).label) if self.why else ""

    @property
    def options(self) -> list[tuple[str, str]]:
        """The best time first, the others in order of time."""
        best = self.proposal.best
        others = sorted(self.proposal.others, key=lambda other: other.starts_at)
        times = [best, *others] if best else others
        return [
            (place_value(time.therapist, time.starts_at), time_with(time.therapist, time.starts_at)) for time in times
        ]

    def restore(self, plan: actions.OutagePlan) -> None:
        """Show what staff chose before the page was refused; a time that is gone is not chosen again."""
        if plan.therapist and plan.starts_at and not self.is_gone:
            self.chosen = place_value(plan.therapist, plan.starts_at)
            if self.chosen not in dict(self.options):
                self.proposal.others.insert(0, Alternative(plan.therapist, plan.starts_at))
        elif not self.is_gone:
            self.chosen = ""
        self.by_phone = plan.by_phone or bool(self.why)


def proposal_rows(
    user: StaffUser, therapist: Therapist, span: Span, first: FirstChoice, now: datetime, zone: ZoneInfo
) -> list[ProposalRow]:
    visits = actions.affected_by(therapist, span, now)
    among = therapists_to_offer(user)
    proposals = propose(visits[:MOST_PROPOSALS], out=span, first=first, among=among, now=now, zone=zone)
    proposals += [Proposal(visit) for visit in visits[MOST_PROPOSALS:]]
    return [_row(proposal, now) for proposal in proposals]


def _row(proposal: Proposal, now: datetime) -> ProposalRow:
    best = place_value(proposal.best.therapist, proposal.best.starts_at) if proposal.best else ""
    why = actions.why_by_phone(proposal.visit, now)
    return ProposalRow(proposal, why, best, by_phone=bool(why) or not best)


def restore_choices(rows: list[ProposalRow], plans: Mapping[int, actions.OutagePlan], gone: set[int]) -> None:
    """Put what staff chose back into the rows. `gone` are the ids of visits whose chosen time was taken."""
    for row in rows:
        row.is_gone = row.visit.pk in gone
        if plan := plans.get(row.visit.pk):
            row.restore(plan)
            row.shown = visit_words(plan.seen) if plan.seen != row.visit.version else None


def plans_of(request: StaffRequest) -> dict[int, actions.OutagePlan]:
    """What staff chose, by visit id, from the fields `time-<id>`, `phone-<id>` and `version-<id>`.

    Raises SuspiciousOperation for what our page never writes.
    """
    among = therapists_to_offer(request.user)
    by_slug = {therapist.slug: therapist for therapist in (Therapist.objects.all() if among is None else among)}
    plans = {}
    for name, value in request.POST.items():
        number = name.removeprefix("time-")
        if number == name:
            continue
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise SuspiciousOperation("not a visit")
        therapist, start = _place(str(value), by_slug)
        seen, by_phone = request.POST.get(f"version-{number}", ""), f"phone-{number}" in request.POST
        plans[int(number)] = actions.OutagePlan(seen, therapist, start, by_phone=by_phone)
    return plans


def _place(value: str, by_slug: Mapping[str, Therapist]) -> tuple[Therapist | None, datetime | None]:
    try:
        slug, start = PlaceField(required=False).clean(value) or ("", None)
    except ValidationError as error:
        raise SuspiciousOperation("not a time") from error
    if slug and slug not in by_slug:
        raise SuspiciousOperation("not a therapist")
    return by_slug.get(slug), start
