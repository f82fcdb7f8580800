"""The week and the day as the desk sees them: one lane per therapist, drawn by the server in quarter hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import get_text_list
from django.views.decorators.http import require_safe

from booking.models import (
    AccessLog,
    Appointment,
    Clinic,
    HeldFor,
    Look,
    State,
    Therapist,
    group_by_therapist,
    working_time,
)
from booking.models.openings import WorkingTime
from booking.time.availability import merge, subtract
from revival.base.clock import ONE_DAY, Span, bounds_of_days, is_in_era
from revival.base.words import clock

QUARTER = 15  # minutes; one row of the drawing
SHOWN = (State.HELD, State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED, State.NO_SHOW)
EARLIEST, LATEST = 8, 18  # o'clock; wider when someone works or comes outside of them
LEAST_GAP = timedelta(minutes=15)
MOST_NARROW = 7  # lanes that can be read beside each other on a tablet held upright


@dataclass(frozen=True)
class Block:
    """One thing in a lane: `row` is its first quarter hour, from 1, and `rows` how many it covers."""

    kind: str  # work, free, visit, turnaround or away
    span: Span
    row: int
    rows: int
    visit: Appointment | None = None
    text: str = ""
    turnaround_ends_at: datetime | None = None

    @property
    def place(self) -> str:
        """The classes that put it there (static/css/calendar_rows.css)."""
        return f"from-{self.row} for-{self.rows}"


@dataclass
class Lane:
    therapist: Therapist
    blocks: list[Block] = field(default_factory=list)

    @property
    def works(self) -> str:
        """9:00 am to 12:00 pm and 1:00 pm to 5:00 pm; empty on a day off."""
        spans = (block.span for block in self.blocks if block.kind == "work")
        return get_text_list([f"{clock(span.start)} to {clock(span.end)}" for span in spans], "and")


@dataclass(frozen=True)
class Day:
    day: date
    is_today: bool
    lanes: list[Lane]


Days = dict[date, Span]
"""The days a drawing shows, in their order: each from its midnight to the next."""


@dataclass(frozen=True)
class Frame:
    """The hours a drawing shows, as o'clock at the clinic."""

    zone: ZoneInfo
    opens: int
    closes: int

    def blocks(self, kind: str, span: Span, days: Days, **facts: Any) -> Iterator[tuple[date, Block]]:
        """Where a span stands in the lanes of the days it touches, by the clock on the wall."""
        day = max(span.start.astimezone(self.zone).date(), min(days))
        while day in days and (whole := days[day]).start < span.end:
            first = 0 if span.start <= whole.start else _minutes(span.start, self.zone)
            last = 24 * 60 if span.end >= whole.end else _minutes(span.end, self.zone)
            top = max(first // QUARTER, self.opens * 4)
            bottom = min(max(-(-last // QUARTER), top + 1), self.closes * 4)
            if top < bottom:
                yield day, Block(kind, span, top - self.opens * 4 + 1, bottom - top, **facts)
            day += ONE_DAY

    @property
    def hours(self) -> list[tuple[int, int]]:
        """Each hour shown, and its row."""
        return [(hour, (hour - self.opens) * 4 + 1) for hour in range(self.opens, self.closes)]


def _minutes(moment: datetime, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """`?from=YYYY-MM-DD`, `view=day` for one day, `therapist=<slug>` for one of them."""
    if not request.user.has_perm("booking.view_appointment"):
        raise PermissionDenied
    clinic, now = get_object_or_404(Clinic), timezone.now()
    today = now.astimezone(clinic.zone).date()
    is_day = request.GET.get("view") == "day"
    day = chosen_day(request.GET.get("from"), today)
    first = day if is_day else day - timedelta(days=day.weekday())
    last = first if is_day else first + timedelta(days=6)
    everyone = list(Therapist.objects.seen_by(request.user))
    shown = [one for one in everyone if request.GET.get("therapist") in (None, "", one.slug)]
    frame, days = draw(shown, Appointment.objects.seen_by(request.user), first, last, now=now, zone=clinic.zone)
    AccessLog.objects.note(request.user, Look.CALENDAR)
    step = ONE_DAY if is_day else timedelta(days=7)
    shown_days = [one for one in days if is_day or one.day.weekday() < 5 or any(lane.blocks for lane in one.lanes)]
    context = {
        **admin.site.each_context(request),
        "title": f"{_title(first, shown_days[-1].day, today)}: calendar",
        "year": "" if last.year == today.year else last.year,
        "days": shown_days,
        "is_narrow": len(shown_days) * len(shown) <= MOST_NARROW,
        "frame": frame,
        "first": first,
        "last": shown_days[-1].day,
        "is_day": is_day,
        "therapists": everyone,
        "therapist": request.GET.get("therapist", ""),
        "earlier": first - step,
        "later": first + step,
        "next_day": today if first <= today <= last else first,
        "today": today,
        "now": now,
        "legend": [(state.value, state.label) for state in SHOWN],
        "clock_row": (_minutes(now, clinic.zone) // QUARTER) - frame.opens * 4 + 1,
    }
    return render(request, "booking/desk/visits/calendar.html", context)


def _title(first: date, last: date, today: date) -> str:
    """November 30 to December 4; with the year where it is another one."""
    words = f"{first:%B} {first.day}" + (f" to {last:%B} {last.day}" if first != last else "")
    return words if last.year == today.year else f"{words}, {last.year}"


def chosen_day(typed: str | None, today: date) -> date:
    """The day in an address; today without one. Raises Http404 for what is no day."""
    try:
        day = date.fromisoformat(typed) if typed else today
    except ValueError as error:
        raise Http404 from error
    if not is_in_era(day):
        raise Http404
    return day


def draw(
    therapists: list[Therapist], visits: Any, first: date, last: date, *, now: datetime, zone: ZoneInfo
) -> tuple[Frame, list[Day]]:
    """Everything from `first` to `last` (clinic-local, both included). Four queries, however much there is."""
    ids = [one.pk for one in therapists]
    reach = bounds_of_days(first, last, zone)
    hours = working_time(ids, first=first, last=last, zone=zone)
    rows = visits.filter(state__in=SHOWN, therapist__in=ids).exclude(state=State.HELD, held_until__lte=now)
    found = list(rows.touching(reach).with_outage().order_by("starts_at"))
    frame = _frame(hours.values(), found, zone)
    every = (first + ONE_DAY * number for number in range((last - first).days + 1))
    days = {day: bounds_of_days(day, day, zone) for day in every}
    visits_of = group_by_therapist(found)
    lanes = [_lanes(frame, days, one, hours[one.pk], visits_of[one.pk], now) for one in therapists]
    today = now.astimezone(zone).date()
    return frame, [Day(day, day == today, [of_one[day] for of_one in lanes]) for day in days]


def _frame(hours: Iterable[WorkingTime], visits: list[Appointment], zone: ZoneInfo) -> Frame:
    """Wide enough for everyone's hours and every visit."""
    spans = [span for one in hours for span in one.openings] + [visit.span for visit in visits]
    opens = min((span.start.astimezone(zone).hour for span in spans), default=EARLIEST)
    closes = max((_closing_hour(span, zone) for span in spans), default=LATEST)
    return Frame(zone, min(EARLIEST, opens), max(LATEST, closes))


def _closing_hour(span: Span, zone: ZoneInfo) -> int:
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    return 24 if end.date() > start.date() else end.hour + (end.minute > 0)


def _lanes(
    frame: Frame, days: Days, therapist: Therapist, hours: WorkingTime, visits: list[Appointment], now: datetime
) -> dict[date, Lane]:
    """One therapist's lane on each day."""
    lanes = {day: Lane(therapist) for day in days}

    def put(kind: str, span: Span, **facts: Any) -> None:
        for day, block in frame.blocks(kind, span, days, **facts):
            lanes[day].blocks.append(block)

    for span in merge(hours.openings):
        put("work", span)
    away = [span for span in hours.away if span.start < span.end]
    for span in away:
        put("away", span, text="Away")
    taken = [Span(reach_of(now), _next_quarter(now))]
    for visit in visits:
        free_from = None if visit.state in ENDED else visit.blocked.upper
        after = Span(visit.ends_at, free_from) if free_from and visit.ends_at < free_from else None
        ends_at = after.end if after else None
        put("visit", visit.span, visit=visit, text=_said_of(visit), turnaround_ends_at=ends_at)
        if free_from:
            taken.append(Span(visit.blocked.lower, free_from))
        if after:
            put("turnaround", after)
    for gap in subtract(subtract(hours.openings, away), taken):
        for piece in _by_the_hour(gap):
            if piece.end - piece.start >= LEAST_GAP:
                put("free", piece)
    for lane in lanes.values():
        lane.blocks.sort(key=lambda block: (block.kind != "work", block.span.start))  # all others lie upon the hours
    return lanes


def _by_the_hour(gap: Span) -> Iterator[Span]:
    """Free time cut at full hours, so that each piece leads to its own start. Zones a quarter off have theirs."""
    start = gap.start
    while start < gap.end:
        full_hour = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        yield Span(start, min(full_hour, gap.end))
        start = full_hour


ENDED = (State.COMPLETED, State.NO_SHOW)


def _next_quarter(now: datetime) -> datetime:
    return now + (datetime.min.replace(tzinfo=now.tzinfo) - now) % timedelta(minutes=QUARTER)


def reach_of(now: datetime) -> datetime:
    """Long before: what has gone by is not free."""
    return now - timedelta(days=400)


HELD_WORDS: dict[str, str] = {
    HeldFor.PATIENT: "Being booked online",
    HeldFor.OFFER: "Offered to the waiting list",
    HeldFor.ALTERNATIVE: "Kept for a patient whose therapist is out",
}


def _said_of(visit: Appointment) -> str:
    if visit.state == State.HELD:
        return HELD_WORDS[visit.held_for]
    name = visit.name or "No longer known"
    return f"{name}, therapist is out" if visit.is_out else name  # type: ignore[attr-defined]  # by with_outage
