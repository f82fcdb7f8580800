"""A patient in a real browser: from the article to a visit and its end, in three ways."""

from __future__ import annotations

import re

import pytest

from tests.browser.barriers import settle
from tests.factories import day_in

ARTICLE = "/articles/cupping-for-back-pain/"


def fill_in(page):
    page.get_by_label("Your name").fill("Ada Example")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Phone").fill("612-555-0142")
    page.get_by_label("Yes, my first visit").check()
    page.get_by_label("I agree").check()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
@pytest.mark.parametrize("width", [360, 1280])
def test_article_to_visit_and_cancel(site, new_page, scripts, width):
    page = new_page(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    page.goto(site.url + ARTICLE)
    if scripts:
        page.locator(".invite .times__one").first.wait_for()
        assert page.locator(".invite .times__one").count() == 3
    page.get_by_role("link", name="See Dr. Stanley’s free times").click()
    page.wait_for_url("**/book/peter-stanley/consultation/**")
    day = page.locator("#times .day:has(.half__all)").nth(1)
    day.get_by_text("All ").first.click()  # without scripts, too
    slot = day.locator(".half__all .start").nth(5)
    when = slot.get_attribute("value")
    slot.click()

    fill_in(page)
    page.locator("main").get_by_role("button", name="Request this visit").click()
    page.wait_for_url("**/visits/**")
    page.get_by_role("heading", name="Thank you. We have your request").wait_for()
    page.locator(f'time[datetime="{when}"]').first.wait_for()

    page.get_by_role("link", name="Cancel this visit").click()
    page.get_by_role("button", name="Yes, cancel this visit").click()
    page.get_by_text("Your visit is cancelled").wait_for()
    assert complaints == []


def press_until(page, is_there, key="Tab", most=200):
    for _ in range(most):
        focused = page.evaluate("document.activeElement.outerHTML")
        if not focused.startswith(("<body", "<main")) and is_there(focused):
            return
        page.keyboard.press(key)
    raise AssertionError("The keyboard does not get there.")


def test_without_a_mouse(site, page):
    page.goto(site.url + ARTICLE)
    page.keyboard.press("Tab")
    assert "Skip to main content" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")

    press_until(page, lambda html: "free times" in html and "<a" in html)
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/peter-stanley/consultation/**")

    press_until(page, lambda html: "Later" in html)  # well before the cut-off for cancelling
    page.keyboard.press("Enter")
    page.wait_for_url("**from=**")
    press_until(page, lambda html: 'name="start"' in html and "Take this time" not in html)
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/hold/**")

    for field, text in (("id_name", "Ada Example"), ("id_email", "ada@example.com"), ("id_phone", "6125550142")):
        press_until(page, lambda html, field=field: f'id="{field}"' in html)
        page.keyboard.type(text)
    press_until(page, lambda html: "is_new_patient" in html)
    page.keyboard.press("Space")
    press_until(page, lambda html: 'name="consent"' in html)
    page.keyboard.press("Space")
    press_until(page, lambda html: "Request this visit" in html)
    page.keyboard.press("Enter")
    page.wait_for_url("**/visits/**")

    press_until(page, lambda html: "Cancel this visit" in html)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cancel/")
    press_until(page, lambda html: "Yes, cancel this visit" in html)
    page.keyboard.press("Enter")
    page.get_by_text("Your visit is cancelled").wait_for()


def test_errors_take_the_focus_and_lead_to_their_fields(site, page):
    page.goto(site.url + "/book/benjamin-britton/consultation/")
    page.locator("main").get_by_role("button", name="Take this time").click()
    page.get_by_label("Your name").fill("Ada Example")
    page.locator("main").get_by_role("button", name="Request this visit").click()

    summary = page.locator(".errors")
    summary.wait_for()
    assert "4 things need your attention" in summary.inner_text()
    page.wait_for_function("document.activeElement.className === 'errors'")
    summary.get_by_role("link").first.click()
    assert page.evaluate("document.activeElement.id") == "id_email"
    described = page.locator("#id_email").get_attribute("aria-describedby").split()
    assert all(page.locator(f"#{one}").count() == 1 for one in described)
    assert page.get_by_label("Your name").input_value() == "Ada Example"


def test_going_on_without_a_time_takes_the_focus_to_what_is_missing(site, page):
    page.goto(site.url + "/book/peter-stanley/consultation/")
    page.evaluate("document.querySelector('#times').submit()")  # as no button does

    page.locator(".errors").wait_for()
    page.wait_for_function("document.activeElement.className === 'errors'")
    page.get_by_role("link", name="Choose a time.").click()
    assert page.evaluate("document.activeElement.className") == "week"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_last_afternoon_of_a_week_is_few_tab_stops_away(site, new_page, width):
    page = new_page(viewport={"width": width, "height": 844})
    page.goto(f"{site.url}/book/peter-stanley/consultation/?from={day_in(14 - day_in(0).weekday())}")  # a Monday
    page.locator("main").focus()
    friday = page.locator(".jump a").last
    press_until(page, lambda _: friday.evaluate("one => one === document.activeElement"), most=14)
    page.keyboard.press("Enter")
    afternoon = page.locator(".day__pm .half__few .start").last
    page.keyboard.press("Tab")

    press_until(page, lambda _: afternoon.evaluate("one => one === document.activeElement"), most=12)


def test_an_ordinary_week_is_three_screens_of_a_phone(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.url}/book/peter-stanley/consultation/?from={day_in(14 - day_in(0).weekday())}")

    assert page.locator(".day__pm .half__few").count() == 5
    assert page.evaluate("document.documentElement.scrollHeight") <= 2500


def test_a_free_time_leads_to_that_time_in_two_presses(site, page):
    page.goto(site.url + "/therapists/")
    pill = page.locator(".times__one").nth(2)
    pill.wait_for()
    start = pill.locator("time").get_attribute("datetime")
    pill.click()
    page.get_by_text("The time you chose").wait_for()
    page.locator("main").get_by_role("button", name="Take this time").click()

    page.wait_for_url("**/book/hold/**")
    page.locator(f'.kept time[datetime="{start}"]').wait_for()


def test_on_a_narrow_page_booking_is_few_tab_stops_away(site, page):
    """Its button stands in the bar, behind all the page: a hundred stops on the article."""
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(site.url + ARTICLE)
    book = page.locator(".bar .button--main")

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.get_by_role("link", name="Skip to call or book").is_visible()
    page.keyboard.press("Enter")
    press_until(page, lambda _: book.evaluate("one => one === document.activeElement"), most=4)

    page.set_viewport_size({"width": 1280, "height": 780})
    assert page.get_by_role("link", name="Skip to call or book").count() == 0


def test_an_open_page_says_when_its_time_is_no_longer_held(site, new_context):
    page = new_context().new_page()
    page.clock.install()
    page.goto(site.url + "/book/benjamin-britton/consultation/")
    page.locator("main").get_by_role("button", name="Take this time").click()
    page.get_by_text("We are holding this time for you until").wait_for()
    page.wait_for_load_state()  # the line is there before its script is: the clock must not run ahead of it
    said = page.get_by_role("status").get_by_text("We no longer hold this time for you")
    assert said.is_hidden()

    page.clock.fast_forward("10:02")

    said.wait_for()
    assert page.get_by_text("We are holding this time for you until").is_hidden()


def test_the_article_costs_four_requests_and_25_kilobytes(site, new_context):
    page = new_context().new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes, asked = [], []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(site.url + ARTICLE)
    page.wait_for_load_state("networkidle")

    # The free times are asked for after the page; the drawings serve as the icon too, and are fetched once.
    own = {url for url in asked if not url.endswith("/next/")}
    assert all(url.startswith(site.url) for url in asked)
    assert len(own) <= 4
    print(f"article: {len(own)} requests, {sum(sizes)} bytes on the wire, headers included")
    assert sum(sizes) <= 25_000


@pytest.mark.parametrize(
    "trouble",
    [
        lambda route: route.fulfill(status=503, content_type="text/html", body="<p>busy</p>"),
        lambda route: route.abort(),
    ],
    ids=["refused", "no network"],
)
def test_the_plain_link_stays_when_free_times_cannot_be_had(site, page, trouble):
    page.route("**/next/", trouble)

    with page.expect_request("**/next/"):
        page.goto(site.url + ARTICLE)
    # The page asked before: once this is answered, so is that.
    page.evaluate("fetch(document.querySelector('[data-next-times]').dataset.nextTimes).catch(() => {})")

    assert page.get_by_role("link", name="See Dr. Stanley’s free times").is_visible()
    assert page.locator("[data-next-times]").inner_html() == ""


def test_the_article_is_served_with_the_database_stopped(site, page):
    page.goto(site.url + ARTICLE)
    page.goto(site.url + ARTICLE)  # the other process may have answered the first
    site.stop_database()
    try:
        for _ in range(6):
            response = page.goto(site.url + ARTICLE)
            assert response.status in (200, 304)
        page.get_by_text("When to get urgent help").first.wait_for()
        page.get_by_role("link", name="See Dr. Stanley’s free times").wait_for()
    finally:
        site.start_database()


WIDTH = "document.documentElement.scrollWidth"
PUBLIC = [
    *("/", ARTICLE, "/articles/", "/faq/", "/therapists/", "/therapists/peter-stanley/"),
    *("/book/", "/book/peter-stanley/consultation/", "/nowhere/", "/search/?q=cupping"),
    *("/book/peter-stanley/ask/", "/book/any/ask/", "/waitlist/join/any/consultation/"),
]
SIDEWAYS = """() => [...document.querySelectorAll("main *, .bar *")]
    .filter(one => one.checkVisibility() && !one.closest("svg, .unseen") && one.textContent.trim())
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.className || one.tagName)"""
# Words whose letters stand to the right of the screen, also where `overflow: clip` leaves no way to scroll to them.
CUT_OFF = """() => {
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange(), cut = [];
  while (words.nextNode()) {
    const text = words.currentNode;
    if (!text.data.trim() || text.parentElement.closest(".unseen, .lure, svg")) continue;
    range.selectNodeContents(text);
    if ([...range.getClientRects()].some((box) => box.right > innerWidth + 1)) cut.push(text.data.trim());
  }
  return cut;
}"""


@pytest.mark.parametrize("path", PUBLIC)
def test_all_is_within_reach_at_every_width_and_with_text_twice_as_large(site, page, path):
    """Of text alone (WCAG 1.4.4): media queries count in the browser's own size, so the layout of the width stays."""

    def widths(*all_of_them):
        for width in all_of_them:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(WIDTH) <= width
            yield width

    page.goto(site.url + path)
    settle(page)
    assert list(widths(1280, 360, 320))

    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert list(widths(320, 360))
    for _ in widths(640, 1280):
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate(SIDEWAYS) == []


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without"])
def test_a_link_to_a_question_opens_it(site, new_page, with_scripts):
    page = new_page(java_script_enabled=with_scripts, viewport={"width": 360, "height": 700})

    page.goto(site.url + "/faq/#q-referral")

    answer = page.locator("#q-referral")
    answer.wait_for()
    assert answer.bounding_box()["height"] > 40
    question = page.locator("details", has=answer).locator("summary")
    assert 0 <= question.bounding_box()["y"] < 700


@pytest.mark.parametrize("width", [360, 1280])
def test_what_is_on_the_page_is_listed_once(site, new_page, width):
    page = new_page(viewport={"width": width, "height": 800})

    page.goto(site.url + ARTICLE)

    assert page.locator(".folds").is_visible() == (width == 360)
    assert page.locator(".article > .contents").is_visible() == (width == 1280)


def test_print_opens_every_question(site, page):
    page.goto(site.url + ARTICLE)
    page.emulate_media(media="print")

    answers = page.locator(".faq__answer")
    assert answers.count() >= 5
    assert all(answers.nth(n).bounding_box()["height"] > 10 for n in range(answers.count()))
    assert not page.locator(".masthead__nav").is_visible()
    assert page.get_by_role("heading", name="What the labels mean").is_visible()
    assert not page.locator("[data-next-times]").is_visible()  # old by the time someone reads the paper


def test_no_request_leaves_our_origin_and_no_cookie_is_set_by_reading(site, new_context):
    context = new_context()
    page, elsewhere = context.new_page(), []
    page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(site.url) else None)

    for path in ("/", ARTICLE, "/faq/", "/therapists/", "/therapists/peter-stanley/"):
        page.goto(site.url + path)
        settle(page)

    assert elsewhere == []
    assert context.cookies() == []
    assert re.search("Dr. Peter Stanley", page.title())
