"""What every attack on the running site must leave behind: nothing."""

from __future__ import annotations

import json

import pytest

CANARY = "Quetzalbird"
"""Sent in every raw request; no log may hold it."""

STORED = (
    *("booking_appointment", "booking_contactrequest", "booking_waitlistentry", "booking_message", "auth_user"),
    *("articles_feedback", "articles_article", "django_session", "booking_lostlink", "booking_dailycount"),
)


def rows_of(site) -> dict[str, int]:
    with site.connect() as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in STORED}


def complaints_in(log: str) -> list[str]:
    """Lines of our logs that tell of a fault of ours: a 5xx, an exception nobody expected, or what was sent."""
    found = []
    for line in log.splitlines():
        try:
            facts = json.loads(line)
        except ValueError:
            facts = {}
        is_fault = facts.get("status", 0) >= 500 or facts.get("event", "").startswith("error handling")
        if is_fault or CANARY.lower() in line.lower() or "Traceback" in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def target(site):
    """The running site. After all attacks of a file: nothing stored, nothing sent, no fault and no secret in a log."""
    before, logged = rows_of(site), len(site.log_text())
    logged_by_database = len(site.database_log_text())
    yield site
    assert rows_of(site) == before
    assert complaints_in(site.log_text()[logged:]) == []
    assert CANARY not in site.database_log_text()[logged_by_database:]
