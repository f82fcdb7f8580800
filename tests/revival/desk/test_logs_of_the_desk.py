"""The access log of patients' data, and the change log, whichever way a change is made."""

import json
import re
from datetime import timedelta

import pghistory
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from articles.models import Article, ArticleChange
from booking.models import (
    CHANGES,
    Absence,
    AccessLog,
    Appointment,
    Clinic,
    ContactRequest,
    Look,
    Message,
    Service,
    State,
    Therapist,
    WaitlistEntry,
)
from revival.models import Account, AccountChange, Change, Membership, MembershipChange
from revival.staff import retention
from tests.factories import an_appointment, in_days, version_of
from tests.guest import press
from tests.revival.staff.test_permissions import addresses
from tests.staff import EDITOR, OWNER, SUPERUSER, at_the_desk, one_of_each_kind, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

NAMES = ("Ada Own", "own@example.com", "612-555-0190", "Fay Foreign")


@pytest.fixture
def owner(db):
    return staff_user(OWNER)


@pytest.fixture
def rows(db):
    return one_of_each_kind.put_in()


# Looks


SHOW_PATIENTS = {
    "index": ("first-page", ""),
    "booking_appointment_changelist": ("list", "appointment"),
    "booking_appointment_change": ("opened", "appointment"),
    "booking_appointment_answer": ("opened", "appointment"),
    "calendar": ("calendar", ""),
    "day_sheet": ("day-sheet", ""),
    "new_email": ("opened", "appointment"),
    "correct_person": ("opened", "appointment"),
    "cancel_rest_of_series": ("opened", "appointment"),
    "start_outage": ("list", "outage"),
    "outage": ("opened", "outage"),
    "settle_outage": ("opened", "outage"),
    "booking_waitlistentry_changelist": ("list", "waitlistentry"),
    "booking_waitlistentry_change": ("opened", "waitlistentry"),
    "booking_waitlistentry_answer": ("opened", "waitlistentry"),
    "booking_contactrequest_changelist": ("list", "contactrequest"),
    "booking_contactrequest_change": ("opened", "contactrequest"),
    "booking_contactrequest_answer": ("opened", "contactrequest"),
    "booking_message_changelist": ("list", "message"),
    "booking_message_change": ("opened", "message"),
    "booking_message_answer": ("opened", "message"),
}
"""URL names of pages that show a patient's name, e-mail address or phone, and the line each writes."""


def test_every_page_that_shows_a_patient_leaves_a_line_and_no_other_page_shows_one(owner, rows):
    superuser = signed_in_as(SUPERUSER)
    lines = {}
    for name, path in addresses(rows).items():
        before = AccessLog.objects.count()
        page = superuser.get(path)
        if any(personal in page.text for personal in NAMES):
            assert AccessLog.objects.count() == before + 1, f"{name} shows a patient and leaves no line"
            line = AccessLog.objects.first()
            lines[name] = (line.what, line.about)

    assert lines == SHOW_PATIENTS


def test_a_line_says_who_when_and_which_row(owner, rows):
    before = timezone.now()
    at_the_desk(owner).get(f"/admin/booking/appointment/{rows.appointment.pk}/change/")

    line = AccessLog.objects.first()
    assert line.user == owner
    assert line.username == owner.username
    assert line.what == Look.OPENED
    assert line.about == "appointment"
    assert line.number == rows.appointment.pk
    assert before <= line.at <= timezone.now()


def test_a_search_leaves_a_line_without_the_words(owner, rows):
    at_the_desk(owner).post("/admin/patients/", {"name": "Ada Own", "phone": "5550190"})

    line = AccessLog.objects.first()
    assert line.what == Look.SEARCH
    assert not any(word in str(vars(line)) for word in ("Ada", "5550190"))


def test_what_was_refused_or_not_there_leaves_no_line(rows):
    client = signed_in_as(EDITOR)
    before = AccessLog.objects.count()
    for path in ("", f"{rows.appointment.pk}/change/", "999999/change/", f"{rows.appointment.pk}/confirm/"):
        assert client.get(f"/admin/booking/appointment/{path}").status_code in (403, 404)

    assert AccessLog.objects.count() == before


def test_a_look_is_of_a_known_kind():
    with pytest.raises(IntegrityError, match="what_is_known"), transaction.atomic():
        AccessLog.objects.create(what="peep", username="x")


def test_the_line_outlives_the_colleague(owner):
    AccessLog.objects.note(owner, Look.LIST, about="appointment")
    pk = owner.pk
    owner.delete()

    assert AccessLog.objects.filter(user_id=pk, username="colleague-owner").exists()


# Nothing personal where browsers and logs keep it


def test_no_title_address_or_message_of_the_desk_holds_a_name(rows):
    client = signed_in_as(SUPERUSER)
    for name, path in addresses(rows).items():
        page = client.get(path)
        for title in re.findall(
            r"<title>(.*?)</title>", page.text, re.DOTALL
        ):  # browsers keep titles, but not headings
            assert not any(personal in title for personal in NAMES), name
        for address in re.findall(r'(?:href|action|src)="([^"]*)"', page.text):
            assert not any(personal in address for personal in ("Ada", "own@", "own%40", "555-0190")), (name, address)


def test_acting_on_patients_keeps_no_name_in_messages_and_djangos_own_log(rows):
    client = signed_in_as(SUPERUSER)
    for name in ("appointment", "waitlistentry", "contactrequest", "message"):
        done = client.post(
            addresses(rows)[f"booking_{name}_answer"], {"version": version_of(getattr(rows, name))}, follow=True
        )
        messages = [str(message) for message in get_messages(done.wsgi_request)]
        assert messages, name
        assert not any(personal in message for message in messages for personal in NAMES), name

    client.post("/admin/booking/absence/add/", absence_form(rows.therapist))
    entries = json.dumps(list(LogEntry.objects.values("object_repr", "change_message")))
    assert LogEntry.objects.exists()
    assert not any(personal in entries for personal in NAMES)


def absence_form(therapist):
    days = {"starts_at": "2026-12-07T09:00", "ends_at": "2026-12-07T10:00"}
    return {"therapist": therapist.pk, "reason": "", **days}


@pytest.mark.parametrize("kind", ["appointment", "waitlistentry", "contactrequest", "message"])
def test_the_short_text_of_a_row_names_nobody(rows, kind):
    assert not any(personal in str(getattr(rows, kind)) for personal in NAMES)


# Changes


def changes_of(row):
    return Change.objects.filter(about=row._meta.model_name, number=row.pk)


def test_a_bulk_update_leaves_a_line_for_each_row(rows):
    both = [rows.appointment, rows.foreign.appointment]
    before = [changes_of(row).count() for row in both]

    Appointment.objects.update(state=State.CONFIRMED)

    assert [changes_of(row).count() for row in both] == [number + 1 for number in before]
    assert changes_of(rows.appointment).first().facts["state"] == "confirmed"


def test_raw_sql_leaves_a_line(rows):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM booking_shift WHERE id = %s", [rows.shift.pk])

    assert changes_of(rows.shift).first().what == "delete"


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("appointment", ["name", "email", "phone", "patient_name", "note", "cancel_reason"]),
        ("waitlistentry", ["name", "email", "phone"]),
        ("contactrequest", ["name", "email", "phone", "note"]),
        ("message", ["recipient"]),
        ("absence", ["reason"]),
    ],
)
def test_of_a_personal_column_only_the_fact_is_kept(rows, kind, columns):
    row = getattr(rows, kind)
    for column in columns:
        before = changes_of(row).count()
        type(row).objects.filter(pk=row.pk).update(**{column: "canary@example.com"})
        assert changes_of(row).count() == before + 1, column
        assert column not in changes_of(row).first().facts

    assert "canary" not in json.dumps(list(Change.objects.values("facts", "place")), default=str)


def test_an_update_that_changes_nothing_leaves_no_line(rows):
    before = changes_of(rows.appointment).count()

    Appointment.objects.filter(pk=rows.appointment.pk).update(state=rows.appointment.state)

    assert changes_of(rows.appointment).count() == before


def test_what_a_colleague_does_says_who_and_by_the_name_of_the_address(owner, rows):
    press(at_the_desk(owner), f"/admin/booking/appointment/{rows.appointment.pk}/confirm/?secret=Ada")

    line = changes_of(rows.appointment).first()
    assert (line.user, line.place) == (owner, "admin:booking_appointment_answer")
    assert line.facts["state"] == "confirmed"


def test_an_admin_action_leaves_a_line_with_the_colleague(owner, rows):
    chosen = {"action": "delete_selected", "_selected_action": [rows.absence.pk], "post": "yes"}
    at_the_desk(owner).post("/admin/booking/absence/", chosen)

    line = changes_of(rows.absence).first()
    assert (line.what, line.user, line.place) == ("delete", owner, "admin:booking_absence_changelist")


def test_what_patients_do_carries_no_name_and_no_statement_more(rows, client, django_assert_num_queries):
    hold = an_appointment(rows.therapist, rows.service, in_days(9), state=State.HELD)

    assert changes_of(hold).get().user is None
    with django_assert_num_queries(1) as queries:
        Appointment.objects.filter(pk=hold.pk).update(held_until=timezone.now())
    assert "pghistory" not in queries.captured_queries[0]["sql"]


def test_the_name_of_a_colleague_travels_in_the_same_statement(owner, rows, django_assert_num_queries):
    with pghistory.context(user=owner.pk, url="x"), django_assert_num_queries(1):
        Appointment.objects.filter(pk=rows.appointment.pk).update(state=State.CONFIRMED)


def test_accounts_and_their_roles_are_in_it(owner, rows):
    account = rows.user
    account.groups.add(Group.objects.get(name="Owner"))
    Account.objects.filter(pk=account.pk).update(is_active=False)

    role = Change.objects.filter(about="membership").first()
    assert role.facts == {"user_id": account.pk, "group_id": Group.objects.get(name="Owner").pk}
    assert Change.objects.filter(about="account").first().facts["is_active"] is False


def test_signing_in_is_no_change(rows):
    before = Change.objects.filter(about="account").count()

    Account.objects.filter(pk=rows.user.pk).update(last_login=timezone.now())

    assert Change.objects.filter(about="account").count() == before


def test_a_new_password_is_a_change_and_is_not_copied(rows):
    before = Change.objects.filter(about="account").count()
    rows.user.set_password("other")
    rows.user.save()

    assert Change.objects.filter(about="account").count() == before + 1
    assert "password" not in Change.objects.filter(about="account").first().facts


def test_articles_are_in_it_by_stage_and_address(rows):
    Article.objects.filter(pk=rows.article.pk).update(lead="A canary text")

    line = changes_of(rows.article).first()
    assert set(line.facts) == {"slug", "stage", "published_at", "expires_at", "reviewer_id", "reviewed_on"}


# Only read, only added to


LOGS = [AccessLog, ArticleChange, AccountChange, MembershipChange, *CHANGES.values(), *pghistory.core.event_models()]
TABLES = sorted({model._meta.db_table for model in LOGS})


def test_the_list_of_changes_covers_every_table_of_changes():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_viewdef('revival_change'::regclass)")
        text = cursor.fetchone()[0]

    for model in pghistory.core.event_models():
        assert f"FROM {model._meta.db_table} " in text


def test_what_the_brief_names_is_tracked():
    assert {Appointment, WaitlistEntry, ContactRequest, Message, Absence, Therapist, Service, Clinic} < set(CHANGES)
    assert {model.pgh_tracked_model for model in pghistory.core.event_models()} >= {Article, Account, Membership}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = now()", "DELETE FROM {} WHERE {} IS NULL"])
def test_a_slip_at_a_prompt_changes_no_line_of_a_log(table, verb):
    moment = "at" if table == "booking_accesslog" else "pgh_created_at"
    with pytest.raises(Exception, match="never changed or deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(verb.format(table, moment))


def a_line_of_djangos_log(user):
    return LogEntry.objects.create(
        user=user, object_repr="x", action_flag=1, change_message="", action_time=timezone.now() - timedelta(days=900)
    )


def test_a_line_of_djangos_log_is_of_now_and_stays(owner):
    before = timezone.now()
    line = a_line_of_djangos_log(owner)

    line.refresh_from_db()
    assert before <= line.action_time
    for change in (lambda: LogEntry.objects.update(object_repr="y"), LogEntry.objects.all().delete, owner.delete):
        with pytest.raises(Exception, match="never changed or deleted"), transaction.atomic():
            change()


def test_djangos_log_is_thinned_with_the_others(owner):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger runs
        a_line_of_djangos_log(owner)
        cursor.execute("SET LOCAL session_replication_role = origin")
    young = a_line_of_djangos_log(owner)
    assert LogEntry.objects.count() == 2

    retention.thin_logs()

    assert list(LogEntry.objects.all()) == [young]


@pytest.mark.parametrize("path", ["booking/accesslog", "revival/change"])
def test_the_owner_reads_the_logs_and_nobody_writes_them(owner, rows, path):
    row = rows.accesslog if "access" in path else rows.change
    for client in (at_the_desk(owner), signed_in_as(SUPERUSER)):
        page = client.get(f"/admin/{path}/")
        assert "Nobody can change or delete them" in page.text
        for what in ("add/", f"{row.pk}/delete/"):
            assert client.get(f"/admin/{path}/{what}").status_code == 403
        assert client.post(f"/admin/{path}/{row.pk}/change/", {}).status_code == 403
        deleting = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        client.post(f"/admin/{path}/", deleting)
        assert type(row).objects.filter(pk=row.pk).exists()
