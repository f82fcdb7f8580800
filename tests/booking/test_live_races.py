"""Fifty at once against real processes, in every pairing that wants one time. Statuses are asserted, seconds printed.

`make test ARGS="-k races -rP"` shows the seconds. What each guard does alone, and that these checks can see a
fault at all, is shown in test_races.py.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import cycle

import pytest

from booking.models import OCCUPYING
from tests.booking.test_live import book, count
from tests.exhaustive import rounds
from tests.factories import day_in, typed_details
from tests.guest import Guest, free_starts, hidden_fields
from tests.races import run_together
from tests.running import running_site
from tests.waiting import PATIENCE, wait_for

AT_ONCE = 50
PETER, ANY = "/book/peter-stanley/consultation/", "/book/any/consultation/"
LONG = "/book/peter-stanley/long-visit/"

PREPARE = """
from django.contrib.auth import get_user_model
from booking.models import Service, Therapist
get_user_model().objects.create_superuser('staff', password='desk')
long = Service.objects.create(name='Long visit', slug='long-visit', minutes=60, turnaround_minutes=10,
                              step_minutes=15, notice_hours=0, is_example=True)
long.therapists.set(Therapist.objects.all())
"""
OVERLAPS = """
SELECT count(*) FROM booking_appointment a JOIN booking_appointment b
ON a.therapist_id = b.therapist_id AND a.id < b.id AND a.blocked && b.blocked
WHERE a.state = ANY (%s) AND b.state = ANY (%s)
"""
UNSENT_OFFERS = "SELECT count(*) FROM booking_message WHERE kind = 'offer' AND delivery = 'queued'"
TIME_IS_OVER = (
    "UPDATE booking_appointment SET held_until = now() WHERE held_for = 'offer' AND state = 'held'",
    "UPDATE booking_offer SET until = now() WHERE state = 'open'",
)
TOLD = "SELECT kind FROM booking_message WHERE appointment_id = %s AND kind <> 'staff-notice' ORDER BY id"


@pytest.fixture(scope="module")
def races(tmp_path_factory):
    """A site of its own, since these fill its calendar, and may wait for each other on a slow machine."""
    patient = dict.fromkeys(("DATABASE_STATEMENT_TIMEOUT_MS", "BOOKING_LOCK_TIMEOUT_MS"), str(PATIENCE * 1000))
    with running_site("revival_races", tmp_path_factory.mktemp("races"), patient) as site:
        site.run_python(PREPARE)
        yield site
        assert overlaps(site) == 0


@pytest.fixture(scope="module")
def guests(races):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        everyone = [Guest(races.url) for _ in range(AT_ONCE)]
        list(pool.map(lambda guest: guest.get(PETER), everyone))
    return everyone


@pytest.fixture(scope="module")
def staff(races):
    guest = Guest(races.url)
    guest.post("/admin/login/", guest.get("/admin/login/"), username="staff", password="desk")
    return guest


def ask(site, query, *values):
    with site.connect() as database:
        return database.execute(query, values).fetchone()[0]


def send(guest, path, **fields):
    """A form as a browser without our page's hidden fields sends it; the cookie is its token."""
    return guest.ask("POST", path, fields | {"csrfmiddlewaretoken": guest.cookies["csrftoken"]})


def send_page(guest, path, page, **fields):
    """The form of this page; while what it is about has changed meanwhile, once more as it is offered anew."""
    answer, text = send(guest, path, **fields | hidden_fields(page))
    if answer.status == 409 and "version" in hidden_fields(text):
        return send_page(guest, path, text, **fields)
    return answer, text


def all_at_once(work):
    """Call them together; their (status, Location, text). None may be a 5xx."""

    def go(number):
        began = time.monotonic()
        answer, text = work[number]()
        return answer.status, answer.headers["Location"], text, time.monotonic() - began

    answers = run_together(go, len(work))
    print(f"slowest of {len(work)} answers: {max(answer[3] for answer in answers):.2f} s")
    assert max(status for status, *_ in answers) < 500
    return [answer[:3] for answer in answers]


def statuses(answers):
    return sorted(status for status, *_ in answers)


def working_day(weeks: int, weekday: int) -> date:
    """A day of its own for each race and round, past the first page of times, whose last ones the fifty guests take."""
    day = day_in(7 * weeks + 2)
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def starts_on(guest, path, day):
    return [start for start in free_starts(guest.get(f"{path}?from={day}")) if start.startswith(str(day))]


def occupying_at(site, start):
    query = "SELECT count(*) FROM booking_appointment WHERE starts_at = %s AND state = ANY (%s)"
    return ask(site, query, start, list(OCCUPYING))


def overlaps(site):
    return ask(site, OVERLAPS, list(OCCUPYING), list(OCCUPYING))


@pytest.mark.parametrize("nth", rounds(10))
def test_of_fifty_guests_at_once_one_gets_the_slot(races, nth):
    guests = [Guest(races.url) for _ in range(AT_ONCE)]
    pages = [guest.get(PETER) for guest in guests]
    slot = free_starts(pages[0])[-1]
    visits, messages = count(races, "booking_appointment"), count(races, "booking_message")

    answers = all_at_once(
        [
            lambda guest=guest, page=page: guest.post(PETER, page, start=slot)
            for guest, page in zip(guests, pages, strict=True)
        ]
    )

    assert statuses(answers) == [302] + 49 * [409]
    for status, _, text in answers:
        if status == 409:
            assert "has just been taken" in text
            assert len(free_starts(text)) >= 4
            assert "612-605-7594" in text
    winner, address = next(
        (guest, address) for guest, (status, address, _) in zip(guests, answers, strict=True) if status == 302
    )
    page = winner.get(address)
    answer, _ = winner.post(address, page, **hidden_fields(page) | typed_details(name=f"Winner {nth}"))
    assert answer.status == 302
    assert count(races, "booking_appointment") == visits + 1
    assert count(races, "booking_message") == messages + 2  # one to the patient, one notice to staff


@pytest.mark.parametrize("nth", rounds(3))
def test_races_for_shifted_overlaps_end_apart(races, guests, nth):
    day = working_day(1, nth)
    wishes = [(path, start) for path in (PETER, LONG) for start in starts_on(guests[0], path, day)[:7]]

    answers = all_at_once(
        [
            lambda guest=guest, path=path, start=start: send(guest, path, start=start)
            for guest, (path, start) in zip(guests, cycle(wishes), strict=False)
        ]
    )

    assert set(statuses(answers)) == {302, 409}
    assert overlaps(races) == 0
    held = ask(races, "SELECT count(*) FROM booking_appointment WHERE state = 'held' AND starts_at::date = %s", day)
    assert held == statuses(answers).count(302)


@pytest.mark.parametrize("nth", rounds(3))
def test_races_for_anyone_are_won_by_as_many_as_are_free(races, guests, nth):
    both = set(starts_on(guests[0], "/book/benjamin-britton/consultation/", working_day(2, nth)))
    start = next(start for start in starts_on(guests[0], PETER, working_day(2, nth)) if start in both)

    answers = all_at_once([lambda guest=guest: send(guest, ANY, start=start) for guest in guests])

    assert statuses(answers) == [302, 302] + 48 * [409]
    with races.connect() as database:
        winners = database.execute("SELECT therapist_id FROM booking_appointment WHERE starts_at = %s", [start])
        assert len({therapist for (therapist,) in winners.fetchall()}) == 2


@pytest.fixture(scope="module")
def visits(races):
    """Twenty-five patients with the address of a visit each, to be moved."""
    guests = [Guest(races.url) for _ in range(AT_ONCE // 2)]
    return [(guest, book(guest, name=f"Mover {number}")) for number, guest in enumerate(guests)]


@pytest.mark.parametrize("nth", rounds(3))
def test_races_of_moves_against_bookings_have_one_winner(races, guests, visits, nth):
    start = starts_on(guests[0], PETER, working_day(3, nth))[0]
    asked = [(guest, f"{address}move/") for guest, address in visits]
    pages = [send(guest, path, start=start)[1] for guest, path in asked]
    moves = [
        lambda guest=guest, path=path, page=page: send(guest, path, **hidden_fields(page))
        for (guest, path), page in zip(asked, pages, strict=True)
    ]
    bookings = [lambda guest=guest: send(guest, PETER, start=start) for guest in guests[: AT_ONCE // 2]]

    answers = all_at_once([one for pair in zip(moves, bookings, strict=True) for one in pair])

    assert statuses(answers) == [302] + 49 * [409]
    assert occupying_at(races, start) == 1


@pytest.mark.parametrize("nth", rounds(3))
@pytest.mark.parametrize("is_over", [False, True], ids=["still kept", "ran out"])
def test_races_of_an_offer_against_bookings_have_one_winner(races, guests, nth, is_over):
    day = working_day(4 + is_over, nth)
    start = starts_on(guests[0], PETER, day)[0]
    address = a_visit_at(races, start)
    waiting = Guest(races.url)
    join = "/waitlist/join/peter-stanley/consultation/"
    page = waiting.get(join)
    wish = {"first_day": str(day), "last_day": str(day), "parts": "morning"}
    person = typed_details(name=f"Waiting {nth}{is_over}", email=f"waiting{nth}{is_over}@example.com")
    answer, _ = waiting.post(join, page, **hidden_fields(page) | person | wish)
    place = answer.headers["Location"]
    send_page(guests[0], f"{address}cancel/", guests[0].get(f"{address}cancel/"))
    wait_for(lambda: "Held for you" in waiting.get(place))
    offered = hidden_fields(waiting.get(place))
    if is_over:
        wait_for(lambda: ask(races, UNSENT_OFFERS) == 0)
        with races.connect() as database:
            for statement in TIME_IS_OVER:
                database.execute(statement)
    takes = [lambda: send(waiting, f"{place}accept/", **offered)] * (AT_ONCE // 2)
    bookings = [lambda guest=guest: send(guest, PETER, start=start) for guest in guests[: AT_ONCE // 2]]

    answers = all_at_once([one for pair in zip(takes, bookings, strict=True) for one in pair])

    taken, booked = answers[::2], answers[1::2]
    if statuses(taken)[0] == 302:  # taking it twenty-five times is taking it once
        assert statuses(taken) == 25 * [302]
        assert len({location for _, location, _ in taken}) == 1
        assert statuses(booked) == 25 * [409]
    else:
        assert is_over
        assert statuses(taken) == 25 * [409]
        assert statuses(booked) == [302] + 24 * [409]
    assert occupying_at(races, start) == 1


def a_visit_at(site, start):
    guest = Guest(site.url)
    guest.get(PETER)
    answer, _ = send(guest, PETER, start=start)
    hold = answer.headers["Location"]
    page = guest.get(hold)
    answer, _ = guest.post(hold, page, **hidden_fields(page) | typed_details(name=f"Giver of {start}"))
    return answer.headers["Location"]


@pytest.mark.parametrize("nth", rounds(3))
def test_races_of_staff_against_the_patient_leave_one_story(races, guests, staff, nth):
    day = working_day(6, nth)
    start, other = starts_on(guests[0], PETER, day)[::4][:2]
    address = a_visit_at(races, start)
    row = ask(races, "SELECT max(id) FROM booking_appointment WHERE starts_at = %s AND state = 'requested'", start)
    desk = f"/admin/booking/appointment/{row}/"
    pages = {verb: staff.get(f"{desk}{verb}/") for verb in ("confirm", "decline", "cancel")}
    by_staff = [lambda verb=verb: send_page(staff, f"{desk}{verb}/", pages[verb]) for verb in 9 * tuple(pages)]
    asked = {"cancel": guests[0].get(f"{address}cancel/"), "move": send(guests[0], f"{address}move/", start=other)[1]}
    by_patient = [
        lambda guest=guest, verb=verb: send_page(guest, f"{address}{verb}/", asked[verb])
        for verb, many in (("cancel", 13), ("move", 10))
        for guest in guests[:many]
    ]

    answers = all_at_once([*by_staff, *by_patient])

    assert set(statuses(answers)) <= {302, 409}
    with races.connect() as database:
        state = database.execute("SELECT state FROM booking_appointment WHERE id = %s", [row]).fetchone()[0]
        told = [kind for (kind,) in database.execute(TOLD, [row])]
    assert state in ("declined", "cancelled")
    assert told[0] == "requested"
    assert told[-1] == state
    assert len(told) == len(set(told))  # nothing was said twice
    assert told.count("declined") + told.count("cancelled") == 1
    assert "declined" not in told or "confirmed" not in told


@pytest.mark.parametrize("nth", rounds(3))
def test_races_of_an_absence_against_bookings_name_each_visit_that_won(races, guests, staff, nth):
    day = working_day(7, nth)
    typing = []
    for guest, start in zip(guests[:8], starts_on(guests[0], PETER, day)[::3], strict=False):
        hold = send(guest, PETER, start=start)[0].headers["Location"]
        typing.append((guest, hold, hidden_fields(guest.get(hold)), start))
    away = {"therapist": "", "starts_at": f"{day}T00:00"}
    away |= {"ends_at": f"{day}T23:59"}
    details = [
        lambda n=n, guest=guest, hold=hold, hidden=hidden: send(
            guest, hold, **hidden | typed_details(name=f"Typing {nth} {n}", email=f"typing{nth}{n}@example.com")
        )
        for n, (guest, hold, hidden, _) in enumerate(typing)
    ]
    more = [lambda guest=guest: send(guest, ANY, start=typing[0][3]) for guest in guests[len(typing) : AT_ONCE - 1]]

    answers = all_at_once([*details, lambda: send(staff, "/admin/booking/absence/add/", **away), *more])

    booked = statuses(answers[: len(details)]).count(302)
    assert set(statuses(answers)) <= {302, 409}
    page = staff.get("/admin/booking/absence/")
    named = re.search(r"(\d+) visits? (?:is|are) now outside", page)
    assert int(named[1] if named else 0) == booked
    print(f"{booked} of {len(details)} came before the absence")
    assert send(guests[0], ANY, start=typing[-1][3])[0].status == 409  # nobody comes after it
