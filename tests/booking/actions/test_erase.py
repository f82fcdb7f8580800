"""One person: all that is kept of them, given to them or taken out, so that no table, dump or log knows them."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from psycopg import sql

from booking import actions
from booking.models import (
    AccessLog,
    Appointment,
    ContactRequest,
    FreedTime,
    Lookup,
    LostLink,
    Message,
    State,
    WaitlistEntry,
)
from deploy.local import postgres
from revival.models import Change
from revival.staff import retention
from tests.factories import (
    a_clinic,
    a_service,
    a_therapist,
    an_appointment,
    an_offer,
    asks,
    everybody,
    in_days,
    joins,
    working_all_week,
)
from tests.running import ROOT
from tests.staff import EDITOR, FRONT_DESK, NO_ROLE, OWNER, REVIEWER, THERAPIST, signed_in_as, staff_user

NAME, EMAIL, PHONE = "Canary Quillfeather", "canary.quill@example.com", "612-555-8642"
WORDS = ("quillfeather", "canary.quill", "612-555-8642", "6125558642")
REASON = "Asked in writing"


@pytest.fixture
def therapist(db):
    a_clinic(notices_to="front-desk@example.com")
    therapist = a_therapist()
    working_all_week(therapist)
    return therapist


@pytest.fixture
def service(therapist):
    return a_service(therapist)


@pytest.fixture
def canary(therapist, service):
    """Someone who is everywhere: a past visit, two coming, the waiting list, an offer, a wish to be called."""
    who = {"name": NAME, "email": EMAIL, "phone": PHONE, "patient_name": f"{NAME} jr", "note": f"{NAME} hurts"}
    past = an_appointment(therapist, service, in_days(-3), state=State.COMPLETED, cancel_reason="Quillfeather", **who)
    written_another_way = {**who, "email": "CANARY.quill@example.com", "phone": "+1 (612) 555 8642"}
    coming = an_appointment(therapist, service, in_days(5), is_override=True, **written_another_way | override())
    an_appointment(therapist, service, in_days(6), state=State.REQUESTED, **{**who, "email": ""})
    entry = joins(service, name=NAME, email=EMAIL, phone=PHONE)
    an_offer(entry, therapist, in_days(2, 11))
    joins(service, visit=coming)
    asks(name=NAME, email=EMAIL, note=f"{NAME} asks")
    Message.objects.create(kind="requested", appointment=past, recipient=EMAIL)
    LostLink.objects.create(email=EMAIL)
    actions.ask_for_new_email(appointment=coming, seen=coming.version, email=f"new-{EMAIL}")
    return Lookup(email=EMAIL, phone=PHONE)


def override():
    return {"override_by": staff_user(FRONT_DESK), "override_reason": f"{NAME} is in pain"}


def erase(lookup, **options):
    """Erases everybody whom the look-up finds."""
    options = {"by": None, "reason": REASON, "cancel_visits": True} | options
    return actions.erase_people(lookup=lookup, chosen=everybody(lookup), **options)


def export(lookup, **options):
    return actions.export_people(lookup=lookup, chosen=everybody(lookup), **{"by": None, "reason": REASON} | options)


def where_it_stands(cursor):
    """Tables in which a row has one of the words, in any column."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    found = []
    for (table,) in cursor.fetchall():
        query = sql.SQL("SELECT 1 FROM {} AS t WHERE lower(t::text) ~ {} LIMIT 1")
        cursor.execute(query.format(sql.Identifier(table), sql.Literal("|".join(WORDS))))
        if cursor.fetchone():
            found.append(table)
    return found


def tables_that_know_them():
    with connection.cursor() as cursor:
        return where_it_stands(cursor)


def test_an_erased_person_is_in_no_column_of_any_table(canary):
    assert set(tables_that_know_them()) == {
        *("booking_appointment", "booking_waitlistentry", "booking_contactrequest", "booking_message"),
        *("booking_lostlink", "booking_emailchange"),
    }

    erase(canary)

    assert tables_that_know_them() == []


def test_their_visits_stay_without_them_and_links_die(client, canary):
    links = [visit.get_absolute_url() for visit in Appointment.objects.visits()]
    before = Appointment.objects.visits().count()

    erase(canary)

    assert Appointment.objects.visits().count() == before
    assert not Appointment.objects.visits().filter(anonymised_at__isnull=True).exists()
    assert [client.get(link).status_code for link in links] == [404] * len(links)


def test_the_logs_stay(canary):
    changes, looks = Change.objects.count(), AccessLog.objects.count()

    erase(canary)

    assert Change.objects.count() > changes
    line = AccessLog.objects.first()
    assert AccessLog.objects.count() == looks + 1
    assert (line.what, line.username, line.reason) == ("erase", "command line", REASON)


def test_a_coming_visit_is_in_the_way_and_nothing_is_written(canary):
    with pytest.raises(actions.StillComingError):
        erase(canary, cancel_visits=False)

    assert Appointment.objects.filter(name=NAME).count() == 3
    assert AccessLog.objects.count() == 0


def test_cancelled_time_is_given_back_and_nobody_is_written_to(canary):
    FreedTime.objects.all().delete()
    erase(canary)

    assert Appointment.objects.filter(state=State.CANCELLED).count() == 2
    assert FreedTime.objects.count() == 2
    assert not Message.objects.filter(delivery="queued").exclude(kind="staff-notice").exists()
    assert not Appointment.objects.filter(state=State.HELD).exists()


def test_others_with_the_same_name_or_in_the_same_visit_list_are_left(canary, therapist, service):
    other = an_appointment(therapist, service, in_days(9), name=NAME, email="other@example.com", phone="612-555-0000")

    erase(canary)

    other.refresh_from_db()
    assert (other.name, other.email) == (NAME, "other@example.com")


@pytest.mark.parametrize(
    ("lookup", "rows"),
    [
        (Lookup(email=EMAIL), 5),
        (Lookup(email=EMAIL.upper()), 5),
        (Lookup(phone="(612) 555-8642"), 4),
        (Lookup(phone="1 612 555 8642"), 4),
        (Lookup(phone="\u202a＋１ ６１２–５５５–８６４２ ext. 9\u202c"), 4),
        (Lookup(name=" quillfeather, CANARY"), 0),
        (Lookup(name="cànary  QUILLFEATHER"), 6),
    ],
)
def test_one_of_the_two_is_enough_however_it_is_written(canary, lookup, rows):
    requested = Appointment.objects.get(state=State.REQUESTED)
    requested.phone = ""
    requested.save()

    assert sum(len(person.rows) for person in lookup.people()) == rows


@pytest.mark.parametrize(
    "lookup",
    [
        *(Lookup(), Lookup(email="nobody@example.com"), Lookup(phone="-"), Lookup(phone="2"), Lookup(phone="ext 2")),
        *(Lookup(phone="8642"), Lookup(email="canary"), Lookup(name="Canary"), Lookup(email="@example.com")),
    ],
)
def test_part_of_an_address_finds_nobody(canary, lookup):
    assert lookup.people() == []
    for do in (erase, export):
        with pytest.raises(actions.UnknownPersonError):
            do(lookup)
    assert Appointment.objects.filter(name=NAME).count() == 3


def test_of_a_family_with_one_phone_only_who_is_ticked_is_touched(therapist, service):
    shared = {"phone": PHONE, "email": "family@example.com"}
    ada = an_appointment(therapist, service, in_days(-3), state=State.COMPLETED, name="Ada Byron", **shared)
    an_appointment(therapist, service, in_days(-4), state=State.COMPLETED, name="Anne Byron", **shared)
    asks(name="ANNE  byron", email="", phone="+1 612 555 8642 ext. 7", reach_by="phone")
    for_annabella = an_appointment(
        therapist, service, in_days(-5), state=State.COMPLETED, name="Anne Byron", patient_name="Annabella", **shared
    )
    Message.objects.create(kind="requested", appointment=ada, recipient="family@example.com")
    family = Lookup(phone=PHONE)

    found = {(person.name, person.patient_name): person for person in family.people()}
    assert {who: len(person.rows) for who, person in found.items()} == {
        ("Ada Byron", ""): 1,
        ("Anne Byron", ""): 2,
        ("Anne Byron", "Annabella"): 1,
    }
    anne = found["Anne Byron", ""]
    assert (anne.emails, anne.phones) == (["family@example.com"], [PHONE, "+1 612 555 8642 ext. 7"])

    rows = actions.erase_people(lookup=family, chosen={anne.id: anne.version}, by=None, reason=REASON)

    assert rows == 2
    left = Appointment.objects.filter(anonymised_at=None)
    assert set(left.values_list("name", "patient_name")) == {("Ada Byron", ""), ("Anne Byron", "Annabella")}
    assert Message.objects.get().recipient == "family@example.com"
    assert for_annabella.pk in left.values_list("pk", flat=True)


def test_rows_that_came_after_the_list_was_seen_are_not_touched(canary, therapist, service):
    seen = everybody(canary)
    an_appointment(therapist, service, in_days(9), name=NAME, patient_name=f"{NAME} jr", email=EMAIL)

    for do in (actions.erase_people, actions.export_people):
        with pytest.raises(actions.ChangedMeanwhileError):
            do(lookup=canary, chosen=seen, by=None, reason=REASON)
    assert Appointment.objects.filter(name=NAME).count() == 4


@pytest.mark.parametrize("reason", [f"{EMAIL} asked", "canary quillfeather wrote", "called from 612 555 8642"])
def test_a_reason_that_names_them_is_refused(canary, reason):
    for do in (erase, export):
        with pytest.raises(actions.NamesThePersonError):
            do(canary, reason=reason)


def test_a_short_name_inside_a_word_names_nobody(therapist, service):
    an_appointment(therapist, service, in_days(-3), state=State.COMPLETED, name="Ed", email=EMAIL)

    with pytest.raises(actions.NamesThePersonError):
        erase(Lookup(email=EMAIL), reason="Ed asked")
    assert erase(Lookup(email=EMAIL), reason="Asked in writing") == 1


def test_an_export_holds_all_of_it_and_leaves_a_line(canary):
    owner = staff_user(OWNER)
    kept = json.loads(json.dumps(export(canary, by=owner), default=str))

    assert [len(kept[part]) for part in ("visits", "waiting_list", "offers", "contact_requests", "lost_links")] == [
        *(3, 2, 1, 1, 1)
    ]
    assert {visit["note"] for visit in kept["visits"]} == {f"{NAME} hurts"}
    assert len(kept["messages"]) >= 3
    assert kept["changes"]
    assert "digest" not in json.dumps(kept)
    line = AccessLog.objects.first()
    assert (line.what, line.user, line.reason, line.number) == ("export", owner, REASON, None)


def test_an_export_tells_when_they_were_looked_at(canary):
    visit = Appointment.objects.visits().first()
    AccessLog.objects.note(staff_user(OWNER), "opened", about="appointment", number=visit.pk)

    looks = export(canary)["looks"]

    assert [(look["of"], look["number"]) for look in looks] == [("appointment", visit.pk)]
    assert "colleague" not in str(looks)


# The commands


def run(monkeypatch, command, typed, *options):
    """What the command wrote: to standard output, and to standard error."""
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    out, err = StringIO(), StringIO()
    call_command(command, f"--reason={REASON}", *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_commands_list_who_was_found_and_act_on_those_chosen(monkeypatch, canary):
    both = f"{EMAIL}\n{PHONE}\n"
    exported, listed = run(monkeypatch, "export_person", f"{EMAIL}\n\n2\n", "--yes")
    assert json.loads(exported)["contact_requests"][0]["name"] == NAME
    assert f"1. {NAME}, for {NAME} jr: visits 2, waiting list 1, to call 0" in listed
    assert f"2. {NAME}: visits 0, waiting list 1, to call 1; {EMAIL}" in listed

    with pytest.raises(CommandError, match="still to come"):
        run(monkeypatch, "erase_person", f"{both}1 2\n", "--yes")
    assert "Erased from 6 rows" in run(monkeypatch, "erase_person", f"{both}1 2\n", "--cancel-visits", "--yes")[0]
    assert tables_that_know_them() == []


@pytest.mark.parametrize("options", [[], ["--cancel-visits"]])
def test_without_yes_the_commands_only_list(monkeypatch, canary, options):
    with pytest.raises(CommandError, match="Nothing was done"):
        run(monkeypatch, "erase_person", f"{EMAIL}\n\n1\n", *options)
    assert Appointment.objects.filter(name=NAME).count() == 3


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("\n\n", "Give an e-mail"),
        ("x@example.com\n\n", "Nothing is kept"),
        ("\n2\n", "whole phone number"),
        ("\next 2\n", "whole phone number"),
        (f"{EMAIL}\n\n\n", "Nothing was done"),
        (f"{EMAIL}\n\n3\n", "Nothing was done"),
    ],
)
def test_the_commands_say_why_not(monkeypatch, canary, typed, why):
    with pytest.raises(CommandError, match=why):
        run(monkeypatch, "erase_person", typed, "--yes", "--cancel-visits")
    assert Appointment.objects.filter(name=NAME).count() == 3


def test_a_reason_is_demanded(canary):
    for reason in ([], ["--reason= "], [f"--reason={'x' * 201}"]):
        with pytest.raises(CommandError, match="reason"):
            call_command("erase_person", *reason, stderr=StringIO())


# The owner's page


PAGE = "/admin/patients/one/"


def ticks(lookup):
    return [f"{person_id}.{version}" for person_id, version in everybody(lookup).items()]


def test_the_owner_first_sees_whose_rows_they_are(canary):
    page = signed_in_as(OWNER).post(PAGE, {"email": EMAIL})

    assert page.status_code == 200
    assert (page.text.count('name="chosen"'), "checked" in page.text) == (2, False)
    assert "3 visits" not in page.text
    assert f"<li>{EMAIL}</li>" in page.text
    assert AccessLog.objects.first().what == "search"
    assert Appointment.objects.filter(name=NAME).count() == 3


def test_the_owner_gets_a_file_that_names_nobody_in_its_name(canary):
    form = {"email": EMAIL, "chosen": ticks(Lookup(email=EMAIL)), "reason": REASON, "do": "export"}
    answer = signed_in_as(OWNER).post(PAGE, form)

    assert answer["Content-Disposition"] == 'attachment; filename="kept.json"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["contact_requests"][0]["name"] == NAME
    assert AccessLog.objects.first().what == "export"


def test_the_owner_erases_only_when_sure_and_told_of_visits(canary):
    owner = signed_in_as(OWNER)
    form = {"email": EMAIL, "phone": PHONE, "chosen": ticks(canary), "reason": REASON, "do": "erase"}

    for typed, said in (
        ({}, "Check this box to erase"),
        ({"is_sure": "on"}, "still to come"),
        ({"is_sure": "on", "cancel_visits": "on", "chosen": []}, "Tick at least one person"),
        ({"is_sure": "on", "cancel_visits": "on", "chosen": [f"{ticks(canary)[0]}0"]}, "changed meanwhile"),
    ):
        refused = owner.post(PAGE, form | typed)
        assert (refused.status_code, said in refused.text) == (422, True), said
    assert Appointment.objects.filter(name=NAME).exists()

    done = owner.post(PAGE, form | {"is_sure": "on", "cancel_visits": "on"})

    assert "Erased from 6 rows" in done.text
    assert tables_that_know_them() == []
    assert not any(word in done.text.lower() for word in WORDS)


@pytest.mark.parametrize("role", [FRONT_DESK, THERAPIST, EDITOR, REVIEWER, NO_ROLE])
def test_nobody_else_gives_out_or_erases(canary, role):
    for do in ({}, {"do": "export"}, {"do": "erase"}):
        form = {"email": EMAIL, "chosen": ticks(canary), "reason": REASON, "is_sure": "on", "cancel_visits": "on"} | do
        username = f"another-{role}-{do}"
        assert signed_in_as(role, username=username).post(PAGE, form).status_code == 403
    assert Appointment.objects.filter(name=NAME).exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": "x"}, "Type an e-mail address, a phone number or a name"),
        ({"email": "nobody@example.com", "reason": "x"}, "Nothing is kept"),
        ({"phone": "2"}, "Type the whole number"),
        ({"phone": "ext 2"}, "Type the whole number"),
        ({"email": EMAIL, "reason": f"for {NAME}"}, "without naming"),
        ({"email": EMAIL}, "required"),
    ],
)
def test_the_page_says_why_not(canary, typed, said):
    answer = signed_in_as(OWNER).post(PAGE, typed | {"do": "export", "chosen": ticks(Lookup(email=EMAIL))})

    assert (answer.status_code, said in answer.text) == (422, True)


# Everywhere, as the running site knows it


def test_no_table_dump_or_log_of_a_running_site_knows_an_erased_person(site, tmp_path):
    site.run_python(BOOK)
    with site.connect() as database:
        assert "booking_appointment" in where_it_stands(database.cursor())
    command = [sys.executable, "manage.py", "erase_person", f"--reason={REASON}", "--cancel-visits", "--yes"]
    erased = subprocess.run(
        command, cwd=ROOT, env={**site.environment, "DATABASE_URL": site.web_url},
        input=f"{EMAIL}\n\n1\n", capture_output=True, text=True,
    )  # fmt: skip
    assert "Erased from 2 rows" in erased.stdout, erased.stderr

    with site.connect() as database:
        assert where_it_stands(database.cursor()) == []
        assert database.execute("SELECT count(*) FROM booking_accesslog WHERE what = 'erase'").fetchone()[0]
    for text in (dump_of(site), site.log_text(), site.database_log_text(), erased.stdout):  # stderr lists who was found
        assert not any(word in text.lower() for word in WORDS)


BOOK = f"""
from tests.factories import *
therapist, service = Therapist.objects.first(), Service.objects.first()
who = dict(name={NAME!r}, email={EMAIL!r}, phone={PHONE!r}, note={NAME!r})
an_appointment(therapist, service, in_days(17), **who)
actions.ask_for_contact(submission_key=uuid.uuid4(), name={NAME!r}, email={EMAIL!r}, reach_by="email",
    weekdays=[], parts=["morning"])
"""


def dump_of(site):
    """All data as text; by pg_dump where it is installed."""
    program = shutil.which("pg_dump") or str(postgres.PROGRAMS / "pg_dump")
    if Path(program).exists() and os.access(program, os.X_OK):
        done = subprocess.run([program, "--data-only", site.database_url], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
    with site.connect() as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        read = sql.SQL("SELECT t::text FROM {} AS t")
        return "\n".join(
            row for (name,) in tables for (row,) in database.execute(read.format(sql.Identifier(name))).fetchall()
        )


# Kept no longer than we say


def test_a_wish_that_nobody_answered_goes_after_a_while(therapist, settings):
    settings.BOOKING_KEEP_UNANSWERED_DAYS = 90
    with time_machine.travel(timezone.now() - timedelta(days=91)):
        asks(name="Old")
        LostLink.objects.create(email="old@example.com")
    asks(name="New", submission_key=uuid.uuid4())
    LostLink.objects.create(email="new@example.com")

    actions.forget_past_visits()

    assert [asked.name for asked in ContactRequest.objects.all()] == ["New"]
    assert [lost.email for lost in LostLink.objects.all()] == ["new@example.com"]
    assert not WaitlistEntry.objects.exists()


def test_sessions_wrong_passwords_and_old_lines_go(db, settings):
    now = timezone.now()
    for days in (-1, 1):
        Session.objects.create(session_key=f"s{days}", session_data="", expire_date=now + timedelta(days=days))
    attempts = [AccessAttempt.objects.create(username="x", failures_since_start=1) for _ in range(2)]
    AccessAttempt.objects.filter(pk=attempts[0].pk).update(attempt_time=now - timedelta(days=3))
    for days in (731, 729):
        AccessLog.objects.create(at=now - timedelta(days=days), username=f"{days}", what="list")

    retention.forget_old_sign_ins()
    retention.thin_logs()

    assert [one.session_key for one in Session.objects.all()] == ["s1"]
    assert [one.pk for one in AccessAttempt.objects.all()] == [attempts[1].pk]
    assert [one.username for one in AccessLog.objects.all()] == ["729"]


def test_what_runs_at_night_is_on_the_clock():
    from procrastinate.contrib.django import app

    app.perform_import_paths()
    names = {task.task.name for task in app.periodic_registry.periodic_tasks.values()}
    assert {"revival.tasks.forget_the_rest", "booking.tasks.forget_past_visits"} <= names
