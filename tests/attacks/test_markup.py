"""What patients type is text wherever it is shown: pages, desk, mails, calendar files, tables for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections import Counter
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from booking import actions
from booking.desk.reports.report import REPORTS
from booking.mail.calendar_files import Method, calendar_file
from booking.models import (
    Appointment,
    ArticleCount,
    Clinic,
    ContactRequest,
    Delivery,
    Message,
    WaitlistEntry,
)
from tests.attacks.places import public_addresses
from tests.attacks.sweep import read
from tests.booking.patients.test_book import book
from tests.factories import (
    a_clinic,
    a_service,
    a_therapist,
    an_appointment,
    day_in,
    in_days,
    version_of,
    working_all_week,
)
from tests.revival.staff.test_permissions import addresses
from tests.staff import SUPERUSER, everything, staff_user

TYPED = "<x-{0} onx=1>\"'><x-{0}>&amp;{{{{7*7}}}}</title></textarea></script><!--<x-{0}>"
"""Ends an attribute, a title, a field and a script, and begins elements that no page of ours has."""


def typed(field: str) -> str:
    return TYPED.format(field)


def elements_of(html: str) -> list[str]:
    """Elements and attributes that came out of what was typed."""
    tags = read(html).tags
    return [tag for tag, facts in tags if tag.startswith("x-") or "onx" in facts]


def shows(html: str, field: str) -> bool:
    """Whether the text is there, as text, or as a part of it when it was cut."""
    return f"<x-{field} onx" in unescape(html) and f"<x-{field} onx" not in html


@pytest.fixture
def rows(db):
    rows = everything()
    paths = addresses(rows)  # makes what some of them need
    Appointment.objects.update(
        name=typed("name"), patient_name=typed("patient")[:119], note=typed("note"), cancel_reason=typed("reason")
    )
    WaitlistEntry.objects.update(name=typed("name"))
    ContactRequest.objects.update(name=typed("name"), note=typed("note"))
    Message.objects.update(delivery=Delivery.REFUSED, last_answer=typed("answer")[:80])  # the words of a mail server
    rows.paths = paths
    return rows


def test_control_markup_that_is_not_escaped_is_found(client):
    assert elements_of(f"<p>{typed('name')}</p>") != []
    assert elements_of(f'<input value="{typed("name")}">') != []
    assert elements_of(f"<textarea>{typed('note')}</textarea>") != []
    assert not shows(f"<p>{typed('name')}</p>", "name")


def test_the_desk_shows_markup_as_text_on_every_page(rows):
    desk = Client()
    desk.force_login(staff_user(SUPERUSER))
    seen: dict[str, set[str]] = {"name": set(), "note": set(), "answer": set()}
    broken = {}
    answers = {name: desk.get(path) for name, path in rows.paths.items() if name not in ("logout", "login")}
    answers["search"] = desk.post("/admin/patients/", {"name": "<x-name"})
    answers["history"] = desk.get(f"/admin/booking/appointment/{rows.appointment.pk}/history/")
    for name, answer in answers.items():
        if not answer.get("Content-Type", "").startswith("text/html"):
            continue
        if found := elements_of(answer.text):
            broken[name] = found
        for field, pages in seen.items():
            if shows(answer.text, field):
                pages.add(name)

    assert broken == {}
    assert len(seen["name"]) >= 8, seen
    assert seen["note"] >= {"booking_appointment_change", "booking_contactrequest_change"}
    assert seen["answer"]


def test_pages_of_patients_show_markup_as_text(rows, client):
    for name, path in public_addresses(rows, client).items():
        answer = client.get(path, {"q": typed("query"), "from": typed("day"), "article": typed("slug")})
        if answer.get("Content-Type", "").startswith("text/html"):
            assert elements_of(answer.text) == [], name
    assert shows(client.get("/search/", {"q": typed("query")[:90]}).text, "query")
    for path in ("/nowhere/<x-path onx=1>/", "/book/<x-path onx=1>/"):
        assert elements_of(client.get(path).text) == []


def test_a_form_that_comes_back_holds_what_was_typed_as_text(rows, client):
    paths = public_addresses(rows, client)
    for name in ("booking:details", "booking:ask", "booking:join", "booking:find", "booking:earlier"):
        form = next(one for one in read(client.get(paths[name]).text).forms if one.method == "post")
        hidden = {
            "submission_key",
            "drawn_at",
            "start",
            "therapist",
            "service",
            "came_from",
            "asked",
            "topic",
            "phone_asked",
        }
        fields = {
            key: (values or [""])[0] if key in hidden else typed(key.replace("_", ""))
            for key, values in form.fields.items()
        }

        answer = client.post(paths[name], fields)

        assert answer.status_code == 422, name
        assert elements_of(answer.text) == [], name
        assert "&lt;x-" in answer.text, name


# ---- by the front door, into mails and calendars -------------------------------------------------


@pytest.fixture
def service(db):
    a_clinic(notices_to="front-desk@example.com")
    therapist = a_therapist()
    working_all_week(therapist)
    return a_service(therapist, slug="consultation")


def test_a_name_full_of_markup_reaches_no_mail_as_markup(service, client, mailbox):
    assert book(client, in_days(4), name=typed("name")[:119], note=typed("note"), patient_name=typed("p")[:119])
    visit = Appointment.objects.visits().get()
    actions.confirm_appointment(appointment=visit, seen=version_of(visit))
    for message in Message.objects.order_by("pk"):
        actions.deliver_message(message_id=message.pk)

    assert len(mailbox.mails) >= 2
    for one in mailbox.mails:
        html = one.get_body(("html",))
        assert elements_of(html.get_content() if html else "") == []
        assert "<x-" not in str(one["Subject"])
        assert all("<x-" not in str(value) for value in one.values())


HEADERS = [
    "Eve\r\nBcc: everyone@example.com",
    "Eve\nBcc: everyone@example.com",
    "Eve\r Bcc: everyone@example.com",
    "Eve\u2028Bcc: everyone@example.com",
    "Eve\x0bBcc: everyone@example.com",
    "Eve\x85Bcc: everyone@example.com",
]
FIELDS = ["name", "patient_name", "email", "phone"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", HEADERS)
def test_no_line_of_a_mail_can_be_typed(service, client, field, value):
    wrong = value.replace("Eve", "eve@example.com") if field == "email" else value

    answer = book(client, in_days(4), **{field: wrong})

    assert answer.status_code == 422
    assert not Message.objects.exists()
    assert not Appointment.objects.visits().exists()


ADDRESSES = [
    "a@example.com,b@example.com",
    "a@example.com;b@example.com",
    "<a@example.com>",
    "Eve <a@example.com>",
    '"a\r\nBcc: b"@example.com',
    "a@example.com%0aBcc:b@example.com",
    "a@example.com b@example.com",
    "mailto:a@example.com",
    "a@[127.0.0.1",
    "@example.com",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_one_address_is_one_address(service, client, address):
    answer = client.post("/visits/find/", {"email": address})

    assert answer.status_code == 422
    assert book(client, in_days(4), email=address).status_code == 422
    assert not Message.objects.exists()


PLACES = [
    "A; B, C: D\\ E",
    'The "Old" Mill',
    "Room 1\r\nATTENDEE:mailto:eve@example.com",
    "x\nEND:VEVENT\nBEGIN:VALARM",
    "é" * 120,
]


def file_named(service, text: str) -> bytes:
    """The clinic's facts and names of therapists and services go into calendar files."""
    therapist = service.therapists.get()
    visit = an_appointment(therapist, service, in_days(4), confirmed_at=timezone.now())
    clinic = Clinic.objects.get()
    clinic.name = clinic.address_line = therapist.short_name = service.name = visit.name = text
    visit.service, visit.therapist = service, therapist
    times = {"starts_at": visit.starts_at, "ends_at": visit.ends_at, "stamp": timezone.now()}
    return calendar_file(visit, clinic=clinic, method=Method.REQUEST, sequence=0, **times)


def broken_in(content: bytes) -> list[str]:
    """What a calendar file of one visit must not have: lines of somebody else's, or lines that are none."""
    lines = content.decode().replace("\r\n ", "").split("\r\n")
    names = Counter(line.split(":")[0].split(";")[0] for line in lines if line)
    wanted = {"BEGIN": 2, "END": 2, "ATTENDEE": 1}
    found = [f"{names[name]} × {name}" for name, many in wanted.items() if names[name] != many]
    found += [line for line in lines if line.startswith("ATTENDEE") and "eve@example.com" in line]
    found += [line for line in lines if "\n" in line or "\r" in line]
    return found + [f"{len(line)} octets" for line in content.split(b"\r\n") if len(line) > 75]


@pytest.mark.parametrize("text", PLACES)
def test_no_line_of_a_calendar_can_be_written_into_a_name(service, text):
    assert broken_in(file_named(service, text)) == []


@pytest.mark.parametrize("text", [text for text in PLACES if "\n" in text])
def test_control_lines_written_into_a_calendar_that_escapes_nothing_are_found(service, text, monkeypatch):
    monkeypatch.setattr("icalendar.vText.to_ical", lambda self: self.encode())
    monkeypatch.setattr("icalendar.parser.Contentline.to_ical", lambda self: str(self).encode())  # it looks once more
    monkeypatch.setattr("icalendar.parser.Contentline.__new__", a_line_unchecked)

    found = broken_in(file_named(service, text))

    assert [one for one in found if "octets" not in one] != []


def a_line_unchecked(cls, value, strict=False, encoding="utf-8"):
    line = str.__new__(cls, value)
    line.strict = strict
    return line


@pytest.fixture
def formulas(rows):
    """All that reports tell in words somebody else chose, as a spreadsheet would run it: therapists and articles."""
    rows.therapist.name = "=HYPERLINK(1)"
    rows.therapist.save()
    for slug in ("-2", "@SUM(A1)"):
        ArticleCount.objects.create(article=slug, therapist=rows.therapist, day=day_in(0), bookings=1)


def cells_that_run() -> list[str]:
    """Cells of all reports that a spreadsheet would take for a formula; none of them has a number below nought."""
    desk = Client()
    desk.force_login(staff_user(SUPERUSER))
    found = []
    for name in REPORTS:
        answer = desk.get(f"/admin/reports/{name}.csv")
        assert answer.status_code == 200
        for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))):
            found += [cell for cell in row if cell[:1] in tuple("=@+-\t\r")]
    return found


def test_tables_for_a_spreadsheet_start_no_formula(formulas):
    assert cells_that_run() == []


def test_control_formulas_that_nobody_guards_against_are_found(formulas, monkeypatch):
    monkeypatch.setattr(
        "booking.desk.reports.spreadsheets.safe_cell", lambda value: "" if value is None else str(value)
    )

    assert {cell.split(" ")[0] for cell in cells_that_run()} == {"=HYPERLINK(1)", "@SUM(A1)", "-2"}
