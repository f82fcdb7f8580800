import json
from typing import Any

import pytest
from playwright.sync_api import Page


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
def signed_in(site, new_context, complaints):
    """Function that opens an empty window of a colleague's own.

    Their session is made without the form, which has tests of its own (test_sign_in.py): each password costs the time
    that makes it hard to guess.
    """

    def open_desk(name: str, **options: Any) -> Page:
        context = new_context(**options)
        cookies = json.loads(site.run_python(SIGN_IN.format(name=name)))
        context.add_cookies([{"name": key, "value": value, "url": site.url} for key, value in cookies.items()])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    return open_desk


@pytest.fixture(scope="session")
def superuser(site):
    """A colleague who may do everything at the desk of the running site."""
    site.run_python("from django.contrib.auth.models import User; User.objects.create_superuser('desk')")
    return "desk"
