"""Letters of twice the size, set in the browser (not on the page): most of a phone's screen is still content."""

from __future__ import annotations

import pytest

from tests.chromium import launch_options

PHONE = {"width": 390, "height": 844}
PAGES = [
    "/",
    "/articles/",
    "/articles/cupping-for-back-pain/",
    "/faq/",
    "/search/?q=cupping",
    "/therapists/",
    "/therapists/peter-stanley/",
    "/book/",
    "/book/any/consultation/",
    "/book/peter-stanley/consultation/",
    "/book/any/ask/",
    "/visits/find/",
    "/privacy/",
    "/nowhere/",
]
# The part of the screen, from 0 to 1, that is neither header nor a bar that stays, with the page as it opens and
# half a page further down.
CONTENT = """() => {
    const top = Math.max(0, document.querySelector(".masthead").getBoundingClientRect().bottom);
    const bar = document.querySelector(".bar").getBoundingClientRect();
    return (Math.min(innerHeight, bar.top) - top) / innerHeight;
}"""


@pytest.fixture(scope="module")
def large_letters(browser_type):
    """A browser whose reader has asked for letters of 32 pixels; the usual size is 16."""
    options = launch_options()
    browser = browser_type.launch(**options | {"args": [*options["args"], "--blink-settings=defaultFontSize=32"]})
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def screen(large_letters):
    context = large_letters.new_context(viewport=PHONE, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_six_tenths_of_the_screen_are_content_and_nothing_is_cut_off(site, screen, path):
    screen.goto(site.url + path)

    assert screen.evaluate("getComputedStyle(document.body).fontSize") >= "32px"
    assert screen.evaluate(CONTENT) >= 0.6
    assert screen.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    screen.evaluate("scrollTo(0, innerHeight)")
    assert screen.evaluate(CONTENT) >= 0.8


def test_at_the_usual_size_call_and_book_stay_in_reach(site, page):
    page.set_viewport_size(PHONE)
    page.goto(site.url)

    assert page.locator(".bar").evaluate("one => getComputedStyle(one).position") == "sticky"
    assert page.locator(".bar").bounding_box()["height"] <= PHONE["height"] / 5
