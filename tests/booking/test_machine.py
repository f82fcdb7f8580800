"""Everything that can happen to visits, at random, against PostgreSQL; what must hold is checked after each step."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from booking import actions
from booking.models import (
    OCCUPYING,
    Absence,
    Appointment,
    Clinic,
    DailyCount,
    Kind,
    Message,
    State,
    Therapist,
    free_times,
)
from tests.factories import a_clinic, a_service, a_therapist, in_days, some_details, working_all_week

STARTS = [in_days(day, hour, minute) for day in (3, 4) for hour in (9, 10) for minute in (0, 15, 30, 45)]
starts = st.sampled_from(STARTS)
browsers = st.integers(0, 3)
REFUSALS = (actions.SlotTakenError, actions.NotOfferedError, actions.StateChangedError)


class Visits(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.holds: dict[int, Appointment] = {}
        self.expected: dict[int, list[str]] = defaultdict(list)
        self.sequences: dict[int, int] = {}
        self.people = 0

    @initialize(needs_confirmation=st.booleans())
    def open_the_clinic(self, needs_confirmation):
        for model in (Message, Appointment, Absence, DailyCount):
            model.objects.all().delete()
        if not Therapist.objects.exists():
            a_clinic()
            for slug in ("peter-stanley", "benjamin-britton"):
                working_all_week(a_therapist(slug))
        self.therapists = list(Therapist.objects.all())
        self.service = a_service(*self.therapists, needs_confirmation=needs_confirmation)
        for number, start in enumerate((STARTS[0], STARTS[5], STARTS[9])):
            self.book_at_once(browser=100 + number, start=start, who=number % 2)

    def visit(self, choice):
        rows = list(Appointment.objects.visits().order_by("pk"))
        return rows[choice % len(rows)] if rows else None

    def attempt(self, do, *, told=()):
        """Do it; when it is not refused, the visit has these messages more."""
        try:
            visit = do()
        except REFUSALS:
            return None
        self.expected[visit.pk] += told
        return visit

    # ---- what people do ----

    @rule(browser=browsers, start=starts, who=st.integers(0, 2))
    def choose_a_time(self, browser, start, who):
        therapist = self.therapists[who] if who < 2 else actions.ANYONE
        hold = self.attempt(
            lambda: actions.take_hold(
                therapist=therapist, service=self.service, starts_at=start, present=self.holds.get(browser)
            )
        )
        if hold is not None:
            self.holds[browser] = hold

    @rule(browser=browsers, start=starts, who=st.integers(0, 2))
    def book_at_once(self, browser, start, who):
        self.choose_a_time(browser, start, who)
        self.send_details(browser, twice=False, start=None)

    @rule(browser=browsers, twice=st.booleans(), start=st.none() | starts)
    def send_details(self, browser, twice, start):
        hold = self.holds.pop(browser, None)
        if hold is None:
            return
        self.people += 1
        key, name = uuid.uuid4(), f"Person {self.people}"
        told = [Kind.REQUESTED if self.service.needs_confirmation else Kind.CONFIRMED, Kind.STAFF_NOTICE]
        for again in range(1 + twice):
            self.attempt(
                lambda: actions.book_appointment(
                    hold=hold,
                    therapist=hold.therapist,
                    service=self.service,
                    starts_at=start or hold.starts_at,
                    details=some_details(name=name),
                    submission_key=key,
                ),
                told=[] if again and self.expected[hold.pk] else told,
            )

    @rule(choice=st.integers(0, 9), start=starts)
    def move(self, choice, start):
        if visit := self.visit(choice):
            moves = visit.starts_at != start
            self.attempt(
                lambda: actions.move_appointment(
                    appointment=visit, seen=visit.starts_at, starts_at=start, by=actions.Actor.PATIENT
                ),
                told=[Kind.MOVED, Kind.STAFF_NOTICE] if moves else [],
            )

    @rule(choice=st.integers(0, 9))
    def cancel(self, choice):
        if visit := self.visit(choice):
            told = [] if visit.state == State.CANCELLED else [Kind.CANCELLED, Kind.STAFF_NOTICE]
            do = lambda: actions.cancel_appointment(appointment=visit, by=actions.Actor.PATIENT)  # noqa: E731
            if self.attempt(do, told=told) and told:
                self.assert_offered_again(visit)

    @rule(choice=st.integers(0, 9), answer=st.sampled_from(["confirm", "decline", "none in time"]))
    def staff_answer(self, choice, answer):
        visit = self.visit(choice)
        if visit is None:
            return
        if answer == "confirm":
            self.attempt(lambda: actions.confirm_appointment(appointment=visit), told=[Kind.CONFIRMED])
            return
        if answer == "decline":
            ended = self.attempt(lambda: actions.decline_appointment(appointment=visit), told=[Kind.DECLINED])
        else:
            Appointment.objects.filter(pk=visit.pk, state=State.REQUESTED).update(answer_by=timezone.now())
            told = [Kind.EXPIRED, Kind.STAFF_NOTICE]
            ended = self.attempt(lambda: actions.expire_request(appointment=visit), told=told)
        if ended:
            self.assert_offered_again(visit)

    @rule(start=starts, who=st.integers(0, 2), is_back=st.booleans())
    def someone_is_away_or_back(self, start, who, is_back):
        absence = Absence.objects.first()
        if is_back and absence:
            actions.remove_hours(row=absence)
            return
        therapist = self.therapists[who] if who < 2 else None
        away = Absence(therapist=therapist, starts_at=start, ends_at=start + timedelta(minutes=20))
        actions.save_absence(absence=away)

    @rule(browser=browsers, is_night=st.booleans())
    def time_passes(self, browser, is_night):
        """A hold runs out; at night those that ran out are deleted."""
        if browser in self.holds:
            held = Appointment.objects.filter(pk=self.holds[browser].pk, state=State.HELD)
            held.update(held_until=timezone.now() - timedelta(seconds=1))
        if is_night:
            actions.delete_dead_holds(older_than=timedelta(0))
            left = set(Appointment.objects.values_list("pk", flat=True))
            self.holds = {browser: hold for browser, hold in self.holds.items() if hold.pk in left}

    # ---- what must hold ----

    def assert_offered_again(self, visit):
        span = visit.span
        away = Absence.objects.touching(span).filter(therapist__in=[visit.therapist_id]).exists()
        away = away or Absence.objects.touching(span).filter(therapist__isnull=True).exists()
        now, zone = timezone.now(), Clinic.objects.current().zone
        day = visit.starts_at.astimezone(zone).date()
        free = free_times(therapists=[visit.therapist], service=self.service, first=day, last=day, now=now, zone=zone)
        assert (visit.starts_at in free[visit.therapist_id]) is not away

    @invariant()
    def no_two_occupying_spans_meet(self):
        for therapist in Therapist.objects.all():
            rows = Appointment.objects.filter(therapist=therapist, state__in=OCCUPYING)
            spans = sorted((row.blocked.lower, row.blocked.upper) for row in rows)
            assert all(before[1] <= after[0] for before, after in pairwise(spans))

    @invariant()
    def every_visit_has_just_the_messages_it_should(self):
        written: dict[int, list[str]] = defaultdict(list)
        for pk, kind in Message.objects.order_by("pk").values_list("appointment", "kind"):
            written[pk].append(kind)
        assert written == {pk: [str(kind) for kind in kinds] for pk, kinds in self.expected.items() if kinds}

    @invariant()
    def sequences_only_rise(self):
        for pk, sequence in Appointment.objects.values_list("pk", "calendar_sequence"):
            assert sequence >= self.sequences.get(pk, 0)
            self.sequences[pk] = sequence


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_promises_hold():
    quick = settings(max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Visits, settings=quick)
