"""A therapist is out, in a real browser: the desk starts it, the patient answers from the mail, the board shows it."""

from __future__ import annotations

import re

import pytest

from tests.booking.test_live import mails
from tests.browser.barriers import barriers
from tests.browser.test_desk import clerk, desk  # noqa: F401 - fixtures
from tests.exhaustive import EXHAUSTIVE
from tests.waiting import wait_for

MAKE = """
from tests.factories import *
from booking.models import *
zone = Clinic.objects.current().zone
days = [d for d in range(31, 45) if in_days(d).astimezone(zone).weekday() < 5]
therapist, service = Therapist.objects.get(slug="peter-stanley"), Service.objects.get(slug="consultation")
for n, (name, email) in enumerate([("Olive Out {tag}", "olive.{tag}@example.com"), ("Tom Phone {tag}", "")]):
    an_appointment(therapist, service, in_days(days[{number}], 10 + n), name=name, email=email)
print("day", in_days(days[{number}]).astimezone(zone).date())
"""
TIDY = """
from booking.models import *
from django.db.models import Q
Outage.objects.all().delete()
Absence.objects.filter(reason="Browser").delete()
Appointment.objects.filter(Q(name__startswith="Olive Out") | Q(name__startswith="Tom Phone")).delete()
Appointment.objects.filter(held_for="alternative").delete()
"""


@pytest.fixture
def a_day(site):
    """A day on which one patient has an e-mail address and another has none; gone afterwards."""

    def make(tag, number):
        said = site.run_python(MAKE.format(tag=tag, number=number))
        return re.search(r"day (\S+)", said if isinstance(said, str) else said.stdout)[1]

    yield make
    site.run_python(TIDY)


def start(page, site, day):
    page.goto(f"{site.url}/admin/")
    page.get_by_role("link", name="Calendar", exact=True).click()
    page.get_by_role("link", name="Therapist is out").click()
    if page.get_by_role("link", name="A therapist is out").count():  # where nobody is out, the form comes at once
        page.get_by_role("link", name="A therapist is out").click()
    page.get_by_label("Who is out?").select_option("peter-stanley")
    page.get_by_label("From and until, as below").check()
    page.get_by_label("From:", exact=True).fill(day)
    page.get_by_label("Another therapist, close to the same time").check()
    page.get_by_role("button", name="See who is affected").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_the_desk_starts_it_the_patient_answers_and_the_board_shows_it(site, desk, new_page, a_day, scripts):  # noqa: F811
    tag = "with" if scripts else "without"
    day = a_day(tag, int(scripts))
    page = desk(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    start(page, site, day)
    page.get_by_text("No e-mail address").wait_for()
    page.get_by_label("Reason:").fill("Browser")
    page.get_by_role("button", name="Start it, and e-mail 1 patient").click()
    page.wait_for_url("**/out/*/")
    board = page.url
    waiting, to_phone = page.locator("[aria-labelledby=b-waiting]"), page.locator("[aria-labelledby=b-to-phone]")
    waiting.get_by_text(f"Olive Out {tag}").first.wait_for()
    to_phone.get_by_text(f"Tom Phone {tag}").first.wait_for()

    def the_question():
        theirs = (mail for mail in mails(site) if mail["To"] == f"olive.{tag}@example.com")
        return next((mail for mail in theirs if "Dr. Stanley is out" in mail["Subject"]), None)

    text = wait_for(the_question).get_body(("plain",)).get_content()
    patient = new_page(java_script_enabled=False, viewport={"width": 360, "height": 800})
    patient.goto(re.search(r"\S+/visits/instead/\S+/(?=\n)", text)[0])
    patient.get_by_text("Held for you until").wait_for()
    patient.locator("main").get_by_role("button", name="Take this time").click()
    patient.get_by_text("Thank you, everything is settled").wait_for()

    page.goto(board)
    page.locator("[aria-labelledby=b-answered]").get_by_text(f"Olive Out {tag}").first.wait_for()
    page.get_by_role("link", name="Call and settle").click()
    page.get_by_label("Cancel the visit").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nobody is left to call").wait_for()
    assert page.locator(".out-line").count() == 2


def test_the_pages_have_no_barriers(site, desk, complaints, a_day):  # noqa: F811
    day = a_day("axe", 2)
    page, found = desk(), {}

    def look_at(name, address):
        assert page.goto(address).status == 200
        found[name] = barriers(page)

    start(page, site, day)
    look_at("preview", page.url)
    page.get_by_label("Reason:").fill("Browser")
    page.get_by_role("button", name=re.compile("Start it")).click()
    page.wait_for_url("**/out/*/")
    board = page.url
    settle = page.get_by_role("link", name="Call and settle").get_attribute("href")
    look_at("board", board)
    states = {"list": f"{site.url}/admin/calendar/out/", "settle": site.url + settle, "end": f"{board}end/"}
    walked = {  # test_every_screen and test_desk look at these while nobody is out
        "span": f"{site.url}/admin/calendar/out/new/",
        "today": f"{site.url}/admin/",
        "day": f"{site.url}/admin/calendar/?view=day&from={day}",
    }
    for name, address in (states | walked if EXHAUSTIVE else states).items():
        look_at(name, address)
    said = wait_for(lambda: next((mail for mail in mails(site) if mail["To"] == "olive.axe@example.com"), None))
    link = re.search(r"\S+/visits/instead/\S+/(?=\n)", said.get_body(("plain",)).get_content())[0]
    look_at("patient", link)
    page.get_by_role("button", name=re.compile("Cancel this visit")).click()
    page.get_by_role("button", name="Yes, cancel this visit").wait_for()
    found["patient cancels"] = barriers(page)
    complaints.clear()  # axe itself writes styles
    assert {name: one for name, one in found.items() if one} == {}
