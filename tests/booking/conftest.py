import pytest

from booking.models import Appointment
from tests.factories import a_clinic, a_service, a_therapist, working_all_week
from tests.races import without_constraint, without_lock


@pytest.fixture
def clinic(db):
    return a_clinic(notices_to="front-desk@example.com")


@pytest.fixture
def therapist(clinic):
    therapist = a_therapist()
    working_all_week(therapist)
    return therapist


@pytest.fixture
def service(therapist):
    return a_service(therapist, slug="consultation")


@pytest.fixture
def visits_may_meet():
    """Without the constraint that keeps two visits apart."""
    with without_constraint(Appointment, "booking_appointment_never_two_at_once"):
        yield


@pytest.fixture
def no_lock(monkeypatch):
    without_lock(monkeypatch)
