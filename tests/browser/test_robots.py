"""A person whom the site takes for a robot: the form with everything they typed, and one box more."""

from __future__ import annotations

import pytest

from tests.browser.barriers import barriers

ASK = "/book/peter-stanley/ask/"


def send_with_the_trap_filled_in(site, page):
    page.goto(site.url + ASK)
    page.get_by_label("Your name").fill("Carla Caller")
    page.get_by_label("Call me").check()
    page.get_by_label("Phone").fill("612-555-0188")
    page.get_by_label("I agree").check()
    page.locator("#id_topic").evaluate("one => { one.value = 'https://example.com' }")
    page.locator("main").get_by_role("button", name="Send this to the clinic").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_by_keyboard_one_box_and_everything_is_sent(site, new_context, scripts):
    page = new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 844}).new_page()
    send_with_the_trap_filled_in(site, page)

    page.get_by_role("heading", name="One thing needs your attention").wait_for()
    assert page.get_by_label("Your name").input_value() == "Carla Caller"
    assert page.locator("#id_topic").input_value() == ""
    page.get_by_role("link", name="Check “I am a person”").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "id_is_person"
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="The clinic has your message").wait_for()


def test_the_question_has_no_barriers(site, page):
    send_with_the_trap_filled_in(site, page)
    page.get_by_label("I am a person").wait_for()

    assert page.evaluate("document.activeElement.matches('.errors')")
    assert barriers(page, by_night=True) == []


def test_nobody_meets_the_trap(site, page):
    """Neither by Tab nor in what a screen reader is told, and with nothing to see."""
    page.goto(site.url + ASK)

    assert "Leave this empty" not in page.locator("body").aria_snapshot()
    assert page.locator("#id_topic").evaluate("one => one.tabIndex") == -1
    assert page.locator(".lure").bounding_box()["width"] <= 1
