"""Finding a patient and answering a person at the desk, as a browser sees it."""

import pytest

from tests.browser.barriers import barriers


@pytest.mark.parametrize(("path", "button"), [("/admin/patients/", "Find"), ("/admin/patients/one/", "Find them")])
def test_no_barriers_after_the_form_was_sent(site, signed_in, complaints, superuser, path, button):
    """Before it is, test_every_screen looks."""
    page = signed_in(superuser)
    page.goto(f"{site.url}{path}")

    page.get_by_label("E-mail" if button == "Find" else "Their e-mail").fill("example.com")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state()

    assert page.url == f"{site.url}{path}"  # what was typed is not in it
    assert barriers(page) == []
    assert [one for one in complaints if "422" not in one] == []
