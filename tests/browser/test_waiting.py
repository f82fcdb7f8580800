"""Someone waits, someone else gives a time back, and the first takes it from the mail."""

from __future__ import annotations

import re

import pytest

from tests.booking.test_live import mails
from tests.browser.test_patient import fill_in, press_until
from tests.factories import typed_details
from tests.guest import Guest, free_starts, hidden_fields
from tests.waiting import wait_for


def a_visit(site, start, name):
    """Somebody else's, at this time."""
    guest = Guest(site.url)
    slots = "/book/benjamin-britton/consultation/"
    answer, _ = guest.post(slots, guest.get(slots), start=start)
    address = answer.headers["Location"]
    page = guest.get(address)
    answer, _ = guest.post(address, page, **hidden_fields(page) | typed_details(name=name))
    return guest, answer.headers["Location"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_an_offer_is_taken_from_the_mail(site, new_page, scripts):
    page = new_page(java_script_enabled=scripts, viewport={"width": 360, "height": 800})
    guest = Guest(site.url)
    week = guest.get("/book/benjamin-britton/consultation/")
    later = re.search(r'href="(\?from=[^"]+)">Later', week)[1]
    start = free_starts(guest.get(f"/book/benjamin-britton/consultation/{later}"))[scripts * 9]
    other, address = a_visit(site, start, f"Giver, scripts {scripts}")

    page.goto(f"{site.url}/book/benjamin-britton/consultation/")
    page.get_by_role("link", name="Join the waiting list").click()
    fill_in(page)
    page.get_by_label("Your name").fill(f"Wanda Waiting {scripts}")
    page.get_by_label("E-mail").fill(f"wanda.{scripts}@example.com")
    for field in ("First day that suits you", "Last day that suits you"):
        page.get_by_label(field, exact=True).fill(start[:10])
    page.locator("main").get_by_role("button", name="Join the waiting list").click()
    page.get_by_text("On the waiting list").wait_for()

    asked = other.get(f"{address}cancel/")
    other.post(f"{address}cancel/", asked, **hidden_fields(asked))

    def the_offer():
        theirs = (mail for mail in mails(site) if mail["To"] == f"wanda.{scripts}@example.com")
        return next((mail for mail in theirs if mail["Subject"].startswith("A time opened")), None)

    text = wait_for(the_offer).get_body(("plain",)).get_content()
    page.goto(re.search(r"\S+/waitlist/\S+/(?=\n)", text)[0])
    page.locator(f'time[datetime="{start}"]').first.wait_for()
    page.get_by_text("When to get urgent help").first.wait_for()  # before the last step
    page.locator("main").get_by_role("button", name="Take this time").click()
    page.wait_for_url("**/visits/**")
    page.locator(f'time[datetime="{start}"]').first.wait_for()


def test_asking_and_joining_without_a_mouse(site, page):
    page.goto(f"{site.url}/book/peter-stanley/consultation/")
    press_until(page, lambda html: "Ask us to call or write" in html)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask/")
    press_until(page, lambda html: 'name="name"' in html)
    page.keyboard.type("Carla Caller")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("612-555-0188")
    press_until(page, lambda html: 'name="weekdays"' in html)
    page.keyboard.press("Space")
    press_until(page, lambda html: 'name="consent"' in html)
    page.keyboard.press("Space")
    press_until(page, lambda html: "Send this to the clinic" in html)
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="The clinic has your message").wait_for()
