"""The waiting list: join, one held offer at a time, expiry, roll on, and two never win one slot."""

import uuid
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from booking import actions, tasks
from booking.models import (
    Absence,
    Appointment,
    Delivery,
    FreedTime,
    HeldFor,
    Kind,
    Message,
    Offer,
    PartOfDay,
    State,
    WaitlistEntry,
)
from revival.database import pool
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_appointment,
    an_offer,
    day_in,
    give_back,
    in_days,
    joins,
    some_details,
    version_of,
    working_all_week,
)

Waiting = WaitlistEntry.State


def a_look():
    tasks.offer_freed_times(None, 0)


def cancel(visit):
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=actions.Actor.STAFF)


def offers():
    return list(Offer.objects.order_by("pk"))


@pytest.fixture
def full_day(therapist, service):
    """Every time of the third day is taken; the visits in order."""
    first = in_days(3, 9)
    return [an_appointment(therapist, service, first + timedelta(minutes=45 * n)) for n in range(10)]


# ---- join ----


def test_joining_sends_the_link_by_which_one_leaves(service):
    entry = joins(service)

    message = Message.objects.get()
    assert (message.kind, message.recipient, message.entry) == (Kind.JOINED, "wanda@example.com", entry)
    assert WaitlistEntry.objects.with_token(entry.token).get() == entry


def test_sending_the_form_twice_is_one_entry_and_one_message(service):
    key = uuid.uuid4()

    assert joins(service, submission_key=key) == joins(service, submission_key=key)

    assert Message.objects.count() == 1


def test_one_visit_is_on_the_list_once(therapist, service):
    visit = an_appointment(therapist, service, in_days(8))

    assert joins(service, visit=visit) == joins(service, visit=visit)

    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.create(
            service=service,
            visit=visit,
            first_day=day_in(1),
            last_day=day_in(2),
            parts=["morning"],
            submission_key=uuid.uuid4(),
            link_digest="x",
        )


# ---- offer ----


@pytest.mark.parametrize("how", ["cancel", "decline", "expire", "move", "absence"])
def test_a_freed_time_is_held_for_the_first_who_waits(therapist, service, full_day, how):
    visit = full_day[2]
    entry = joins(service, last_day=day_in(3))
    a_look()
    assert not offers()

    if how == "cancel":
        cancel(visit)
    elif how == "move":
        actions.move_appointment(
            appointment=visit, seen=version_of(visit), starts_at=in_days(5), by=actions.Actor.STAFF
        )
    elif how == "absence":
        visit.delete()
        away = Absence(therapist=therapist, starts_at=visit.starts_at, ends_at=visit.ends_at)
        actions.save_absence(absence=away)
        actions.remove_hours(row=away)
    else:
        Appointment.objects.filter(pk=visit.pk).update(state=State.REQUESTED, answer_by=timezone.now())
        if how == "decline":
            actions.decline_appointment(appointment=visit, seen=version_of(visit))
        else:
            actions.expire_request(appointment=visit)
    a_look()

    (offer,) = offers()
    assert (offer.entry, offer.starts_at, offer.state) == (entry, visit.starts_at, Offer.State.OPEN)
    assert (offer.hold.state, offer.hold.held_for) == (State.HELD, HeldFor.OFFER)
    assert timedelta(minutes=119) < offer.until - timezone.now() <= timedelta(hours=2)
    with pytest.raises(actions.SlotTakenError):
        actions.take_hold(therapist=therapist, service=service, starts_at=visit.starts_at)
    assert Message.objects.filter(kind=Kind.OFFER, offer=offer).count() == 1


@pytest.mark.parametrize(
    ("hours", "suits_short_notice", "is_offered"),
    [(25, False, True), (23, False, False), (23, True, True), (3, True, True), (1, True, False)],
)
def test_late_cancellations_reach_those_whom_short_notice_suits(
    therapist, service, hours, suits_short_notice, is_offered
):
    service.notice_hours = 24
    service.save()
    ten = in_days(1, 10)
    with time_machine.travel(ten, tick=False):
        joins(service, suits_short_notice=suits_short_notice)
        start = ten + timedelta(hours=hours)

        offered = actions.offer_freed_time(freed=give_back(therapist, start, start + timedelta(minutes=40)))

    assert bool(offered) == is_offered
    assert all(offer.until <= offer.starts_at - timedelta(hours=1) for offer in offered)


def test_giving_time_back_asks_the_worker_to_look_soon(full_day, django_capture_on_commit_callbacks):
    from procrastinate.contrib.django.models import ProcrastinateJob

    cancel(full_day[0])

    assert ProcrastinateJob.objects.filter(task_name="booking.tasks.offer_freed_times").exists()


@pytest.mark.parametrize(
    "wish",
    [
        {"first_day": day_in(4)},
        {"last_day": day_in(2)},
        {"parts": [PartOfDay.EVENING]},
        {"parts": [PartOfDay.AFTERNOON, PartOfDay.EVENING]},
    ],
    ids=["later", "sooner", "evenings", "not mornings"],
)
def test_nobody_is_offered_what_does_not_suit(service, full_day, wish):
    joins(service, **wish)

    cancel(full_day[1])
    a_look()

    assert not offers()


def test_an_entry_for_one_therapist_waits_for_that_one(therapist, service, full_day):
    other = a_therapist("benjamin-britton")
    service.therapists.add(other)
    joins(service, therapist=other)
    anyone = joins(service, name="Anyone Will", email="anyone@example.com")

    cancel(full_day[1])
    a_look()

    assert [offer.entry for offer in offers()] == [anyone]


def test_a_longer_service_is_offered_when_the_freed_time_makes_room_for_it(therapist, service, full_day):
    long = a_service(therapist, minutes=60, turnaround_minutes=0)
    joins(long, last_day=day_in(3))

    cancel(full_day[1])
    a_look()
    assert not offers()  # half an hour is not enough
    cancel(full_day[2])
    a_look()

    assert [offer.starts_at for offer in offers()] == [full_day[1].starts_at]


def test_the_time_given_back_is_offered_before_its_neighbors(therapist, service):
    """The quarter of an hour before it became free, too, since its turnaround was in the way."""
    visit = an_appointment(therapist, service, in_days(3, 11))
    joins(service)

    cancel(visit)
    a_look()

    assert [offer.starts_at for offer in offers()] == [visit.starts_at]


def test_two_who_wait_are_not_offered_the_same_time(therapist, service, full_day):
    joins(service, last_day=day_in(3))
    joins(service, last_day=day_in(3), email="second@example.com")

    cancel(full_day[1])
    for _ in range(3):
        a_look()

    assert len(offers()) == 1


def test_one_person_has_one_open_offer(service, full_day):
    joins(service, last_day=day_in(3))

    cancel(full_day[1])
    cancel(full_day[5])
    a_look()
    a_look()

    assert len(offers()) == 1


def test_nobody_is_written_to_at_night(service, full_day, settings):
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = 21, 7
    evening, almost_morning, morning = in_days(1, 21), in_days(2, 6, 59), in_days(2, 7)
    with time_machine.travel(evening, tick=False) as clock:
        joins(service)
        cancel(full_day[1])
        a_look()
        clock.move_to(almost_morning)
        a_look()
        assert not offers()

        clock.move_to(morning)
        a_look()

    assert [offer.starts_at for offer in offers()] == [full_day[1].starts_at]


def test_an_offer_counts_the_services_own_notice_for_the_list(therapist, full_day):
    joins(a_service(therapist, notice_hours=0, offer_notice_hours=24 * 4))

    cancel(full_day[1])
    a_look()

    assert not offers()


@pytest.mark.parametrize("hours_ahead", [1.9, 2, 2.5])
def test_an_offer_is_made_to_two_hours_ahead_and_open_to_one_hour_before(therapist, full_day, hours_ahead):
    service = a_service(therapist, notice_hours=72)  # the notice for booking online does not count here
    starts_at = full_day[2].starts_at
    with time_machine.travel(starts_at - timedelta(hours=hours_ahead), tick=False):
        joins(service, suits_short_notice=True)
        cancel(full_day[2])
        a_look()

    untils = [offer.until for offer in offers()]
    assert untils == ([] if hours_ahead < 2 else [starts_at - timedelta(hours=1)])


# ---- roll on ----


def test_no_answer_in_time_and_the_next_is_asked(service, full_day):
    first = joins(service, last_day=day_in(3))
    second = joins(service, last_day=day_in(3), email="second@example.com")
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        cancel(full_day[1])
        a_look()
        actions.deliver_message(message_id=Message.objects.get(kind=Kind.OFFER).pk)
        clock.shift(timedelta(minutes=119))
        a_look()
        assert [offer.entry for offer in offers()] == [first]
        clock.shift(timedelta(minutes=1))
        a_look()

    assert [(offer.entry, offer.state) for offer in offers()] == [(first, "expired"), (second, "open")]
    assert WaitlistEntry.objects.get(pk=first.pk).state == Waiting.WAITING  # and stays on the list


def test_nobody_is_mailed_twice_for_one_slot(service, full_day):
    joins(service, last_day=day_in(3))
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        cancel(full_day[1])
        for _ in range(4):
            a_look()
            for message in Message.objects.filter(kind=Kind.OFFER, delivery=Delivery.QUEUED):
                actions.deliver_message(message_id=message.pk)
            clock.shift(timedelta(hours=2))

    assert Message.objects.filter(kind=Kind.OFFER).count() == 1


@pytest.mark.parametrize("hours", [(1, 6), (6, 1)])
def test_offers_leave_outside_the_quiet_hours_whichever_is_the_smaller(service, full_day, settings, hours):
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = hours
    quiet, after = in_days(1, hours[0]), in_days(1 + (hours[1] < hours[0]), hours[1])
    with time_machine.travel(quiet, tick=False) as clock:
        joins(service)
        cancel(full_day[1])
        a_look()
        assert not offers()

        clock.move_to(after)
        a_look()

    assert len(offers()) == 1


def test_an_offer_too_late_in_the_evening_to_be_mailed_is_made_again_in_the_morning(service, full_day, settings):
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = 21, 7
    evening, night, late, morning = in_days(1, 20, 59), in_days(1, 21), in_days(1, 23), in_days(2, 7)
    with time_machine.travel(evening, tick=False) as clock:
        entry = joins(service)
        cancel(full_day[1])
        a_look()
        clock.move_to(night)
        actions.deliver_message(message_id=Message.objects.get(kind=Kind.OFFER).pk)
        clock.move_to(late)
        a_look()
        assert not offers()
        assert not Appointment.objects.filter(state=State.HELD).exists()
        clock.move_to(morning)
        a_look()

    assert [(offer.entry, offer.starts_at) for offer in offers()] == [(entry, full_day[1].starts_at)]


@pytest.mark.parametrize(
    "delivery",
    [Delivery.REFUSED, Delivery.PLEASE_PHONE, Delivery.PHONED, Delivery.QUEUED, Delivery.OVERTAKEN],
)
def test_whoever_cannot_be_reached_keeps_nobody_else_waiting(service, full_day, delivery):
    first, second = joins(service, last_day=day_in(3)), joins(service, last_day=day_in(3), email="2@example.com")
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        cancel(full_day[1])
        a_look()
        Message.objects.filter(kind=Kind.OFFER).update(delivery=delivery, attempts=3)
        clock.shift(timedelta(hours=2))
        a_look()

    assert [(offer.entry, offer.state) for offer in offers()] == [(first, "expired"), (second, "open")]
    assert Message.objects.filter(kind=Kind.OFFER, delivery=delivery).exists()  # staff still see it


@pytest.mark.django_db(transaction=True)
def test_an_offer_is_not_ended_while_its_mail_is_being_handed_over(service, full_day):
    joins(service, last_day=day_in(3))
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        cancel(full_day[1])
        a_look()
        clock.shift(timedelta(hours=2))
        with someone_holds(Message.objects.get(kind=Kind.OFFER)):
            with pytest.raises(actions.StateChangedError):
                actions.expire_offer(offer=offers()[0])

    assert offers()[0].state == Offer.State.OPEN


@contextmanager
def someone_holds(row):
    """Another connection has the row locked, as a worker that is sending has."""
    with psycopg.connect(**pool.connection_parameters()) as other:
        other.execute(f"SELECT FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
        yield
        other.rollback()


@pytest.mark.parametrize("times", [2, 3])
def test_one_person_on_the_list_twice_hears_of_a_slot_once_and_of_one_at_a_time(therapist, service, full_day, times):
    joins(service, last_day=day_in(3))
    joins(service, last_day=day_in(3), email="WANDA@example.com")
    cancel(full_day[1])
    cancel(full_day[6])

    for _ in range(times):
        a_look()

    assert len(offers()) == 1
    actions.decline_offer(offer=offers()[0], seen=version_of(offers()[0]))
    a_look()
    assert len({offer.starts_at for offer in offers()}) == len(offers()) == 2


def test_nobody_waits_more_often_than_they_may_visit(service):
    for _ in range(2):
        joins(service)

    with pytest.raises(actions.TooManyError):
        joins(service)
    joins(service, email="someone.else@example.com")


def test_the_neighbors_of_a_declined_time_are_not_offered_one_by_one(therapist, service):
    visit = an_appointment(therapist, service, in_days(3, 10))
    joins(service, last_day=day_in(3))
    cancel(visit)

    for _ in range(5):
        a_look()
        for offer in Offer.objects.open():
            actions.decline_offer(offer=offer, seen=version_of(offer))

    spans = [(offer.starts_at, offer.ends_at) for offer in offers()]
    assert all(one[1] <= two[0] or two[1] <= one[0] for one in spans for two in spans if one != two)


def test_a_form_that_comes_again_with_other_content_is_refused(service):
    key = uuid.uuid4()
    joins(service, submission_key=key)

    with pytest.raises(actions.SubmissionReusedError):
        joins(service, submission_key=key, phone="612-555-0000")


def test_taking_an_older_offer_ends_the_newer_one(therapist, service):
    entry = joins(service)
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        older = an_offer(entry, therapist, in_days(3))
        Message.objects.filter(offer=older).update(delivery=Delivery.SENT, sent_at=timezone.now())
        clock.shift(timedelta(hours=2))
        actions.expire_offer(offer=older)
        newer = an_offer(entry, therapist, in_days(5))

        actions.accept_offer(offer=older, seen=version_of(older))

    newer.refresh_from_db()
    assert newer.state == Offer.State.DECLINED
    assert not Appointment.objects.filter(state=State.HELD).exists()


@pytest.mark.parametrize("ends", ["the visit", "the service", "the therapist"])
def test_an_offer_nobody_can_take_any_more_frees_its_time(therapist, service, ends):
    visit = an_appointment(therapist, service, in_days(8))
    offer = an_offer(joins(service, visit=visit), therapist, in_days(3))
    if ends == "the visit":
        cancel(visit)
    elif ends == "the service":
        service.is_active = False
        service.save()
    else:
        therapist.is_taking_patients = False
        therapist.save()
    actions.deliver_message(message_id=offer.messages.get().pk)
    assert offer.messages.get().delivery == Delivery.OVERTAKEN

    a_look()

    assert not Offer.objects.open().exists()
    assert not Appointment.objects.filter(state=State.HELD).exists()


def test_an_offer_that_ran_out_moves_no_visit_inside_the_cut_off(therapist):
    service = a_service(therapist, notice_hours=0)
    visit = an_appointment(therapist, service, in_days(4))
    entry = joins(service, visit=visit)
    with time_machine.travel(in_days(2, 9), tick=False) as clock:
        offer = an_offer(entry, therapist, visit.starts_at - timedelta(hours=19))
        clock.move_to(visit.starts_at - timedelta(hours=23))

        with pytest.raises(actions.TooLateToChangeError):
            actions.accept_offer(offer=offer, seen=version_of(offer))


def test_shortening_an_absence_gives_its_time_back(therapist, service):
    away = Absence(therapist=therapist, starts_at=in_days(3, 0), ends_at=in_days(3, 23))
    actions.save_absence(absence=away)
    joins(service, last_day=day_in(3))
    away.ends_at = in_days(3, 12)
    actions.save_absence(absence=away)

    a_look()

    assert [offer.starts_at for offer in offers()] == [in_days(3, 12)]


def test_a_fault_of_one_keeps_nobody_else_waiting():
    done = []

    def act(number):
        if number == 1:
            raise ZeroDivisionError
        if number == 2:
            raise actions.BusyError
        done.append(number)

    with pytest.raises(ZeroDivisionError):
        tasks.each(range(5), act)

    assert done == [0, 3, 4]


def test_a_look_costs_the_same_however_many_wait(service, full_day, django_assert_max_num_queries):
    for number in range(40):
        joins(service, email=f"{number}@example.com", first_day=day_in(3), last_day=day_in(3), parts=["evening"])
    cancel(full_day[1])

    with django_assert_max_num_queries(20):
        a_look()


def test_saying_no_asks_the_next_at_once_and_keeps_the_place(service, full_day):
    first = joins(service, last_day=day_in(3))
    joins(service, last_day=day_in(3), email="second@example.com")
    cancel(full_day[1])
    a_look()

    actions.decline_offer(offer=offers()[0], seen=version_of(offers()[0]))
    a_look()

    assert [offer.state for offer in offers()] == ["declined", "open"]
    assert WaitlistEntry.objects.get(pk=first.pk).state == Waiting.WAITING


def test_leaving_frees_the_offer_and_is_done_once(service, full_day):
    entry = joins(service, last_day=day_in(3))
    cancel(full_day[1])
    a_look()

    for _ in range(2):
        actions.leave_waitlist(entry=entry)

    entry.refresh_from_db()
    assert (entry.state, offers()[0].state) == (Waiting.LEFT, Offer.State.DECLINED)
    assert not Appointment.objects.filter(state=State.HELD).exists()
    with pytest.raises(actions.StateChangedError):
        actions.accept_offer(offer=offers()[0], seen=version_of(offers()[0]))


def test_who_waits_for_days_that_are_over_waits_no_more(service):
    entry = joins(service, last_day=day_in(1))
    with time_machine.travel(in_days(2, 9)):
        a_look()

    entry.refresh_from_db()
    assert entry.state == Waiting.ENDED


# ---- accept ----


@pytest.mark.parametrize(("needs_confirmation", "state"), [(True, State.REQUESTED), (False, State.CONFIRMED)])
def test_taking_an_offer_makes_the_visit_as_the_service_says(therapist, service, needs_confirmation, state):
    service.needs_confirmation = needs_confirmation
    service.save()
    entry = joins(service, came_from="cupping-for-back-pain")
    offer = an_offer(entry, therapist, in_days(3))

    visit = actions.accept_offer(offer=offer, seen=version_of(offer))
    again = actions.accept_offer(offer=offer, seen=version_of(offer))

    assert visit.pk == again.pk == offer.hold_id
    assert (visit.state, visit.name, visit.starts_at) == (state, "Wanda Waiting", in_days(3))
    assert visit.came_from == "cupping-for-back-pain"
    assert WaitlistEntry.objects.get().state == Waiting.BOOKED
    assert list(visit.messages.order_by("pk").values_list("kind", flat=True)) == [state, Kind.STAFF_NOTICE]


def test_taking_an_offer_moves_the_visit_one_has(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(8), confirmed_at=timezone.now())
    entry = joins(service, visit=visit)
    offer = an_offer(entry, other, in_days(3))

    moved = actions.accept_offer(offer=offer, seen=version_of(offer))

    assert (moved.pk, moved.token) == (visit.pk, visit.token)
    assert (moved.therapist, moved.starts_at, moved.state) == (other, in_days(3), State.CONFIRMED)
    assert moved.calendar_sequence == visit.calendar_sequence + 1
    assert FreedTime.objects.filter(therapist=therapist, starts_at=in_days(8)).exists()  # its old time goes on
    assert list(moved.messages.order_by("pk").values_list("kind", flat=True)) == [Kind.MOVED, Kind.STAFF_NOTICE]


def test_only_something_earlier_than_the_visit_is_offered(therapist, service):
    joins(service, visit=an_appointment(therapist, service, in_days(3, 11)))

    assert actions.offer_freed_time(freed=give_back(therapist, in_days(3, 12), in_days(3, 13))) == []
    assert actions.offer_freed_time(freed=give_back(therapist, in_days(3, 9), in_days(3, 9, 40)))


def test_an_offer_that_ran_out_is_still_good_while_its_time_is_free(therapist, service):
    entry = joins(service)
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        offer = an_offer(entry, therapist, in_days(3))
        clock.shift(timedelta(hours=3))

        assert actions.accept_offer(offer=offer, seen=version_of(offer)).state == State.REQUESTED


def test_an_offer_that_ran_out_and_went_to_another_says_taken(therapist, service):
    entry = joins(service)
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        offer = an_offer(entry, therapist, in_days(3))
        clock.shift(timedelta(hours=3))
        hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))
        actions.book_appointment(
            hold=hold,
            therapist=therapist,
            service=service,
            starts_at=in_days(3),
            details=some_details(),
            submission_key=uuid.uuid4(),
        )
        with pytest.raises(actions.SlotTakenError):
            actions.accept_offer(offer=offer, seen=version_of(offer))

    assert WaitlistEntry.objects.get().state == Waiting.WAITING


def test_a_cancelled_visit_cannot_be_moved_by_an_offer(therapist, service):
    visit = an_appointment(therapist, service, in_days(8))
    offer = an_offer(joins(service, visit=visit), therapist, in_days(3))
    cancel(visit)

    with pytest.raises(actions.StateChangedError):
        actions.accept_offer(offer=offer, seen=version_of(offer))

    assert Appointment.objects.get(pk=visit.pk).state == State.CANCELLED


def test_the_limit_of_coming_visits_holds_for_offers_too(therapist, service):
    for days in (5, 6):
        an_appointment(therapist, service, in_days(days), name="Wanda Waiting", email="wanda@example.com")
    offer = an_offer(joins(service), therapist, in_days(3))

    with pytest.raises(actions.TooManyError):
        actions.accept_offer(offer=offer, seen=version_of(offer))


def test_a_dead_offer_is_deleted_at_night_and_its_page_lives_on(therapist, service):
    entry = joins(service)
    with time_machine.travel(in_days(1, 9), tick=False) as clock:
        offer = an_offer(entry, therapist, in_days(9))
        clock.shift(timedelta(days=2))
        actions.delete_dead_holds()

    assert Offer.objects.get(pk=offer.pk).hold is None


# ---- delivery and keeping ----


@pytest.mark.parametrize("end", ["leave", "decline", "time"])
def test_an_offer_that_is_over_is_not_mailed(therapist, service, end):
    offer = an_offer(joins(service), therapist, in_days(3))
    message = Message.objects.get(kind=Kind.OFFER)
    if end == "leave":
        actions.leave_waitlist(entry=offer.entry)
    if end == "decline":
        actions.decline_offer(offer=offer, seen=version_of(offer))
    with time_machine.travel(timezone.now() + timedelta(hours=3 if end == "time" else 0)):
        actions.deliver_message(message_id=message.pk)

    message.refresh_from_db()
    assert message.delivery == Delivery.OVERTAKEN


def test_entries_are_erased_whole_some_days_after_they_end(service):
    left, waits = joins(service), joins(service)
    actions.leave_waitlist(entry=left)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        actions.forget_past_visits()

    assert list(WaitlistEntry.objects.all()) == [waits]
    assert Message.objects.filter(kind=Kind.JOINED).count() == 1


def test_the_parts_of_a_day_are_those_of_the_clinics_clock():
    at = [PartOfDay.of(in_days(3, *wall), CHICAGO) for wall in ((11, 59), (12, 0), (16, 59), (17, 0))]

    assert at == ["morning", "afternoon", "afternoon", "evening"]
