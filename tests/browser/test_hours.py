"""Hours and reports in a real browser, as the front desk, the owner and a therapist."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.browser.barriers import barriers
from tests.exhaustive import EXHAUSTIVE

COLLEAGUES = """
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from booking.models import Therapist
for name, role in (("hours-desk", "Front desk"), ("hours-owner", "Owner"), ("hours-therapist", "Therapist")):
    user, _ = User.objects.get_or_create(username=name, is_staff=True)
    user.last_login = timezone.now()
    user.save()
    user.groups.set([Group.objects.get(name=role)])
Therapist.objects.filter(slug="hours-therapist").delete()
Therapist.objects.create(slug="hours-therapist", name="Dr. Hours", short_name="Dr. Hours", is_taking_patients=False,
    order=99, account=User.objects.get(username="hours-therapist"))
"""
CLEAR_HOURS = """
from booking.models import Shift
Shift.objects.filter(therapist__slug="hours-therapist").delete()
"""
CLEAN_UP = """
from booking.models import Absence, RecurringAbsence, Shift, Therapist
for model in (Shift, Absence, RecurringAbsence):
    model.objects.filter(therapist__slug="hours-therapist").delete()
Therapist.objects.filter(slug="hours-therapist").delete()
"""
WALKED = {  # test_every_screen looks at each of these
    "hours": "/admin/hours/",
    "week": "/admin/hours/week/peter-stanley/",
    "holidays": "/admin/hours/holidays/",
    "block": "/admin/calendar/block/?therapist=hours-therapist&from=2030-01-07T09:00",
    "recurring": "/admin/hours/recurring/new/?therapist=hours-therapist",
    "reports": "/admin/reports/",
    "reports of next month": f"/admin/reports/?first={date.today()}&last={date.today() + timedelta(days=30)}",  # noqa: DTZ011
}
WEEK = "/admin/hours/week/hours-therapist/"


@pytest.fixture(scope="module")
def colleagues(site):
    site.run_python(COLLEAGUES)
    yield
    site.run_python(CLEAN_UP)


@pytest.fixture
def desk(colleagues, signed_in, complaints):
    yield signed_in
    assert complaints == []


@pytest.mark.parametrize("name", ["hours-desk", *(["hours-owner"] if EXHAUSTIVE else [])])
def test_hours_and_reports_have_no_barriers(site, desk, complaints, name):
    page = desk(name)
    found = {}
    for what, path in WALKED.items() if EXHAUSTIVE else ():
        assert page.goto(site.url + path).status == 200
        assert complaints == []
        found[what] = barriers(page)
        complaints.clear()  # axe itself writes styles
    page.goto(site.url + WEEK)
    page.get_by_role("button", name="See what changes").click()
    page.get_by_role("heading", name="See what changes").wait_for()
    found["look"] = barriers(page)
    complaints.clear()
    assert not any(found.values()), found


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_week_is_typed_copied_looked_at_and_saved(site, desk, scripts):
    page = desk("hours-desk", java_script_enabled=scripts)
    page.goto(site.url + WEEK)
    monday = page.get_by_role("group", name="Monday", exact=True)
    if scripts:  # a row that is empty is hidden until it is asked for
        page.get_by_role("button", name="Add a shift on Monday").click()
    monday.get_by_label("shift 1, from").fill("08:00")
    monday.get_by_label("shift 1, to", exact=True).fill("11:30")
    if scripts:
        page.get_by_role("button", name="Add a shift on Monday").click()
        monday.get_by_label("shift 2, from").fill("18:00")
        monday.get_by_label("shift 2, to", exact=True).fill("19:00")
    page.locator("summary", has_text="Copy a day").click()
    page.get_by_label("Copy one day").select_option("Monday")
    page.get_by_role("group", name="Copy to").get_by_label("Wednesday").check()
    page.get_by_role("button", name="Copy the day").click()
    page.get_by_text("Monday is copied; nothing is saved yet").wait_for()
    wednesday = page.get_by_role("group", name="Wednesday", exact=True)
    assert wednesday.get_by_label("shift 1, from").input_value() == "08:00"

    page.get_by_role("button", name="See what changes").click()
    page.get_by_text("No visit falls outside the new hours").wait_for()
    page.get_by_role("button", name="Save these hours").click()
    page.get_by_text("Saved: the hours of Dr. Hours").wait_for()
    mine = page.locator("section", has=page.get_by_role("heading", name="Dr. Hours"))
    assert mine.get_by_text("8:00 am to 11:30 am").count() == 2
    assert mine.get_by_text("6:00 pm to 7:00 pm").count() == (2 if scripts else 0)
    site.run_python(CLEAR_HOURS)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_mornings_of_a_weeks_and_afternoons_of_b_weeks_stand_in_one_day(site, desk, scripts):
    page = desk("hours-desk", java_script_enabled=scripts)
    page.goto(site.url + WEEK)
    monday = page.get_by_role("group", name="Monday", exact=True)
    for row, (opens, closes, weeks) in enumerate((("08:00", "12:00", "a"), ("08:00", "17:00", "b")), start=1):
        if scripts:
            page.get_by_role("button", name="Add a shift on Monday").click()
        monday.get_by_label(f"shift {row}, from").fill(opens)
        monday.get_by_label(f"shift {row}, to", exact=True).fill(closes)
        monday.get_by_label(f"shift {row}, in which weeks").select_option(weeks)

    page.get_by_role("button", name="See what changes").click()
    page.get_by_text("every second Monday from").first.wait_for()
    page.get_by_role("button", name="Save these hours").click()

    mine = page.locator("section", has=page.get_by_role("heading", name="Dr. Hours"))
    assert mine.get_by_text("every second Monday").count() == 2
    site.manage("shell", "-c", CLEAR_HOURS)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_therapist_enters_their_lunch_by_keyboard_and_removes_it(site, desk, complaints, scripts):
    page = desk("hours-therapist", java_script_enabled=scripts)
    page.goto(f"{site.url}/admin/hours/")
    page.get_by_role("link", name="Recurring absence").focus()
    page.keyboard.press("Enter")
    for day in ("Monday", "Thursday"):
        page.get_by_label(day).focus()
        page.keyboard.press("Space")
    for label, keys in (
        ("From:", "1200PM"),
        ("Until:", "0100PM"),
        ("First day:", "01072030"),
        ("Last day:", "02282030"),
    ):
        page.get_by_label(label, exact=True).focus()
        page.keyboard.type(keys)
    page.get_by_label("Reason (optional)").focus()
    page.keyboard.type("Lunch")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="16 days to come").wait_for()
    found = barriers(page) if scripts else []
    complaints.clear()  # axe itself writes styles
    page.get_by_role("button", name="Save it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Saved: Dr. Hours is away every Monday and Thursday, 12:00 pm to 1:00 pm").wait_for()

    page.get_by_role("link", name="Every Monday and Thursday").click()
    page.get_by_role("heading", name="Its next days").wait_for()
    found += barriers(page) if scripts else []
    complaints.clear()
    page.get_by_role("link", name="Remove all days to come").click()
    found += barriers(page) if scripts else []
    complaints.clear()
    page.get_by_role("button", name="Remove them all").click()
    page.get_by_text("16 days still to come can be booked again").wait_for()
    assert found == []


def test_a_therapist_blocks_their_own_time_by_keyboard_and_sees_own_numbers(site, desk):
    page = desk("hours-therapist")
    page.goto(f"{site.url}/admin/calendar/block/?therapist=hours-therapist&from=2030-01-07T09:00")
    assert page.get_by_label("The whole clinic").count() == 0
    assert page.get_by_label("Dr. Hours").is_checked()
    page.get_by_label("Reason (optional)").focus()
    page.keyboard.type("Course")
    page.keyboard.press("Enter")
    page.get_by_text("Blocked: Dr. Hours, Monday, January 7, 2030, 9:00 am to 10:00 am").wait_for()

    page.goto(f"{site.url}/admin/reports/")
    assert page.get_by_label("Therapist").locator("option").all_inner_texts() == ["Everyone", "Dr. Hours"]
    page.goto(f"{site.url}/admin/hours/")
    assert page.get_by_role("link", name="Change the weekly hours").count() == 0


def test_a_table_is_taken_along(site, desk, tmp_path):
    page = desk("hours-owner")
    page.goto(f"{site.url}/admin/reports/")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Fill of working hours").click()

    path = tmp_path / taken.value.suggested_filename
    taken.value.save_as(path)
    assert path.name.startswith("fill-")
    assert path.read_bytes().startswith(b'\xef\xbb\xbf"Week from"')
