import re
import uuid
from datetime import time, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions, tasks
from booking.mail import queue
from booking.mail.compose import to_tell
from booking.models import Absence, Appointment, Delivery, FreedTime, Kind, LostLink, Message, Override, Shift, State
from booking.time.availability import Cause
from tests.factories import (
    CHICAGO,
    a_series,
    a_service,
    a_therapist,
    an_appointment,
    in_days,
    some_details,
    version_of,
    working_all_week,
)


def hold_at(therapist, service, starts_at, present=None):
    return actions.take_hold(therapist=therapist, service=service, starts_at=starts_at, present=present)


def book(hold, *, therapist=None, service=None, starts_at=None, key=None, **facts):
    return actions.book_appointment(
        hold=hold,
        therapist=therapist or hold.therapist,
        service=service or hold.service,
        starts_at=starts_at or hold.starts_at,
        details=some_details(**facts),
        submission_key=key or uuid.uuid4(),
    )


def kinds():
    return list(Message.objects.order_by("pk").values_list("kind", flat=True))


# ---- holds ----


def test_hold_keeps_others_out_for_ten_minutes(therapist, service):
    hold = hold_at(therapist, service, in_days(3))

    assert hold.held_until - timezone.now() > timedelta(minutes=9)
    with pytest.raises(actions.SlotTakenError):
        hold_at(therapist, service, in_days(3, 9, 15))


def test_choosing_again_points_the_same_hold_elsewhere(therapist, service):
    first = hold_at(therapist, service, in_days(3))

    second = hold_at(therapist, service, in_days(3, 9, 15), present=first)

    assert second.pk == first.pk
    assert second.token == first.token
    assert Appointment.objects.get().starts_at == in_days(3, 9, 15)


def test_choosing_the_same_time_again_changes_nothing(therapist, service):
    first = hold_at(therapist, service, in_days(3))

    again = hold_at(therapist, service, in_days(3), present=first)

    assert (again.pk, again.held_until) == (first.pk, first.held_until)


def test_a_hold_that_became_a_visit_is_left_alone(therapist, service):
    hold = hold_at(therapist, service, in_days(3))
    book(hold)

    second = hold_at(therapist, service, in_days(4), present=hold)

    assert second.pk != hold.pk
    assert Appointment.objects.get(pk=hold.pk).starts_at == in_days(3)


def test_dead_hold_frees_its_time_for_others(therapist, service):
    hold = hold_at(therapist, service, in_days(3))
    Appointment.objects.filter(pk=hold.pk).update(held_until=timezone.now())

    other = hold_at(therapist, service, in_days(3))

    assert other.pk != hold.pk
    assert Appointment.objects.get(pk=hold.pk).state == State.EXPIRED


def test_dead_holds_are_found_without_reading_a_past(therapist, service):
    past = [Appointment(state=State.CANCELLED) for _ in range(300)]
    for hours, visit in enumerate(past, start=1):
        visit.put_at(therapist=therapist, service=service, starts_at=in_days(-1) - timedelta(hours=hours))
        visit.name = "Ada Example"
        visit.renew_link()
    Appointment.objects.bulk_create(past)
    dead = Appointment.objects.dead_holds(timezone.now()).filter(therapist__in=[therapist.pk])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE booking_appointment")  # the plan must not depend on what other tests left behind
        cursor.execute("SET LOCAL enable_seqscan = off")  # of a small table all is read, whatever there is

    assert "booking_appointment_held" in dead.order_by().explain()  # an UPDATE has no order


def test_an_expired_hold_still_books_when_its_time_is_free(therapist, service):
    hold = hold_at(therapist, service, in_days(3))
    Appointment.objects.filter(pk=hold.pk).update(held_until=timezone.now() - timedelta(hours=1))

    visit = book(hold)

    assert (visit.pk, visit.state) == (hold.pk, State.REQUESTED)


def test_an_expired_hold_whose_time_went_to_another_says_taken(therapist, service):
    hold = hold_at(therapist, service, in_days(3))
    Appointment.objects.filter(pk=hold.pk).update(held_until=timezone.now() - timedelta(minutes=1))
    book(hold_at(therapist, service, in_days(3)))

    with pytest.raises(actions.SlotTakenError):
        book(hold)

    assert kinds() == [Kind.REQUESTED, Kind.STAFF_NOTICE]


@pytest.mark.parametrize(
    "starts_at",
    [in_days(3, 9, 5), in_days(-1), in_days(3, 8, 45), in_days(3, 16, 45), in_days(90)],
    ids=["off the grid", "past", "before opening", "past closing", "past the horizon"],
)
def test_only_offered_times_can_be_held(therapist, service, starts_at):
    with pytest.raises(actions.NotOfferedError):
        hold_at(therapist, service, starts_at)

    assert not Appointment.objects.exists()


def test_nobody_holds_a_time_with_someone_who_does_not_give_the_service(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)

    with pytest.raises(actions.NotOfferedError):
        hold_at(other, service, in_days(3))


def test_holds_that_never_got_details_are_deleted_at_night(therapist, service):
    old, fresh = hold_at(therapist, service, in_days(3)), hold_at(therapist, service, in_days(4))
    visit = book(hold_at(therapist, service, in_days(5)))
    Appointment.objects.filter(pk=old.pk).update(held_until=timezone.now() - timedelta(days=2))

    assert actions.delete_dead_holds() == 1

    assert set(Appointment.objects.all()) == {fresh, visit}


# ---- whoever is free ----


@pytest.fixture
def other(service):
    other = a_therapist("benjamin-britton", name="Dr. Benjamin Britton")
    working_all_week(other)
    service.therapists.add(other)
    return other


def test_anyone_is_who_has_fewest_visits_that_day_then_by_name(therapist, service, other):
    first = hold_at(actions.ANYONE, service, in_days(3))
    second = hold_at(actions.ANYONE, service, in_days(3, 11))
    elsewhere = hold_at(actions.ANYONE, service, in_days(4))

    assert [hold.therapist for hold in (first, second, elsewhere)] == [other, therapist, other]


def test_anyone_gives_the_other_when_one_is_taken(therapist, service, other):
    an_appointment(other, service, in_days(3))

    assert hold_at(actions.ANYONE, service, in_days(3)).therapist == therapist
    with pytest.raises(actions.SlotTakenError):
        hold_at(actions.ANYONE, service, in_days(3))
    with pytest.raises(actions.NotOfferedError):
        hold_at(actions.ANYONE, service, in_days(3, 8))


def test_choosing_anyone_again_keeps_the_hold_and_its_therapist(therapist, service, other):
    first = hold_at(actions.ANYONE, service, in_days(3))

    again = hold_at(actions.ANYONE, service, in_days(3), present=first)

    assert (again.pk, again.therapist, again.held_until) == (first.pk, first.therapist, first.held_until)


# ---- details ----


def test_booking_a_service_that_needs_confirmation_asks(therapist, service):
    visit = book(hold_at(therapist, service, in_days(10)))

    assert visit.state == State.REQUESTED
    assert visit.answer_by <= visit.starts_at - timedelta(hours=2)
    assert kinds() == [Kind.REQUESTED, Kind.STAFF_NOTICE]
    assert ProcrastinateJob.objects.filter(task_name="booking.tasks.send_message").count() == 2


def test_booking_a_service_that_needs_none_is_agreed_at_once(therapist):
    visit = book(hold_at(therapist, a_service(therapist, needs_confirmation=False), in_days(3)))

    assert visit.state == State.CONFIRMED
    assert kinds() == [Kind.CONFIRMED, Kind.STAFF_NOTICE]


def test_sending_the_same_details_again_gives_the_same_visit_and_one_message(therapist, service):
    hold, key = hold_at(therapist, service, in_days(3)), uuid.uuid4()

    first, second = book(hold, key=key), book(hold, key=key)

    assert first.pk == second.pk
    assert kinds() == [Kind.REQUESTED, Kind.STAFF_NOTICE]


def test_a_submission_key_with_other_content_is_refused(therapist, service):
    hold, key = hold_at(therapist, service, in_days(3)), uuid.uuid4()
    book(hold, key=key)

    with pytest.raises(actions.SubmissionReusedError):
        book(hold, key=key, name="Someone Else")
    with pytest.raises(actions.SubmissionReusedError):
        book(hold_at(therapist, service, in_days(4)), key=key)

    assert Appointment.objects.get(submission_key=key).name == "Ada Example"
    assert len(kinds()) == 2


def test_the_same_details_sent_with_another_hold_give_the_visit_that_was_booked(therapist, service):
    key = uuid.uuid4()
    visit = book(actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3)), key=key)
    other = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(4))

    again = book(other, key=key, starts_at=in_days(3))

    assert again == visit
    assert kinds() == [Kind.REQUESTED, Kind.STAFF_NOTICE]


def test_details_book_the_time_the_patient_saw_not_the_one_another_tab_chose(therapist, service):
    first_tab = hold_at(therapist, service, in_days(3))
    hold_at(therapist, service, in_days(4), present=first_tab)

    visit = book(first_tab, starts_at=in_days(3))

    assert visit.starts_at == in_days(3)


def test_details_can_take_another_therapist_when_the_time_was_lost(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)

    visit = book(hold_at(therapist, service, in_days(3)), therapist=other, starts_at=in_days(3, 10))

    assert (visit.therapist, visit.starts_at) == (other, in_days(3, 10))


def test_typing_does_not_use_up_the_notice(therapist):
    service = a_service(therapist, notice_hours=2)
    nine = in_days(3)
    with time_machine.travel(nine - timedelta(hours=2), tick=False) as clock:
        hold = hold_at(therapist, service, nine)
        clock.shift(timedelta(minutes=9))

        assert book(hold).state == State.REQUESTED


def test_details_book_the_service_the_patient_saw_not_the_one_another_tab_chose(therapist, service):
    long = a_service(therapist, minutes=60, needs_confirmation=False)
    first_tab = hold_at(therapist, service, in_days(3))
    hold_at(therapist, long, in_days(3), present=first_tab)

    visit = book(first_tab, service=service)

    assert (visit.service, visit.state) == (service, State.REQUESTED)
    assert visit.ends_at - visit.starts_at == service.length


def test_a_request_at_short_notice_lives_until_half_of_the_time_is_left(therapist):
    service = a_service(therapist, notice_hours=2)
    asked_at, starts_at = in_days(3, 11, 8), in_days(3, 13, 15)
    with time_machine.travel(asked_at, tick=False) as clock:
        visit = book(hold_at(therapist, service, starts_at))
        clock.shift(timedelta(minutes=50))
        tasks.expire_requests(None, 0)

    visit.refresh_from_db()
    assert visit.state == State.REQUESTED


def test_a_visit_does_not_begin_in_the_past_however_long_the_typing(therapist):
    service = a_service(therapist, notice_hours=0)
    nine = in_days(3)
    with time_machine.travel(nine - timedelta(minutes=2), tick=False) as clock:
        hold = hold_at(therapist, service, nine)
        clock.shift(timedelta(minutes=3))
        with pytest.raises(actions.NotOfferedError):
            book(hold)


def test_an_absence_entered_meanwhile_stops_the_booking(therapist, service):
    hold = hold_at(therapist, service, in_days(3))
    Absence.objects.create(therapist=therapist, starts_at=in_days(3, 8), ends_at=in_days(3, 12))

    with pytest.raises(actions.NotOfferedError):
        book(hold)

    assert not Message.objects.exists()


def test_without_an_address_the_message_is_a_line_to_phone(therapist, service):
    book(hold_at(therapist, service, in_days(3)), email="")

    message = Message.objects.get(kind=Kind.REQUESTED)
    assert message.delivery == Delivery.PLEASE_PHONE
    assert ProcrastinateJob.objects.filter(task_name="booking.tasks.send_message").count() == 1


# ---- answering and ending ----


@pytest.fixture
def request_for_visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


def test_confirming_tells_the_patient_and_counts_the_calendar(request_for_visit):
    visit = actions.confirm_appointment(appointment=request_for_visit, seen=version_of(request_for_visit))

    assert (visit.state, visit.calendar_sequence) == (State.CONFIRMED, 1)
    assert Message.objects.get().sequence == 1
    assert kinds() == [Kind.CONFIRMED]


def test_declining_frees_the_time_and_tells_the_patient(request_for_visit, therapist, service):
    actions.decline_appointment(appointment=request_for_visit, seen=version_of(request_for_visit))

    assert kinds() == [Kind.DECLINED]
    assert hold_at(therapist, service, request_for_visit.starts_at)


@pytest.mark.parametrize("act", [actions.confirm_appointment, actions.decline_appointment])
def test_two_colleagues_cannot_answer_twice(request_for_visit, act):
    seen = version_of(request_for_visit)
    actions.confirm_appointment(appointment=request_for_visit, seen=seen)

    with pytest.raises(actions.StateChangedError):
        act(appointment=request_for_visit, seen=seen)

    assert kinds() == [Kind.CONFIRMED]


def test_a_patient_cancels_and_staff_hear_of_it(request_for_visit):
    visit = actions.cancel_appointment(
        appointment=request_for_visit, seen=version_of(request_for_visit), by=actions.Actor.PATIENT
    )

    assert visit.state == State.CANCELLED
    assert kinds() == [Kind.CANCELLED, Kind.STAFF_NOTICE]


def test_cancelling_twice_is_one_cancellation(request_for_visit):
    for _ in range(2):
        actions.cancel_appointment(
            appointment=request_for_visit, seen=version_of(request_for_visit), by=actions.Actor.STAFF
        )

    assert kinds() == [Kind.CANCELLED]


def test_inside_the_cut_off_only_staff_cancel(therapist, service):
    soon = an_appointment(therapist, service, in_days(1))
    with time_machine.travel(soon.starts_at - timedelta(hours=23, minutes=59), tick=False):
        with pytest.raises(actions.TooLateToChangeError):
            actions.cancel_appointment(appointment=soon, seen=version_of(soon), by=actions.Actor.PATIENT)

        assert (
            actions.cancel_appointment(appointment=soon, seen=version_of(soon), by=actions.Actor.STAFF).state
            == State.CANCELLED
        )


# ---- hours ----


def test_an_absence_names_the_visits_it_hits(therapist, service):
    hit = an_appointment(therapist, service, in_days(3))
    an_appointment(therapist, service, in_days(4))
    away = Absence(therapist=None, starts_at=in_days(3, 0), ends_at=in_days(3, 23))

    assert actions.save_absence(absence=away) == [hit]
    assert away.pk


def test_a_shorter_shift_names_the_visits_that_fall_outside(therapist, service):
    late = an_appointment(therapist, service, in_days(3, 16))
    an_appointment(therapist, service, in_days(3, 10))
    shift = Shift.objects.get(weekday=in_days(3, 12).weekday())
    shift.closes = time(12)

    assert actions.save_hours(row=shift) == [late]
    assert actions.remove_hours(row=shift) == list(Appointment.objects.order_by("starts_at"))


def test_other_hours_for_one_date_replace_its_shifts_and_name_the_visits(therapist, service):
    early = an_appointment(therapist, service, in_days(3))
    an_appointment(therapist, service, in_days(4))
    day = in_days(3, 12).astimezone(CHICAGO).date()

    assert actions.save_hours(row=Override(therapist=therapist, day=day, opens=time(18), closes=time(20))) == [early]

    with pytest.raises(actions.NotOfferedError):
        hold_at(therapist, service, in_days(3, 11))
    assert hold_at(therapist, service, in_days(3, 19))
    assert hold_at(therapist, service, in_days(4, 11))


# ---- moving ----


def move(visit, to, *, seen=None, by=actions.Actor.PATIENT):
    return actions.move_appointment(appointment=visit, seen=seen or visit.version, starts_at=to, by=by)


def test_moving_updates_the_visit_in_place_and_tells_both_sides(request_for_visit, therapist, service):
    old, token = request_for_visit.starts_at, request_for_visit.token

    moved = move(request_for_visit, in_days(6, 11))

    assert (moved.pk, moved.token, moved.state) == (request_for_visit.pk, token, State.REQUESTED)
    assert (moved.starts_at, moved.calendar_sequence) == (in_days(6, 11), 1)
    assert kinds() == [Kind.MOVED, Kind.STAFF_NOTICE]
    assert hold_at(therapist, service, old)  # the old time is free at once


def test_its_own_old_time_counts_as_free(request_for_visit):
    assert move(request_for_visit, in_days(5, 9, 15)).starts_at == in_days(5, 9, 15)


def test_moving_onto_a_taken_or_unoffered_time_changes_nothing(request_for_visit, therapist, service):
    an_appointment(therapist, service, in_days(6))

    with pytest.raises(actions.SlotTakenError):
        move(request_for_visit, in_days(6))
    with pytest.raises(actions.NotOfferedError):
        move(request_for_visit, in_days(6, 3))

    assert Appointment.objects.get(pk=request_for_visit.pk).starts_at == in_days(5)
    assert kinds() == []


def test_of_two_tabs_that_move_the_same_visit_one_wins(request_for_visit):
    seen = request_for_visit.version
    move(request_for_visit, in_days(6), seen=seen)

    with pytest.raises(actions.StateChangedError):
        move(request_for_visit, in_days(7), seen=seen)
    again = move(request_for_visit, in_days(6), seen=seen)  # the same form sent twice

    assert again.starts_at == in_days(6)
    assert kinds() == [Kind.MOVED, Kind.STAFF_NOTICE]


def test_inside_the_cut_off_only_staff_move(therapist, service):
    soon = an_appointment(therapist, service, in_days(1))
    with time_machine.travel(soon.starts_at - timedelta(hours=23), tick=False):
        with pytest.raises(actions.TooLateToChangeError):
            move(soon, in_days(6))

        assert move(soon, in_days(6), by=actions.Actor.STAFF).starts_at == in_days(6)


@pytest.mark.parametrize("state", [State.CANCELLED, State.DECLINED, State.COMPLETED])
def test_an_ended_visit_is_not_moved(therapist, service, state):
    with pytest.raises(actions.StateChangedError):
        move(an_appointment(therapist, service, in_days(5), state=state), in_days(6))


# ---- moving to another therapist ----


@pytest.fixture
def colleague(service):
    other = a_therapist("benjamin-britton", name="Dr. Benjamin Britton", short_name="Dr. Britton")
    working_all_week(other)
    service.therapists.add(other)
    return other


def move_to(visit, therapist, to, *, seen=None):
    place = {"starts_at": to, "therapist": therapist}
    return actions.move_appointment(appointment=visit, seen=seen or version_of(visit), by=actions.Actor.STAFF, **place)


def test_staff_move_a_visit_to_another_therapist_in_place(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5))
    public_id, token = visit.public_id, visit.token

    moved = move_to(visit, colleague, in_days(5))  # at the same time

    assert (moved.pk, moved.public_id, moved.token) == (visit.pk, public_id, token)
    assert (moved.therapist, moved.starts_at, moved.calendar_sequence) == (colleague, in_days(5), 1)
    assert kinds() == [Kind.MOVED]
    assert Message.objects.get().former_therapist == therapist
    assert FreedTime.objects.get().therapist == therapist
    assert hold_at(therapist, service, in_days(5))  # free at once
    with pytest.raises(actions.SlotTakenError):
        hold_at(colleague, service, in_days(5))


def test_a_visit_of_a_series_stays_in_it_when_it_goes_to_another_therapist(therapist, service, colleague):
    first, second = a_series(therapist, service, in_days(4), in_days(6))

    moved = move_to(first, colleague, in_days(5))

    assert (moved.series, moved.therapist) == (second.series, colleague)
    assert Appointment.objects.get(pk=second.pk).therapist == therapist


def test_the_same_move_to_another_therapist_sent_twice_is_one(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5))
    seen = visit.version
    move_to(visit, colleague, in_days(6), seen=seen)

    again = move_to(visit, colleague, in_days(6), seen=seen)

    assert (again.therapist, again.calendar_sequence) == (colleague, 1)
    assert kinds() == [Kind.MOVED]
    with pytest.raises(actions.ChangedMeanwhileError):
        move_to(visit, therapist, in_days(6), seen=seen)


def not_given(visit, other):
    visit.service.therapists.remove(other)


def away(visit, other):
    Absence.objects.create(therapist=other, starts_at=in_days(6, 8), ends_at=in_days(6, 12))


def taken(visit, other):
    an_appointment(other, visit.service, in_days(6), name="Bo Other", email="bo@example.com")


@pytest.mark.parametrize(
    ("meanwhile", "cause", "refusal"),
    [
        (not_given, Cause.NOT_GIVEN, actions.NotOfferedError),
        (away, Cause.AWAY, actions.NotOfferedError),
        (taken, Cause.TAKEN, actions.SlotTakenError),
    ],
)
def test_a_move_is_refused_with_the_cause_of_the_therapist_it_would_go_to(
    therapist, service, colleague, meanwhile, cause, refusal
):
    visit = an_appointment(therapist, service, in_days(5))
    meanwhile(visit, colleague)

    with pytest.raises(refusal) as refused:
        move_to(visit, colleague, in_days(6))

    [why] = refused.value.why
    assert (why.therapist, why.causes) == (colleague, {cause})
    assert Appointment.objects.get(pk=visit.pk).version == visit.version
    assert kinds() == []


def test_a_patients_move_keeps_the_therapist(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5))

    with pytest.raises(ValueError, match="keeps the therapist"):
        actions.move_appointment(
            appointment=visit,
            seen=visit.version,
            starts_at=in_days(6),
            by=actions.Actor.PATIENT,
            therapist=colleague,
        )

    assert Appointment.objects.get().therapist == therapist


def now_with(visit):
    """The text of the visit's last message."""
    return to_tell(Message.objects.filter(appointment=visit.pk).order_by("pk").last())[1]


def test_the_message_says_plainly_with_whom_it_is_now_until_the_patient_knows(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5))
    sentence = "It is now with Dr. Benjamin Britton, no longer with Dr. Peter Stanley."

    move_to(visit, colleague, in_days(5))
    assert sentence in now_with(visit)
    move_to(visit, colleague, in_days(6))  # before the first message left
    assert sentence in now_with(visit)
    Message.objects.update(delivery=Delivery.SENT, sent_at=timezone.now())
    move_to(visit, colleague, in_days(7))
    assert "no longer with" not in now_with(visit)


def test_a_visit_that_is_back_before_the_message_left_was_never_away(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5))

    move_to(visit, colleague, in_days(5))
    move_to(visit, therapist, in_days(5))

    assert "no longer with" not in now_with(visit)


def test_a_request_that_moved_and_is_confirmed_before_the_message_left_says_with_whom(therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(5), state=State.REQUESTED)

    move_to(visit, colleague, in_days(5))
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))

    assert "It is now with Dr. Benjamin Britton" in now_with(visit)


def test_visits_with_several_therapists_are_told_together_each_with_its_own(therapist, service, colleague):
    first, _ = a_series(therapist, service, in_days(4), in_days(6))
    move_to(first, colleague, in_days(4))

    _, text = to_tell(first.messages.get(kind=Kind.SERIES))

    assert "with Dr. Benjamin Britton and Dr. Peter Stanley" in text
    assert re.search(r"9:30 am, with Dr. Benjamin Britton\n.*\n\n.*, with Dr. Peter Stanley\n", text)


# ---- requests nobody answers ----


def test_an_unanswered_request_ends_by_itself_with_an_apology(request_for_visit, therapist, service):
    Appointment.objects.update(answer_by=timezone.now())

    tasks.expire_requests(None, 0)

    assert Appointment.objects.get().state == State.EXPIRED
    assert kinds() == [Kind.EXPIRED, Kind.STAFF_NOTICE]
    assert hold_at(therapist, service, request_for_visit.starts_at)


def test_a_request_still_in_time_or_answered_does_not_expire(request_for_visit):
    Appointment.objects.update(answer_by=timezone.now() + timedelta(minutes=1))
    with pytest.raises(actions.StateChangedError):
        actions.expire_request(appointment=request_for_visit)

    actions.confirm_appointment(appointment=request_for_visit, seen=version_of(request_for_visit))
    Appointment.objects.update(answer_by=timezone.now())
    tasks.expire_requests(None, 0)

    assert Appointment.objects.get().state == State.CONFIRMED


# ---- lost links, and forgetting ----


def test_a_lost_link_is_the_same_work_for_known_and_unknown_addresses(request_for_visit):
    before = ProcrastinateJob.objects.count()

    for email in ("ADA@example.com", "nobody@example.com"):
        actions.ask_for_links(email=email)

    assert LostLink.objects.count() == 2
    assert ProcrastinateJob.objects.count() == before + 2
    assert kinds() == []


def test_links_of_coming_visits_are_sent_at_most_three_times_a_day(therapist, service, request_for_visit):
    an_appointment(therapist, service, in_days(8), state=State.CANCELLED)
    an_appointment(therapist, service, in_days(9), email="other@example.com")

    for _ in range(5):
        lost = LostLink.objects.create(email="ada@example.com")
        actions.send_lost_links(lost_link_id=lost.pk)
    actions.send_lost_links(lost_link_id=lost.pk)  # the job of a row that is gone

    assert kinds() == 3 * [Kind.LOST_LINK]
    assert set(Message.objects.values_list("recipient", flat=True)) == {"ada@example.com"}
    assert not LostLink.objects.exists()


def test_notes_go_when_the_visit_is_over_and_the_person_thirty_days_later(therapist, service):
    fresh = an_appointment(therapist, service, in_days(2), note="knee")
    over = an_appointment(therapist, service, in_days(-2), note="hip", state=State.COMPLETED)
    old = an_appointment(therapist, service, in_days(-32), note="neck", state=State.COMPLETED)
    message = queue.queue_message(Kind.CONFIRMED, old)
    token = old.token

    assert actions.forget_past_visits() == 1
    assert actions.forget_past_visits() == 0

    for visit in (fresh, over, old):
        visit.refresh_from_db()
    message.refresh_from_db()
    assert (fresh.note, over.note, old.note) == ("knee", "", "")
    assert (over.name, old.name, old.email, old.phone) == ("Ada Example", "", "", "")
    assert old.anonymised_at
    assert "ada" not in message.recipient
    assert not Appointment.objects.with_token(token).exists()
