"""Lockout after guessed passwords: it ends, holds for one network, and locks out nobody else."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from tests.factories import a_clinic

LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture(autouse=True)
def _staff(db, django_user_model):
    a_clinic()
    django_user_model.objects.create_superuser("owner", password="right")


def sign_in(password, *, name="owner", client=None, **where):
    return (client or Client()).post(LOGIN, {"username": name, "password": password}, **where)


def guess(times, **where):
    return [sign_in("wrong", **where).status_code for _ in range(times)]


def test_ten_wrong_passwords_lock_that_name_from_there_for_a_quarter_of_an_hour():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert guess(10)[-1] == 429
        locked = sign_in("right")
        assert locked.status_code == 429
        assert "Too many wrong passwords" in locked.text
        clock.shift(timedelta(minutes=14))
        assert guess(3) == [429] * 3  # and does not make it longer
        clock.shift(timedelta(minutes=1, seconds=1))

        assert sign_in("right").status_code == 302


def test_nobody_else_is_locked_out(django_user_model):
    django_user_model.objects.create_superuser("colleague", password="right")
    guess(11)

    assert sign_in("right", REMOTE_ADDR="203.0.113.7").status_code == 302
    assert sign_in("right", name="colleague").status_code == 302


def test_a_name_that_does_not_exist_is_locked_alike():
    assert guess(11, name="nobody")[-1] == 429


def test_a_forged_header_is_no_other_network():
    statuses = guess(5, REMOTE_ADDR="198.51.100.1")
    statuses += [
        sign_in("wrong", REMOTE_ADDR="198.51.100.1", headers={"x-forwarded-for": f"203.0.113.{n}"}).status_code
        for n in range(6)
    ]

    assert statuses[-1] == 429


def test_neighbors_in_an_ipv6_network_count_together():
    statuses = [sign_in("wrong", REMOTE_ADDR=f"2001:db8::{n:x}").status_code for n in range(1, 12)]

    assert statuses[-1] == 429


def test_passwords_are_kept_nowhere():
    guess(2)

    stored = " ".join(str(value) for attempt in AccessAttempt.objects.values() for value in attempt.values())
    assert "wrong" not in stored


def test_signing_in_forgets_the_wrong_ones():
    guess(9)
    assert sign_in("right").status_code == 302

    assert guess(9)[-1] == 422


# Spraying: one password on many names


def spray(names, **where):
    """One wrong password for each name; the last answer."""
    return [sign_in("Summer2026!", name=name, **where).status_code for name in names][-1]


def names(count, prefix="name"):
    return [f"{prefix}{number}" for number in range(count)]


def test_fifty_names_from_one_network_lock_that_network_for_a_quarter_of_an_hour():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert spray(names(50), REMOTE_ADDR="203.0.113.9") == 422
        locked = sign_in("right", REMOTE_ADDR="203.0.113.9")
        assert locked.status_code == 429
        assert "Too many wrong passwords" in locked.text
        assert locked["Retry-After"] == "900"
        clock.shift(timedelta(minutes=14))
        assert spray(names(30, "other"), REMOTE_ADDR="203.0.113.9") == 429  # and does not make it longer
        clock.shift(timedelta(minutes=1, seconds=1))

        assert sign_in("right", REMOTE_ADDR="203.0.113.9").status_code == 302


def test_it_locks_nobody_elsewhere():
    spray(names(51), REMOTE_ADDR="203.0.113.9")

    assert sign_in("right", REMOTE_ADDR="203.0.113.10").status_code == 302


def test_a_browser_that_was_here_before_still_gets_in():
    """A clinic is one network: a bad computer in it must not keep everybody out."""
    known, new = Client(), Client()
    assert sign_in("right", client=known).status_code == 302
    known.post("/admin/logout/")
    spray(names(51))

    assert sign_in("right", client=new).status_code == 429
    assert sign_in("right", client=known).status_code == 302


def test_several_people_share_a_known_browser(django_user_model):
    django_user_model.objects.create_superuser("colleague", password="right")
    known = Client()
    for name in ("owner", "colleague"):
        sign_in("right", name=name, client=known)
        known.post("/admin/logout/")
    spray(names(51))

    assert sign_in("right", client=known).status_code == 302


def test_a_known_browser_is_known_for_its_own_person_only(django_user_model):
    django_user_model.objects.create_superuser("colleague", password="right")
    known = Client()
    sign_in("right", name="colleague", client=known)
    spray(names(51))

    assert sign_in("right", client=known).status_code == 429


def test_a_known_browser_may_not_guess_without_end_either():
    known = Client()
    sign_in("right", client=known)
    known.post("/admin/logout/")
    spray(names(51))

    assert [sign_in("wrong", client=known).status_code for _ in range(10)][-1] == 429
    assert sign_in("right", client=known).status_code == 429


def test_a_sprayer_is_one_network_whatever_header_they_forge():
    for number, name in enumerate(names(50)):
        forged = {"x-forwarded-for": f"203.0.113.{number}"}
        sign_in("Summer2026!", name=name, REMOTE_ADDR="198.51.100.1", headers=forged)

    forged = {"x-forwarded-for": "192.0.2.1"}
    assert sign_in("right", REMOTE_ADDR="198.51.100.1", headers=forged).status_code == 429


def test_behind_our_own_proxy_the_visitor_counts_not_the_proxy():
    for number, name in enumerate(names(51)):
        sign_in("Summer2026!", name=name, headers={"x-forwarded-for": f"10.9.8.{number}, 203.0.113.9"})

    assert sign_in("right", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 429
    assert sign_in("right", headers={"x-forwarded-for": "203.0.113.10"}).status_code == 302


def test_the_cookie_of_a_known_browser_is_for_the_desk_alone():
    cookie = sign_in("right").cookies["known-browser"]

    assert cookie["path"] == "/admin/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "owner" not in cookie.value
