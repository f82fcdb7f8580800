"""Style guide at `/style/`: it shows every token and every drawing, and exists only with `make dev`."""

import re

import pytest
from django.urls import NoReverseMatch, reverse

from revival.site import style
from tests.factories import a_clinic, a_therapist

pytestmark = pytest.mark.django_db


def test_it_shows_each_token_and_each_drawing(rf):
    a_clinic()
    a_therapist()

    page = style.style(rf.get("/style/")).content.decode()

    sheet = (style.CSS / "tokens.css").read_text()
    assert set(re.findall(r"--[a-z0-9-]+(?=:)", sheet)) <= set(re.findall(r"--[a-z0-9-]+", page))
    for name in re.findall(r'<symbol id="([a-z-]+)"', style.DRAWINGS.read_text()):
        assert f"<code>#{name}</code>" in page


def test_it_is_for_who_writes_pages_alone(client):
    with pytest.raises(NoReverseMatch):
        reverse("style")
    assert client.get("/style/").status_code == 404
