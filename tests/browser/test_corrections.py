"""Corrections in a browser: a colleague at the desk, and a patient who asks for another address, by both ways."""

from __future__ import annotations

import pytest

from tests.browser.barriers import barriers
from tests.browser.test_desk import clerk, desk  # noqa: F401 - fixtures

SET_UP = """
from django.utils import timezone
from booking.models import Service, Therapist
from tests.factories import an_appointment, in_days
peter, service = Therapist.objects.get(slug="peter-stanley"), Service.objects.get(slug="consultation")
facts = {"name": "Cora Rect", "email": "cora@example.com", "phone": "612-555-0161", "confirmed_at": timezone.now()}
monday = 49 - in_days(0).weekday()
visit, other = (an_appointment(peter, service, in_days(monday, hour), **facts) for hour in (11, 13))
print(visit.pk, visit.get_absolute_url())
"""
TIDY = """
from django.utils import timezone
from booking.models import Appointment, EmailChange, State
EmailChange.objects.all().delete()
for visit in Appointment.objects.filter(name="Cora Rect"):
    visit.state = State.CANCELLED
    visit.forget_patient(timezone.now())
    visit.save()
"""
CONFIRM = """
from booking.models import EmailChange
print(EmailChange.objects.get(visit={pk}).get_absolute_url())
"""
scripts_on_and_off = pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])


@pytest.fixture
def visit(site):
    """The number of Cora's visit at 11 am, and its private address; another visit is at 1 pm."""
    pk, link = site.run_python(SET_UP).split()
    yield pk, link
    site.run_python(TIDY)


@scripts_on_and_off
def test_the_desk_corrects_an_address_in_two_visits(site, desk, complaints, visit, scripts, page):  # noqa: F811
    pk, link = visit
    window = desk(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    window.goto(f"{site.url}/admin/booking/appointment/{pk}/change/")
    window.get_by_role("link", name="Correct name, e-mail or phone").click()
    assert "closes the private link" in window.locator(".answer").inner_text()
    if scripts:
        assert barriers(window, by_night=True) == []
    window.locator("#id_email").fill("cora@nowhere")  # well-formed for a browser
    window.get_by_role("button", name="Correct", exact=True).click()
    window.get_by_text("Type the whole address").first.wait_for()

    window.locator("#id_email").fill("cora.right@example.com")
    assert window.get_by_label("Visit on").is_checked()
    window.get_by_role("button", name="Correct", exact=True).click()

    window.get_by_text("Corrected in 2 places. The old private link no longer works.").wait_for()
    assert page.goto(site.url + link).status == 404
    complaints[:] = [one for one in complaints if scripts is False and "422" not in one]


@scripts_on_and_off
def test_a_patient_changes_the_phone_and_confirms_another_address(site, new_context, visit, scripts):
    pk, link = visit
    page = new_context(java_script_enabled=scripts, viewport={"width": 360, "height": 800}).new_page()
    page.goto(site.url + link)
    page.get_by_role("link", name="Change my phone or note").click()
    if scripts:
        assert barriers(page, by_night=True) == []
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("Nothing was changed").first.wait_for()
    page.get_by_label("Phone").fill("612-555-0199")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("We have what you typed").wait_for()

    page.get_by_role("link", name="Change my e-mail address").click()
    page.get_by_label("E-mail").fill("cora.new@example.com")
    if scripts:
        assert barriers(page, by_night=True) == []
    page.get_by_role("button", name="Ask for this address").first.click()
    page.get_by_text("Nothing changes before that").wait_for()

    page.goto(site.url + site.run_python(CONFIRM.format(pk=pk)).strip())
    if scripts:
        assert barriers(page, by_night=True) == []
    page.get_by_role("button", name="Yes, use the new address").click()
    page.get_by_role("heading", name="The new address is confirmed").wait_for()
    assert page.goto(site.url + link).status == 404
