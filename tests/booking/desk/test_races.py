"""Two colleagues press a button on one visit at the same moment: one step, one message, and the other is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from booking.actions import free
from booking.models import Message, State
from tests.factories import a_clinic, a_service, a_therapist, an_appointment, in_days, working_all_week
from tests.staff import SUPERUSER, signed_in_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def request_for_visit():
    a_clinic()
    therapist = a_therapist()
    working_all_week(therapist)
    return an_appointment(therapist, a_service(therapist), in_days(5), State.REQUESTED)


def both_press(visit, verbs, monkeypatch):
    """Each has read the visit as it was before either of them gets the lock."""
    barrier, locked = Barrier(2), free.locked
    monkeypatch.setattr(free, "locked", lambda *args, **facts: (barrier.wait(20), locked(*args, **facts))[1])
    colleagues = [signed_in_as(SUPERUSER, username=name) for name in ("one", "two")]  # no roles here

    def press(colleague, verb):
        try:
            return colleague.post(f"/admin/booking/appointment/{visit.pk}/{verb}/?to=today", follow=True).text
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(press, colleagues, verbs))


@pytest.mark.parametrize("verbs", [("confirm", "confirm"), ("confirm", "decline"), ("decline", "decline")])
def test_one_is_first_and_the_other_is_told(request_for_visit, verbs, monkeypatch):
    pages = both_press(request_for_visit, verbs, monkeypatch)

    request_for_visit.refresh_from_db()
    assert request_for_visit.state in (State.CONFIRMED, State.DECLINED)
    assert [one.kind for one in Message.objects.all()] == [request_for_visit.state]
    told = [page for page in pages if "was quicker" in page]
    assert len(told) == 1
    assert f"It is {request_for_visit.get_state_display().lower()} now" in told[0]
    assert sum("The patient is told by e-mail." in page for page in pages) == 1
