"""All or none when others want one of the times, with the lock and the constraint taken away as controls."""

import uuid

import pytest

from booking import actions
from booking.actions import free
from booking.models import OCCUPYING, Appointment, Message, Series, State
from tests.exhaustive import rounds
from tests.factories import a_series, in_days, some_details, version_of
from tests.races import all_at_once, assert_disjoint, sqlstates, wait_for_each_other
from tests.staff import SUPERUSER, staff_user

pytestmark = pytest.mark.django_db(transaction=True)


def starts(*others):
    """Of a series; day 10 is what everyone here wants."""
    return sorted({in_days(10), *(in_days(day) for day in others)})


def book(therapist, service, wanted, key=None, name="Ada Example"):
    return actions.book_series(
        therapist=therapist,
        service=service,
        starts=wanted,
        details=some_details(name=name),
        submission_key=key or uuid.uuid4(),
    )


def whole_or_nothing():
    """Each series that there is has all its visits; and nothing belongs to one that there is not."""
    sizes = {series.pk: (series.visits.count(), len(series.starts)) for series in Series.objects.all()}
    assert all(there == wanted for there, wanted in sizes.values()), sizes
    assert Message.objects.filter(kind="series").count() == len(sizes)


@pytest.mark.parametrize("nth", rounds(3))
def test_a_series_and_seven_who_want_one_of_its_times(therapist, service, nth):
    wanted = starts(3, 6, 13)

    def go(number):
        if number == 0:
            return book(therapist, service, wanted)
        return actions.take_hold(therapist=therapist, service=service, starts_at=in_days(10))

    outcomes = all_at_once(go, 8)

    won = [outcome for outcome in outcomes if not isinstance(outcome, actions.RefusalError)]
    assert len(won) == 1
    assert {type(one) for one in outcomes} <= {Series, Appointment, actions.NotAllFreeError, actions.SlotTakenError}
    assert Appointment.objects.count() == (4 if isinstance(won[0], Series) else 1)
    assert sqlstates(outcomes) == set()  # the lock decided
    whole_or_nothing()


def test_of_eight_series_that_share_one_time_one_is_booked_whole(therapist, service):
    outcomes = all_at_once(lambda number: book(therapist, service, starts(20 + number, 40 + number)), 8)

    assert sorted(type(one).__name__ for one in outcomes) == 7 * ["NotAllFreeError"] + ["Series"]
    assert {start for one in outcomes if isinstance(one, actions.NotAllFreeError) for start in one.starts} == {
        in_days(10)
    }
    assert Appointment.objects.count() == 3
    whole_or_nothing()


def test_one_form_sent_eight_times_at_once_is_one_series_and_one_message(therapist, service):
    key = uuid.uuid4()

    outcomes = all_at_once(lambda _: book(therapist, service, starts(3, 6), key), 8)

    assert len({one.pk for one in outcomes}) == 1
    assert (Appointment.objects.count(), Message.objects.count()) == (3, 1)


def test_control_without_lock_the_constraint_alone_keeps_each_whole_or_away(therapist, service, no_lock, monkeypatch):
    """Few at once: without the lock those who collide wait for each other's deadlock to be found."""
    wait_for_each_other(monkeypatch, free, "demand_all_free", 3)

    outcomes = all_at_once(lambda number: book(therapist, service, starts(20 + number, 40 + number)), 3)

    assert sum(isinstance(one, Series) for one in outcomes) == 1
    assert sqlstates(outcomes) == {"23P01"}
    assert Appointment.objects.count() == 3
    assert_disjoint(Appointment.objects.filter(state__in=OCCUPYING))
    whole_or_nothing()


def test_control_without_both_the_check_sees_two_visits_at_once(
    therapist, service, visits_may_meet, no_lock, monkeypatch
):
    wait_for_each_other(monkeypatch, free, "demand_all_free", 3)

    outcomes = all_at_once(lambda number: book(therapist, service, starts(20 + number, 40 + number)), 3)

    assert all(isinstance(one, Series) for one in outcomes)
    assert Appointment.objects.filter(starts_at=in_days(10)).count() == 3
    with pytest.raises(AssertionError):
        assert_disjoint(Appointment.objects.filter(state__in=OCCUPYING))


@pytest.mark.parametrize("nth", rounds(2))
def test_a_patient_moves_a_visit_while_the_rest_is_cancelled(therapist, service, nth):
    """Either the move comes first and nothing is cancelled, or all are cancelled and nothing moves."""
    clerk = staff_user(SUPERUSER)  # the roles are emptied with the other tables here
    visits = a_series(therapist, service, *starts(3, 6, 13))
    shown = version_of(*visits)

    def go(number):
        if number % 2:
            return actions.cancel_rest(appointment=visits[0], seen=shown, by=clerk)
        return actions.move_appointment(
            appointment=visits[2],
            seen=visits[2].version,
            starts_at=in_days(11),
            by=actions.Actor.PATIENT,
        )

    all_at_once(go, 6)

    states = list(Appointment.objects.order_by("starts_at").values_list("state", flat=True))
    assert states in ([State.CANCELLED] * 4, [State.CONFIRMED] * 4)
    moved = Appointment.objects.filter(starts_at=in_days(11)).exists()
    assert moved == (states[0] == State.CONFIRMED)
    assert Message.objects.filter(kind="series-cancel").count() == (0 if moved else 1)
