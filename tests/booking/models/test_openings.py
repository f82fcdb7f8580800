"""What is free, read from the database: golden tables, other zones, nights on which the clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking import actions
from booking.models import Absence, Clinic, Override, Shift, Terms, Therapist, free_times
from tests.factories import a_clinic, a_service, a_therapist, an_appointment, free_with, in_days, working_all_week

pytestmark = pytest.mark.django_db

LONG_BEFORE = datetime(2026, 10, 1, tzinfo=UTC)


def starts(therapist, service, day, *, now=LONG_BEFORE, last=None):
    zone = Clinic.objects.current().zone
    free = free_with(therapist, Terms.anew(service), day, last or day, now)
    return [moment.astimezone(zone) for moment in free]


def table(moments):
    """Local time with its zone's name, so that the two 1:00s of an autumn night differ."""
    return " ".join(f"{moment:%H:%M}{'' if moment.dst() is None else moment.tzname()[1]}" for moment in moments)


@pytest.fixture
def night_worker(db):
    a_clinic()
    therapist = a_therapist()
    working_all_week(therapist, opens=time(0), closes=time(4))
    return therapist


GOLDEN = {
    # Central time: S for standard, D for daylight saving
    date(2026, 10, 31): "00:00D 00:30D 01:00D 01:30D 02:00D 02:30D 03:00D 03:30D",
    date(2026, 11, 1): "00:00D 00:30D 01:00D 01:30D 01:00S 01:30S 02:00S 02:30S 03:00S 03:30S",
    date(2026, 11, 2): "00:00S 00:30S 01:00S 01:30S 02:00S 02:30S 03:00S 03:30S",
    date(2027, 3, 13): "00:00S 00:30S 01:00S 01:30S 02:00S 02:30S 03:00S 03:30S",
    date(2027, 3, 14): "00:00S 00:30S 01:00S 01:30S 03:00D 03:30D",
    date(2027, 3, 15): "00:00D 00:30D 01:00D 01:30D 02:00D 02:30D 03:00D 03:30D",
    date(2027, 11, 7): "00:00D 00:30D 01:00D 01:30D 01:00S 01:30S 02:00S 02:30S 03:00S 03:30S",
}


@pytest.mark.parametrize(("day", "expected"), GOLDEN.items(), ids=str)
def test_golden_tables_of_nights_in_chicago(night_worker, day, expected):
    service = a_service(night_worker, minutes=30, step_minutes=30, turnaround_minutes=0, horizon_days=500)

    assert table(starts(night_worker, service, day)) == expected


def test_afternoons_do_not_shift_on_the_spring_sunday(night_worker):
    Shift.objects.all().update(opens=time(13), closes=time(15))
    service = a_service(night_worker, minutes=60, step_minutes=60, turnaround_minutes=0, horizon_days=500)

    for day in (date(2027, 3, 13), date(2027, 3, 14), date(2027, 3, 15)):
        assert [f"{moment:%H:%M}" for moment in starts(night_worker, service, day)] == ["13:00", "14:00"]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Australia/Sydney", date(2027, 4, 4), "01:00 02:00 02:00 03:00"),  # 3:00 becomes 2:00
        ("Australia/Sydney", date(2026, 10, 4), "01:00 03:00"),  # 2:00 becomes 3:00
        ("Asia/Kolkata", date(2026, 11, 1), "01:00 02:00 03:00"),  # half an hour off, no change ever
        ("Australia/Lord_Howe", date(2026, 10, 4), "01:00 02:30"),  # a change of half an hour
    ],
)
def test_other_zones(night_worker, zone, day, expected):
    Clinic.objects.update(time_zone=zone)
    Shift.objects.all().update(opens=time(1), closes=time(4))
    service = a_service(night_worker, minutes=60, step_minutes=60, turnaround_minutes=0, horizon_days=500)

    assert " ".join(f"{moment:%H:%M}" for moment in starts(night_worker, service, day)) == expected


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Anchorage"])
def test_the_servers_own_zone_does_not_matter(night_worker, monkeypatch, zone):
    import time as clock

    service = a_service(night_worker, minutes=30, step_minutes=30, turnaround_minutes=0, horizon_days=500)
    monkeypatch.setenv("TZ", zone)
    clock.tzset()
    try:
        assert table(starts(night_worker, service, date(2026, 11, 1))) == GOLDEN[date(2026, 11, 1)]
    finally:
        monkeypatch.undo()
        clock.tzset()


def test_a_visit_over_midnight_is_offered_and_can_be_taken(db):
    a_clinic()
    therapist = a_therapist()
    working_all_week(therapist, opens=time(22), closes=time(0))
    working_all_week(therapist, opens=time(0), closes=time(1))
    service = a_service(therapist, minutes=30, step_minutes=15, turnaround_minutes=0)

    assert actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3, 23, 45))


def test_the_last_night_of_the_year(night_worker):
    Shift.objects.all().update(opens=time(23), closes=time(0))
    service = a_service(night_worker, minutes=30, step_minutes=30, turnaround_minutes=30, horizon_days=500)

    last, first = starts(night_worker, service, date(2026, 12, 31), last=date(2027, 1, 1))[1:3]

    assert (f"{last:%Y-%m-%d %H:%M}", f"{first:%Y-%m-%d %H:%M}") == ("2026-12-31 23:30", "2027-01-01 23:00")


def test_horizon_by_clinic_date_and_notice_by_elapsed_time(night_worker):
    service = a_service(night_worker, minutes=30, step_minutes=30, turnaround_minutes=0, horizon_days=1, notice_hours=3)
    saturday_late = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)  # 23:30 on October 31 in Chicago

    free = starts(night_worker, service, date(2026, 10, 31), last=date(2026, 11, 5), now=saturday_late)

    # Three hours later is 1:30 standard time, since 1:00 comes twice; Monday is past the horizon.
    assert table(free) == "01:30S 02:00S 02:30S 03:00S 03:30S"


def test_one_days_other_hours_an_absence_of_one_and_of_all(night_worker):
    service = a_service(night_worker, minutes=60, step_minutes=60, turnaround_minutes=0, horizon_days=500)
    day, zone = date(2026, 12, 7), Clinic.objects.current().zone
    Override.objects.create(therapist=night_worker, day=day, opens=time(9), closes=time(11))
    Override.objects.create(therapist=night_worker, day=day, opens=time(14), closes=time(16))
    assert " ".join(f"{moment:%H:%M}" for moment in starts(night_worker, service, day)) == "09:00 10:00 14:00 15:00"

    at = lambda hour: datetime.combine(day, time(hour), zone)  # noqa: E731 - read once, two lines below
    Absence.objects.create(therapist=None, starts_at=at(9), ends_at=at(10))
    Absence.objects.create(therapist=night_worker, starts_at=at(15), ends_at=at(16))

    assert " ".join(f"{moment:%H:%M}" for moment in starts(night_worker, service, day)) == "10:00 14:00"


def test_however_many_therapists_and_days_the_queries_stay_few(db, django_assert_num_queries):
    a_clinic()
    therapists = [a_therapist(f"therapist-{number}") for number in range(10)]
    service = a_service(*therapists)
    for therapist in therapists:
        working_all_week(therapist)
        an_appointment(therapist, service, in_days(5))
    today = datetime.now(UTC)
    zone = Clinic.objects.current().zone

    with django_assert_num_queries(3):
        free = free_times(
            Terms.anew(service),
            Therapist.objects.giving(service),
            first=today.date(),
            last=today.date() + timedelta(days=60),
            now=today,
            zone=zone,
        )

    assert all(len(one) > 500 for one in free.values())


def test_zone_names_are_known(clinic):
    assert clinic.zone == ZoneInfo("America/Chicago")
