"""Every mail's HTML as a mail reader draws it: no barriers by day or night, and something to press within reach."""

import json
import os
from urllib.parse import urlsplit

import pytest

from booking.models import Kind
from tests.browser.barriers import barriers
from tests.databases import drop_database, make_filled_database, manage
from tests.running import NEVER_QUIET

# By a process of its own: a test that has a browser in its thread would see the database through another connection
# than its fixtures do.
MAILS = """
import json
from datetime import timedelta
from django.utils import timezone
from articles import reminders
from articles.models import Article, ReviewReminder, reminder_step
from booking.mail import compose as messages
from booking.models import Clinic, DaySheet, Kind, Service, State
from tests.booking.mail.test_messages import a_message
from tests.factories import a_therapist, an_appointment, in_days, working_all_week
html, service = {}, Service.objects.get(slug="consultation")
def a_visit(name, hour=9):
    therapist = a_therapist(name)
    working_all_week(therapist)
    service.therapists.add(therapist)
    return an_appointment(therapist, service, in_days(5, hour), state=State.REQUESTED)
for kind in sorted(Kind, key=lambda one: one != Kind.OFFER):  # while nobody else is on the list
    html[kind] = messages.compose(a_message(kind, a_visit(f"for-{kind}"))).alternatives[0].content
visit = a_visit("of-the-day")
sheet = DaySheet(day=in_days(5).date(), recipient="desk@example.com")
mail = messages.compose_day_sheet(sheet, Clinic.objects.get(), [(visit.therapist, [visit])], timezone.now())
html["day-sheet"] = mail.alternatives[0].content
article, today = Article.objects.get(slug="cupping-for-back-pain"), timezone.now().date()
for days in (-7, 7):
    due = today + timedelta(days=days)
    reminder = ReviewReminder(article=article, due_on=due, step=reminder_step(today, due), recipient="kim@example.com")
    html[f"review {days}"] = reminders.compose(reminder).alternatives[0].content
print(json.dumps(html))
"""
SCREEN = 844
"""Of a phone, in CSS pixels."""


@pytest.fixture(scope="module")
def mails():
    name = f"revival_mails_{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    environment = {**os.environ, **NEVER_QUIET, "DATABASE_URL": address}
    make_filled_database(name)
    try:
        yield json.loads(manage(environment, "shell", "--verbosity=0", "--command", MAILS))
    finally:
        drop_database(name)


def show(page, html):
    """In a document of its own: axe remembers colors of the one before."""
    page.goto("about:blank")
    page.set_content(html)


@pytest.mark.parametrize("name", [*Kind.values, "day-sheet", "review -7", "review 7"])
def test_no_mail_has_barriers(mails, page, name):
    show(page, mails[name])

    assert barriers(page, by_night=True) == []
    page.set_viewport_size({"width": 390, "height": SCREEN})
    assert page.locator(".card a").first.bounding_box()["y"] < SCREEN


def test_control_a_mail_that_cannot_be_read_at_night_is_seen(page):
    night = "<style>@media (prefers-color-scheme: dark) { body { background: #111 } }</style>"
    show(page, f"{night}<main><h1>Your visit</h1></main>")

    assert any("color-contrast" in one for one in barriers(page, by_night=True))
