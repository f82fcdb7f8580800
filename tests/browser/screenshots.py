"""The README's pictures, made anew from a running site: `make screenshots`. Whoever is in them was made up for it."""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.curves import FOLDER as CURVES
from tests.chromium import launch_options
from tests.running import ROOT, RunningSite, running_site

PICTURES = ROOT / "deploy" / "readme"
DRAWN = ROOT / "static" / "img"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PASSWORD = "for one picture"
MOST_COLOURS, TOUCH = 128, 180
FILL = f"""
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from booking.models import Service, State, Therapist
from tests.factories import an_absence, an_appointment, asks, day_in, in_days
facts = {{"first_name": "Sam", "is_staff": True, "last_login": timezone.now()}}
user = User.objects.create_user("sam", password={PASSWORD!r}, **facts)
user.groups.set([Group.objects.get(name="Front desk")])
peter, benjamin = Therapist.objects.order_by("slug")[::-1]
service = Service.objects.get(slug="consultation")
monday = 7 - day_in(0).weekday()
plan = [(0, 9, "Ada Ash"), (0, 11, "Bo Birch"), (1, 10, "Cy Cedar"), (1, 14, "Di Date"),
    (2, 9, "Eli Elm"), (2, 13, "Fay Fir"), (3, 10, "Gil Gum"), (4, 11, "Hal Holm")]
for place, (day, hour, name) in enumerate(plan):
    for number, therapist in enumerate((peter, benjamin)):
        state = State.REQUESTED if (place + number) % 3 == 0 else State.CONFIRMED
        facts = {{"name": name, "email": f"{{name.split()[0].lower()}}{{number}}@example.com"}}
        facts["requested_at"] = timezone.now() - timedelta(minutes=40 * place + 12)
        an_appointment(therapist, service, in_days(monday + day, hour + number), state, **facts)
an_absence(benjamin, in_days(monday + 4, 12), in_days(monday + 4, 17))
asks(name="Ivy Larch", therapist=peter)
"""


@contextmanager
def a_page(browser: Browser, size: dict[str, int], scheme: str = "light") -> Iterator[Page]:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    yield context.new_page()
    context.close()


def keep(name: str, shot: bytes) -> None:
    """With few colors: a picture of the README is read by everyone who clones."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture.quantize(MOST_COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)
    print(f"deploy/readme/{name}.png")


def public_pages(browser: Browser, site: RunningSite) -> None:
    with a_page(browser, WIDE, "dark") as page:
        page.goto(f"{site.url}/articles/cupping-for-back-pain/")
        keep("article", page.screenshot())
    with a_page(browser, PHONE) as page:
        page.goto(f"{site.url}/book/peter-stanley/consultation/")
        keep("slots", page.screenshot())


def desk(browser: Browser, site: RunningSite) -> None:
    with a_page(browser, WIDE) as page:
        page.goto(f"{site.url}/admin/")
        page.fill("#id_username", "sam")
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site.url}/admin/")
        keep("desk", page.screenshot())


def icons(browser: Browser) -> None:
    """The mark for what reads no SVG: the home screen of a phone (180 pixels), and /favicon.ico."""
    mark = (DRAWN / "drawings.svg").read_text()
    with a_page(browser, {"width": TOUCH, "height": TOUCH}) as page:
        page.set_content(f"<style>body {{ margin: 0; background: #143e37 }} svg {{ display: block }}</style>{mark}")
        touch = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{mark}")
        tab = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    touch.quantize(MOST_COLOURS, dither=Image.Dither.NONE).save(DRAWN / "touch.png", optimize=True)
    tab.save(DRAWN / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)])
    print("static/img/touch.png, static/img/favicon.ico")


def curves(browser: Browser) -> None:
    """What `make bench` and `make bench-slots` drew, where they did."""
    drawn = sorted(CURVES.glob("*.svg"))
    if not drawn:
        print(f"No curves in {CURVES.name}/: deploy/readme/bench.png stays as it is (make bench draws them).")
        return
    images = [f'<img src="data:image/svg+xml;base64,{base64.b64encode(one.read_bytes()).decode()}">' for one in drawn]
    with a_page(browser, WIDE) as page:
        page.set_content(
            "<style>body { margin: 0; padding: 24px; background: white; display: grid; gap: 32px 40px;"
            " grid-template-columns: 1fr 1fr; inline-size: 1232px } img { inline-size: 100% }</style>" + "".join(images)
        )
        page.wait_for_function("[...document.images].every(one => one.complete)")
        assert page.evaluate("[...document.images].every(one => one.naturalWidth)"), "a curve that is no picture"
        keep("bench", page.screenshot(full_page=True))


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_site("revival_screenshots", Path(folder)) as site,
        sync_playwright() as playwright,
    ):
        site.manage("shell", "--verbosity=0", "--command", FILL)
        browser = playwright.chromium.launch(**launch_options())
        public_pages(browser, site)
        desk(browser, site)
        icons(browser)
        curves(browser)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
