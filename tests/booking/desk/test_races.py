"""Two colleagues press a button on one visit at the same moment: one step, one message, and the other is told."""

from __future__ import annotations

import pytest

from booking.actions import free
from booking.models import Message, State
from tests.factories import an_appointment, in_days, version_of
from tests.races import all_at_once, wait_for_each_other
from tests.staff import SUPERUSER, signed_in_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def request_for_visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), State.REQUESTED)


def both_press(visit, verbs, monkeypatch):
    """Each has read the visit as it was before either of them gets the lock."""
    wait_for_each_other(monkeypatch, free, "lock_visit", 2, is_before=True)
    colleagues = [signed_in_as(SUPERUSER, username=name) for name in ("one", "two")]  # no roles here

    shown = {"version": version_of(visit)}

    def press(number):
        address = f"/admin/booking/appointment/{visit.pk}/{verbs[number]}/?to=today"
        return colleagues[number].post(address, shown, follow=True).text

    return all_at_once(press, 2)


@pytest.mark.parametrize("verbs", [("confirm", "confirm"), ("confirm", "decline"), ("decline", "decline")])
def test_one_is_first_and_the_other_is_told(request_for_visit, verbs, monkeypatch):
    pages = both_press(request_for_visit, verbs, monkeypatch)

    request_for_visit.refresh_from_db()
    assert request_for_visit.state in (State.CONFIRMED, State.DECLINED)
    assert [one.kind for one in Message.objects.all()] == [request_for_visit.state]
    told = [page for page in pages if "was quicker" in page]
    assert len(told) == 1
    state = request_for_visit.get_state_display()
    assert f"What is so now: {state}" in told[0] or f"It is {state.lower()} now" in told[0]
    assert sum("The patient is told by e-mail." in page for page in pages) == 1
