"""The list of outages, and the board of one: which of its patients have answered, and whom to phone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import AffectedVisit, Appointment, Bucket, Delivery, Look, Outage
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser

from .access import can_act, get_outage, note_look, require_permissions

MOST_PAST = 20
EMPTY_BOXES = {
    Bucket.TO_PHONE: "Nobody is left to call.",
    Bucket.WAITING: "No answer is outstanding.",
    Bucket.ANSWERED: "Nobody has answered yet.",
}
"""What an empty box says; one without words is left out."""


@dataclass
class OutageSummary:
    """One outage with the number of its visits in each box of the board."""

    outage: Outage
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_withdrawn(self) -> bool:
        return self.outage.state == Outage.State.WITHDRAWN

    @property
    def in_words(self) -> list[tuple[str, str, int]]:
        return [(bucket.value, str(bucket.label), self.counts[bucket.value]) for bucket in Bucket]


def summaries(outages: Iterable[Outage], now: datetime) -> list[OutageSummary]:
    """Two queries, however many outages and visits."""
    by_id = {outage.pk: OutageSummary(outage) for outage in outages}
    lines = AffectedVisit.objects.filter(outage__in=by_id).select_related("hold").with_delivery()
    for line in lines:
        by_id[line.outage_id].counts[line.bucket(now).value] += 1
    return list(by_id.values())


def open_outages(user: StaffUser, now: datetime) -> list[OutageSummary]:
    """For the desk's first page."""
    return summaries(Outage.objects.seen_by(user).to_do(now).select_related("therapist"), now)


@require_safe
def outage_list(request: StaffRequest) -> HttpResponse:
    """List of outages in progress, then of the latest settled ones; no patient is named.

    With `?start` and none in progress, it redirects to the form that starts one.
    """
    require_permissions(request)
    now = timezone.now()
    rows = Outage.objects.seen_by(request.user).select_related("therapist")
    in_hand = list(rows.to_do(now))
    if "start" in request.GET and not in_hand and can_act(request.user):
        return redirect("admin:start_outage")
    past = rows.exclude(pk__in=[outage.pk for outage in in_hand])[:MOST_PAST]
    context = {
        **admin.site.each_context(request),
        "title": "Therapists who are out",
        "in_hand": summaries(in_hand, now),
        "past": summaries(past, now),
        "may_act": can_act(request.user),
    }
    return render(request, "booking/desk/outages/list.html", context)


@dataclass(frozen=True)
class BoardLine:
    """One visit on the board. `is_theirs` is false once it is a colleague's: then a therapist sees no name."""

    line: AffectedVisit
    is_theirs: bool
    is_held: bool
    why_to_phone: str


@dataclass(frozen=True)
class Box:
    """A part of the board: the visits to phone about, waiting for an answer, answered, or as planned."""

    bucket: Bucket
    lines: list[BoardLine]

    @property
    def is_to_phone(self) -> bool:
        return self.bucket == Bucket.TO_PHONE

    @property
    def is_waiting(self) -> bool:
        return self.bucket == Bucket.WAITING

    @property
    def empty(self) -> str:
        return EMPTY_BOXES.get(self.bucket, "")


@require_safe
def outage_board(request: StaffRequest, pk: int) -> HttpResponse:
    require_permissions(request)
    outage, now = get_outage(request, pk), timezone.now()
    note_look(request, Look.OPENED, outage.pk)
    context = {
        **admin.site.each_context(request),
        "title": f"{isolate(outage.therapist.short_name)} is out",
        "outage": outage,
        "is_withdrawn": outage.state == Outage.State.WITHDRAWN,
        "boxes": _boxes(outage, request.user, now),
        "may_act": can_act(request.user),
        "is_over": outage.is_over(now),
        "now": now,
    }
    return render(request, "booking/desk/outages/board.html", context)


def _boxes(outage: Outage, user: StaffUser, now: datetime) -> list[Box]:
    own = set(Appointment.objects.seen_by(user).filter(affected__outage=outage).values_list("pk", flat=True))
    boxes = {bucket: Box(bucket, []) for bucket in Bucket}
    for line in outage.visits.with_delivery().in_order():
        board_line = BoardLine(line, line.visit_id in own, line.is_held(now), _why_to_phone(line))
        boxes[line.bucket(now)].lines.append(board_line)
    return list(boxes.values())


def _why_to_phone(line: AffectedVisit) -> str:
    """Why staff have to phone about a visit that is not settled."""
    if line.state != AffectedVisit.State.WAITING:
        return line.get_why_display()
    delivery: str | None = line.delivery  # type: ignore[attr-defined]  # by with_delivery
    if delivery == Delivery.PHONED:
        return "Told by phone"
    if delivery in (None, Delivery.QUEUED, Delivery.SENT):
        return "Their time to answer is over"
    return f"Their e-mail: {Delivery(delivery).label.lower()}"
