"""Decided is what was seen: a page that is out of date decides nothing, says what is so now, and asks once more."""

from __future__ import annotations

import inspect
import re
import sys
from contextlib import nullcontext

import pytest
import time_machine
from django.contrib import admin
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions
from booking.desk.base.buttons import ReadOnlyWithButtons
from booking.fields import DecisionForm
from booking.models import (
    Absence,
    AffectedVisit,
    Appointment,
    ContactRequest,
    EmailChange,
    FreedTime,
    Message,
    Offer,
    Outage,
    WaitlistEntry,
)
from booking.models.versions import VisitVersion
from tests.attacks.places import public_names
from tests.booking.decisions import DECISIONS, PATIENTS_DECIDE, Rows
from tests.factories import a_therapist, in_days, working_all_week
from tests.guest import hidden_fields
from tests.running import ROOT
from tests.staff import FRONT_DESK, staff_user

TABLES = (
    Absence,
    AffectedVisit,
    Appointment,
    ContactRequest,
    EmailChange,
    FreedTime,
    Message,
    Offer,
    Outage,
    WaitlistEntry,
)
every_decision = pytest.mark.parametrize("decision", DECISIONS, ids=str)


def stored():
    """Every row that a decision may touch, and the jobs that are queued."""
    rows = {table: list(table.objects.order_by("pk").values()) for table in TABLES}
    return rows | {ProcrastinateJob: ProcrastinateJob.objects.count()}


@pytest.fixture
def rows(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    return Rows(therapist, other, service, staff_user(FRONT_DESK, username="colleague"))


@pytest.fixture(autouse=True)
def _its_time(request):
    decision = request.node.callspec.params.get("decision") if hasattr(request.node, "callspec") else None
    with time_machine.travel(decision.at, tick=False) if decision and decision.at else nullcontext():
        yield


def client_for(decision):
    client = Client()
    if decision.is_staff:
        client.force_login(staff_user(FRONT_DESK))
    return client


def press_an_old_page(decision, rows):
    """Open the page, let the other party act, press: nothing happens, and the page says why. Client, row and answer."""
    client, row = client_for(decision), decision.row(rows)
    fields = decision.open(client, row)
    decision.meanwhile(row, rows)
    before = stored()

    answer = decision.send(client, row, fields)

    assert answer.status_code == 409
    assert stored() == before
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))
    assert "othing was changed" in text or "No e-mail was sent, and nothing is held yet" in text
    assert "our page showed: " in text
    assert ("so now" in text) if decision.is_staff else ("It is now: " in text and "612-605-7594" in text)
    return client, row, answer


@every_decision
def test_a_page_that_is_out_of_date_decides_nothing_says_what_is_so_now_and_asks_once_more(decision, rows):
    client, row, answer = press_an_old_page(decision, rows)
    anew = decision.fields(row, answer.text)
    before = stored()

    if decision.is_offered_anew:
        assert decision.send(client, row, anew).status_code == 302
        assert stored() != before
    else:
        assert not any(name.startswith("version") for name in hidden_fields(answer.text))


@every_decision
def test_a_form_without_a_version_is_one_that_is_out_of_date(decision, rows):
    client, row = client_for(decision), decision.row(rows)
    fields = decision.open(client, row)
    empty = {name: "" for name in fields if name.startswith("version")}
    before = stored()

    for old in ({name: value for name, value in fields.items() if name not in empty}, fields | empty):
        answer = decision.send(client, row, old)
        if decision.action is actions.move_appointment and not decision.is_staff and "version" not in old:
            assert "Yes, move it" in answer.text  # it is what choosing a time sends
        else:
            assert answer.status_code == 409
        assert stored() == before

    anew = decision.fields(row, answer.text)
    assert decision.send(client, row, anew).status_code == 302
    assert stored() != before


@every_decision
def test_pressing_twice_is_deciding_once(decision, rows):
    client, row = client_for(decision), decision.row(rows)
    fields = decision.open(client, row)
    assert decision.send(client, row, fields).status_code == 302
    messages = list(Message.objects.order_by("pk").values())

    again = decision.send(client, row, fields)

    assert again.status_code == 302
    assert list(Message.objects.order_by("pk").values()) == messages


@pytest.mark.parametrize("odd", ["x", "confirmed." + "9" * 60, "open.1.confirmed.99999999999.9.1.1", "é" * 9])
def test_an_odd_version_is_one_that_has_passed(rows, odd):
    [decision] = (one for one in DECISIONS if one.action is actions.confirm_appointment)
    client, row = client_for(decision), decision.row(rows)
    before = stored()

    answer = decision.send(client, row, decision.open(client, row) | {"version": odd})

    assert answer.status_code == 409
    assert "Your page did not say what it showed" in answer.text
    assert stored() == before


@every_decision
def test_control_without_the_check_the_old_page_is_not_refused(decision, rows, monkeypatch):
    for name, module in list(sys.modules.items()):
        if name.startswith("booking.actions") and hasattr(module, "demand_seen"):
            monkeypatch.setattr(module, "demand_seen", lambda row, seen, *, done="": None)

    with pytest.raises(AssertionError):
        press_an_old_page(decision, rows)


def test_the_version_of_a_visit_reads_back(rows):
    visit = rows.visit(in_days(5))
    shown = VisitVersion.last_in(f"open.{visit.version}")

    assert shown is not None
    assert (str(shown), shown.starts_at) == (visit.version, visit.starts_at)


def test_a_corrected_phone_or_note_is_no_new_version(rows):
    visit = rows.visit(in_days(5))
    before = visit.version

    visit.phone, visit.email, visit.note, visit.cancel_reason = "612-555-0101", "b@example.com", "Knee", "x"

    assert visit.version == before


# ---- nothing decides without ----

ABOUT_A_ROW = {
    "appointment",
    "change",
    "contact_request",
    "entry",
    "line",
    "message",
    "offer",
    "outage",
    "person",
    "plans",
}
ON_THE_CLOCK = {"end_waiting", "expire_alternative", "expire_offer", "expire_request", "remind_patient", "remind_staff"}
BY_A_MAIL_PROGRAM = {"leave_waitlist"}
HOURS = {"set_weekly_hours", "save_recurring_absence", "remove_recurring_absence"}
"""`seen` is a stamp of hours or of a rule, see tests/booking/test_hours.py and test_recurring_absences.py."""


def parameters(action):
    return inspect.signature(action).parameters


def test_every_action_that_decides_about_a_row_takes_what_was_seen():
    found = {name: getattr(actions, name) for name in actions.__all__ if inspect.isfunction(getattr(actions, name))}
    deciding = {name for name, action in found.items() if ABOUT_A_ROW & set(parameters(action))}
    seeing = {name for name, action in found.items() if {"seen", "plans"} & set(parameters(action))}

    assert deciding - ON_THE_CLOCK - BY_A_MAIL_PROGRAM == seeing - HOURS
    assert seeing - HOURS == {decision.action.__name__ for decision in DECISIONS}


def test_every_button_of_the_desk_is_a_decision_with_a_version():
    admins = [row for row in admin.site._registry.values() if isinstance(row, ReadOnlyWithButtons)]
    buttons = {(row.opts.model_name, button.verb) for row in admins for button in row.buttons}
    pages = inspect.getsource(sys.modules["tests.booking.decisions"])

    assert all(issubclass(button.form, DecisionForm) for row in admins for button in row.buttons)
    assert {verb for model, verb in buttons} == set(re.findall(r'page_of\("([a-z-]+)"', pages))
    assert all(callable(getattr(row.model, "version", None).fget) for row in admins)


DECIDES_NOTHING = {
    **dict.fromkeys(
        ["ask", "asked", "choose", "find", "open_now", "privacy", "slots", "visit", "calendar", "waitlist"], "no row"
    ),
    "details": "the form carries therapist, service and start, and books them or nothing",
    "earlier": "joins the list, beside a visit that stays",
    "join": "joins the list",
    "confirm_email": "its link is the version: asking for another address closes it",
    "leave": "a mail program leaves by itself (RFC 8058)",
}


def test_every_page_of_patients_is_a_decision_or_known_to_decide_nothing():
    of_booking = {name.partition(":")[2] for name in public_names() if name.startswith("booking:")}
    deciding = {"accept", "decline", "cancel", "move", "instead", "own_details", "new_email"}

    assert of_booking == deciding | set(DECIDES_NOTHING)
    assert len(PATIENTS_DECIDE) > len(deciding)


FORMS_THAT_DECIDE_NOTHING = {
    "booking/patients": "_week ask confirm_email details earlier find join leave slots taken _outage_card",
    "booking/desk/base": "_patient_tools",
    "booking/desk/hours": "block block_preview holidays holidays_preview recurring recurring_preview recurring_remove "
    "week week_preview",
    "booking/desk/people": "one_person search",
    "booking/desk/visits": "_book_for caller series",
}
"""They search, choose, book anew or plan hours; `_outage_card` asks whether to cancel."""
DRAW_THE_FIELDS_OF_A_DECISION_FORM = {
    "booking/patients/cancel",
    "booking/patients/own_details",
    "booking/patients/new_email",
    "booking/desk/base/answer",
    "booking/desk/people/correct",
    "booking/desk/outages/end",
}


def test_every_form_of_the_templates_draws_a_version_or_is_known_to_decide_nothing():
    folder, without = ROOT / "templates", set()
    for path in [*folder.glob("booking/**/*.html"), folder / "admin/index.html"]:
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), re.DOTALL):
            if "version" not in form:
                without.add(f"{path.relative_to(folder).parent}/{path.stem}")
    known = {f"{room}/{name}" for room, names in FORMS_THAT_DECIDE_NOTHING.items() for name in names.split()}

    assert without == known | DRAW_THE_FIELDS_OF_A_DECISION_FORM
