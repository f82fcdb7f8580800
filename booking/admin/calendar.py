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
from django.views.decorators.http import require_safe

from booking.availability import ONE_DAY, Span, bounds_of_days, merge, subtract
from booking.models import AccessLog, Appointment, Clinic, HeldFor, Look, State, Therapist, working_time
from booking.models.openings import WorkingTime

QUARTER = 15  # minutes; one row of the drawing
SHOWN = (State.HELD, State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED, State.NO_SHOW)
EARLIEST, LATEST = 8, 18  # o'clock; wider when someone works or comes outside of them
LEAST_GAP = timedelta(minutes=15)


@dataclass(frozen=True)
class Block:
    """One thing in a lane: `row` is its first quarter hour, from 1, and `rows` how many it covers."""

    kind: str  # work, free, visit, turnaround or away
    span: Span
    row: int
    rows: int
    visit: Appointment | None = None
    text: str = ""


@dataclass
class Lane:
    therapist: Therapist
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Day:
    day: date
    is_today: bool
    lanes: list[Lane]


@dataclass(frozen=True)
class Frame:
    """The hours a drawing shows, as o'clock at the clinic."""

    zone: ZoneInfo
    opens: int
    closes: int

    def block(self, kind: str, span: Span, day: date, **facts: Any) -> Block | None:
        """Where a span stands in the lane of one day, by the clock on the wall; None when it is on another."""
        whole = bounds_of_days(day, day, self.zone)
        if not span.overlaps(whole):
            return None
        first = 0 if span.start <= whole.start else _minutes(span.start, self.zone)
        last = 24 * 60 if span.end >= whole.end else _minutes(span.end, self.zone)
        top = max(first // QUARTER, self.opens * 4)
        bottom = min(max(-(-last // QUARTER), top + 1), self.closes * 4)
        if bottom <= top:
            return None
        return Block(kind, span, top - self.opens * 4 + 1, bottom - top, **facts)

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
        "title": "Calendar",
        "days": shown_days,
        "frame": frame,
        "first": first,
        "last": shown_days[-1].day,
        "is_day": is_day,
        "therapists": everyone,
        "therapist": request.GET.get("therapist", ""),
        "earlier": first - step,
        "later": first + step,
        "today": today,
        "now": now,
        "legend": [(state.value, state.label) for state in SHOWN],
        "clock_row": (_minutes(now, clinic.zone) // QUARTER) - frame.opens * 4 + 1,
    }
    return render(request, "admin/booking/calendar.html", context)


def chosen_day(typed: str | None, today: date) -> date:
    """The day in an address; today without one. Raises Http404 for what is no day."""
    try:
        day = date.fromisoformat(typed) if typed else today
    except ValueError as error:
        raise Http404 from error
    if not 2000 < day.year < 2900:
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
    found = list(rows.touching(reach).with_outage().select_related("therapist", "service").order_by("starts_at"))
    frame = _frame(hours.values(), found, zone)
    today = now.astimezone(zone).date()
    return frame, [
        Day(day, day == today, [_lane(frame, day, one, hours[one.pk], found, now) for one in therapists])
        for day in (first + ONE_DAY * number for number in range((last - first).days + 1))
    ]


def _frame(hours: Iterable[WorkingTime], visits: list[Appointment], zone: ZoneInfo) -> Frame:
    """Wide enough for everyone's hours and every visit."""
    spans = [span for one in hours for span in one.openings] + [visit.span for visit in visits]
    opens = min((span.start.astimezone(zone).hour for span in spans), default=EARLIEST)
    closes = max((_closing_hour(span, zone) for span in spans), default=LATEST)
    return Frame(zone, min(EARLIEST, opens), max(LATEST, closes))


def _closing_hour(span: Span, zone: ZoneInfo) -> int:
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    return 24 if end.date() > start.date() else end.hour + (end.minute > 0)


def _lane(
    frame: Frame, day: date, therapist: Therapist, hours: WorkingTime, visits: list[Appointment], now: datetime
) -> Lane:
    mine = [visit for visit in visits if visit.therapist_id == therapist.pk]
    away = [span for span in hours.away if span.start < span.end]
    taken = [Span(visit.blocked.lower, visit.blocked.upper) for visit in mine if visit.state not in ENDED]
    free = subtract(subtract(hours.openings, away), [*taken, Span(reach_of(now), _next_quarter(now))])
    blocks = [frame.block("work", span, day) for span in merge(hours.openings)]
    blocks += [frame.block("away", span, day, text="Away") for span in away]
    for visit in mine:
        blocks.append(frame.block("visit", visit.span, day, visit=visit, text=_said_of(visit)))
        rest = Span(visit.ends_at, visit.blocked.upper)
        if visit.state not in ENDED and rest.start < rest.end:
            blocks.append(frame.block("turnaround", rest, day))
    hourly = [piece for gap in free for piece in _by_the_hour(gap)]
    blocks += [frame.block("free", piece, day) for piece in hourly if piece.end - piece.start >= LEAST_GAP]
    placed = [block for block in blocks if block is not None]
    return Lane(therapist, sorted(placed, key=lambda block: (block.kind != "work", block.span.start)))


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
