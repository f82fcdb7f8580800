"""The front desk's day in a real browser: the calendar, a caller on the line, why a time is not offered."""

from __future__ import annotations

import re
from functools import partial

import pytest

from tests.browser.barriers import barriers
from tests.exhaustive import EXHAUSTIVE

CLERK = """
from django.contrib.auth.models import Group, User
from django.utils import timezone
user, _ = User.objects.get_or_create(username="front-desk", is_staff=True)
user.last_login = timezone.now()
user.save()
user.groups.set([Group.objects.get(name="Front desk")])
"""
PAGES = {
    "calendar": "/admin/calendar/",
    "day": "/admin/calendar/?view=day&therapist=peter-stanley",
    "why": "/admin/calendar/why/?therapist=peter-stanley&service=consultation&starts_at=2026-01-05T08:05",
}
WALKED = {  # test_every_screen looks at each of these by day
    "today": "/admin/",
    "caller": "/admin/calendar/book/?therapist=peter-stanley",
    "sheet": "/admin/calendar/day-sheet/",
}


@pytest.fixture(scope="session")
def clerk(site):
    site.run_python(CLERK)


@pytest.fixture
def desk(clerk, signed_in, complaints):
    """Sign in as the front desk, in a window of their own; nothing may complain in it."""
    yield partial(signed_in, "front-desk")
    assert [one for one in complaints if "409" not in one] == []


def test_the_desk_has_no_barriers(site, desk, complaints):
    page = desk()
    found = {}
    for name, path in (PAGES | WALKED if EXHAUSTIVE else PAGES).items():
        assert page.goto(site.url + path).status == 200
        found[name] = barriers(page, by_night=True)
    assert not any(found.values()), found
    complaints.clear()  # axe itself writes styles


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_caller_is_booked_from_the_calendar_and_the_visit_moves_on(site, desk, scripts):
    page = desk(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    page.goto(f"{site.url}/admin/")
    page.get_by_role("link", name="Calendar", exact=True).click()
    page.get_by_role("link", name="Later").click()
    page.locator(".cal__free a").first.click()
    page.get_by_role("heading", name="Book for a caller").wait_for()
    page.get_by_label("Name", exact=False).first.fill(f"Cal Caller {scripts}")
    with page.expect_navigation():
        page.locator(".caller__times button").first.click()
    assert page.locator("#id_name").input_value() == f"Cal Caller {scripts}"
    chosen = page.locator("#id_starts_at").input_value()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", chosen)

    focused = page.evaluate("document.activeElement.textContent").strip()
    assert focused.startswith("Start is now" if scripts else "")

    page.fill("#id_phone", "12")
    page.get_by_label("No, they have been before").check()
    page.get_by_role("button", name="Book", exact=True).click()
    page.locator(".errors a[href='#id_phone']").wait_for()  # everything typed is kept
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.matches('.errors')")
    page.fill("#id_phone", "612-555-0133")
    page.get_by_role("button", name="Book", exact=True).click()
    page.get_by_text("No e-mail is sent").wait_for()
    assert page.get_by_role("link", name="Arrived").count() == 0  # it is not the day yet

    week = f"{site.url}/admin/calendar/?from={chosen[:10]}"
    visit = page.url
    page.goto(week)
    assert page.locator(".cal__visit--confirmed", has_text=f"Cal Caller {scripts}").count() == 1
    page.goto(visit)
    page.get_by_role("link", name="Cancel the visit").click()
    page.get_by_role("button", name="Cancel the visit").click()
    page.get_by_text("please phone them").first.wait_for()
    page.goto(week)
    assert page.locator(".cal__visit", has_text=f"Cal Caller {scripts}").count() == 0


def test_a_caller_is_booked_by_keyboard_alone(site, desk):
    page = desk()
    page.goto(f"{site.url}/admin/calendar/book/?therapist=benjamin-britton")
    page.locator("#id_therapist").focus()

    def tab_to(selector):
        for _ in range(80):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    tab_to(".caller__times button")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Start is now").wait_for()
    tab_to("#id_name")  # where the focus is: whom it is for comes next
    page.keyboard.type("Kay Keys")
    tab_to("#id_phone")
    page.keyboard.type("612-555-0134")
    tab_to("[name=is_new_patient]")
    page.keyboard.press("Space")
    tab_to(".answer__do button")
    page.keyboard.press("Enter")
    page.get_by_text("No e-mail is sent").wait_for()


def test_long_work_says_so_and_is_done_once(site, desk, new_context, complaints):
    page = desk(new_context(viewport={"width": 360, "height": 740}).new_page())
    page.clock.install()
    page.goto(f"{site.url}/admin/calendar/book/?therapist=benjamin-britton")
    page.fill("#id_name", "Wanda Waits")
    page.fill("#id_phone", "612-555-0135")
    page.get_by_label("No, they have been before").check()
    with page.expect_navigation():
        page.locator(".caller__times button").nth(1).click()
    # The answer never comes: each press is noted, with whether the page held it back, and goes no further.
    page.evaluate("""() => {
        window.presses = [];
        window.addEventListener("submit", (event) => {
            presses.push(event.defaultPrevented ? "held back" : "sent");
            event.preventDefault();
        });
    }""")

    page.get_by_role("button", name="Book", exact=True).click()
    page.get_by_role("status").filter(has_text="Working").wait_for()
    assert barriers(page) == []
    complaints.clear()  # axe itself writes styles
    page.get_by_role("button", name="Book", exact=True).click()
    page.clock.fast_forward(10_000)
    page.get_by_role("status").filter(has_text="look whether it was done").wait_for()

    assert page.evaluate("presses") == ["sent", "held back"]
    page.reload()
    assert page.locator(".working, [aria-busy]").count() == 0
