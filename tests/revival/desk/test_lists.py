"""Query counts of the desk's lists: few, and no more with more rows."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, Image, Question, Reference, Topic
from booking.models import AccessLog, Caution, Look, Message, Override, Shift, State
from tests.factories import a_therapist, an_absence, an_appointment, asks, day_in, in_days, joins
from tests.staff import a_colleague, everything, give_phone, type_code, type_password

MOST = 10
DRAWN = {"calendar": 12, "content_report": 12}
"""Pages that are no lists: a week of everybody's hours, absences and visits, and the report on all articles."""
MORE = 30
ABOUT_PATIENTS = ("message", "waitlistentry", "contactrequest")
PAGES = {
    "calendar": "/admin/calendar/",
    "day_sheet": f"/admin/calendar/day-sheet/?day={day_in(5)}",
    "content_report": "/admin/content-report/",
    "hours": "/admin/hours/",
    "outages": "/admin/calendar/out/",
}


def lists():
    """Address of every list at the desk, by model or page."""
    changelists = {model._meta.model_name: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            for model in admin.site._registry}  # fmt: skip
    return changelists | PAGES


@pytest.fixture
def owner(db):
    """An owner's browser, signed in with a second factor as in production."""
    phone, _ = give_phone(a_colleague("olga", "Owner"))
    client = Client()
    type_password(client, "olga")
    type_code(client, phone.code())
    return client


def fill(rows):
    """Thirty more of everything, for therapists old and new."""
    service = rows.service
    for number in range(MORE):
        therapist = a_therapist(f"colleague-{number}") if number < 8 else rows.therapist
        service.therapists.add(therapist)
        visit = an_appointment(therapist, service, in_days(30 + number), State.REQUESTED, name=f"Nia {number}")
        an_appointment(therapist, service, in_days(5, 12 + number // 8, 45 * (number % 2)), is_override=True,
                       override_by=rows.user, override_reason="x")  # fmt: skip
        Message.objects.create(kind="requested", appointment=visit, recipient=f"{number}@example.com")
        joins(service, therapist=therapist, name=f"Wim {number}", email=f"w{number}@example.com")
        asks(name=f"Cy {number}", therapist=therapist)
        hours = {"opens": f"{number % 12:02}:00", "closes": f"{number % 12:02}:45"}
        Shift.objects.create(
            therapist=therapist, weekday=2, valid_from=day_in(number), valid_until=day_in(number), **hours
        )
        Override.objects.create(therapist=therapist, day=day_in(100 + number), opens="09:00", closes="12:00")
        an_absence(therapist, in_days(200 + number), in_days(201 + number))
        Caution.objects.create(slug=f"c{number}", title="C", avoid="a", ask_first="b")
        texts = {"title": "T", "description": "d", "lead": "l", "in_short": "s"}
        article = Article.objects.create(slug=f"t{number}", updated_at=timezone.now(), author=therapist, **texts)
        Question.objects.create(article=article, question="Q?", anchor=f"q{number}", answer="A", order=1)
        Reference.objects.create(article=article, key=f"k-{number}", authors="A", year=2020, title="R")
        Topic.objects.create(name=f"Topic {number}", slug=f"topic-{number}")
        Image.objects.create(title=f"Cups {number}", is_decorative=True, width=480, height=320)
        AccessLog.objects.note(rows.user, Look.OPENED, about="appointment", number=visit.pk)
        a_colleague(f"more-{number}", "Front desk")


def queries_of(client, path):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def test_each_list_asks_at_most_ten_times_however_long_it_is(owner):
    rows = everything()
    few = {name: queries_of(owner, path) for name, path in lists().items()}
    fill(rows)
    many = {name: queries_of(owner, path) for name, path in lists().items()}

    too_many = {name: len(queries) for name, queries in many.items() if len(queries) > DRAWN.get(name, MOST)}
    growing = {name: (len(few[name]), len(many[name])) for name in many if len(many[name]) > len(few[name])}
    assert too_many == {}
    assert growing == {}


def test_finding_a_patient_asks_at_most_ten_times(owner):
    rows = everything()
    fill(rows)
    with CaptureQueriesContext(connection) as queries:
        owner.post("/admin/patients/", {"phone": "612-555-01"})
    assert len(queries) <= MOST


def test_lists_speak_as_the_rest_of_the_desk_does(owner):
    everything()
    pages = {name: owner.get(path).text for name, path in lists().items() if name not in ABOUT_PATIENTS}

    assert [name for name, page in pages.items() if re.search(r"Show counts|>\s*By |[ap]\.m\.|>noon<", page)] == []
    assert re.search(r'class="field-begins">\d+:00 [ap]m<', pages["shift"])
    assert "<h1>Colleagues</h1>" in pages["user"]
    assert "Add a colleague" in pages["user"]
    assert "<h1>Who looked at patients’ data</h1>" in pages["accesslog"]
    assert 'name="action"' not in pages["shift"] + pages["user"]


def test_what_nobody_edits_has_no_link_to_a_history_of_edits(owner):
    rows = everything()

    assert "/history/" not in owner.get(f"/admin/booking/appointment/{rows.appointment.pk}/change/").text
    assert "/history/" in owner.get(f"/admin/booking/service/{rows.service.pk}/change/").text
