"""Windows of the browser, and colleagues who are signed in."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.barriers import HEIGHT, WIDTHS, resize
from tests.waiting import PATIENCE

DESKTOP = {"width": WIDTHS[-1], "height": HEIGHT}
PLAIN = {"color_scheme": "light", "reduced_motion": "no-preference"}


@pytest.fixture(scope="module")
def kept(browser):
    """Pages that the tests of a file share, by whose they are and their options: a new one costs as much as three."""
    pages: dict[tuple, Page] = {}
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def new_page(browser, kept):
    """Function that opens an empty page in a window of its own, without cookies or drafts of earlier tests.

    A test that sets the clock, which stays set, or counts what is fetched takes pytest's `new_context`.
    """
    used: list[Page] = []

    def open_page(whose: str = "", viewport: dict[str, int] = DESKTOP, **options: Any) -> Page:
        key = (whose, *sorted(options.items()))
        if key not in kept:
            kept[key] = browser.new_context(**options).new_page()
            kept[key].set_default_timeout(PATIENCE * 1000)
            kept[key].set_default_navigation_timeout(PATIENCE * 1000)
        page = kept[key]
        assert page not in used, "One test wants it twice."
        used.append(page)
        page.context.clear_cookies()
        resize(page, viewport)
        page.emulate_media(media="null", **PLAIN | {name: options[name] for name in PLAIN if name in options})
        return page

    yield open_page
    for page in used:
        page.unroute_all()
        if page.url.startswith("http"):
            page.evaluate("[localStorage, sessionStorage].forEach(one => one.clear())")


@pytest.fixture
def page(new_page):
    return new_page()


@pytest.fixture
def complaints():
    """What browsers say against the pages of colleagues, such as a broken content security policy."""
    return []


SIGN_IN = """
import json
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get(username={name!r}))
print(json.dumps({{name: cookie.value for name, cookie in client.cookies.items()}}))
"""


@pytest.fixture
def signed_in(site, new_page, complaints):
    """Function that opens an empty page in a window of a colleague's own, or in one that is given.

    Their session is made without the form, which has tests of its own (test_sign_in.py): each password costs the time
    that makes it hard to guess.
    """

    def open_desk(name: str, page: Page | None = None, **options: Any) -> Page:
        page = page or new_page(name, **options)
        cookies = json.loads(site.run_python(SIGN_IN.format(name=name)))
        page.context.add_cookies([{"name": key, "value": value, "url": site.url} for key, value in cookies.items()])
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    return open_desk


@pytest.fixture(scope="session")
def superuser(site):
    """A colleague who may do everything at the desk of the running site."""
    site.run_python("from django.contrib.auth.models import User; User.objects.create_superuser('desk')")
    return "desk"
