"""Random clinics, and a slow answer to "is it free?" that shares nothing with the rule but the rows it reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from booking.models import Absence, Appointment, Audience, Override, Service, Shift, State, Therapist
from booking.time.availability import Cause
from tests.factories import CHICAGO, a_clinic, a_service, a_therapist, an_appointment

TICK = timedelta(minutes=5)  # all that happens in these clinics happens at a multiple of it
MOMENTS = [  # before the clock changes in autumn and in spring, and in a plain week
    datetime(2026, 10, 29, 14, 20, tzinfo=UTC),
    datetime(2027, 3, 11, 16, 5, tzinfo=UTC),
    datetime(2027, 5, 3, 15, 0, tzinfo=UTC),
]
ANEW = (Audience.NEW, Audience.OFFER)
TWO_YEARS = 732


class Oracle:
    """Looks at every five minutes, one after another, in the rows as they were when it was first asked."""

    def __init__(self, now: datetime, zone: ZoneInfo = CHICAGO) -> None:
        self.now, self.zone = now, zone
        shifts = Shift.objects.all()
        self.shifts = [row for row in shifts if not (row.is_example and settings.IS_PRODUCTION)]
        self.overrides, self.absences = list(Override.objects.all()), list(Absence.objects.all())
        self.visits = list(Appointment.objects.all())
        self.pairs = set(Service.therapists.through.objects.values_list("service", "therapist"))
        self.days: dict[tuple[int, date], list[list[datetime]]] = {}

    def hours_on(self, therapist: Therapist, day: date) -> list[list[datetime]]:
        """Each five minutes of each row of hours of one date: the date's own rows, or else those of its weekday."""
        if (therapist.pk, day) not in self.days:
            own = [row for row in self.overrides if (row.therapist_id, row.day) == (therapist.pk, day)]
            weekly = [
                row
                for row in self.shifts
                if (row.therapist_id, row.weekday) == (therapist.pk, day.weekday())
                and (row.valid_from is None or row.valid_from <= day)
                and (row.valid_until is None or day <= row.valid_until)
            ]
            self.days[therapist.pk, day] = [self._ticks_of(row, day) for row in own or weekly]
        return self.days[therapist.pk, day]

    def _ticks_of(self, row: Shift | Override, day: date) -> list[datetime]:
        noon = datetime.combine(day, time(12), self.zone).astimezone(UTC)
        around = (noon + number * TICK for number in range(-14 * 12, 14 * 12))
        closes = row.closes if row.closes != time(0) else time.max
        wall = ((tick, tick.astimezone(self.zone)) for tick in around)
        return [tick for tick, local in wall if local.date() == day and row.opens <= local.time() < closes]

    def has_hours_at(self, therapist: Therapist, tick: datetime) -> bool:
        return any(tick in row for row in self.hours_on(therapist, tick.astimezone(self.zone).date()))

    def is_away(self, therapist: Therapist, tick: datetime) -> bool:
        mine = (row for row in self.absences if row.therapist_id in (None, therapist.pk))
        return any(row.starts_at <= tick < row.ends_at for row in mine)

    def is_taken(self, therapist: Therapist, start: datetime, busy: timedelta, besides: Appointment | None) -> bool:
        for row in self.visits:
            occupies = row.state in (State.REQUESTED, State.CONFIRMED, State.ARRIVED)
            occupies |= row.state == State.HELD and row.held_until > self.now
            is_other = besides is None or row.pk != besides.pk
            meets = row.blocked.lower < start + busy and start < row.blocked.upper
            if row.therapist_id == therapist.pk and occupies and is_other and meets:
                return True
        return False

    # ---- who may, and when -------------------------------------------------------------------

    def never(self, audience: Audience, service: Service, therapist: Therapist) -> set[Cause]:
        causes = set()
        if (service.pk, therapist.pk) not in self.pairs:
            causes.add(Cause.NOT_GIVEN)
        if audience in ANEW and not service.is_active:
            causes.add(Cause.NOT_ON_OFFER)
        if audience in ANEW and not therapist.is_taking_patients:
            causes.add(Cause.NOT_TAKING)
        if audience in ANEW and not any(row.therapist_id == therapist.pk for row in self.shifts):
            causes.add(Cause.NO_HOURS)
        return causes

    def notice(self, audience: Audience, service: Service) -> timedelta:
        hours = {
            Audience.NEW: service.notice_hours,
            Audience.VISIT: service.notice_hours,
            Audience.OFFER: service.offer_notice_hours,
            Audience.OUTAGE: settings.BOOKING_OUTAGE_NEAR_HOURS,
            Audience.STAFF: 0,
        }
        least = timedelta(minutes=61) if audience == Audience.OFFER else timedelta(0)
        return max(timedelta(hours=hours[audience]), least)

    def last_day(self, audience: Audience, service: Service) -> date:
        is_wide = audience in (Audience.STAFF, Audience.OUTAGE)
        today = self.now.astimezone(self.zone).date()
        return today + timedelta(days=TWO_YEARS if is_wide else service.horizon_days)

    def causes(
        self,
        audience: Audience,
        service: Service,
        therapist: Therapist,
        start: datetime,
        *,
        visit: Appointment | None = None,
        besides: Appointment | None = None,
    ) -> set[Cause]:
        """What keeps this start from being booked; `visit` is one that exists and keeps its length."""
        length = visit.ends_at - visit.starts_at if visit else timedelta(minutes=service.minutes)
        after = visit.blocked.upper - visit.ends_at if visit else timedelta(minutes=service.turnaround_minutes)
        causes = self.never(audience, service, therapist)
        if start <= self.now:
            return causes | {Cause.PAST}
        if start < self.now + self.notice(audience, service):
            causes.add(Cause.NOTICE)
        elif start.astimezone(self.zone).date() > self.last_day(audience, service):
            causes.add(Cause.HORIZON)
        if self.is_taken(therapist, start, length + after, besides):
            causes.add(Cause.TAKEN)
        return causes | self._about_hours(service, therapist, start, length)

    def _about_hours(self, service: Service, therapist: Therapist, start: datetime, length: timedelta) -> set[Cause]:
        ticks = [start + number * TICK for number in range(length // TICK)]
        causes = {Cause.AWAY} if any(self.is_away(therapist, tick) for tick in ticks) else set()
        if not all(self.has_hours_at(therapist, tick) for tick in ticks):
            causes.add(Cause.CLOSED)  # also for a visit that would end too late
        day, step = start.astimezone(self.zone).date(), timedelta(minutes=service.step_minutes)
        grids = [row for row in self.hours_on(therapist, day) if start in row]
        if grids and all((start - ticks[0]) % step for ticks in grids):
            causes.add(Cause.OFF_GRID)
        return causes

    def free(
        self,
        audience: Audience,
        service: Service,
        therapist: Therapist,
        first: date,
        days: int,
        **whose: Appointment | None,
    ) -> set[datetime]:
        """The starts of so many days from `first` that nothing keeps from being booked."""
        if self.never(audience, service, therapist):
            return set()
        starts = {
            start
            for number in range(days)
            for row in self.hours_on(therapist, first + timedelta(days=number))
            for start in row
        }
        return {start for start in starts if not self.causes(audience, service, therapist, start, **whose)}


# ---- random clinics -------------------------------------------------------------------------


def a_random_clinic(dice: random.Random) -> tuple[list[Therapist], list[Service]]:
    """Two therapists and two services, with ticks, pairings, hours, absences, visits and lengths by chance."""
    a_clinic()
    therapists = [a_therapist(slug) for slug in ("peter-stanley", "benjamin-britton")]
    services = [_service(dice, slug) for slug in ("short", "long")]
    for therapist in therapists:
        for service in services:
            if dice.random() < 0.85:
                service.therapists.add(therapist)
        _hours(dice, therapist)
        therapist.is_taking_patients = dice.random() < 0.85
        therapist.save()
    for _ in range(dice.randint(0, 3)):
        start = _moment(dice)
        Absence.objects.create(
            therapist=dice.choice([*therapists, None]), starts_at=start, ends_at=start + dice.randint(3, 40) * TICK
        )
    for _ in range(10):
        _visit(dice, dice.choice(therapists), dice.choice(services))
    if dice.random() < 0.7:  # visits that exist keep the length they were agreed with
        service = dice.choice(services)
        service.minutes, service.turnaround_minutes = dice.choice([20, 40, 60]), dice.choice([0, 15])
        service.save()
    return therapists, services


def _service(dice: random.Random, slug: str) -> Service:
    return a_service(
        slug=slug,
        name=slug.title(),
        minutes=dice.choice([20, 30, 45]),
        turnaround_minutes=dice.choice([0, 10]),
        step_minutes=dice.choice([15, 20, 30]),
        notice_hours=dice.choice([0, 2, 24]),
        offer_notice_hours=dice.choice([1, 2, 5]),
        horizon_days=dice.choice([2, 5, 20]),
        is_active=dice.random() < 0.85,
        needs_confirmation=dice.random() < 0.5,
    )


def _hours(dice: random.Random, therapist: Therapist) -> None:
    """Weekly hours, other hours of some dates, a night shift over the change of the clock; or none of them."""
    if dice.random() < 0.9:
        is_example = dice.random() < 0.1
        for weekday in dice.sample(range(7), 6):
            for opens, closes in dice.choice([[(9, 12), (13, 16)], [(10, 15)], [(8, 11)]]):
                values = {"weekday": weekday, "opens": time(opens, dice.choice([0, 5])), "closes": time(closes)}
                Shift.objects.create(therapist=therapist, is_example=is_example, **values)
    for number in dice.sample(range(6), 2):
        hours = dice.choice([(time(9), time(11, 30)), (time(0), time(4)), (time(21), time(0))])
        day = timezone.localdate() + timedelta(days=number)
        Override.objects.create(therapist=therapist, day=day, opens=hours[0], closes=hours[1])


def _moment(dice: random.Random) -> datetime:
    """At the clinic, from today on for a week, at a time when someone may work."""
    day = timezone.localdate() + timedelta(days=dice.randint(0, 6))
    wall = time(dice.randint(8, 15), dice.randrange(0, 60, 5))
    return datetime.combine(day, wall, CHICAGO).astimezone(UTC)


def _visit(dice: random.Random, therapist: Therapist, service: Service) -> None:
    states = [State.CONFIRMED, State.CONFIRMED, State.REQUESTED, State.HELD, State.CANCELLED]
    visit = Appointment()
    visit.put_at(therapist=therapist, service=service, starts_at=_moment(dice))
    mine = Appointment.objects.filter(therapist=therapist)
    if any(row.blocked.lower < visit.blocked.upper and visit.blocked.lower < row.blocked.upper for row in mine):
        return
    state, number = dice.choice(states), dice.random()
    # Each is a person of their own: nobody can be in two places at once.
    fields = {"name": f"Patient {number}", "email": f"patient-{number}@example.com"}
    if state == State.HELD:
        fields = {"held_until": timezone.now() - TICK} if dice.random() < 0.5 else {}
    an_appointment(therapist, service, visit.starts_at, state, **fields)


def probes(dice: random.Random, free: set[datetime], now: datetime) -> Iterator[datetime]:
    """Starts to try: some that are free, their neighbors, and some at any time."""
    yield from dice.sample(sorted(free), min(2, len(free)))
    if free:
        yield dice.choice(sorted(free)) + dice.choice([-1, 1]) * TICK
    near = now.replace(minute=now.minute // 5 * 5) + TICK
    yield from (_moment(dice), dice.choice([near, now - timedelta(hours=1), near + timedelta(days=21)]))
