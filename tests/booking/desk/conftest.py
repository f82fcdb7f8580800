import pytest

from tests.factories import a_therapist, working_all_week
from tests.staff import FRONT_DESK, signed_in_as


@pytest.fixture
def clerk(db):
    return signed_in_as(FRONT_DESK)


@pytest.fixture
def colleague(service):
    """Another therapist who gives the same service."""
    colleague = a_therapist("benjamin-britton", name="Dr. Benjamin Britton", short_name="Dr. Britton")
    working_all_week(colleague)
    service.therapists.add(colleague)
    return colleague
