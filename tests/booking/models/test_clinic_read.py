"""The clinic's row is read once a request, and read again when it changed meanwhile."""

from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.models import Clinic, OpeningHours, reading_clinic_once
from tests.factories import in_days

pytestmark = pytest.mark.django_db

TIMES = "/book/peter-stanley/consultation/"
PAGES = [TIMES, "/book/any/consultation/", "/book/ask/peter-stanley/", "/book/find/", "/articles/search/?q=cupping"]


def reads_of_the_clinic(call):
    with CaptureQueriesContext(connection) as seen:
        call()
    return sum('FROM "booking_clinic"' in query["sql"] for query in seen.captured_queries)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_reads_the_clinic_once(client, therapist, service, path):
    assert reads_of_the_clinic(lambda: client.get(path)) <= 1


def test_a_time_that_is_not_offered_reads_the_clinic_once(client, therapist, service):
    assert reads_of_the_clinic(lambda: client.post(TIMES, {"start": in_days(-3).isoformat()})) == 1


def test_outside_a_request_it_is_read_each_time(clinic):
    assert reads_of_the_clinic(lambda: (Clinic.objects.current(), Clinic.objects.current())) == 2


def test_a_clinic_that_is_saved_in_a_request_is_read_again(clinic):
    with reading_clinic_once():
        Clinic.objects.current()
        clinic.phone = "612-555-0199"
        clinic.save()

        assert Clinic.objects.current().phone == "612-555-0199"


def test_opening_hours_that_change_in_a_request_are_read_again(clinic):
    with reading_clinic_once():
        before = Clinic.objects.current().week
        hours = OpeningHours.objects.create(clinic=clinic, weekday=0, opens=time(8), closes=time(12))
        with_hours = Clinic.objects.current().week
        hours.delete()

        assert (len(before), len(with_hours), len(Clinic.objects.current().week)) == (0, 1, 0)
