"""A series of visits as the front desk books it: with scripts and without, by keyboard alone, without barriers."""

from __future__ import annotations

import re

import pytest

from tests.browser.barriers import barriers
from tests.browser.test_desk import clerk, desk  # noqa: F401
from tests.exhaustive import EXHAUSTIVE

PATH = "/admin/calendar/series/?therapist=peter-stanley"


def fill_in_patient(page, name):
    page.fill("#id_name", name)
    page.fill("#id_phone", "612-555-0155")
    page.fill("#id_email", "sam.series@example.com")
    page.get_by_label("No, they have been before").check()


def cancel_the_rest(page):
    page.get_by_role("link", name="Cancel the rest of the series").click()
    page.get_by_role("heading", name="Cancel the rest of this series?").wait_for()
    page.get_by_role("button", name=re.compile("Cancel these")).click()
    page.get_by_text("Cancelled, and the times are free again").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_series_is_proposed_changed_booked_and_its_rest_cancelled(site, desk, scripts):  # noqa: F811
    page = desk(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    page.goto(f"{site.url}/admin/calendar/book/?therapist=peter-stanley")
    page.fill("#id_name", f"Sam Series {scripts}")
    page.get_by_role("button", name="Make it a series of visits").click()
    page.get_by_role("heading", name="Book a series of visits").wait_for()
    assert page.input_value("#id_name") == f"Sam Series {scripts}"

    page.get_by_label("Mornings, before noon").check()
    page.get_by_role("button", name="Suggest the visits").click()
    page.get_by_text("All free. Nothing is kept until you book.").wait_for()
    assert page.locator(".plan__one").count() == 8

    page.get_by_text("Change visit 2", exact=True).click()
    page.locator("[name=visit-2]:not(:checked)").first.check()
    page.get_by_text("Change visit 5", exact=True).click()
    page.locator("[name=visit-5][value=out]").check()
    page.get_by_role("button", name="Check these choices").click()
    page.get_by_text("Left out", exact=True).wait_for()
    assert page.get_by_text(re.compile("^Free, instead of")).count() == 1
    fill_in_patient(page, f"Sam Series {scripts}")
    page.get_by_role("button", name="Book these 7 visits").click()

    page.get_by_text("Booked: 7 visits with Dr. Stanley").wait_for()
    page.get_by_text("Visit 1 of 7 in a series").wait_for()
    assert page.locator(".series-place .plan__one").count() == 6
    cancel_the_rest(page)
    assert page.locator(".series-place .tag--cancelled").count() == 6


def test_a_series_is_booked_by_keyboard_alone(site, desk):  # noqa: F811
    page = desk()
    page.goto(site.url + PATH)
    page.locator("#id_therapist").focus()

    def tab_to(selector):
        for _ in range(150):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def press(selector, key="Enter"):
        tab_to(selector)
        page.keyboard.press(key)

    tab_to("#id_weeks")
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    press("[name=do][value=propose]")
    page.locator(".plan__one").nth(3).wait_for()
    page.locator("#id_therapist").focus()
    press("summary")  # the first visit's
    press("[name=visit-1]:checked", "ArrowDown")
    with page.expect_navigation():
        press("[name=do][value=check]")
    page.locator("#id_therapist").focus()
    for selector, text in (("#id_name", "Kay Series"), ("#id_phone", "612-555-0156")):
        tab_to(selector)
        page.keyboard.type(text)
    press("[name=is_new_patient]", "Space")
    press("[name=do][value=book]")

    page.get_by_text(re.compile(r"^Booked: \d visits")).wait_for()
    cancel_the_rest(page)


def test_the_pages_of_a_series_have_no_barriers(site, desk, complaints):  # noqa: F811
    page = desk()
    found = {}

    def look(name):
        found[name] = barriers(page)

    page.goto(site.url + PATH)  # test_every_screen looks at it as it is
    page.fill("#id_clock", "09:05")
    page.get_by_role("button", name="Suggest the visits").click()
    page.locator(".plan__one--trouble").first.wait_for()
    look("in trouble")
    page.fill("#id_clock", "")
    fill_in_patient(page, "Axe Series")
    page.get_by_role("button", name="Suggest again").click()
    page.get_by_text("All free").wait_for()
    look("free")
    page.get_by_role("button", name="Book these 8 visits").click()
    page.get_by_text("Visit 1 of 8 in a series").wait_for()
    look("a visit of it")
    if EXHAUSTIVE:
        page.get_by_role("link", name="Book more visits like this").click()
        page.get_by_role("heading", name="Book a series of visits").wait_for()
        look("like this")
        page.go_back()
    page.get_by_role("link", name="Cancel the rest of the series").click()
    page.get_by_role("heading", name="Cancel the rest of this series?").wait_for()
    look("cancel the rest")
    page.get_by_role("button", name="Cancel these 8 visits").click()
    page.get_by_text("Cancelled, and the times are free again").wait_for()

    complaints.clear()  # axe itself writes styles
    assert found == {name: [] for name in found}
