"""Until when staff answer, by the calendar of the clinic as it is in the database."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine

from booking import actions, tasks
from booking.mail.compose import compose
from booking.models import Clinic, Kind, Message, OpeningHours, Shift, State, clinic_calendar
from booking.time.clinic_calendar import answer_by
from revival.base.clock import Span
from tests.factories import CHICAGO, a_service, a_therapist, an_absence, some_details, version_of


def at(year, month, day, hour=0):
    return datetime(year, month, day, hour, tzinfo=CHICAGO).astimezone(UTC)


ASKED, VISIT = at(2026, 12, 23, 15), at(2027, 1, 20, 10)
"""A Wednesday afternoon, and a visit four weeks later."""


@pytest.fixture
def therapist(clinic):
    return a_therapist()


@pytest.fixture
def service(therapist):
    return a_service(therapist, slug="consultation")


def works(therapist, weekdays, opens=9, closes=17, **fields):
    for weekday in weekdays:
        Shift.objects.create(therapist=therapist, weekday=weekday, opens=time(opens), closes=time(closes), **fields)


def is_open(weekdays, opens, closes):
    for weekday in weekdays:
        OpeningHours.objects.create(clinic_id=1, weekday=weekday, opens=time(opens), closes=time(closes))


def ask(therapist, service, starts_at=VISIT):
    hold = actions.take_hold(therapist=therapist, service=service, starts_at=starts_at, present=None)
    return actions.book_appointment(
        hold=hold,
        therapist=therapist,
        service=service,
        starts_at=starts_at,
        details=some_details(),
        submission_key=uuid.uuid4(),
    )


@pytest.fixture
def on_the_day_before_christmas_eve():
    with time_machine.travel(ASKED, tick=False) as clock:
        yield clock


@pytest.mark.usefixtures("on_the_day_before_christmas_eve")
class TestOverChristmas:
    def test_closed_days_do_not_count_and_the_patient_reads_the_day(self, therapist, service):
        works(therapist, range(5))
        an_absence(None, at(2026, 12, 24), at(2027, 1, 4))

        visit = ask(therapist, service)

        assert visit.answer_by == at(2027, 1, 5, 17)
        said = compose(Message.objects.get(appointment=visit, kind=Kind.REQUESTED)).body
        assert "answer by e-mail by Tuesday, January 5, 2027, 5:00 pm" in said

    def test_a_request_is_not_expired_on_christmas_day(self, therapist, service, on_the_day_before_christmas_eve):
        works(therapist, range(5))
        an_absence(None, at(2026, 12, 24), at(2027, 1, 4))
        visit = ask(therapist, service)

        for moment, state in [(at(2026, 12, 25, 20), State.REQUESTED), (at(2027, 1, 5, 17), State.EXPIRED)]:
            on_the_day_before_christmas_eve.move_to(moment)
            tasks.expire_requests(None, 0)
            visit.refresh_from_db()
            assert visit.state == state

    def test_staff_are_reminded_in_open_hours_once_half_of_them_are_over(self, therapist, service):
        works(therapist, range(5), 8, 16)  # an hour of today, and eight of January 4 and of January 5
        an_absence(None, at(2026, 12, 24), at(2027, 1, 4))

        visit = ask(therapist, service)

        assert visit.remind_staff_at == at(2027, 1, 4, 15) + timedelta(minutes=30)

    def test_a_moved_request_is_due_by_the_same_calendar(self, therapist, service):
        works(therapist, range(5))
        an_absence(None, at(2026, 12, 24), at(2027, 1, 4))
        visit = ask(therapist, service)

        moved = actions.move_appointment(
            appointment=visit, seen=version_of(visit), starts_at=at(2027, 1, 4, 11), by=actions.Actor.PATIENT
        )

        assert moved.answer_by == at(2027, 1, 4, 9)  # two hours before the visit

    def test_the_clinics_own_hours_come_before_those_of_its_therapists(self, therapist, service):
        works(therapist, range(5))
        is_open([0, 2], 8, 12)

        assert ask(therapist, service).answer_by == at(2026, 12, 30, 12)

    def test_without_them_the_clinic_is_open_when_a_therapist_works(self, therapist, service):
        works(therapist, [0, 2])  # the visit is on a Wednesday
        works(a_therapist("benjamin-britton"), [5], 10, 19)

        assert ask(therapist, service).answer_by == at(2026, 12, 28, 17)  # Saturday, then Monday

    def test_one_therapist_away_does_not_close_the_clinic(self, therapist, service):
        works(therapist, range(5))
        an_absence(therapist, at(2026, 12, 24), at(2027, 1, 4))

        assert ask(therapist, service).answer_by == at(2026, 12, 25, 17)

    @pytest.mark.parametrize(("is_production", "due"), [(False, at(2026, 12, 26, 12)), (True, at(2026, 12, 25, 17))])
    def test_example_hours_count_in_a_trial_copy_alone(self, clinic, therapist, settings, is_production, due):
        works(therapist, [5, 6], 9, 12, is_example=True)
        works(therapist, [4], 9, 12, is_example=True)
        settings.IS_PRODUCTION = is_production

        calendar = clinic_calendar(clinic, Span(ASKED, VISIT))

        assert due == answer_by(
            asked_at=ASKED, starts_at=VISIT, calendar=calendar, working_days=2, before=timedelta(hours=2)
        )


def test_it_is_known_until_when_the_clinic_is_open(clinic):
    is_open(range(5), 8, 12)
    is_open(range(5), 13, 17)
    now = at(2026, 12, 22, 9)

    calendar = clinic_calendar(Clinic.objects.current(), Span(now, now))

    assert calendar.open_until(now) == at(2026, 12, 22, 12)
    assert calendar.open_until(at(2026, 12, 22, 12)) is None


def test_a_deadline_costs_two_queries_at_most(clinic, therapist, django_assert_num_queries):
    works(therapist, range(5))

    with django_assert_num_queries(3):  # with the clinic
        clinic_calendar(Clinic.objects.current(), Span(ASKED, VISIT))
