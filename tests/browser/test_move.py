"""The front desk moves a visit to another therapist, and reads that its patient has another visit then."""

from __future__ import annotations

import re

import pytest

from tests.browser.barriers import barriers
from tests.browser.test_desk import clerk, desk  # noqa: F401 - fixtures

TWO_VISITS = """
from booking.models import Appointment, Service, State, Therapist
from tests.factories import an_appointment, in_days
peter, benjamin = (Therapist.objects.get(slug=slug) for slug in ("peter-stanley", "benjamin-britton"))
service = Service.objects.get(slug="consultation")
monday = 42 - in_days(0).weekday()
Appointment.objects.filter(name="Mo Mover").update(state=State.CANCELLED)
facts = {"name": "Mo Mover", "email": "mo@example.com"}
for whom, hour in ((peter, 11), (peter, 13)):
    visit = an_appointment(whom, service, in_days(monday, hour), **facts)
print(visit.pk)
"""
TIDY = """
from booking.models import Appointment, State
Appointment.objects.filter(name="Mo Mover").update(state=State.CANCELLED)
"""


@pytest.fixture
def visit(site):
    """The number of Mo's visit with Dr. Stanley at 1 pm; another is at 11."""
    yield site.run_python(TWO_VISITS).strip()
    site.run_python(TIDY)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_visit_goes_to_another_therapist_once_the_desk_says_so_twice(site, desk, complaints, visit, scripts):  # noqa: F811
    page = desk(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    page.goto(f"{site.url}/admin/booking/appointment/{visit}/move/")
    at_eleven = page.locator("#id_starts_at").input_value().replace("T13", "T11")
    page.get_by_label("Therapist").select_option("benjamin-britton")
    if not scripts:
        page.get_by_role("button", name="Show the free times of this choice").click()
    page.get_by_role("heading", name="Free with Dr. Britton").wait_for()
    assert "It is now with Dr. Benjamin Britton" in page.locator(".answer__mail").inner_text()

    page.fill("#id_starts_at", at_eleven)
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_text("Nothing is saved yet: Mo Mover has another visit then").wait_for()
    assert "with Dr. Stanley" in page.locator(".other-visits").inner_text()
    page.get_by_label("Move it all the same").check()
    page.get_by_role("button", name="Move", exact=True).click()

    page.get_by_text(re.compile("with Dr. Britton: moved. The patient is told by e-mail.")).wait_for()
    complaints[:] = [one for one in complaints if "422" not in one]


def test_the_page_works_by_keyboard_and_has_no_barriers(site, desk, complaints, visit):  # noqa: F811
    page = desk()
    page.goto(f"{site.url}/admin/booking/appointment/{visit}/move/")
    page.locator("#id_therapist").focus()
    with page.expect_navigation():
        page.keyboard.type("Dr. B")
        page.keyboard.press("Tab")
    page.fill("#id_starts_at", page.locator("#id_starts_at").input_value().replace("T13", "T11"))
    page.locator("#id_starts_at").press("Enter")
    page.locator("[name=all_the_same]").wait_for()
    assert page.evaluate("document.activeElement.matches('.errors')")
    assert barriers(page, by_night=True) == []
    page.locator("[name=all_the_same]").press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("with Dr. Britton: moved.").wait_for()
    complaints.clear()  # axe itself writes styles
