"""A therapist is out: who is asked what, what becomes of each visit, and that nobody is lost."""

import random
import uuid
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as shared_app

from booking import actions, tasks
from booking.mail import queue
from booking.models import (
    Absence,
    AffectedVisit,
    Appointment,
    Delivery,
    FirstChoice,
    FreedTime,
    Kind,
    Message,
    Outage,
    Service,
    State,
    Therapist,
    propose,
)
from revival.base.clock import Span
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_appointment,
    erased,
    in_days,
    joins,
    outage_of,
    version_of,
    working_all_week,
)

pytestmark = pytest.mark.django_db

PATIENT, STAFF = actions.Actor.PATIENT, actions.Actor.STAFF
Line = AffectedVisit.State


@pytest.fixture
def other(clinic):
    other = a_therapist("benjamin-britton", name="Dr. Benjamin Britton", short_name="Dr. Britton")
    working_all_week(other)
    return other


@pytest.fixture
def service(therapist, other):
    return a_service(therapist, other, slug="consultation")


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(3, 10), confirmed_at=timezone.now())


def day(number, until=None):
    return Span(in_days(number, 0), in_days((until or number) + 1, 0))


def line_of(visit):
    return AffectedVisit.objects.get(visit=visit)


def again(row):
    row.refresh_from_db()
    return row


def take_held(line, by=PATIENT):
    return actions.take_other_time(
        line=line, seen=version_of(line), therapist=line.therapist, starts_at=line.starts_at, by=by
    )


# ---- start ----


def test_nothing_changes_for_the_visit_until_somebody_decides(therapist, other, service, visit):
    outage = outage_of(therapist, day(3))

    line = line_of(visit)
    again(visit)
    assert (visit.state, visit.starts_at, visit.calendar_sequence) == (State.CONFIRMED, in_days(3, 10), 0)
    assert line.state == Line.WAITING
    assert line.hold.state == State.HELD
    assert line.hold.held_for == "alternative"
    assert line.hold.held_until == line.until == outage.answer_by
    assert Absence.objects.get() == outage.absence
    assert [message.kind for message in Message.objects.all()] == [Kind.OUTAGE]


def test_a_held_time_is_kept_from_everybody_else(therapist, other, service, visit):
    outage_of(therapist, day(3))
    line = line_of(visit)

    with pytest.raises(actions.SlotTakenError):
        actions.take_hold(therapist=line.therapist, service=service, starts_at=line.starts_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        an_appointment(line.therapist, service, line.starts_at)


@pytest.mark.parametrize(
    ("first", "slug", "days"), [(FirstChoice.OTHER, "benjamin-britton", 3), (FirstChoice.SAME, "peter-stanley", 4)]
)
def test_the_first_choice_is_the_nearest_of_the_wanted_kind(therapist, other, service, visit, first, slug, days):
    outage_of(therapist, day(3), first=first)

    line = line_of(visit)
    assert (line.therapist.slug, line.starts_at) == (slug, in_days(days, 10))


def test_one_patient_gets_one_message_for_three_visits(therapist, other, service):
    for number in (3, 4, 5):
        an_appointment(
            therapist, service, in_days(number, 10), email="ADA@example.com" if number == 4 else "ada@example.com"
        )
    an_appointment(therapist, service, in_days(3, 11), name="Bo", email="bo@example.com")

    outage_of(therapist, day(3, 5))

    assert sorted(message.recipient.lower() for message in Message.objects.all()) == [
        "ada@example.com",
        "bo@example.com",
    ]
    spans = [Span(line.starts_at, line.ends_at) for line in AffectedVisit.objects.all()]
    assert not any(one.overlaps(two) for one in spans[:3] for two in spans[:3] if one is not two)


def test_no_time_is_proposed_at_which_they_have_another_visit(therapist, other, service, visit):
    an_appointment(other, service, in_days(3, 10), name="Else", email="else@example.com")
    third = a_therapist("carla-third")
    working_all_week(third)
    service.therapists.add(third)
    an_appointment(third, service, in_days(4, 10), email="Ada@example.com")

    [proposal] = propose([visit], out=day(3), first=FirstChoice.OTHER, among=None, now=timezone.now(), zone=CHICAGO)

    assert (proposal.best.therapist, proposal.best.starts_at) == (third, in_days(3, 10))
    assert not any(one.starts_at == in_days(4, 10) for one in proposal.all)


@pytest.mark.parametrize(
    ("facts", "hours", "why"),
    [
        ({"email": ""}, 48, "no-address"),
        ({}, 3, "near"),
    ],
)
def test_who_cannot_be_asked_by_mail_is_phoned_and_their_time_held(therapist, other, service, facts, hours, why):
    with time_machine.travel(in_days(3, 9), tick=False):
        now = timezone.now()
        soon = an_appointment(therapist, service, now + timedelta(hours=hours), **facts)
        outage_of(therapist, Span(now, now + timedelta(days=4)))

        line = line_of(soon)
        assert (line.state, line.why) == (Line.TO_PHONE, why)
        assert line.is_held(now)
        assert not Message.objects.exists()


def test_staff_choose_the_phone(therapist, other, service, visit):
    outage_of(therapist, day(3), by_phone={visit.pk})

    line = line_of(visit)
    assert (line.state, line.why) == (Line.TO_PHONE, "chosen")
    assert not Message.objects.exists()


def test_where_nothing_is_free_staff_phone(therapist, other, service, visit):
    service.therapists.clear()
    outage_of(therapist, day(3))

    assert (line_of(visit).state, line_of(visit).why) == (Line.TO_PHONE, "no-time")


def test_requests_are_affected_too_and_ended_or_begun_visits_are_not(therapist, other, service):
    request = an_appointment(therapist, service, in_days(3, 10), State.REQUESTED)
    for number, state in enumerate((State.CANCELLED, State.DECLINED, State.ARRIVED)):
        an_appointment(therapist, service, in_days(3, 11 + number), state)
    an_appointment(other, service, in_days(3, 10), email="else@example.com")
    an_appointment(therapist, service, in_days(4, 10), email="later@example.com")

    outage_of(therapist, day(3))

    assert [line.visit for line in AffectedVisit.objects.all()] == [request]


def test_forty_visits_are_one_transaction(therapist, other, service, django_assert_max_num_queries):
    for number in range(40):
        start = in_days(3 + number // 10, 9) + timedelta(minutes=45 * (number % 10))
        an_appointment(therapist, service, start, name=f"P{number}", email=f"p{number}@example.com")

    with django_assert_max_num_queries(400):
        outage_of(therapist, day(3, 6))

    assert AffectedVisit.objects.filter(state=Line.WAITING).count() == 40
    assert Message.objects.filter(kind=Kind.OUTAGE).count() == 40
    assert Appointment.objects.filter(state=State.HELD).count() == 40


def test_to_propose_asks_the_same_for_few_and_many(therapist, other, service, visit, django_assert_num_queries):
    def proposed(visits):
        return propose(visits, out=day(3, 9), first=FirstChoice.OTHER, among=None, now=timezone.now(), zone=CHICAGO)

    with django_assert_num_queries(4):
        proposed([visit])
    for number in range(20):
        start = in_days(4 + number // 8, 9) + timedelta(minutes=45 * (number % 8))
        an_appointment(therapist, service, start, email=f"p{number}@example.com")
    everyone = Appointment.objects.in_order()
    with django_assert_num_queries(4):
        proposed(everyone)


def test_pressing_twice_is_one_outage_and_another_one_is_refused(therapist, other, service, visit):
    key = uuid.uuid4()
    first = outage_of(therapist, day(3), key=key)

    assert outage_of(therapist, day(3), key=key) == first
    with pytest.raises(actions.SubmissionReusedError):
        outage_of(therapist, day(4), key=key)
    with pytest.raises(actions.AlreadyOutError):
        outage_of(therapist, day(3))
    with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
        Outage.objects.create(
            therapist=therapist, absence=Absence.objects.create(starts_at=in_days(3), ends_at=in_days(4)),
            starts_at=in_days(3, 8), ends_at=in_days(3, 9), answer_by=in_days(1), submission_key=uuid.uuid4(),
        )  # fmt: skip
    assert Message.objects.count() == 1


def test_a_time_taken_while_staff_were_choosing_writes_nothing(therapist, other, service, visit):
    plans = {visit.pk: actions.OutagePlan(visit.version, other, in_days(3, 10))}
    an_appointment(other, service, in_days(3, 10), email="quick@example.com")

    with pytest.raises(actions.AlternativesGoneError) as refused:
        outage_of(therapist, day(3), plans=plans)

    assert refused.value.visits == [visit]
    assert not Outage.objects.exists()
    assert not Absence.objects.exists()
    assert not Message.objects.exists()


def test_one_time_for_two_visits_is_refused(therapist, other, service, visit):
    second = an_appointment(therapist, service, in_days(3, 11), email="bo@example.com")
    plans = {one.pk: actions.OutagePlan(one.version, other, in_days(3, 10)) for one in (visit, second)}

    with pytest.raises(actions.AlternativesGoneError) as refused:
        outage_of(therapist, day(3), plans=plans)

    assert refused.value.visits == [second]


def test_what_was_booked_while_staff_were_choosing_is_phoned(therapist, other, service, visit):
    outage_of(therapist, day(3), plans={})

    assert (line_of(visit).state, line_of(visit).why) == (Line.TO_PHONE, "new")


# ---- answers ----


def test_taking_the_held_time_moves_the_visit_in_one_step(therapist, other, service, visit):
    outage_of(therapist, day(3))
    line = line_of(visit)

    take_held(line)
    take_held(line)  # twice is once

    again(visit)
    assert (visit.therapist, visit.starts_at, visit.state) == (other, in_days(3, 10), State.CONFIRMED)
    assert visit.calendar_sequence == 1
    assert again(line).state == Line.ACCEPTED
    assert line.hold.state == State.EXPIRED
    kinds = Message.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [Kind.OUTAGE, Kind.MOVED, Kind.STAFF_NOTICE]


def test_a_request_stays_a_request_at_its_new_time(therapist, other, service):
    request = an_appointment(therapist, service, in_days(3, 10), State.REQUESTED, answer_by=in_days(1))
    outage_of(therapist, day(3))

    take_held(line_of(request))

    assert again(request).state == State.REQUESTED
    assert request.answer_by > timezone.now()


def test_another_listed_time_lets_go_of_the_held_one(therapist, other, service, visit):
    outage_of(therapist, day(3))
    line = line_of(visit)

    actions.take_other_time(line=line, seen=version_of(line), therapist=other, starts_at=in_days(3, 10, 15), by=PATIENT)

    assert again(visit).starts_at == in_days(3, 10, 15)
    assert again(line).state == Line.OTHER_TIME
    assert not Appointment.objects.filter(state=State.HELD).exists()


def test_who_comes_second_for_a_listed_time_keeps_the_held_one(therapist, other, service, visit):
    second = an_appointment(therapist, service, in_days(3, 12), name="Bo", email="bo@example.com")
    outage_of(therapist, day(3))
    actions.take_other_time(
        line=line_of(visit), seen=version_of(line_of(visit)), therapist=other, starts_at=in_days(3, 14), by=PATIENT
    )

    with pytest.raises(actions.SlotTakenError):
        actions.take_other_time(
            line=line_of(second),
            seen=version_of(line_of(second)),
            therapist=other,
            starts_at=in_days(3, 14),
            by=PATIENT,
        )

    line = line_of(second)
    assert line.state == Line.WAITING
    assert line.is_held(timezone.now())
    assert again(second).starts_at == in_days(3, 12)


def test_nobody_moves_to_where_the_therapist_is_out(therapist, other, service, visit):
    outage_of(therapist, day(3))

    with pytest.raises(actions.NotOfferedError):
        actions.take_other_time(
            line=line_of(visit),
            seen=version_of(line_of(visit)),
            therapist=therapist,
            starts_at=in_days(3, 14),
            by=STAFF,
        )


def test_cancelling_has_no_cut_off_since_it_is_the_clinics_fault(therapist, other, service):
    with time_machine.travel(in_days(3, 9), tick=False):
        soon = an_appointment(therapist, service, in_days(0, 14))
        outage_of(therapist, day(0))
        with pytest.raises(actions.TooLateToChangeError):
            actions.cancel_appointment(appointment=soon, seen=version_of(soon), by=PATIENT)

        actions.cancel_affected(line=line_of(soon), seen=version_of(line_of(soon)), by=PATIENT)
        actions.cancel_affected(line=line_of(soon), seen=version_of(line_of(soon)), by=PATIENT)

        assert again(soon).state == State.CANCELLED
        assert line_of(soon).state == Line.CANCELLED
        assert Message.objects.filter(kind=Kind.CANCELLED).count() == 1


def test_who_does_not_answer_is_to_be_phoned_and_keeps_the_visit(therapist, other, service, visit):
    outage = outage_of(therapist, day(3))
    line, held = line_of(visit), in_days(3, 10)
    with pytest.raises(actions.StateChangedError):
        actions.expire_alternative(line=line)

    with time_machine.travel(outage.answer_by + timedelta(seconds=1)):
        assert [one.pk for one in AffectedVisit.objects.to_phone(timezone.now())] == [line.pk]
        actions.expire_alternative(line=line)

        again(line)
        assert (line.state, line.why, line.hold) == (Line.TO_PHONE, "no-answer", None)
        assert again(visit).state == State.CONFIRMED
        assert not Appointment.objects.filter(state=State.HELD).exists()
        actions.take_other_time(
            line=line, seen=version_of(line), therapist=other, starts_at=held, by=PATIENT
        )  # late, but free
        assert again(line).state == Line.OTHER_TIME


def test_the_clock_ends_what_nobody_answered(therapist, other, service, visit):
    outage = outage_of(therapist, day(3))
    shared_app.perform_import_paths()
    assert "booking.tasks.end_unanswered" in {
        one.task.name for one in shared_app.periodic_registry.periodic_tasks.values()
    }

    tasks.end_unanswered(None, timestamp=0)
    assert line_of(visit).state == Line.WAITING
    with time_machine.travel(outage.answer_by + timedelta(seconds=1)):
        tasks.end_unanswered(None, timestamp=0)

    assert line_of(visit).state == Line.TO_PHONE


def test_when_the_colleague_is_away_too_the_held_time_is_lost_and_staff_phone(therapist, other, service, visit):
    outage_of(therapist, day(3))
    actions.save_absence(absence=Absence(therapist=other, starts_at=in_days(3, 0), ends_at=in_days(4, 0)))
    with pytest.raises(actions.NotOfferedError):
        take_held(line_of(visit))

    [lost] = AffectedVisit.objects.to_phone(timezone.now())
    actions.expire_alternative(line=lost)

    assert (line_of(visit).state, line_of(visit).why) == (Line.TO_PHONE, "time-lost")


def test_when_the_colleague_does_not_give_the_service_any_more_staff_phone(therapist, other, service, visit):
    outage_of(therapist, day(3))
    assert not AffectedVisit.objects.to_phone(timezone.now()).exists()

    service.therapists.remove(other)

    assert AffectedVisit.objects.to_phone(timezone.now()).count() == 1


def test_ticks_that_close_new_bookings_keep_no_visit_from_another_time(therapist, other, service, visit):
    Therapist.objects.update(is_taking_patients=False)
    Service.objects.update(is_active=False)
    outage_of(therapist, day(3))

    line = line_of(visit)
    assert (line.state, AffectedVisit.objects.to_phone(timezone.now()).count()) == (Line.WAITING, 0)
    take_held(line)
    assert again(visit).starts_at == line.starts_at


def test_a_second_outage_takes_back_times_held_with_that_therapist(therapist, other, service, visit):
    outage_of(therapist, day(3))
    outage_of(other, day(3))

    assert (line_of(visit).state, line_of(visit).why) == (Line.TO_PHONE, "time-lost")
    assert AffectedVisit.objects.count() == 1


# ---- by phone ----


def test_staff_settle_by_phone(therapist, other, service):
    clerk = None
    visits = [an_appointment(therapist, service, in_days(3, 9 + n), email="", name=f"P{n}") for n in range(4)]
    outage_of(therapist, day(3))
    lines = [line_of(one) for one in visits]

    take_held(lines[0], by=STAFF)
    actions.cancel_affected(line=lines[1], seen=version_of(lines[1]), by=STAFF)
    actions.keep_affected(line=lines[2], seen=version_of(lines[2]), who=clerk)
    actions.note_reached(line=lines[3], seen=version_of(lines[3]), who=clerk)

    assert [again(line).state for line in lines] == [Line.ACCEPTED, Line.CANCELLED, Line.KEPT, Line.TO_PHONE]
    assert lines[3].reached_at is not None
    assert [again(one).state for one in visits] == [State.CONFIRMED, State.CANCELLED, State.CONFIRMED, State.CONFIRMED]
    assert not Message.objects.filter(delivery=Delivery.PLEASE_PHONE).exclude(kind=Kind.STAFF_NOTICE).exists()


def test_the_second_of_two_colleagues_is_told(therapist, other, service, visit):
    outage_of(therapist, day(3))
    line = line_of(visit)
    actions.cancel_affected(line=line, seen=version_of(line), by=STAFF)

    for late in (
        lambda: take_held(line, by=STAFF),
        lambda: actions.keep_affected(line=line, seen=version_of(line), who=None),
        lambda: actions.note_reached(line=line, seen=version_of(line), who=None),
    ):
        with pytest.raises(actions.StateChangedError):
            late()


def test_who_was_told_and_keeps_the_visit_hears_so(therapist, other, service, visit):
    outage_of(therapist, day(3))
    Message.objects.update(delivery=Delivery.SENT, sent_at=timezone.now())

    actions.keep_affected(line=line_of(visit), seen=version_of(line_of(visit)), who=None)

    assert Message.objects.filter(kind=Kind.OUTAGE_STANDS).count() == 1


# ---- what happens elsewhere ----


def elsewhere(do):
    return pytest.param(do, id=do.__name__)


def staff_cancel(visit):
    actions.cancel_appointment(appointment=visit, seen=version_of(visit), by=STAFF)


def staff_move(visit):
    actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=in_days(5, 10), by=STAFF)


def the_patient_arrives(visit):
    with time_machine.travel(visit.starts_at):
        actions.mark_arrived(appointment=visit, seen=version_of(visit))


def raw_sql_cancels(visit):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE booking_appointment SET state = 'cancelled' WHERE id = %s", [visit.pk])


def the_person_is_erased(visit):
    erased(email=visit.email)


@pytest.mark.parametrize(
    ("do", "state"),
    [
        (staff_cancel, Line.CANCELLED),
        (staff_move, Line.OTHER_TIME),
        (the_patient_arrives, Line.KEPT),
        (raw_sql_cancels, Line.CANCELLED),
        (the_person_is_erased, Line.CANCELLED),
    ],
)
def test_the_line_follows_its_visit_whoever_changes_it(therapist, other, service, visit, do, state):
    outage_of(therapist, day(3))

    do(visit)

    assert line_of(visit).state == state
    assert line_of(visit).settled_at is not None
    assert not Appointment.objects.filter(state=State.HELD).exists()


def test_a_request_is_neither_confirmed_nor_run_out_while_its_therapist_is_out(therapist, other, service):
    request = an_appointment(therapist, service, in_days(3, 10), State.REQUESTED, answer_by=in_days(2))
    outage = outage_of(therapist, day(3))
    with pytest.raises(actions.StateChangedError):
        actions.confirm_appointment(appointment=request, seen=version_of(request))

    with time_machine.travel(in_days(2, 12)):
        assert not Appointment.objects.unanswered(timezone.now()).exists()
        with pytest.raises(actions.StateChangedError):
            actions.expire_request(appointment=request)
        actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)
        assert again(request).answer_by > timezone.now()  # else it would run out this minute


def test_nobody_is_reminded_as_if_nothing_were(therapist, other, service, visit):
    later = in_days(2, 10, 30)
    with time_machine.travel(later):
        assert [one.pk for one in actions.visits_to_remind(Kind.REMINDER_DAY)] == [visit.pk]
    outage_of(therapist, day(3))

    with time_machine.travel(later):
        assert not actions.visits_to_remind(Kind.REMINDER_DAY).exists()
        with pytest.raises(actions.StateChangedError):
            actions.remind_patient(appointment=visit, kind=Kind.REMINDER_DAY)


def test_a_reminder_that_waits_to_be_sent_is_overtaken(therapist, other, service, visit):
    reminder = queue.queue_message(Kind.REMINDER_DAY, visit)
    outage_of(therapist, day(3))

    actions.deliver_message(message_id=reminder.pk)

    assert again(reminder).delivery == Delivery.OVERTAKEN


def test_the_waiting_list_is_offered_neither_held_times_nor_the_outage(therapist, other, service, visit):
    outage_of(therapist, day(3))
    joins(service)
    line = line_of(visit)
    for whose in (therapist, other):
        freed = FreedTime.objects.create(
            therapist=whose, starts_at=line.starts_at, ends_at=line.starts_at + timedelta(minutes=40)
        )
        for offer in actions.offer_freed_time(freed=freed):
            assert not Span(offer.starts_at, offer.ends_at).overlaps(Span(line.starts_at, line.ends_at))


def test_the_absence_of_an_outage_is_changed_on_its_board_only(therapist, other, service, visit):
    outage = outage_of(therapist, day(3))
    absence = outage.absence
    absence.ends_at = in_days(3, 12)
    for do in (lambda: actions.save_absence(absence=absence), lambda: actions.remove_hours(row=absence)):
        with pytest.raises(actions.OutageOpenError):
            do()
    with pytest.raises(IntegrityError, match="belongs to an outage"), transaction.atomic():
        Absence.objects.update(ends_at=in_days(3, 12))
    delete = "DELETE FROM booking_absence; SET CONSTRAINTS ALL IMMEDIATE"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(delete)


def test_a_corrected_address_closes_the_page_sent_to_the_old_one(client, therapist, other, service, visit):
    confirmed = queue.queue_message(Kind.CONFIRMED, visit)
    outage_of(therapist, day(3))
    page = line_of(visit).contact.get_absolute_url()
    assert client.get(page).status_code == 200

    actions.resend_message(message=confirmed, seen=version_of(confirmed), email="right@example.com")

    assert client.get(page).status_code == 404
    assert (line_of(visit).state, line_of(visit).why) == (Line.TO_PHONE, "old-address")


def test_the_question_itself_sent_to_another_address_is_asked_there(client, therapist, other, service, visit):
    outage_of(therapist, day(3))
    page, message = line_of(visit).contact.get_absolute_url(), Message.objects.get()

    actions.resend_message(message=message, seen=version_of(message), email="right@example.com")

    assert client.get(page).status_code == 404
    assert client.get(line_of(visit).contact.get_absolute_url()).status_code == 200
    assert again(visit).email == "right@example.com"
    assert line_of(visit).state == Line.WAITING


def test_old_outages_go_with_their_messages_and_the_visits_stay(therapist, other, service, visit, settings):
    outage_of(therapist, day(3))
    take_held(line_of(visit))

    with time_machine.travel(in_days(4 + settings.BOOKING_KEEP_DAYS, 1)):
        actions.forget_past_visits()

    assert not Outage.objects.exists()
    assert not Message.objects.filter(kind=Kind.OUTAGE).exists()
    assert not Message.objects.filter(recipient="ada@example.com").exists()
    assert again(visit).anonymised_at is not None


def test_who_moved_to_an_earlier_day_is_forgotten_as_early(therapist, other, service, settings):
    visit = an_appointment(therapist, service, in_days(40, 10))
    outage_of(therapist, day(40))
    actions.take_other_time(
        line=line_of(visit), seen=version_of(line_of(visit)), therapist=other, starts_at=in_days(2, 10), by=STAFF
    )

    with time_machine.travel(in_days(3 + settings.BOOKING_KEEP_DAYS, 1)):
        actions.forget_past_visits()

    assert Outage.objects.exists()
    assert not Message.objects.filter(recipient="ada@example.com").exists()


# ---- end ----


def test_a_visit_that_meets_another_absence_does_not_stand(therapist, other, service, visit):
    later = an_appointment(therapist, service, in_days(3, 14), email="bo@example.com")
    outage = outage_of(therapist, day(3))
    Absence.objects.create(therapist=None, starts_at=in_days(3, 9), ends_at=in_days(3, 11))

    actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)

    assert [line_of(one).state for one in (visit, later)] == [Line.WAITING, Line.STANDS]
    assert list(Outage.objects.to_do(timezone.now())) == [outage]


def test_a_withdrawn_outage_leaves_visits_as_they_were_and_tells_who_was_told(therapist, other, service, visit):
    moved = an_appointment(therapist, service, in_days(3, 12), name="Bo", email="bo@example.com")
    unread = an_appointment(therapist, service, in_days(3, 14), name="Cy", email="cy@example.com")
    outage = outage_of(therapist, day(3))
    take_held(line_of(moved))
    Message.objects.exclude(recipient="cy@example.com").update(delivery=Delivery.SENT, sent_at=timezone.now())

    assert actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None) == 2

    assert [line_of(one).state for one in (visit, moved, unread)] == [Line.STANDS, Line.ACCEPTED, Line.STANDS]
    assert again(visit).starts_at == in_days(3, 10)
    assert again(moved).therapist == other
    assert [one.recipient for one in Message.objects.filter(kind=Kind.OUTAGE_STANDS)] == ["ada@example.com"]
    assert Message.objects.get(recipient="cy@example.com").delivery == Delivery.OVERTAKEN
    assert not Absence.objects.exists()
    assert not Appointment.objects.filter(state=State.HELD).exists()
    with pytest.raises(actions.StateChangedError):
        actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)


def test_who_was_told_by_phone_is_told_so_again(therapist, other, service):
    visit = an_appointment(therapist, service, in_days(3, 10), email="")
    outage = outage_of(therapist, day(3))
    actions.note_reached(line=line_of(visit), seen=version_of(line_of(visit)), who=None)

    actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)

    assert Message.objects.get(kind=Kind.OUTAGE_STANDS).delivery == Delivery.PLEASE_PHONE


def test_an_outage_that_ends_earlier_keeps_what_lies_before(therapist, other, service, visit):
    later = an_appointment(therapist, service, in_days(4, 10), email="bo@example.com")
    outage = outage_of(therapist, day(3, 4))
    with pytest.raises(actions.NotOfferedError):
        actions.end_outage(outage=outage, seen=version_of(outage), ends_at=in_days(9), by=None)

    actions.end_outage(outage=outage, seen=version_of(outage), ends_at=in_days(4, 0), by=None)

    assert [line_of(one).state for one in (visit, later)] == [Line.WAITING, Line.STANDS]
    again(outage)
    assert (outage.state, outage.ends_at, outage.absence.ends_at) == (Outage.State.OPEN, in_days(4, 0), in_days(4, 0))


def test_a_withdrawn_outage_keeps_the_hours_that_are_gone(therapist, other, service):
    noon = in_days(3, 12)
    with time_machine.travel(in_days(3, 8), tick=False):
        early = an_appointment(therapist, service, in_days(0, 9), email="")
        late = an_appointment(therapist, service, in_days(0, 15))
        outage = outage_of(therapist, day(0))
    with time_machine.travel(noon, tick=False):
        actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)

        assert [line_of(one).state for one in (early, late)] == [Line.TO_PHONE, Line.STANDS]
        assert again(outage).ends_at == noon
        assert Outage.objects.to_do(timezone.now()).count() == 1  # nobody has spoken with the first


# ---- nothing is lost, whatever happens ----


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_each_visit_stays_in_one_bucket(therapist, other, service, seed):
    """A random day at the desk; after each step every promise is looked at."""
    chance = random.Random(seed)
    everyone = [
        an_appointment(
            therapist, service, in_days(3 + n % 2, 9 + n // 2), chance.choice([State.CONFIRMED, State.REQUESTED]),
            name=f"P{n}", email=chance.choice(["", f"p{n // 2}@example.com"]), phone=f"612-555-01{n:02}",
        )
        for n in range(10)
    ]  # fmt: skip
    outage = outage_of(therapist, day(3, 4), first=chance.choice(list(FirstChoice)))
    for _ in range(25):
        visit = chance.choice(everyone)
        with suppress(actions.RefusalError):
            chance.choice(STEPS)(line_of(visit), chance)
        look_at_promises(everyone, outage)


def held(line, chance):
    if line.therapist:
        take_held(line)


def listed(line, chance):
    therapist = chance.choice(list(Therapist.objects.all()))
    start = in_days(chance.choice([3, 4, 5]), chance.choice([9, 10, 11]))
    actions.take_other_time(
        line=line, seen=version_of(line), therapist=therapist, starts_at=start, by=chance.choice([PATIENT, STAFF])
    )


def cancelled(line, chance):
    actions.cancel_affected(line=line, seen=version_of(line), by=chance.choice([PATIENT, STAFF]))


def kept(line, chance):
    actions.keep_affected(line=line, seen=version_of(line), who=None)


def reached(line, chance):
    actions.note_reached(line=line, seen=version_of(line), who=None)


def late(line, chance):
    if line.until:
        AffectedVisit.objects.filter(pk=line.pk).update(until=timezone.now())
        Appointment.objects.filter(pk=line.hold_id, state=State.HELD).update(held_until=timezone.now())
        actions.expire_alternative(line=line)


def moved_elsewhere(line, chance):
    start = in_days(chance.choice([5, 6]), chance.choice([9, 10]))
    actions.move_appointment(appointment=line.visit, seen=version_of(line.visit), starts_at=start, by=STAFF)


def shortened(line, chance):
    actions.end_outage(
        outage=line.outage, seen=version_of(line.outage), ends_at=in_days(chance.choice([3, 4]), 12), by=None
    )


STEPS = [held, held, listed, listed, cancelled, kept, reached, late, moved_elsewhere, shortened]


def look_at_promises(everyone, outage):
    lines = {line.visit_id: line for line in AffectedVisit.objects.select_related("hold", "visit")}
    assert set(lines) == {visit.pk for visit in everyone}
    outage.refresh_from_db()
    for visit in Appointment.objects.filter(pk__in=lines):
        line = lines[visit.pk]
        is_in_it = outage.span.overlaps(visit.span) and visit.therapist_id == outage.therapist_id
        if visit.is_coming and is_in_it and outage.state == Outage.State.OPEN:
            assert line.is_open or line.state in (Line.KEPT, Line.STANDS), line.state
        if line.is_open:  # a decision is still to come only about a visit that is as it was
            assert visit.is_coming
            assert visit.starts_at == line.original_start
        if line.state in (Line.ACCEPTED, Line.OTHER_TIME):
            assert not (is_in_it and outage.state == Outage.State.OPEN) or not visit.is_coming
    live = Counter(line.hold_id for line in lines.values() if line.is_open and line.hold_id)
    holding = set(Appointment.objects.filter(state=State.HELD).values_list("pk", flat=True))
    assert holding <= set(live)  # no time is held for nobody
    assert all(number == 1 for number in live.values())


@pytest.mark.parametrize(
    ("hours", "asked", "answer"),
    [((21, 7), 3, 7), ((21, 7), 10, 10), ((1, 6), 3, 6), ((1, 6), 0, 0), ((5, 5), 3, 3), ((24, 0), 3, 3)],
)
def test_an_answer_is_not_due_in_the_quiet_hours_whichever_is_the_smaller(therapist, settings, hours, asked, answer):
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = hours
    settings.BOOKING_OUTAGE_ANSWER_HOURS = 24

    assert actions.usual_answer_by(in_days(1, asked, 20)) == in_days(2, answer)
