"""Every screen of the desk, found by following its links as three people: no barriers, nothing the policy forbids."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin, urlsplit
from zlib import crc32

import pytest

from tests.browser.barriers import barriers
from tests.exhaustive import EXHAUSTIVE

PEOPLE = {"Front desk": "screens-front-desk", "Therapist": "screens-therapist", "Owner": "screens-owner"}
LEAST = {"Front desk": 25, "Therapist": 20, "Owner": 45}
"""Kinds of screens that each meets at the least: else the walk did not get far, and says nothing."""
SHARES = 4 if EXHAUSTIVE else 1
SET_UP = """
from django.contrib.auth.models import Group, User
from django.utils import timezone
from booking.models import Message, Service, State, Therapist
from tests.factories import an_absence, an_appointment, asks, in_days, joins
peter = Therapist.objects.get(slug="peter-stanley")
service = Service.objects.get(slug="consultation")
for role, name in {people}.items():
    user, _ = User.objects.get_or_create(username=name, is_staff=True)
    user.last_login = timezone.now()
    user.save()
    user.groups.set([Group.objects.get(name=role)])
    if role == "Therapist":
        Therapist.objects.filter(pk=peter.pk).update(account=user)
facts = {{"name": "Sky Screens", "email": "sky@example.com"}}
for days, state in ((31, State.REQUESTED), (32, State.CONFIRMED), (-3, State.NO_SHOW), (33, State.HELD)):
    visit = an_appointment(peter, service, in_days(days, 3), state, **facts)
facts_of_it = {{"starts_at": visit.starts_at, "ends_at": visit.ends_at}}
Message.objects.create(kind="confirmed", appointment=visit, recipient="", delivery="please-phone", **facts_of_it)
joins(service, therapist=peter, **facts)
asks(name="Sky Screens", therapist=peter)
an_absence(peter, in_days(300), in_days(301))
"""
TIDY = """
from booking.models import Appointment, ContactRequest, State, Therapist, WaitlistEntry
for model in (ContactRequest, WaitlistEntry):
    model.objects.filter(name="Sky Screens").delete()
Appointment.objects.filter(name="Sky Screens").update(state=State.CANCELLED, held_until=None, held_for="")
Therapist.objects.filter(account__username__startswith="screens-").update(account=None)
"""
LEFT_OUT = re.compile(r"/admin/(logout|jsi18n|password_change|r)/|/export|\.csv|\.json|[?&]format=")
OUT_OF_REACH = """
() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button]")]
    .filter(one => one.checkVisibility() && one.type !== "hidden" && !one.disabled && one.tabIndex < 0)
    .filter(one => !one.closest("[role=toolbar]"))  // arrows go on from its one Tab stop
    .map(one => one.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def people(site):
    site.run_python(SET_UP.format(people=PEOPLE))
    yield
    site.run_python(TIDY)


def kind_of(path):
    """Where a link leads, without which row and what was asked."""
    return re.sub(r"\d+|[0-9a-f-]{36}|(?<=/week/)[a-z-]+", "#", urlsplit(path).path)


def links(page):
    found = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
    addresses = (urljoin(page.url, one) for one in found)
    return [one for one in addresses if urlsplit(one).path.startswith("/admin/") and not LEFT_OUT.search(one)]


@pytest.mark.parametrize(
    ("role", "share"), [("Front desk", 0), ("Therapist", 0), *(("Owner", n) for n in range(SHARES))]
)
def test_no_screen_has_barriers(site, people, signed_in, complaints, role, share):
    """An owner sees all that the others do, so barriers are looked for there; a share of the screens a test.

    The others' screens are opened and reached by keyboard; EXHAUSTIVE=true looks for barriers on them as well.
    """
    faults, seen = {}, set()

    page = signed_in(PEOPLE[role])
    waiting = [f"{site.url}/admin/"]
    while waiting:
        address = waiting.pop(0)
        if kind_of(address) in seen:
            continue
        seen.add(kind_of(address))
        complaints.clear()
        answer = page.goto(address)
        found = [] if answer.status == 200 else [f"status {answer.status}"]
        waiting += links(page)
        found += [f"out of reach: {one}" for one in page.evaluate(OUT_OF_REACH)]
        found += [f"console: {one}" for one in complaints]
        if role != "Owner":
            found += barriers(page, widths=[1280]) if EXHAUSTIVE else []
        elif crc32(kind_of(address).encode()) % SHARES == share:
            found += barriers(page)
        if found:
            faults[urlsplit(address).path + "?" + urlsplit(address).query] = found
    assert not faults, json.dumps(faults, indent=1)
    assert len(seen) >= LEAST[role], sorted(seen)
