"""What only staff do with a visit."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.utils import timezone

from booking import actions
from booking.models import Appointment, Delivery, Message, State
from tests.factories import a_service, an_appointment, in_days, some_details, version_of


@pytest.fixture
def clerk(db):
    return get_user_model().objects.create_user("clerk")


def call(therapist, service, starts_at, clerk, *, key=None, reason="", **facts):
    return actions.book_for_caller(
        therapist=therapist,
        service=service,
        starts_at=starts_at,
        details=some_details(**facts),
        submission_key=key or uuid.uuid4(),
        by=clerk,
        override_reason=reason,
    )


def test_a_patient_arrives_and_the_visit_is_completed_without_a_message(therapist, service):
    visit = an_appointment(therapist, service, in_days(1))

    with pytest.raises(actions.StateChangedError):
        actions.mark_arrived(appointment=visit, seen=version_of(visit))  # not on the day before
    with time_machine.travel(visit.starts_at - timedelta(minutes=10)):
        assert actions.mark_arrived(appointment=visit, seen=version_of(visit)).state == State.ARRIVED
        with pytest.raises(actions.StateChangedError):
            actions.mark_completed(appointment=visit, seen=version_of(visit))  # nor before it has begun
    with time_machine.travel(visit.starts_at + timedelta(minutes=30)):
        done = actions.mark_completed(appointment=visit, seen=version_of(visit))

    assert (done.state, done.ended_at is not None) == (State.COMPLETED, True)
    assert Message.objects.count() == 0


def test_nobody_is_a_no_show_before_the_time_has_begun(therapist, service):
    visit = an_appointment(therapist, service, in_days(1))

    with pytest.raises(actions.StateChangedError):
        actions.mark_no_show(appointment=visit, seen=version_of(visit))
    with time_machine.travel(visit.starts_at + timedelta(minutes=1)):
        assert actions.mark_no_show(appointment=visit, seen=version_of(visit)).state == State.NO_SHOW


@pytest.mark.parametrize("state", [State.ARRIVED, State.NO_SHOW])
def test_a_slip_is_taken_back(therapist, service, state):
    visit = an_appointment(therapist, service, in_days(1), state, ended_at=timezone.now())

    back = actions.take_back(appointment=visit, seen=version_of(visit))

    assert (back.state, back.ended_at) == (State.CONFIRMED, None)


def test_a_slip_is_not_taken_back_onto_somebody_else(therapist, service):
    visit = an_appointment(therapist, service, in_days(1), State.NO_SHOW)
    an_appointment(therapist, service, in_days(1))

    with pytest.raises(actions.SlotTakenError):
        actions.take_back(appointment=visit, seen=version_of(visit))


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (actions.mark_arrived, State.REQUESTED),
        (actions.mark_arrived, State.CANCELLED),
        (actions.mark_completed, State.CONFIRMED),
        (actions.mark_no_show, State.ARRIVED),
        (actions.mark_no_show, State.COMPLETED),
    ],
)
def test_a_step_out_of_turn_is_refused(therapist, service, action, state):
    visit = an_appointment(therapist, service, in_days(1), state)

    with time_machine.travel(visit.starts_at + timedelta(minutes=1)), pytest.raises(actions.StateChangedError):
        action(appointment=visit, seen=version_of(visit))
    visit.refresh_from_db()
    assert visit.state == state


def test_a_caller_gets_a_confirmed_visit_and_a_mail(therapist, service, clerk):
    visit = call(therapist, service, in_days(3), clerk)

    assert (visit.state, visit.is_online, visit.name) == (State.CONFIRMED, False, "Ada Example")
    assert [(one.kind, one.delivery) for one in visit.messages.all()] == [("confirmed", Delivery.QUEUED)]


def test_a_caller_without_an_address_has_been_told_on_the_phone(therapist, service, clerk):
    visit = call(therapist, service, in_days(3), clerk, email="")

    assert visit.messages.get().delivery == Delivery.PHONED
    assert not Message.objects.undelivered().exists()


def test_notice_and_horizon_are_for_patients_alone(therapist, clerk):
    service = a_service(therapist, notice_hours=72, horizon_days=5)

    assert call(therapist, service, in_days(1), clerk).pk
    assert call(therapist, service, in_days(30), clerk).pk


def test_sending_a_booking_twice_is_one_visit(therapist, service, clerk):
    key = uuid.uuid4()
    first = call(therapist, service, in_days(3), clerk, key=key)

    assert call(therapist, service, in_days(3), clerk, key=key).pk == first.pk
    with pytest.raises(actions.SubmissionReusedError):
        call(therapist, service, in_days(4), clerk, key=key, name="Second Caller")
    assert Message.objects.count() == 1


def test_staff_do_not_double_book_but_may_overlap_with_a_reason(therapist, service, clerk):
    an_appointment(therapist, service, in_days(3))

    with pytest.raises(actions.SlotTakenError):
        call(therapist, service, in_days(3), clerk)
    with pytest.raises(actions.NotOfferedError):
        call(therapist, service, in_days(3, 23), clerk)
    visit = call(therapist, service, in_days(3), clerk, reason="In pain, Dr. Stanley agreed")

    assert (visit.is_override, visit.override_by, visit.override_reason) == (True, clerk, "In pain, Dr. Stanley agreed")
    assert Appointment.objects.occupying(timezone.now()).count() == 2


def test_what_was_booked_past_the_rules_is_in_the_way_of_others(therapist, service, clerk):
    call(therapist, service, in_days(3, 12), clerk, reason="Agreed")

    with pytest.raises(actions.SlotTakenError):
        actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3, 12))
