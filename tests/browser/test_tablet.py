"""The desk on a tablet held upright (820 px), and for people whose screens or waits are not ours."""

from __future__ import annotations

import re
from functools import partial

import pytest

from tests.browser.barriers import barriers
from tests.waiting import wait_for

OWNER = """
from django.contrib.auth.models import Group, User
from django.utils import timezone
user, _ = User.objects.get_or_create(username="tablet-owner", is_staff=True)
user.last_login = timezone.now()
user.save()
user.groups.set([Group.objects.get(name="Owner")])
"""
FAR = 4
"""Weeks ahead, where other tests book nothing."""
UPRIGHT = {"width": 820, "height": 1180}
ONE, BOTH = "/admin/calendar/?therapist=peter-stanley", "/admin/calendar/"
EDGES = """() => {
    const edge = (name, of = null) => {
        const one = getComputedStyle(document.querySelector(name), of);
        return [one.borderTopStyle, one.borderRadius, one.backgroundColor, one.backgroundImage].join();
    };
    const states = ["requested", "confirmed", "arrived", "completed", "no-show"];
    return [edge(".cal__work"), edge(".cal__free a"),
        ...states.map(state => edge(`.cal-legend .tag--${state}`, "::before"))];
}"""
SKIP, SEE = "Skip to “See what changes”", "See what changes"


@pytest.fixture(scope="module")
def owner(site):
    site.run_python(OWNER)


@pytest.fixture
def tablet(owner, signed_in, complaints):
    yield partial(signed_in, "tablet-owner", viewport=UPRIGHT)
    assert complaints == []


def is_drawn(page):
    return page.locator(".cal__hours").is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_caller_is_booked_from_the_drawn_week_of_one_therapist(site, tablet, scripts):
    page = tablet(java_script_enabled=scripts)
    page.goto(site.url + BOTH)
    assert not is_drawn(page)
    page.get_by_role("navigation", name="Days of this week").get_by_role("link").last.click()
    assert re.search(r"#d\d$", page.url)
    page.get_by_role("link", name="Dr. Stanley", exact=True).click()
    for _ in range(FAR):
        page.get_by_role("link", name="Later week").click()
    assert is_drawn(page)
    page.locator(".cal__free a").nth(int(scripts)).click()
    page.get_by_role("heading", name="Book for a caller").wait_for()
    page.fill("#id_name", f"Tab Let {scripts}")
    page.fill("#id_phone", "612-555-0136")
    page.get_by_label("No, they have been before").check()
    day = page.locator("#id_starts_at").input_value()[:10]
    page.get_by_role("button", name="Book", exact=True).click()
    page.locator(".messagelist .success").wait_for()

    page.goto(f"{site.url}{ONE}")
    page.get_by_label("Go to").fill(day)
    page.get_by_role("button", name="Go", exact=True).click()
    assert "therapist=peter-stanley" in page.url
    visit = page.locator(".cal__visit--confirmed", has_text=f"Tab Let {scripts}")
    assert visit.count() == 1
    visit.get_by_role("link").click()
    page.get_by_role("link", name="Cancel the visit").click()
    page.get_by_role("button", name="Cancel the visit").click()
    page.locator(".messagelist li").first.wait_for()


def test_without_our_colors_the_calendar_still_tells_its_parts_apart(site, tablet):
    page = tablet(forced_colors="active")
    page.goto(site.url + ONE)
    edges = page.evaluate(EDGES)

    assert len(set(edges)) == len(edges)
    assert edges[0].startswith("solid")
    assert edges[1].startswith("dashed")


def stops_until(page, words):
    """How often Tab is pressed until the thing of that name has the focus."""
    for number in range(1, 200):
        page.keyboard.press("Tab")
        if page.evaluate("words => document.activeElement.textContent.trim() === words", words):
            return number
    raise AssertionError(f"Tab does not reach {words}")


def test_the_button_of_a_week_is_few_tab_stops_away(site, tablet):
    page = tablet()
    page.goto(f"{site.url}/admin/hours/week/peter-stanley/")
    assert page.get_by_role("group", name="Sunday").locator("input:visible").count() == 0
    to_skip = stops_until(page, SKIP)
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")  # a jump puts the next stop after its target
    with_skip = to_skip + 2
    assert page.evaluate("document.activeElement.tagName") != "BODY"
    page.goto(f"{site.url}/admin/hours/week/peter-stanley/")
    without = stops_until(page, SEE)

    assert with_skip < 40
    assert without < 125  # 182 with rows for shifts that nobody works


def test_a_shift_comes_where_there_was_none_and_the_week_reads_aloud_once(site, tablet):
    page = tablet()
    page.goto(f"{site.url}/admin/hours/week/peter-stanley/")
    sunday = page.get_by_role("group", name="Sunday")
    page.get_by_role("button", name="Add a shift on Sunday").click()

    assert sunday.get_by_label("shift 1, from").evaluate("one => one === document.activeElement")
    assert barriers(page) == []


@pytest.mark.parametrize(("role", "name"), [("button", "Show"), ("link", "Fill of working hours")])
def test_pages_and_files_that_take_their_time_say_so(site, tablet, role, name):
    page = tablet()
    page.goto(f"{site.url}/admin/reports/")

    # The answer never comes, neither the page nor the file.
    page.evaluate("() => window.addEventListener('submit', (event) => event.preventDefault())")
    page.route(re.compile(r"/admin/reports/fill\.csv"), lambda route: None)
    page.get_by_role(role, name=name).click()

    page.get_by_role("status").filter(has_text="Working …").wait_for()


def test_a_file_arrives_and_the_wait_is_over(site, tablet):
    page = tablet()
    page.goto(f"{site.url}/admin/reports/")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Fill of working hours").click()

    assert taken.value.suggested_filename.startswith("fill-")
    page.wait_for_function("!document.querySelector('.working')")


def test_only_what_scrolls_takes_a_tab_stop(site, tablet):
    page = tablet()
    page.goto(f"{site.url}/admin/reports/")
    wrong = """() => [...document.querySelectorAll("[data-scrolls]")].filter(one =>
        (one.tabIndex === 0) !== (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)).length"""

    assert page.locator("[data-scrolls]").count() > 0
    wait_for(lambda: page.evaluate(wrong) == 0)
    page.set_viewport_size({"width": 360, "height": 740})
    wait_for(lambda: page.evaluate(wrong) == 0)
    assert page.locator(".report__plot[tabindex]").count() > 0
