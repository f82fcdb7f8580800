import pytest

from tests.factories import a_clinic, a_service, a_therapist, working_all_week


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
