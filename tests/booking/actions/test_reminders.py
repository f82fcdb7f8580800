"""Reminders: a day and two hours ahead, in elapsed time, once for each time a visit has had."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from booking import actions, tasks
from booking.mail import queue
from booking.models import REMINDERS, Delivery, Kind, Message, State
from tests.factories import CHICAGO, an_appointment, in_days, version_of

HOUR = timedelta(hours=1)


def a_look():
    tasks.remind(None, 0)


def reminders():
    return list(Message.objects.filter(kind__in=[*REMINDERS]).order_by("pk").values_list("kind", "starts_at"))


def confirmed(therapist, service, starts_at, *, days_ago=10, **facts):
    agreed = starts_at - timedelta(days=days_ago)
    return an_appointment(therapist, service, starts_at, confirmed_at=agreed, **facts)


def walk(start, hours, *, minutes=30):
    """Look every half hour for so many hours, as the worker's clock does each minute."""
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(int(hours * 60 / minutes)):
            a_look()
            clock.shift(timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "starts_at",
    [
        datetime(2026, 12, 8, 9, 15, tzinfo=CHICAGO),
        datetime(2027, 3, 14, 9, 15, tzinfo=CHICAGO),  # the night before has 23 hours' worth of clock
        datetime(2027, 11, 7, 9, 15, tzinfo=CHICAGO),  # and this one 25
        datetime(2027, 11, 7, 1, 30, fold=1, tzinfo=CHICAGO),
    ],
    ids=["any day", "spring", "autumn", "the second half past one"],
)
def test_each_leaves_once_so_many_elapsed_hours_ahead(therapist, service, starts_at):
    visit = confirmed(therapist, service, starts_at.astimezone(UTC))  # elapsed hours are hours of UTC
    with time_machine.travel(visit.starts_at - 24 * HOUR - timedelta(seconds=1), tick=False) as clock:
        a_look()
        assert reminders() == []
        clock.shift(timedelta(seconds=1))
        a_look()
        assert reminders() == [(Kind.REMINDER_DAY, visit.starts_at)]
        clock.shift(22 * HOUR - timedelta(seconds=1))
        a_look()
        assert len(reminders()) == 1
        clock.shift(timedelta(seconds=1))
        a_look()

    walk(visit.starts_at - 2 * HOUR, 4)
    assert reminders() == [(Kind.REMINDER_DAY, visit.starts_at), (Kind.REMINDER_HOURS, visit.starts_at)]


@pytest.mark.parametrize(
    ("agreed_before", "kinds"),
    [
        (25 * HOUR, [Kind.REMINDER_DAY, Kind.REMINDER_HOURS]),
        (23 * HOUR, [Kind.REMINDER_HOURS]),
        (HOUR, []),
    ],
)
def test_what_was_agreed_too_late_is_not_repeated(therapist, service, agreed_before, kinds):
    visit = an_appointment(therapist, service, in_days(3), confirmed_at=in_days(3) - agreed_before)

    walk(visit.starts_at - agreed_before, agreed_before / HOUR)

    assert [kind for kind, _ in reminders()] == kinds


@pytest.mark.parametrize("state", [State.REQUESTED, State.CANCELLED, State.DECLINED, State.EXPIRED])
def test_only_a_confirmed_visit_is_reminded_of(therapist, service, state):
    confirmed(therapist, service, in_days(3), state=state)

    walk(in_days(3) - 25 * HOUR, 25)

    assert reminders() == []


def test_a_moved_visit_is_reminded_of_at_its_new_time(therapist, service):
    visit = confirmed(therapist, service, in_days(3))
    old, new = visit.starts_at, in_days(6)
    with time_machine.travel(old - 23 * HOUR, tick=False):
        a_look()
        actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=new, by=actions.Actor.STAFF)
    walk(new - 25 * HOUR, 25)

    assert reminders() == [(Kind.REMINDER_DAY, old), (Kind.REMINDER_DAY, new), (Kind.REMINDER_HOURS, new)]


def test_a_visit_moved_to_within_a_day_is_reminded_of_two_hours_ahead_only(therapist, service):
    visit, new = confirmed(therapist, service, in_days(8)), in_days(3)
    with time_machine.travel(new - 20 * HOUR, tick=False):
        actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=new, by=actions.Actor.STAFF)
    walk(new - 20 * HOUR, 20)

    assert reminders() == [(Kind.REMINDER_HOURS, new)]


def test_a_worker_that_was_away_reminds_late_but_not_twice_at_once(therapist, service):
    visit = confirmed(therapist, service, in_days(3))

    walk(visit.starts_at - HOUR, 1)

    assert reminders() == [(Kind.REMINDER_HOURS, visit.starts_at)]


def test_the_database_refuses_a_second_one_for_the_same_time(therapist, service):
    visit = confirmed(therapist, service, in_days(3))
    with time_machine.travel(visit.starts_at - 23 * HOUR):
        message = actions.remind_patient(appointment=visit, kind=Kind.REMINDER_DAY)
        with pytest.raises(actions.StateChangedError):
            actions.remind_patient(appointment=visit, kind=Kind.REMINDER_DAY)

    message.pk, message.public_id = None, "6f1f7d7e-0000-4000-8000-000000000000"
    with pytest.raises(IntegrityError), transaction.atomic():
        message.save()


@pytest.mark.parametrize("happens", ["cancelled", "moved", "begun", "nothing"])
def test_a_reminder_is_not_mailed_when_it_is_no_longer_true(therapist, service, happens):
    visit = confirmed(therapist, service, in_days(3))
    with time_machine.travel(visit.starts_at - 2 * HOUR, tick=False) as clock:
        message = actions.remind_patient(appointment=visit, kind=Kind.REMINDER_HOURS)
        if happens == "cancelled":
            actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.STAFF)
        if happens == "moved":
            to = in_days(6)
            actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=to, by=actions.Actor.STAFF)
        if happens == "begun":
            clock.shift(2 * HOUR)
        actions.deliver_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.delivery == (Delivery.SENT if happens == "nothing" else Delivery.OVERTAKEN)


def test_a_reminder_does_not_overtake_the_confirmation(therapist, service):
    visit = confirmed(therapist, service, in_days(3))
    confirmation = queue.queue_message(Kind.CONFIRMED, visit)
    with time_machine.travel(visit.starts_at - 2 * HOUR, tick=False):
        actions.remind_patient(appointment=visit, kind=Kind.REMINDER_HOURS)
        actions.deliver_message(message_id=confirmation.pk)

    confirmation.refresh_from_db()
    assert confirmation.delivery == Delivery.SENT


# ---- staff ----


def test_staff_are_reminded_once_when_half_of_the_time_is_over(therapist, service):
    asked_at = timezone.now()
    visit = an_appointment(
        therapist,
        service,
        in_days(9),
        state=State.REQUESTED,
        answer_by=asked_at + 48 * HOUR,
        remind_staff_at=asked_at + 24 * HOUR,
    )

    walk(asked_at + 20 * HOUR, 20, minutes=60)

    written = Message.objects.filter(appointment=visit)
    assert [(message.kind, message.recipient) for message in written] == [
        (Kind.STAFF_REMINDER, "front-desk@example.com")
    ]


def test_staff_who_answered_are_not_reminded(therapist, service):
    visit = an_appointment(therapist, service, in_days(9), state=State.REQUESTED, remind_staff_at=timezone.now() + HOUR)
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))

    walk(timezone.now() + HOUR, 3)

    assert not Message.objects.filter(kind=Kind.STAFF_REMINDER).exists()


def test_staff_are_not_reminded_of_a_visit_that_has_begun(therapist, service):
    visit = an_appointment(
        therapist, service, in_days(2), state=State.REQUESTED, remind_staff_at=in_days(2), answer_by=in_days(3)
    )
    with time_machine.travel(visit.starts_at - HOUR, tick=False) as clock:
        waiting = queue.queue_message(Kind.STAFF_REMINDER, visit)
        clock.move_to(visit.starts_at)
        a_look()
        actions.deliver_message(message_id=waiting.pk)

    assert [message.delivery for message in Message.objects.all()] == [Delivery.OVERTAKEN]
