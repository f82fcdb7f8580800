"""Races against a real PostgreSQL, each with a control that shows the check can see the fault.

The guarantee is the exclusion constraint, the order is the lock. Either alone keeps two visits
apart, so the controls take away what really matters.
"""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from booking import actions
from booking.actions import free, offers, visits
from booking.mail import queue
from booking.models import OCCUPYING, Appointment, Message, Offer, State, Therapist
from tests.exhaustive import rounds
from tests.factories import (
    a_service,
    a_therapist,
    an_appointment,
    an_offer,
    give_back,
    in_days,
    joins,
    some_details,
    working_all_week,
)
from tests.races import all_at_once, assert_disjoint, sqlstates, wait_for_each_other
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("nth", rounds(3))
def test_one_of_fifty_gets_the_slot_and_the_lock_decides(therapist, service, nth):
    outcomes = all_at_once(lambda _: actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)), 50)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appointment"] + 49 * ["SlotTakenError"]
    assert sqlstates(outcomes) == set()
    assert Appointment.objects.count() == 1


def test_one_of_many_expired_holds_becomes_the_visit(therapist, service):
    holds = []
    for _ in range(6):
        Appointment.objects.update(held_until=timezone.now() - timedelta(minutes=1))
        holds.append(actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)))
    Appointment.objects.update(held_until=timezone.now() - timedelta(minutes=1))

    def book(number):
        return actions.book_appointment(
            hold=holds[number],
            therapist=therapist,
            service=service,
            starts_at=in_days(3),
            details=some_details(name=f"Guest {number}"),
            submission_key=uuid.uuid4(),
        )

    outcomes = all_at_once(book, 6)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appointment"] + 5 * ["SlotTakenError"]
    assert Message.objects.count() == 2  # one to the patient, one to staff


def test_one_form_sent_many_times_at_once_is_one_visit_and_one_message(therapist, service):
    hold, key = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)), uuid.uuid4()

    outcomes = all_at_once(
        lambda _: actions.book_appointment(
            hold=hold,
            therapist=therapist,
            service=service,
            starts_at=in_days(3),
            details=some_details(),
            submission_key=key,
        ),
        6,
    )

    assert {outcome.pk for outcome in outcomes} == {hold.pk}
    assert Message.objects.count() == 2


def test_half_overlapping_services_end_up_apart(therapist):
    services = [
        a_service(therapist, minutes=length, step_minutes=step, turnaround_minutes=turnaround)
        for length, step, turnaround in [(30, 15, 10), (45, 15, 0), (60, 30, 15), (20, 5, 5)]
    ]

    def take(number):
        service = services[number % 4]
        return actions.take_hold(
            therapist=therapist,
            service=service,
            starts_at=in_days(3, 9) + timedelta(minutes=30 * number),
        )

    all_at_once(take, 8)

    rows = Appointment.objects.filter(state__in=OCCUPYING)
    assert rows.count() >= 2
    assert_disjoint(rows)


def test_two_browsers_swapping_times_never_meet_and_never_hang(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    one = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))
    two = actions.take_hold(therapist=other, service=service, starts_at=in_days(3))

    def swap(number):
        hold, to = ((one, other), (two, therapist))[number % 2]
        return actions.take_hold(therapist=to, service=service, starts_at=in_days(3), present=hold)

    outcomes = all_at_once(swap, 4)

    assert not any(isinstance(outcome, actions.BusyError) for outcome in outcomes)
    for owner in (therapist, other):
        assert_disjoint(Appointment.objects.filter(therapist=owner, state__in=OCCUPYING))


def test_one_browser_that_asks_for_many_times_at_once_is_answered_each_time(therapist, service):
    """Each form moves the hold to another therapist, while the next waits for the row of the one who had it."""
    others = [a_therapist(f"therapist-{number}") for number in range(4)]
    for other in others:
        working_all_week(other)
    service.therapists.add(*others)
    hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    def ask(number):
        to = [therapist, *others][number % 5]
        return actions.take_hold(therapist=to, service=service, starts_at=in_days(3), present=hold)

    outcomes = all_at_once(ask, 32)

    assert {type(outcome).__name__ for outcome in outcomes} == {"Appointment"}
    assert Appointment.objects.count() == 1


def test_of_many_who_want_anyone_as_many_win_as_are_free(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)

    outcomes = all_at_once(
        lambda _: actions.take_hold(therapist=actions.ANYONE, service=service, starts_at=in_days(3)), 8
    )

    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert {hold.therapist_id for hold in won} == {therapist.pk, other.pk}
    assert len(won) == 2
    assert all(isinstance(outcome, (Appointment, actions.SlotTakenError)) for outcome in outcomes)


def test_moving_and_booking_onto_one_time_leaves_one_there(therapist, service):
    moving = [an_appointment(therapist, service, in_days(4 + n)) for n in range(3)]

    def go(number):
        if number < 3:
            return actions.move_appointment(
                appointment=moving[number],
                seen=moving[number].version,
                starts_at=in_days(3),
                by=actions.Actor.STAFF,
            )
        return actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    outcomes = all_at_once(go, 6)

    assert sum(isinstance(outcome, actions.SlotTakenError) for outcome in outcomes) == 5
    assert Appointment.objects.filter(starts_at=in_days(3)).count() == 1
    assert_disjoint(Appointment.objects.filter(state__in=OCCUPYING))


def move_by_staff(visit, therapist, starts_at):
    return actions.move_appointment(
        appointment=visit, seen=visit.version, starts_at=starts_at, by=actions.Actor.STAFF, therapist=therapist
    )


@pytest.mark.parametrize("nth", rounds(3))
def test_moving_to_another_therapist_and_booking_there_leaves_one_there(therapist, service, nth):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    moving = [an_appointment(therapist, service, in_days(4 + n)) for n in range(3)]

    def go(number):
        if number < 3:
            return move_by_staff(moving[number], other, in_days(3))
        return actions.take_hold(therapist=other, service=service, starts_at=in_days(3))

    outcomes = all_at_once(go, 6)

    assert sum(isinstance(outcome, actions.SlotTakenError) for outcome in outcomes) == 5
    assert Appointment.objects.filter(therapist=other, starts_at=in_days(3)).count() == 1
    assert_disjoint(Appointment.objects.filter(therapist=other, state__in=OCCUPYING))
    assert sqlstates(outcomes) == set()


@pytest.mark.parametrize("nth", rounds(3))
def test_of_colleagues_who_move_a_visit_to_different_therapists_at_once_one_wins(therapist, service, nth):
    others = [a_therapist(slug) for slug in ("benjamin-britton", "third-therapist")]
    for other in others:
        working_all_week(other)
        service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(4))

    outcomes = all_at_once(lambda number: move_by_staff(visit, others[number % 2], in_days(4)), 6)

    moved = Appointment.objects.get()
    losers = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Appointment)]
    assert moved.therapist in others
    assert losers == [number for number in range(6) if others[number % 2] != moved.therapist]
    assert {type(outcomes[number]) for number in losers} == {actions.ChangedMeanwhileError}
    assert moved.calendar_sequence == 1
    assert Message.objects.get().former_therapist == therapist


def test_two_visits_that_swap_therapists_at_once_never_hang(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    ours, theirs = an_appointment(therapist, service, in_days(4)), an_appointment(other, service, in_days(5))
    moves = [(ours, other, in_days(4)), (theirs, therapist, in_days(5))]

    outcomes = all_at_once(lambda number: move_by_staff(*moves[number]), 2)

    assert [outcome.therapist for outcome in outcomes] == [other, therapist]
    assert sqlstates(outcomes) == set()


def test_control_without_the_version_the_second_colleague_moves_it_again(therapist, service, monkeypatch):
    others = [a_therapist(slug) for slug in ("benjamin-britton", "third-therapist")]
    for other in others:
        working_all_week(other)
        service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(4))
    monkeypatch.setattr(visits, "demand_seen", lambda row, seen, *, done="": None)

    all_at_once(lambda number: move_by_staff(visit, others[number % 2], in_days(4)), 2)

    assert Appointment.objects.get().calendar_sequence == 2


def test_one_person_on_the_list_twice_gets_one_offer_when_two_therapists_give_time_back_at_once(
    therapist, service, monkeypatch
):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    joins(service, therapist=therapist)
    joins(service, therapist=other)
    freed = [give_back(owner, in_days(3), in_days(3, 10)) for owner in (therapist, other)]
    wait_for_each_other(monkeypatch, offers, "_make_offer", 2, seconds=1, is_before=True)

    all_at_once(lambda number: actions.offer_freed_time(freed=freed[number]), 2)

    assert Offer.objects.open().count() == 1


def test_of_a_patient_who_cancels_and_staff_who_confirm_the_later_learns_of_the_other(therapist, service):
    visit = an_appointment(therapist, service, in_days(4), state=State.REQUESTED)

    def go(number):
        if number % 2:
            return actions.confirm_appointment(appointment=visit, seen=visit.version)
        return actions.cancel_appointment(appointment=visit, seen=visit.version, by=actions.Actor.PATIENT)

    outcomes = all_at_once(go, 6)

    [message] = Message.objects.exclude(kind="staff-notice")
    assert message.kind == Appointment.objects.get().state
    other = outcomes[0 if message.kind == State.CONFIRMED else 1 :: 2]
    assert {type(outcome) for outcome in other} == {actions.ChangedMeanwhileError}


# ---- controls ----


def test_control_without_constraint_and_lock_the_slot_is_booked_more_than_once(
    therapist, service, visits_may_meet, no_lock, monkeypatch
):
    wait_for_each_other(monkeypatch, free, "choose_therapist", 4)

    all_at_once(lambda _: actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)), 4)

    assert Appointment.objects.filter(starts_at=in_days(3)).count() == 4


def test_control_without_lock_the_constraint_alone_still_keeps_them_apart(therapist, service, no_lock, monkeypatch):
    wait_for_each_other(monkeypatch, free, "choose_therapist", 4)

    outcomes = all_at_once(lambda _: actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)), 4)

    assert sum(isinstance(outcome, Appointment) for outcome in outcomes) == 1
    assert Appointment.objects.count() == 1
    assert sqlstates(outcomes) <= {"23P01"}  # the victim of a deadlock tries again, and finds it taken


@pytest.mark.parametrize("race", ["shifted", "anyone", "move", "offer"])
def test_control_without_lock_the_constraint_alone_keeps_every_pairing_apart(
    therapist, service, no_lock, monkeypatch, race
):
    """Few at once: without the lock those who collide wait for each other's deadlock to be found."""
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(5))
    offer = an_offer(joins(service), therapist, in_days(3))
    over = timezone.now() - timedelta(seconds=1)
    Appointment.objects.filter(pk=offer.hold_id).update(held_until=over, state=State.EXPIRED)

    def go(number):
        start = in_days(3) + timedelta(minutes=15 * (number % 3) if race == "shifted" else 0)
        if race == "move" and number == 0:
            return actions.move_appointment(
                appointment=visit, seen=visit.version, starts_at=start, by=actions.Actor.STAFF
            )
        if race == "offer" and number == 0:
            return actions.accept_offer(offer=offer, seen=offer.version)
        whom = actions.ANYONE if race == "anyone" else therapist
        return actions.take_hold(therapist=whom, service=service, starts_at=start)

    wait_for_each_other(monkeypatch, free, "choose_therapist", 6)

    outcomes = all_at_once(go, 6)

    for owner in (therapist, other):
        assert_disjoint(Appointment.objects.filter(therapist=owner, state__in=OCCUPYING))
    assert any(isinstance(outcome, Appointment) for outcome in outcomes)
    assert sqlstates(outcomes) <= {"23P01"}  # the victim of a deadlock tries again, and finds it taken


def test_control_a_row_written_past_the_action_overlaps_without_the_constraint(therapist, service, visits_may_meet):
    actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    an_appointment(therapist, service, in_days(3, 9, 15))

    assert Appointment.objects.count() == 2


def test_a_row_written_past_the_action_is_refused_with_23p01(therapist, service):
    actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    with pytest.raises(Exception, match="never_two_at_once") as caught, transaction.atomic():
        an_appointment(therapist, service, in_days(3, 9, 15))

    assert caught.value.__cause__.sqlstate == "23P01"


@pytest.fixture
def someone_holds_the_therapists_row(therapist):
    """Another connection keeps the row locked until the test is over."""
    locked, done = threading.Event(), threading.Event()

    def keep():
        with transaction.atomic():
            Therapist.objects.select_for_update(no_key=True).get(pk=therapist.pk)
            locked.set()
            done.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=keep)
    thread.start()
    assert locked.wait(PATIENCE)
    yield
    done.set()
    thread.join()


def test_a_locked_therapist_ends_in_busy_and_writes_nothing(
    therapist, service, someone_holds_the_therapists_row, settings
):
    settings.BOOKING_LOCK_TIMEOUT_MS = 200

    with pytest.raises(actions.BusyError):
        actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    assert not Appointment.objects.exists()


def test_control_without_the_lock_nobody_waits(therapist, service, someone_holds_the_therapists_row, no_lock, settings):
    settings.BOOKING_LOCK_TIMEOUT_MS = 200

    hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))

    assert Appointment.objects.get() == hold


# ---- the table of refusals ----


def test_a_deadlock_victim_runs_again_from_the_start(therapist, service):
    """A real deadlock: two transactions that want each other's rows."""
    other = a_therapist("benjamin-britton")
    tries = []
    first_locked, second_locked = threading.Event(), threading.Event()

    @actions.action
    def lock_in_the_wrong_order():
        tries.append(1)
        Therapist.objects.select_for_update().get(pk=other.pk)
        if len(tries) == 1:
            second_locked.set()
            first_locked.wait(PATIENCE)
        Therapist.objects.select_for_update().get(pk=therapist.pk)
        return "done"

    def the_other_way_round():
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '1min'")  # so that ours is the one that notices
        with transaction.atomic():
            Therapist.objects.select_for_update().get(pk=therapist.pk)
            first_locked.set()
            second_locked.wait(PATIENCE)
            Therapist.objects.select_for_update().get(pk=other.pk)
        with connection.cursor() as cursor:
            cursor.execute("RESET deadlock_timeout")
        connection.close()

    thread = threading.Thread(target=the_other_way_round)
    thread.start()
    result = lock_in_the_wrong_order()
    thread.join()

    assert (result, len(tries)) == ("done", 2)


def test_a_connection_that_ends_while_a_job_is_queued_is_busy_and_nothing_is_written(therapist, service):
    @actions.action
    def write_and_queue():
        an_appointment(therapist, service, in_days(3))
        mine = connection.connection.info.backend_pid
        with ThreadPoolExecutor(1) as beside:
            beside.submit(end_backend, mine).result()
        queue.queue_offers()

    def end_backend(pid):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    [outcome] = all_at_once(lambda _: write_and_queue(), 1)

    assert isinstance(outcome, actions.BusyError)
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("sqlstate", "refusal"),
    [
        ("23P01", actions.SlotTakenError),
        ("55P03", actions.BusyError),
        ("57014", actions.BusyError),
        ("08006", actions.BusyError),
        ("53300", actions.BusyError),
        ("57P01", actions.BusyError),
        ("25006", actions.BusyError),
        ("40P01", actions.BusyError),  # after three tries
        ("40001", actions.BusyError),
    ],
)
def test_database_errors_become_refusals(sqlstate, refusal):
    @actions.action
    def fail():
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$")

    with pytest.raises(refusal):
        fail()


def test_a_fault_of_ours_stays_a_fault(therapist, service):
    @actions.action
    def fail():
        Appointment.objects.create(
            therapist=therapist,
            service=service,
            starts_at=in_days(3),
            ends_at=in_days(3),
            blocked=(in_days(3), in_days(4)),
            state=State.CONFIRMED,
        )

    with pytest.raises(Exception, match="booking_appointment"):
        fail()


def test_actions_insist_on_their_own_transaction(therapist, service):
    with transaction.atomic(), pytest.raises(RuntimeError):
        actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))
