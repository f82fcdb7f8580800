"""The clinic's form: opening hours, and the clock that stays while visits are to come."""

import importlib
import json
import re
from datetime import time

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from booking import actions
from booking.models import Appointment, Clinic, OpeningHours, State
from booking.time.weekly_hours import DayShift
from revival.base.words import day_words
from tests.factories import an_appointment, in_days, version_of
from tests.guest import form_fields

ADDRESS = "/admin/booking/clinic/1/change/"
EIGHT, NOON, ONE, FIVE, MIDNIGHT = time(8), time(12), time(13), time(17), time(0)


def open_on(weekday, *hours):
    return OpeningHours.objects.create(clinic_id=1, weekday=weekday, opens=hours[0], closes=hours[1])


def typed(client, *changes, **facts):
    """What the page would send as it stands, with `changes` to its lines of hours, by number."""
    values = form_fields(client.get(ADDRESS).text)
    for number, line in changes:
        values |= {f"hours-{number}-{name}": value for name, value in line.items()}
    return {name: value for name, value in (values | facts).items() if value is not None and value is not False}


def line(opens, closes, **more):
    return {"opens": opens, "closes": closes} | more


def save(client, *changes, **facts):
    return client.post(ADDRESS, typed(client, *changes, **facts) | {"_save": "Save"})


def saved_hours():
    return [(row.weekday, row.opens, row.closes) for row in OpeningHours.objects.all()]


# ---- opening hours at the desk ----


def test_the_form_proposes_a_line_for_each_day_and_keeps_those_with_times(admin_client, clinic):
    saved = save(admin_client, (0, line("08:00", "19:00")), (4, line("08:00", "00:00")))

    assert saved.status_code == 302
    assert saved_hours() == [(0, EIGHT, time(19)), (4, EIGHT, MIDNIGHT)]


def test_the_lines_of_a_day_may_change_together(admin_client, clinic):
    open_on(0, EIGHT, NOON)
    open_on(0, NOON, FIVE)

    saved = save(admin_client, (0, line("08:00", "13:00")), (1, line("13:00", "17:00")))

    assert saved.status_code == 302
    assert saved_hours() == [(0, EIGHT, ONE), (0, ONE, FIVE)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([line("08:00", "12:00"), line("11:00", "17:00", weekday=0)], "Two lines of Monday overlap."),
        ([line("08:00", "00:00"), line("11:00", "17:00", weekday=0)], "Two lines of Monday overlap."),
        ([line("17:00", "08:00")], "The clinic closes after it opens."),
        ([line("08:00", "")], "Please fill this in."),
        ([line("08:00", "25:00")], "Enter a valid time."),
    ],
)
def test_hours_that_cannot_be_are_refused_and_kept_on_the_form(admin_client, clinic, lines, words):
    refused = save(admin_client, *enumerate(lines))

    assert refused.status_code == 200
    assert words in refused.text
    assert 'value="08:00"' in refused.text
    assert saved_hours() == []


def test_the_database_refuses_lines_that_overlap_whoever_writes_them(clinic):
    open_on(0, EIGHT, NOON)
    open_on(0, NOON, MIDNIGHT)
    open_on(1, time(11), FIVE)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="booking_opening_hours_never_overlap"), transaction.atomic():
        open_on(0, time(23), MIDNIGHT)
    for hours in [(ONE, NOON), (NOON, NOON)]:
        with pytest.raises(ValidationError, match="closes after it opens"):
            OpeningHours(clinic=clinic, weekday=2, opens=hours[0], closes=hours[1]).full_clean()


# ---- on pages ----


@pytest.fixture
def footer(client):
    def read():
        return " ".join(
            re.sub("<[^>]+>", " ", client.get(reverse("booking:find")).text.split("footer__who")[1]).split()
        )

    return read


def test_pages_say_the_hours_only_once_they_are_entered_and_the_note_below_them(clinic, footer):
    assert "Monday" not in footer()
    Clinic.objects.update(opening_hours="Evenings by appointment.")
    assert "Evenings by appointment." in footer()

    for weekday in range(4):
        open_on(weekday, EIGHT, time(19))
    open_on(4, EIGHT, NOON)

    words = "Monday to Thursday 8 am to 7 pm Friday 8 am to noon Evenings by appointment."
    assert words in footer()


def test_a_visit_says_the_hours_too(client, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    before = client.get(visit.get_absolute_url()).text
    open_on(0, EIGHT, NOON)

    after = client.get(visit.get_absolute_url()).text

    assert "<dt>Open</dt>" not in before
    assert "Monday 8 am to noon" in after.split("<dt>Open</dt>")[1].split("</dd>")[0]


@pytest.mark.parametrize(("address", "is_said"), [("1 Main Street", True), ("", False)])
def test_search_engines_read_the_hours_of_a_place(client, clinic, therapist, address, is_said):
    Clinic.objects.update(address_line=address)
    open_on(0, EIGHT, MIDNIGHT)
    open_on(1, EIGHT, MIDNIGHT)

    text = re.search(r'ld\+json">(.+?)</script>', client.get("/").text)[1]
    (place,) = [node for node in json.loads(text)["@graph"] if node["@id"].endswith("#clinic")]

    hours = {"@type": "OpeningHoursSpecification", "opens": "08:00", "closes": "23:59"}
    wanted = [hours | {"dayOfWeek": ["Monday", "Tuesday"]}] if is_said else None
    assert place.get("openingHoursSpecification") == wanted


def test_the_hours_are_read_with_the_clinic(clinic, django_assert_num_queries):
    open_on(1, EIGHT, NOON)
    open_on(0, EIGHT, MIDNIGHT)

    with django_assert_num_queries(1):
        week = Clinic.objects.current().week

    assert week == clinic.week == (DayShift(0, EIGHT, MIDNIGHT), DayShift(1, EIGHT, NOON))


# ---- the clock ----

TOKYO = {"time_zone": "Asia/Tokyo"}


def test_the_time_zone_stays_while_visits_are_to_come_and_the_form_lists_them(admin_client, therapist, service):
    visits = [an_appointment(therapist, service, in_days(3 + n), State.REQUESTED) for n in range(22)]

    refused = save(admin_client, **TOKYO)

    assert refused.status_code == 200
    listed = refused.text.split("stays as it is while visits are to come")[1].split("</ul>")[0]
    for visit in visits[:20]:
        assert f'href="/admin/booking/appointment/{visit.pk}/change/">{day_words(visit.starts_at)}, 9:00 am' in listed
    assert "and 2 more</a>" in listed
    assert not re.search(r"\bAda\b", listed)  # a look at patients would have to be noted
    assert Clinic.objects.get().time_zone == "America/Chicago"


def test_it_changes_when_no_visit_is_to_come(admin_client, therapist, service):
    an_appointment(therapist, service, in_days(-3), State.CONFIRMED)
    an_appointment(therapist, service, in_days(3), State.CANCELLED)

    assert save(admin_client, **TOKYO).status_code == 302
    assert Clinic.objects.get().time_zone == "Asia/Tokyo"


def test_other_facts_change_also_while_visits_are_to_come(admin_client, therapist, service):
    an_appointment(therapist, service, in_days(3))

    assert save(admin_client, address_line="1 Main Street").status_code == 302
    assert Clinic.objects.get().address == "1 Main Street"


@pytest.mark.parametrize("state", [State.REQUESTED, State.CONFIRMED])
def test_the_database_keeps_the_time_zone_whoever_writes_it(therapist, service, state):
    an_appointment(therapist, service, in_days(3), state)

    with pytest.raises(IntegrityError, match="time zone stays"), transaction.atomic():
        Clinic.objects.update(**TOKYO)


@pytest.mark.django_db(transaction=True)
def test_a_visit_booked_while_the_zone_is_being_changed_is_said(admin_client, therapist, service, monkeypatch):
    """The form sees no visit; the database, a moment later, sees one."""
    an_appointment(therapist, service, in_days(3))
    monkeypatch.setattr("booking.desk.clinic.ClinicForm.clean_time_zone", lambda form: form.cleaned_data["time_zone"])

    saved = admin_client.post(ADDRESS, typed(admin_client, **TOKYO) | {"_save": "Save"}, follow=True)

    assert saved.redirect_chain == [(ADDRESS, 302)]
    assert "Not saved" in saved.text
    assert Clinic.objects.get().time_zone == "America/Chicago"


# ---- visits whose hour has changed ----


def offset_of(visit):
    visit.refresh_from_db()
    return visit.agreed_offset


@pytest.fixture
def at_another_hour(therapist, service):
    """A visit agreed for 9:00 am by rules that put the clinic an hour further east."""
    visit = an_appointment(therapist, service, in_days(3, 8), name="Ada Example")
    Appointment.objects.filter(pk=visit.pk).update(agreed_offset=offset_of(visit) + 60)
    return visit


def checked(capsys):
    try:
        call_command("check_zone")
    except SystemExit as ended:
        return capsys.readouterr().out, ended.code
    return capsys.readouterr().out, 0


def test_a_visit_keeps_the_offset_it_was_agreed_in(therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    Appointment.objects.update(agreed_offset=0)

    actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=in_days(4), by=actions.Actor.STAFF)

    assert offset_of(visit) in (-360, -300)


def test_the_command_lists_visits_at_another_hour_and_ends_with_one(at_another_hour, therapist, service, capsys):
    an_appointment(therapist, service, in_days(4))
    an_appointment(therapist, service, in_days(5), State.CANCELLED)

    said, code = checked(capsys)

    day = day_words(in_days(3))
    assert said == f"{at_another_hour}: agreed for {day}, 9:00 am; now {day}, 8:00 am.\n"
    assert code == 1


def test_the_command_is_content_with_visits_as_agreed(therapist, service, capsys):
    an_appointment(therapist, service, in_days(4))

    assert checked(capsys) == ("", 0)


def test_the_worker_looks_each_night(at_another_hour, caplog):
    from procrastinate.contrib.django import app

    from booking import tasks

    periodic = {row.task.name: row.cron for row in app.periodic_registry.periodic_tasks.values()}
    tasks.check_zone(None, 0)

    assert periodic["booking.tasks.check_zone"] == "30 8 * * *"
    assert "1 visits are at another hour" in caplog.text
    assert not re.search(r"\bAda\b", caplog.text)


def test_the_first_page_tells_until_the_visit_is_back_at_its_hour(admin_client, at_another_hour):
    page = admin_client.get("/admin/").text
    section = page.split('id="hour"')[1].split("</section>")[0]

    actions.move_appointment(
        appointment=at_another_hour, seen=version_of(at_another_hour), starts_at=in_days(3, 9), by=actions.Actor.STAFF
    )

    assert "Ada Example" in section
    assert ", 9:00 am." in section.split("Agreed for")[1].split("Now")[0]
    assert ", 8:00 am with Dr. Stanley." in section.split("Now")[1]
    assert 'id="hour"' not in admin_client.get("/admin/").text


def test_visits_from_before_get_the_offset_of_the_rules_as_they_are(therapist, service):
    summer, winter = in_days(0).replace(month=7, day=1), in_days(0).replace(month=1, day=9)
    visits = [an_appointment(therapist, service, start, State.COMPLETED) for start in (winter, summer)]
    Appointment.objects.update(agreed_offset=None)

    importlib.import_module("booking.migrations.0024_calendar_fill_agreed_offset").fill(apps, None)

    assert [offset_of(visit) for visit in visits] == [-360, -300]
