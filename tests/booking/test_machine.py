"""Everything that can happen to visits, at random, against PostgreSQL; what must hold is checked after each step."""

from __future__ import annotations

import uuid
from collections import defaultdict
from contextlib import suppress
from datetime import time, timedelta
from functools import partial
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from booking import actions
from booking.models import (
    OCCUPYING,
    Absence,
    Appointment,
    Audience,
    Clinic,
    DailyCount,
    FreedTime,
    Kind,
    Message,
    Offer,
    RecurringAbsence,
    Shift,
    State,
    Terms,
    Therapist,
    WaitlistEntry,
    free_times,
)
from booking.time.weekly_hours import DayShift, Weeks
from tests.exhaustive import EXHAUSTIVE
from tests.factories import (
    CHICAGO,
    a_clinic,
    a_service,
    a_therapist,
    day_in,
    in_days,
    joins,
    some_details,
    version_of,
    working_all_week,
)

STARTS = [in_days(day, hour, minute) for day in (3, 4) for hour in (9, 10) for minute in (0, 15, 30, 45)]
starts = st.sampled_from(STARTS)
browsers = st.integers(0, 3)
which = st.integers(0, 1)
choices = st.integers(0, 99)
ANSWERS = ["accept", "accept twice", "decline", "leave", "too late"]
REFUSALS = (actions.SlotTakenError, actions.NotOfferedError, actions.StateChangedError)


def decisions_about(visit, start):
    """What pages of this visit offer, with the version that they show now."""
    shown = {"appointment": visit, "seen": visit.version}
    by_staff = (actions.confirm_appointment, actions.decline_appointment, actions.mark_arrived, actions.take_back)
    presses = [partial(act, **shown) for act in by_staff]
    for by in actions.Actor:
        presses.append(partial(actions.cancel_appointment, **shown, by=by))
        presses.append(partial(actions.move_appointment, **shown, starts_at=start + timedelta(minutes=15), by=by))
    for therapist in Therapist.objects.exclude(pk=visit.therapist_id):
        place = {"starts_at": start + timedelta(minutes=15), "therapist": therapist}
        presses.append(partial(actions.move_appointment, **shown, **place, by=actions.Actor.STAFF))
    return presses


def answers_to(offer):
    return [partial(act, offer=offer, seen=offer.version) for act in (actions.accept_offer, actions.decline_offer)]


def everything_decided():
    visits, offers = Appointment.objects.visits(), Offer.objects.all()
    rows = [list(table.order_by("pk").values()) for table in (visits, offers)]
    return [*rows, Message.objects.count(), FreedTime.objects.count()]


class Visits(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.holds: dict[int, Appointment] = {}
        self.expected: dict[int, list[str]] = defaultdict(list)
        self.sequences: dict[int, int] = {}
        self.people = 0

    @initialize(needs_confirmation=st.booleans())
    def open_the_clinic(self, needs_confirmation):
        rows_of_hours = (Absence, RecurringAbsence, Shift)
        for model in (Message, Offer, WaitlistEntry, FreedTime, Appointment, *rows_of_hours, DailyCount):
            model.objects.all().delete()
        if not Therapist.objects.exists():
            a_clinic()
            for slug in ("peter-stanley", "benjamin-britton"):
                a_therapist(slug)
        self.therapists = list(Therapist.objects.all())
        for therapist in self.therapists:
            working_all_week(therapist)
        self.services = [
            a_service(*self.therapists, needs_confirmation=needs_confirmation),
            a_service(*self.therapists, minutes=45, turnaround_minutes=0, needs_confirmation=not needs_confirmation),
        ]
        for number, start in enumerate((STARTS[0], STARTS[5], STARTS[9])):
            self.book_at_once(browser=100 + number, start=start, who=number % 2, service=number % 2)
            self.join_the_list(choice=number, who=2, service=number % 2, has_visit=number == 2)

    def visits(self):
        return list(Appointment.objects.visits().order_by("pk"))

    def visit(self, choice):
        rows = self.visits()
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

    @rule(browser=browsers, start=starts, who=st.integers(0, 2), service=which)
    def choose_a_time(self, browser, start, who, service):
        therapist = self.therapists[who] if who < 2 else actions.ANYONE
        hold = self.attempt(
            lambda: actions.take_hold(
                therapist=therapist,
                service=self.services[service],
                starts_at=start,
                present=self.holds.get(browser),
            )
        )
        if hold is not None:
            self.holds[browser] = hold

    @rule(browser=browsers, start=starts, who=st.integers(0, 2), service=which)
    def book_at_once(self, browser, start, who, service):
        self.choose_a_time(browser, start, who, service)
        self.send_details(browser, twice=False, start=None)

    @rule(browser=browsers, twice=st.booleans(), start=st.none() | starts)
    def send_details(self, browser, twice, start):
        hold = self.holds.pop(browser, None)
        if hold is None:
            return
        self.people += 1
        key, name = uuid.uuid4(), f"Person {self.people}"
        told = self.told_at_first(hold)
        for again in range(1 + twice):
            self.attempt(
                lambda: actions.book_appointment(
                    hold=hold,
                    therapist=hold.therapist,
                    service=hold.service,
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
                    appointment=visit, seen=version_of(visit), starts_at=start, by=actions.Actor.PATIENT
                ),
                told=[Kind.MOVED, Kind.STAFF_NOTICE] if moves else [],
            )

    @rule(choice=st.integers(0, 9), start=st.none() | starts, who=which)
    def staff_move_to_another_therapist(self, choice, start, who):
        """Perhaps at the same time; link and series stay, and the old time is free again."""
        if visit := self.visit(choice):
            therapist, to = self.therapists[who], start or visit.starts_at
            moves = (visit.therapist, visit.starts_at) != (therapist, to)
            moved = self.attempt(
                lambda: actions.move_appointment(
                    appointment=visit,
                    seen=version_of(visit),
                    starts_at=to,
                    by=actions.Actor.STAFF,
                    therapist=therapist,
                ),
                told=[Kind.MOVED] if moves else [],
            )
            if moved:
                assert (moved.therapist, moved.starts_at) == (therapist, to)
                assert (moved.public_id, moved.link_digest) == (visit.public_id, visit.link_digest)
            if moved and therapist != visit.therapist:
                self.assert_offered_again(visit)

    @rule(choice=st.integers(0, 9))
    def cancel(self, choice):
        if visit := self.visit(choice):
            told = [] if visit.state == State.CANCELLED else [Kind.CANCELLED, Kind.STAFF_NOTICE]
            do = lambda: actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.PATIENT)  # noqa: E731
            if self.attempt(do, told=told) and told:
                self.assert_offered_again(visit)

    @rule(choice=st.integers(0, 9), answer=st.sampled_from(["confirm", "decline", "none in time"]))
    def staff_answer(self, choice, answer):
        visit = self.visit(choice)
        if visit is None:
            return
        if answer == "confirm":
            self.attempt(
                lambda: actions.confirm_appointment(appointment=visit, seen=version_of(visit)), told=[Kind.CONFIRMED]
            )
            return
        if answer == "decline":
            ended = self.attempt(
                lambda: actions.decline_appointment(appointment=visit, seen=version_of(visit)), told=[Kind.DECLINED]
            )
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

    @rule(who=st.integers(0, 2), shape=st.sampled_from(["add", "later", "one day back", "remove"]))
    def someone_is_away_every_day(self, who, shape):
        """Twenty minutes a day. Visits in that time stay, as staff were shown them all."""
        therapist = self.therapists[who] if who < 2 else None
        rule = RecurringAbsence.objects.first()
        if shape == "add" or rule is None:
            rule = RecurringAbsence(
                therapist=therapist, weekdays=list(range(7)), begins=time(9, 45), ends=time(10, 5), first_day=day_in(3)
            )
            rule.last_day = day_in(4)
        seen = actions.recurrence_stamp(rule)
        if shape == "remove":
            actions.remove_recurring_absence(rule=rule, seen=seen)
            return
        if shape == "one day back" and (day := rule.absences.first() if rule.pk else None):
            actions.remove_hours(row=day)
            return
        if shape == "later":
            rule.begins, rule.ends = time(10, 15), time(10, 35)
        self.save_shown(rule, seen)

    def save_shown(self, rule, seen):
        plan = actions.plan_recurring_absence(rule=rule)
        with suppress(actions.NotOfferedError):
            actions.save_recurring_absence(rule=rule, seen=seen, accepted={visit.pk for visit in plan.in_the_way})

    @rule(who=which, weeks=st.sampled_from(list(Weeks)))
    def weeks_alternate(self, who, weeks):
        """One of the two works the days of the test in every week, in A weeks or in B weeks."""
        therapist, first = self.therapists[who], day_in(3)
        shifts = [DayShift(day, time(9), time(17), weeks) for day in range(7)]
        visits = actions.visits_outside_week(therapist=therapist, shifts=shifts, first=first, last=None)
        actions.set_weekly_hours(
            therapist=therapist,
            shifts=shifts,
            first=first,
            last=None,
            seen=actions.hours_stamp(therapist),
            accepted={visit.pk for visit in visits},
        )

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

    # ---- a page that is left open ----

    @rule(choice=st.integers(0, 9), meanwhile=st.sampled_from(["move", "confirm"]), start=starts, decision=choices)
    def an_old_page_decides(self, choice, meanwhile, start, decision):
        """Once the visit is no longer as the page showed it, nothing happens, whichever button is pressed."""
        coming = list(Appointment.objects.coming(timezone.now()).order_by("pk"))
        if not coming:
            return
        shown = coming[choice % len(coming)]
        offers = list(Offer.objects.open().filter(entry__visit=shown).select_related("entry__visit", "therapist"))
        decisions = [*decisions_about(shown, start), *(press for offer in offers for press in answers_to(offer))]
        which = [*self.visits()].index(shown)
        self.move(which, start) if meanwhile == "move" else self.staff_answer(which, "confirm")
        if version_of(shown) == shown.version:
            return
        before = everything_decided()
        with suppress(*REFUSALS):
            decisions[decision % len(decisions)]()
        assert everything_decided() == before

    # ---- the waiting list ----

    @rule(choice=st.integers(0, 9), who=st.integers(0, 2), service=which, has_visit=st.booleans())
    def join_the_list(self, choice, who, service, has_visit):
        visit = self.visit(choice) if has_visit else None
        if visit is not None and visit.is_coming:
            joins(visit.service, visit=visit)
        else:
            self.people += 1
            whom = self.therapists[who] if who < 2 else None
            person = {"name": f"Person {self.people}", "email": f"{self.people // 2}@example.com"}
            self.attempt_to_join(self.services[service], therapist=whom, **person)

    def attempt_to_join(self, service, **facts):
        with suppress(actions.TooManyError):
            joins(service, **facts)

    @rule(choice=st.integers(0, 9), answer=st.sampled_from(ANSWERS))
    def a_time_is_given_back_and_offered(self, choice, answer):
        coming = list(Appointment.objects.coming(timezone.now()).order_by("pk"))
        if not coming:
            return
        visit = coming[choice % len(coming)]
        self.join_the_list(choice + 1, 2, self.services.index(visit.service), has_visit=choice % 2 == 0)
        self.attempt(
            lambda: actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.STAFF),
            told=[Kind.CANCELLED],
        )
        self.the_worker_looks()
        self.answer_an_offer(-1, answer)

    @rule()
    def the_worker_looks(self):
        for freed in FreedTime.objects.to_offer(timezone.now()):
            for offer in actions.offer_freed_time(freed=freed):
                assert offer.hold.span.overlaps(freed.span) or offer.hold.blocked.upper > freed.starts_at

    @rule(choice=st.integers(0, 9), answer=st.sampled_from(ANSWERS))
    def answer_an_offer(self, choice, answer):
        offers = list(Offer.objects.select_related("entry__visit__therapist", "entry__service").order_by("pk"))
        if not offers:
            return
        offer = offers[choice % len(offers)]
        if answer == "leave":
            actions.leave_waitlist(entry=offer.entry)
        elif answer == "decline":
            actions.decline_offer(offer=offer, seen=version_of(offer))
        elif answer == "too late":
            over = timezone.now() - timedelta(seconds=1)
            if Offer.objects.open().filter(pk=offer.pk).update(until=over):
                Appointment.objects.filter(pk=offer.hold_id).update(held_until=over)
                actions.expire_offer(offer=offer)
        else:
            told = [Kind.MOVED, Kind.STAFF_NOTICE] if offer.entry.visit else self.told_at_first(offer.entry)
            for _ in range(1 + (answer == "accept twice")):
                is_taken = Offer.objects.get(pk=offer.pk).state == Offer.State.TAKEN
                self.attempt(
                    lambda: actions.accept_offer(offer=offer, seen=version_of(offer)), told=[] if is_taken else told
                )

    def told_at_first(self, wish):
        return [Kind.REQUESTED if wish.service.needs_confirmation else Kind.CONFIRMED, Kind.STAFF_NOTICE]

    # ---- what must hold ----

    def assert_offered_again(self, visit):
        span = visit.span
        away = Absence.objects.touching(span).filter(therapist__in=[visit.therapist_id]).exists()
        away = away or Absence.objects.touching(span).filter(therapist__isnull=True).exists()
        shifts = Shift.objects.filter(therapist=visit.therapist)
        away = away or not any(shift.hours.hold_on(timezone.localdate(visit.starts_at, CHICAGO)) for shift in shifts)
        now, zone = timezone.now(), Clinic.objects.current().zone
        day = visit.starts_at.astimezone(zone).date()
        giving = Therapist.objects.giving(visit.service)
        free = free_times(Terms.of_visit(visit, Audience.VISIT), giving, first=day, last=day, now=now, zone=zone)
        assert (visit.starts_at in free[visit.therapist]) is not away

    @invariant()
    def no_two_occupying_spans_meet(self):
        for therapist in Therapist.objects.all():
            rows = Appointment.objects.filter(therapist=therapist, state__in=OCCUPYING)
            spans = sorted((row.blocked.lower, row.blocked.upper) for row in rows)
            assert all(before[1] <= after[0] for before, after in pairwise(spans))

    @invariant()
    def every_visit_has_just_the_messages_it_should(self):
        written: dict[int, list[str]] = defaultdict(list)
        about_visits = Message.objects.filter(appointment__isnull=False)
        for pk, kind in about_visits.order_by("pk").values_list("appointment", "kind"):
            written[pk].append(kind)
        assert written == {pk: [str(kind) for kind in kinds] for pk, kinds in self.expected.items() if kinds}

    @invariant()
    def each_entry_and_each_offer_is_written_about_once(self):
        about = Message.objects.filter(appointment__isnull=True)
        told = sorted(about.values_list("kind", "entry", "offer"), key=str)
        entries = [(Kind.JOINED, pk, None) for pk in WaitlistEntry.objects.values_list("pk", flat=True)]
        offers = [(Kind.OFFER, None, pk) for pk in Offer.objects.values_list("pk", flat=True)]
        assert told == sorted([(str(kind), entry, offer) for kind, entry, offer in entries + offers], key=str)

    @invariant()
    def nobody_hears_of_one_slot_twice_or_of_two_at_once(self):
        open_to = [offer.recipient for offer in Offer.objects.open().select_related("entry__visit")]
        assert len(open_to) == len(set(open_to))

    @invariant()
    def a_taken_offer_is_one_visit(self):
        taken = Offer.objects.filter(state=Offer.State.TAKEN).values_list("entry", "entry__state")
        assert all(state == WaitlistEntry.State.BOOKED for _, state in taken)
        assert len({entry for entry, _ in taken}) == len(taken)

    @invariant()
    def sequences_only_rise(self):
        for pk, sequence in Appointment.objects.values_list("pk", "calendar_sequence"):
            assert sequence >= self.sequences.get(pk, 0)
            self.sequences[pk] = sequence


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_promises_hold():
    quick = settings(
        max_examples=30 if EXHAUSTIVE else 6,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink forty steps takes longer than a test may
    )
    run_state_machine_as_test(Visits, settings=quick)
