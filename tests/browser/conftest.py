from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.fixture
def console(page):
    """What the browser complains of, such as a broken content security policy; empty at the end."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


@pytest.fixture(scope="session")
def cookies() -> dict[str, Any]:
    """What browsers keep of colleagues who have signed in, by name."""
    return {}


@pytest.fixture
def signed_in(site, new_context, cookies):
    """Function that opens the desk's first page in a window of a colleague's own.

    The form is filled in once for each of them, and again when their session has ended.
    """

    def open_desk(name: str, hear: Callable[[Page], object] = lambda page: None, **options: Any) -> Page:
        page = new_context(storage_state=cookies.get(name), **options).new_page()
        hear(page)
        page.goto(f"{site.url}/admin/")
        if page.locator("#id_password").count():
            page.fill("#id_username", name)
            page.fill("#id_password", "trial-desk")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{site.url}/admin/")
            cookies[name] = page.context.storage_state()
        return page

    return open_desk


@pytest.fixture(scope="session")
def desk_password(site):
    """A colleague who may do everything at the desk of the running site."""
    site.run_python(
        "from django.contrib.auth.models import User; User.objects.create_superuser('desk', '', 'trial-desk')",
    )
    return "trial-desk"
