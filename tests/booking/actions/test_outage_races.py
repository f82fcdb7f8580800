"""A therapist is out, and many act at once: each race with a control that shows the check can see the fault."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from booking import actions
from booking.models import (
    OCCUPYING,
    Absence,
    AffectedVisit,
    Appointment,
    Kind,
    Message,
    Outage,
    State,
)
from revival.base.clock import Span
from tests.factories import a_service, a_therapist, an_appointment, in_days, outage_of, working_all_week
from tests.races import all_at_once, without_constraint

pytestmark = pytest.mark.django_db(transaction=True)

PATIENT, STAFF = actions.Actor.PATIENT, actions.Actor.STAFF
AT_ONCE = 8


@pytest.fixture
def other(therapist):
    other = a_therapist("benjamin-britton", short_name="Dr. Britton")
    working_all_week(other)
    return other


@pytest.fixture
def service(therapist, other):
    return a_service(therapist, other)


def patients(therapist, service, count):
    return [
        an_appointment(
            therapist, service, in_days(3, 9) + timedelta(minutes=45 * n), name=f"P{n}", email=f"p{n}@example.com"
        )
        for n in range(count)
    ]


def out(therapist, **facts):
    return outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)), **facts)


def lines():
    return list(AffectedVisit.objects.select_related("visit__therapist", "therapist", "hold").order_by("pk"))


def done(outcomes):
    return [one for one in outcomes if not isinstance(one, actions.RefusalError)]


# ---- two patients, one listed time ----


def all_take_one(therapist, other, service):
    patients(therapist, service, AT_ONCE)
    out(therapist)
    asked, start = lines(), in_days(5, 10)
    return all_at_once(
        lambda n: actions.take_other_time(
            line=asked[n], seen=asked[n].version, therapist=other, starts_at=start, by=PATIENT
        ),
        AT_ONCE,
    )


def test_of_all_who_want_one_listed_time_one_gets_it_and_the_others_keep_theirs(therapist, other, service):
    outcomes = all_take_one(therapist, other, service)

    assert len(done(outcomes)) == 1
    assert sum(isinstance(one, actions.SlotTakenError) for one in outcomes) == AT_ONCE - 1
    states = sorted(line.state for line in lines())
    assert states == ["other-time"] + ["waiting"] * (AT_ONCE - 1)
    assert all(line.is_held(timezone.now()) for line in lines() if line.state == "waiting")
    assert Appointment.objects.filter(starts_at=in_days(5, 10), state__in=OCCUPYING).count() == 1


def test_control_without_lock_and_constraint_more_than_one_gets_it(therapist, other, service, visits_may_meet, no_lock):
    outcomes = all_take_one(therapist, other, service)

    assert len(done(outcomes)) > 1


# ---- one starts it twice ----


def all_start(therapist, service, key=None):
    patients(therapist, service, 3)
    return all_at_once(lambda n: out(therapist, key=key or uuid.uuid4(), plans={}), AT_ONCE)


def test_colleagues_who_start_it_at_once_start_one(therapist, other, service):
    outcomes = all_start(therapist, service)

    assert len(done(outcomes)) == Outage.objects.count() == Absence.objects.count() == 1
    assert sum(isinstance(one, actions.AlreadyOutError) for one in outcomes) == AT_ONCE - 1
    assert AffectedVisit.objects.count() == 3


def test_one_button_pressed_many_times_is_one_outage_for_all(therapist, other, service):
    outcomes = all_start(therapist, service, key=uuid.uuid4())

    assert len({one.pk for one in done(outcomes)}) == 1
    assert len(done(outcomes)) == AT_ONCE
    assert Outage.objects.count() == 1


def test_control_without_lock_and_constraint_there_are_several(therapist, other, service, no_lock):
    once, one_outage = "booking_affected_visit_open_once", "booking_outage_one_at_a_time"
    with without_constraint(AffectedVisit, once), without_constraint(Outage, one_outage):
        all_start(therapist, service)

        assert Outage.objects.count() > 1


# ---- the patient answers while somebody else decides ----


def accept(line):
    return actions.take_other_time(
        line=line, seen=line.version, therapist=line.therapist, starts_at=line.starts_at, by=PATIENT
    )


def staff_cancel(line):
    return actions.cancel_affected(line=line, seen=line.version, by=STAFF)


def staff_cancel_elsewhere(line):
    return actions.cancel_appointment(appointment=line.visit, seen=line.visit.version, by=STAFF)


def withdraw(line):
    return actions.end_outage(outage=line.outage, seen=line.outage.version, ends_at=None, by=None)


def run_out(line):
    return actions.expire_alternative(line=line)


RIVALS = [staff_cancel, staff_cancel_elsewhere, withdraw]


@pytest.mark.parametrize("rival", RIVALS)
def test_one_decision_wins_and_the_other_side_is_told(therapist, other, service, rival):
    for number in range(6):
        visit = an_appointment(therapist, service, in_days(3 + number, 10), email=f"p{number}@example.com")
        outage = outage_of(therapist, Span(in_days(3 + number, 0), in_days(4 + number, 0)))
        line = AffectedVisit.objects.select_related("visit", "therapist", "outage").get(visit=visit)

        accepted, decided = all_at_once(lambda n, line=line: (accept, rival)[n](line), 2)

        visit.refresh_from_db()
        line.refresh_from_db()
        has_moved = visit.therapist == other
        if isinstance(accepted, actions.RefusalError):
            assert line.state in ("cancelled", "stands")
            assert not has_moved
        else:
            assert line.state == "accepted"
            assert has_moved
        moved = Message.objects.filter(appointment=visit, kind=Kind.MOVED).count()
        assert moved == has_moved
        assert not Appointment.objects.filter(state=State.HELD, therapist=other).exists()
        assert isinstance(accepted, actions.RefusalError) or decided is not None
        outage.refresh_from_db()


def test_running_out_and_taking_it_at_once_leave_one_truth(therapist, other, service):
    for number in range(6):
        visit = an_appointment(therapist, service, in_days(3 + number, 10), email=f"p{number}@example.com")
        outage_of(therapist, Span(in_days(3 + number, 0), in_days(4 + number, 0)))
        over = timezone.now()
        AffectedVisit.objects.filter(visit=visit).update(until=over)
        Appointment.objects.filter(state=State.HELD).update(held_until=over)
        line = AffectedVisit.objects.select_related("visit", "therapist").get(visit=visit)

        accepted, _ = all_at_once(lambda n, line=line: (accept, run_out)[n](line), 2)

        visit.refresh_from_db()
        line.refresh_from_db()
        assert not isinstance(accepted, actions.RefusalError)  # late, but the time was still free
        assert (line.state, visit.therapist) == ("other-time", other)
        assert Message.objects.filter(appointment=visit, kind=Kind.MOVED).count() == 1
        assert not Appointment.objects.filter(state=State.HELD).exists()


def test_control_without_lock_staff_and_patient_may_both_decide(therapist, other, service, no_lock, monkeypatch):
    """Without the locks the patient moves a visit that staff have cancelled, or the other way round."""
    monkeypatch.setattr(type(AffectedVisit.objects.all()), "select_for_update", lambda self, **facts: self)
    both = 0
    for number in range(20):
        visit = an_appointment(therapist, service, in_days(3 + number, 10), email=f"p{number}@example.com")
        outage_of(therapist, Span(in_days(3 + number, 0), in_days(4 + number, 0)))
        line = AffectedVisit.objects.select_related("visit", "therapist", "outage").get(visit=visit)
        outcomes = all_at_once(lambda n, line=line: (accept, staff_cancel)[n](line), 2)
        told = set(Message.objects.filter(appointment=visit).values_list("kind", flat=True))
        both += {Kind.MOVED, Kind.CANCELLED} <= told and len(done(outcomes)) == 2
        if both:
            break
    assert both
