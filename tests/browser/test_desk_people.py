"""Finding a patient and answering a person at the desk, as a browser sees it."""

import pytest

from tests.browser.barriers import barriers
from tests.browser.test_accessibility import sign_in


@pytest.mark.parametrize(
    ("path", "button"), [("/admin/patients/", "Find"), ("/admin/patients/one/", "Download their data")]
)
def test_no_barriers_before_and_after_the_form_was_sent(site, page, console, desk_password, path, button):
    sign_in(page, site.url, desk_password)
    page.goto(f"{site.url}{path}")
    assert barriers(page) == []

    page.get_by_label("E-mail" if button == "Find" else "Their e-mail").fill("example.com")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state()

    assert page.url == f"{site.url}{path}"  # what was typed is not in it
    assert barriers(page) == []
    assert [said for said in console if "422" not in said] == []
