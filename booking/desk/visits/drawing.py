"""Drawing of the calendar: one lane per therapist and day, in rows of a quarter hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.text import get_text_list

from booking.desk.base.wording import HOLD_WORDS
from booking.models import Appointment, State, Therapist, group_by_therapist, working_time
from booking.models.appointments import AppointmentQuerySet
from booking.models.openings import WorkingTime
from booking.time.availability import merge, subtract
from revival.base.bidi import bdi
from revival.base.clock import ONE_DAY, Span, bounds_of_days
from revival.base.words import clock

QUARTER = 15  # minutes; one row of the drawing
SHOWN = (State.HELD, State.REQUESTED, State.CONFIRMED, State.ARRIVED, State.COMPLETED, State.NO_SHOW)
ENDED = (State.COMPLETED, State.NO_SHOW)
EARLIEST, LATEST = 8, 18  # o'clock; wider when someone works or comes outside of them
LEAST_GAP = timedelta(minutes=QUARTER + 1)
"""Shorter free time may be drawn in one row, and a link of one row is too small to press (WCAG 2.2, 2.5.8)."""
PAST = timedelta(days=400)  # so far back, time that has gone by is not drawn as free


@dataclass(frozen=True)
class Block:
    """One thing in a lane: `row` is its first quarter hour, from 1, and `rows` how many it covers."""

    kind: str  # work, free, visit, turnaround or away
    span: Span
    row: int
    rows: int
    visit: Appointment | None = None

    @property
    def classes(self) -> str:
        """Classes for the kind and the place (static/css/calendar.css and calendar_rows.css)."""
        classes = [f"cal__{self.kind}"]
        if self.visit is not None:
            classes.append(f"cal__visit--{self.visit.state}")
            classes += ["cal__visit--beside"] if self.visit.is_override else []
            classes += ["cal__visit--out"] if _is_out(self.visit) else []
        return " ".join([*classes, f"from-{self.row}", f"for-{self.rows}"])

    @property
    def text(self) -> str:
        """The patient's name, or whom a hold is for."""
        if self.visit is None:
            return ""
        if self.visit.state == State.HELD:
            return HOLD_WORDS[self.visit.held_for]
        name = bdi(self.visit.name or "No longer known")
        return format_html("{}, therapist is out", name) if _is_out(self.visit) else name

    @property
    def has_page(self) -> bool:
        """Whether the visit has a page to lead to; a hold has none."""
        return self.visit is not None and self.visit.state != State.HELD

    @property
    def turnaround(self) -> Span | None:
        return turnaround_of(self.visit) if self.visit is not None else None


def _is_out(visit: Appointment) -> bool:
    return bool(visit.is_out)  # type: ignore[attr-defined]  # by with_outage


def turnaround_of(visit: Appointment) -> Span | None:
    """Time after a visit that it still keeps others out of; none after one that is completed."""
    if visit.state in ENDED or visit.ends_at >= visit.blocked.upper:
        return None
    return Span(visit.ends_at, visit.blocked.upper)


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
"""The days a drawing shows, in order: each from its midnight to the next."""


@dataclass(frozen=True)
class Frame:
    """The hours a drawing shows, as o'clock at the clinic."""

    zone: ZoneInfo
    opens: int
    closes: int

    def blocks(
        self, kind: str, span: Span, days: Days, visit: Appointment | None = None
    ) -> Iterator[tuple[date, Block]]:
        """The blocks of a span, one on each day it touches, placed by wall-clock time."""
        day = max(span.start.astimezone(self.zone).date(), min(days))
        while day in days and (whole := days[day]).start < span.end:
            first = 0 if span.start <= whole.start else minute_of_day(span.start, self.zone)
            last = 24 * 60 if span.end >= whole.end else minute_of_day(span.end, self.zone)
            top = max(first // QUARTER, self.opens * 4)
            bottom = min(max(-(-last // QUARTER), top + 1), self.closes * 4)
            if top < bottom:
                yield day, Block(kind, span, top - self.opens * 4 + 1, bottom - top, visit)
            day += ONE_DAY

    @property
    def hours(self) -> list[tuple[int, int]]:
        """Each hour shown, and its row."""
        return [(hour, (hour - self.opens) * 4 + 1) for hour in range(self.opens, self.closes)]

    def row_of(self, moment: datetime) -> int:
        """The row of a moment; below 1 when it is before the hours shown."""
        return minute_of_day(moment, self.zone) // QUARTER - self.opens * 4 + 1


def minute_of_day(moment: datetime, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


def draw(
    therapists: list[Therapist],
    visits: AppointmentQuerySet,
    first: date,
    last: date,
    *,
    now: datetime,
    zone: ZoneInfo,
) -> tuple[Frame, list[Day]]:
    """Everything from `first` to `last` (clinic-local, both included). Four queries, however much there is."""
    ids = [therapist.pk for therapist in therapists]
    reach = bounds_of_days(first, last, zone)
    hours = working_time(ids, first=first, last=last, zone=zone)
    rows = visits.filter(state__in=SHOWN, therapist__in=ids).exclude(state=State.HELD, held_until__lte=now)
    drawn = list(rows.touching(reach).with_outage().order_by("starts_at"))
    frame = _frame(hours.values(), drawn, zone)
    dates = (first + ONE_DAY * number for number in range((last - first).days + 1))
    days = {day: bounds_of_days(day, day, zone) for day in dates}
    visits_of = group_by_therapist(drawn)
    lanes = [
        _lanes(frame, days, therapist, hours[therapist.pk], visits_of[therapist.pk], now) for therapist in therapists
    ]
    today = now.astimezone(zone).date()
    return frame, [Day(day, day == today, [lane[day] for lane in lanes]) for day in days]


def _frame(hours: Iterable[WorkingTime], visits: list[Appointment], zone: ZoneInfo) -> Frame:
    """Wide enough for everyone's hours and every visit."""
    spans = [span for each in hours for span in each.openings] + [visit.span for visit in visits]
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

    def put(kind: str, span: Span, visit: Appointment | None = None) -> None:
        for day, block in frame.blocks(kind, span, days, visit):
            lanes[day].blocks.append(block)

    away = [span for span in hours.away if span.start < span.end]
    for span in merge(hours.openings):
        put("work", span)
    for span in away:
        put("away", span)
    for visit in visits:
        put("visit", visit.span, visit)
        if turnaround := turnaround_of(visit):
            put("turnaround", turnaround)
    for span in _free_spans(subtract(hours.openings, away), visits, now):
        put("free", span)
    for lane in lanes.values():
        lane.blocks.sort(key=lambda block: (block.kind != "work", block.span.start))  # the hours lie below the rest
    return lanes


def _free_spans(open_spans: list[Span], visits: list[Appointment], now: datetime) -> Iterator[Span]:
    """Time that can still be booked, cut at full hours, in pieces of at least LEAST_GAP."""
    taken = [Span(visit.blocked.lower, visit.blocked.upper) for visit in visits if visit.state not in ENDED]
    for gap in subtract(open_spans, [Span(now - PAST, _next_quarter(now)), *taken]):
        for piece in _by_the_hour(gap):
            if piece.end - piece.start >= LEAST_GAP:
                yield piece


def _by_the_hour(gap: Span) -> Iterator[Span]:
    """Free time cut at full hours (UTC), so that each piece leads to its own start; a short one joins its neighbor."""
    start, an_hour = gap.start, timedelta(hours=1)
    while start < gap.end:
        end = start.replace(minute=0, second=0, microsecond=0) + an_hour
        end += an_hour if end - start < LEAST_GAP else timedelta(0)
        end = gap.end if gap.end - end < LEAST_GAP else end
        yield Span(start, end)
        start = end


def _next_quarter(now: datetime) -> datetime:
    return now + (datetime.min.replace(tzinfo=now.tzinfo) - now) % timedelta(minutes=QUARTER)
