"""Texts that depend on a state: each can be filled in, and templates choose none by themselves."""

import re

import pytest

from booking.patients.states import chosen_time, outage, visit, waitlist
from booking.patients.states.page_state import PageState
from tests.running import ROOT

NAMES = ["day", "held_time", "hour", "phone", "phone_link", "starts_at", "therapist", "therapist_name", "until", "why"]
NAMES += ["visit_url", "zone"]
ROWS = {str(state): row for state, row in visit.VISITS.items()} | {
    name: row
    for module in (chosen_time, outage, visit, waitlist)
    for name, row in vars(module).items()
    if isinstance(row, PageState)
}
PAGES = sorted((ROOT / "templates" / "booking" / "patients").glob("*.html"))


@pytest.mark.parametrize("answer_by", [None, "Monday"], ids=["no deadline", "a deadline"])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_name_in_a_text_is_filled_in(row, answer_by):
    filled = row.filled(answer_by=answer_by, **dict.fromkeys(NAMES, "<x>"))

    texts = f"{filled.title}{filled.heading}{filled.lead}{filled.tag}"
    assert not re.search(r"[{}]|<x>|None", texts)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_next_step_is_a_template(row):
    assert not row.next_step or (ROOT / "templates" / row.next_step).exists()


def test_no_template_chooses_by_the_name_of_a_state():
    assert len(PAGES) > 20
    assert [page.name for page in PAGES if re.search(r'state\s*(==|!=|in)\s*["\']', page.read_text())] == []
