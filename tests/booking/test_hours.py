"""Weekly hours, public holidays and blocked time: each has a preview before it is saved."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection, transaction

from booking import actions
from booking.actions import free
from booking.models import CHANGES, Absence, Appointment, FreedTime, Message, Shift, State, Terms
from booking.time.holidays import public_days
from booking.time.weekly_hours import DayShift, patterns
from revival.base.clock import Span
from tests.factories import (
    CHICAGO,
    a_recurring_absence,
    a_service,
    a_therapist,
    an_absence,
    an_appointment,
    day_in,
    free_with,
    in_days,
    working_all_week,
)
from tests.races import all_at_once
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, signed_in_as, staff_user
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.django_db

HOURS, HOLIDAYS, BLOCK = "/admin/hours/", "/admin/hours/holidays/", "/admin/calendar/block/"
WEEK = "/admin/hours/week/peter-stanley/"
MORNINGS = [DayShift(day, time(9), time(12)) for day in range(5)]


@pytest.fixture
def clerk(db):
    return signed_in_as(FRONT_DESK)


def set_mornings(therapist, first, last=None, **changed):
    week = {"shifts": MORNINGS, "seen": actions.hours_stamp(therapist), "accepted": set()} | changed
    return actions.set_weekly_hours(therapist=therapist, first=first, last=last, **week)


def weeks_of(therapist):
    rows = Shift.objects.filter(therapist=therapist)
    return [(week.first, week.last, len(week.shifts)) for week in patterns(row.hours for row in rows)]


# ---- the week, as an action ----


def test_a_new_week_ends_the_old_one_the_day_before_and_keeps_it(therapist):
    set_mornings(therapist, day_in(10))

    assert weeks_of(therapist) == [(None, day_in(9), 7), (day_in(10), None, 5)]
    assert CHANGES[Shift].objects.filter(pgh_label="update").count() == 7  # each old row got its last day


def test_a_week_with_a_last_day_gives_way_to_what_held_before(therapist):
    set_mornings(therapist, day_in(10), day_in(20))

    assert weeks_of(therapist) == [(None, day_in(9), 7), (day_in(10), day_in(20), 5), (day_in(21), None, 7)]


def test_a_week_that_was_still_to_come_gives_way(therapist):
    set_mornings(therapist, day_in(30))
    set_mornings(therapist, day_in(10), shifts=MORNINGS[:2])

    assert weeks_of(therapist) == [(None, day_in(9), 7), (day_in(10), None, 2)]


def test_the_same_week_twice_writes_once(therapist):
    seen = actions.hours_stamp(therapist)
    set_mornings(therapist, day_in(10), seen=seen)
    rows = list(Shift.objects.order_by("pk").values())
    set_mornings(therapist, day_in(10), seen=seen)  # the page that was sent twice

    assert list(Shift.objects.order_by("pk").values()) == rows


def test_a_week_without_hours_is_the_end_of_them(therapist, service):
    set_mornings(therapist, day_in(3), shifts=[])

    assert weeks_of(therapist) == [(None, day_in(2), 7)]
    free = free_with(therapist, Terms.anew(service), day_in(1), day_in(9), in_days(0, 1))
    assert free
    assert max(free) < in_days(3, 0)


def test_example_hours_saved_as_they_are_become_the_clinics_own(therapist):
    Shift.objects.update(is_example=True)
    week = [DayShift(day, time(9), time(17)) for day in range(7)]
    set_mornings(therapist, day_in(0), shifts=week)

    own = Shift.objects.filter(is_example=False)
    assert own.count() == 7
    assert not Shift.objects.filter(is_example=True, valid_until__isnull=True).exists()


def test_what_was_worked_is_not_rewritten(therapist):
    with pytest.raises(actions.NotOfferedError):
        set_mornings(therapist, day_in(-1))

    assert weeks_of(therapist) == [(None, None, 7)]


def test_a_visit_that_was_not_shown_stops_it_and_nothing_is_written(therapist, service):
    visit = an_appointment(therapist, service, in_days(12, 15))
    with pytest.raises(actions.VisitsInTheWayError) as refusal:
        set_mornings(therapist, day_in(10))
    assert refusal.value.visits == [visit]
    assert weeks_of(therapist) == [(None, None, 7)]

    assert set_mornings(therapist, day_in(10), accepted={visit.pk}) == [visit]

    visit.refresh_from_db()
    assert (visit.state, Message.objects.count()) == (State.CONFIRMED, 0)  # it stays, and nobody is written to


@pytest.mark.parametrize(
    ("state", "is_listed"),
    [
        (State.CONFIRMED, True),
        (State.REQUESTED, True),
        (State.HELD, True),
        (State.CANCELLED, False),
        (State.DECLINED, False),
    ],
)
def test_what_would_be_outside_is_listed(therapist, service, state, is_listed):
    visit = an_appointment(therapist, service, in_days(12, 15), state=state)
    an_appointment(therapist, service, in_days(12, 10))  # inside of the mornings, if it is no weekend
    outside = actions.visits_outside_week(therapist=therapist, shifts=MORNINGS, first=day_in(10), last=None)

    assert (visit in outside) is is_listed


def test_what_is_outside_already_is_not_news(therapist, service):
    past_the_rules = an_appointment(therapist, service, in_days(12, 20))
    before = an_appointment(therapist, service, in_days(5, 15))

    outside = actions.visits_outside_week(therapist=therapist, shifts=MORNINGS, first=day_in(10), last=day_in(20))

    assert past_the_rules not in outside
    assert before not in outside


def test_a_held_time_never_stops_it(therapist, service):
    an_appointment(therapist, service, in_days(12, 15), state=State.HELD)

    set_mornings(therapist, day_in(10))

    assert len(weeks_of(therapist)) == 2


@pytest.mark.django_db(transaction=True)
def test_two_colleagues_at_once_one_week_and_the_other_is_told(therapist):
    """Both pages show the same hours; the later one is refused. Control: other therapists' weeks are both saved."""
    seen = actions.hours_stamp(therapist)
    outcomes = at_once(
        [
            lambda: set_mornings(therapist, day_in(10), seen=seen),
            lambda: set_mornings(therapist, day_in(12), seen=seen, shifts=MORNINGS[:3]),
        ]
    )
    assert sorted(outcomes) == ["StateChangedError", "saved"]
    assert len(weeks_of(therapist)) == 2

    others = [a_therapist("benjamin-britton"), a_therapist("carl-chen")]
    assert at_once([partial(set_mornings, other, day_in(10)) for other in others]) == ["saved", "saved"]


@pytest.mark.django_db(transaction=True)
def test_the_same_page_sent_twice_at_once_is_one_week(therapist):
    seen = actions.hours_stamp(therapist)

    assert at_once([lambda: set_mornings(therapist, day_in(10), seen=seen)] * 2) == ["saved", "saved"]
    assert Shift.objects.count() == 7 + 5


def at_once(things):
    """What became of each: saved, or the name of the refusal."""
    outcomes = all_at_once(lambda number: things[number](), len(things))
    return [type(row).__name__ if isinstance(row, actions.RefusalError) else "saved" for row in outcomes]


# ---- the week, as a page ----


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))


def typed_week(client, **changed):
    """The form that a browser sends after opening the page and changing fields."""
    page = client.get(WEEK).text
    values = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and name[1] not in ("csrfmiddlewaretoken", "to"):
            values[name[1]] = value[1] if value else ""
    return values | changed


def only_mornings(**more):
    empty = {f"{name}-{day}-{row}": "" for name in ("opens", "closes") for day in range(7) for row in range(3)}
    mornings = {f"{name}-{day}-0": at for name, at in (("opens", "09:00"), ("closes", "12:00")) for day in range(5)}
    return empty | mornings | more


def test_the_week_is_typed_looked_at_and_saved(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(12, 15))
    form = typed_week(clerk, **only_mornings(first=f"{day_in(10)}"))
    assert form["closes-6-0"] == ""

    preview = clerk.post(WEEK, form | {"do": "look"})
    assert preview.status_code == 200
    assert "1 visit would be outside working hours" in preview.text
    assert f"/admin/booking/appointment/{visit.pk}/change/" in preview.text
    assert "No e-mail is sent." in preview.text
    assert not re.search(r"\bAda\b", preview.text)
    assert weeks_of(therapist) == [(None, None, 7)]  # a look saves nothing

    saved = clerk.post(WEEK, hidden(preview) | {"do": "save"}, follow=True)
    assert "Saved: the hours of Dr. Stanley" in saved.text
    assert "1 visit is now outside working hours" in saved.text
    assert weeks_of(therapist) == [(None, day_in(9), 7), (day_in(10), None, 5)]


def test_saving_without_a_look_at_the_visits_shows_them_first(clerk, therapist, service):
    an_appointment(therapist, service, in_days(12, 15))
    form = typed_week(clerk, **only_mornings(first=f"{day_in(10)}"))

    answer = clerk.post(WEEK, form | {"do": "save", "shown": "x,,99999999999999999999"})

    assert answer.status_code == 409
    assert "have changed since this page was opened" in answer.text
    assert weeks_of(therapist) == [(None, None, 7)]


# ---- every second week ----


@pytest.fixture
def advent():
    """Tuesday, December 1, 2026. The week is a B week; Monday, December 7 is in an A week."""
    with time_machine.travel(datetime(2026, 12, 1, 15, tzinfo=UTC), tick=False):
        yield


def in_turns(**more):
    """Mondays 9 to 12 in A weeks and 1 to 5 in B weeks; Tuesdays 9 to 12 in both; nothing else."""
    times = {"opens-0-0": "09:00", "closes-0-0": "12:00", "weeks-0-0": "a", "opens-0-1": "13:00", "closes-0-1": "17:00"}
    times |= {"weeks-0-1": "b", "opens-1-0": "09:00", "closes-1-0": "12:00"}
    empty = {f"{name}-{day}-{row}": "" for name in ("opens", "closes", "weeks") for day in range(7) for row in range(3)}
    return empty | times | {"first": "2026-12-02"} | more


def test_weeks_by_turns_are_typed_looked_at_and_saved_with_their_first_dates(advent, clerk, therapist, service):
    nine = datetime(2026, 12, 14, 15, tzinfo=UTC)  # in a B week, when there are no mornings
    in_b, in_a = an_appointment(therapist, service, nine), an_appointment(therapist, service, nine + timedelta(days=7))

    preview = clerk.post(WEEK, typed_week(clerk, **in_turns()) | {"do": "look"})

    assert "every second Monday from December 7, 2026" in preview.text
    assert "every second Monday from December 14, 2026" in preview.text
    assert "6.5 hours a week on average" in preview.text
    assert f"/appointment/{in_b.pk}/" in preview.text
    assert f"/appointment/{in_a.pk}/" not in preview.text
    saved = clerk.post(WEEK, hidden(preview) | {"do": "save"}, follow=True)
    assert "every second Monday from December 7, 2026" in saved.text
    rhythms = Shift.objects.filter(counts_from__isnull=False).values_list("every_weeks", "counts_from", "valid_from")
    assert sorted(rhythms) == [
        (2, date(2026, 12, 7), date(2026, 12, 2)),
        (2, date(2026, 12, 14), date(2026, 12, 2)),
    ]


def test_once_begun_the_next_date_is_named_and_the_form_keeps_the_rhythm(advent, clerk, therapist):
    clerk.post(WEEK, typed_week(clerk, **in_turns()) | {"do": "save"})

    with time_machine.travel(datetime(2027, 3, 3, 15, tzinfo=UTC), tick=False):
        clerk = signed_in_as(FRONT_DESK, username="in-march")
        assert "every second Monday, next on March 15, 2027" in clerk.get(HOURS).text
        form = clerk.get(WEEK).text
        assert "This week is week A, the next one week B" in form
        morning = re.search(r'<select name="weeks-0-0".*?</select>', form, re.DOTALL)[0]
        assert re.search(r'<option value="a" selected>A: Mar 15, Mar 29, …', morning)


def test_the_same_hours_in_a_and_b_weeks_are_allowed_and_in_the_same_weeks_refused(advent, clerk, therapist):
    same = {"opens-0-1": "09:00", "closes-0-1": "12:00"}
    for weeks, status in (("b", 200), ("a", 422), ("", 422)):
        answer = clerk.post(WEEK, typed_week(clerk, **in_turns(**same | {"weeks-0-1": weeks})) | {"do": "look"})
        assert answer.status_code == status
        assert ("Two shifts on Monday overlap" in answer.text) is (status == 422)


def test_the_form_of_one_shift_refuses_others_just_on_dates_they_share(advent, clerk, therapist):
    Shift.objects.all().delete()
    monday = {"therapist": therapist.pk, "weekday": 0, "opens": "09:00", "closes": "12:00", "every_weeks": 2}
    for first, others in (("2026-12-07", 1), ("2026-12-21", 1), ("2026-12-14", 2)):
        answer = clerk.post("/admin/booking/shift/add/", monday | {"counts_from": first}, follow=True)
        assert Shift.objects.count() == others
        assert ("on that day already" in answer.text) is (first == "2026-12-21")
    for odd, message in (
        ({"counts_from": "2026-12-08"}, "not on that day of the week"),
        ({"counts_from": ""}, "need a first date"),
        ({"every_weeks": 1, "counts_from": "2026-12-07"}, "need a first date"),
        ({"every_weeks": 3, "counts_from": "2026-12-07"}, "not one of the available choices"),
    ):
        assert message in clerk.post("/admin/booking/shift/add/", monday | odd).text
    assert "Every second week from December 7, 2026" in clerk.get("/admin/booking/shift/").text


def test_a_day_and_a_colleagues_week_are_copied_with_their_weeks(advent, clerk, therapist):
    page = clerk.post(WEEK, typed_week(clerk, **in_turns()) | {"do": "copy-day", "day": "0", "to": ["3"]}).text
    thursday = re.findall(r'<select name="weeks-3-(\d)".*?<option value="(\w?)" selected', page, re.DOTALL)
    assert thursday[:2] == [("0", "a"), ("1", "b")]

    other = a_therapist("benjamin-britton")
    first = date(2026, 12, 10)
    Shift.objects.create(therapist=other, weekday=3, opens="07:00", closes="08:00", every_weeks=2, counts_from=first)
    with time_machine.travel(datetime(2026, 12, 11, 15, tzinfo=UTC), tick=False):
        clerk = signed_in_as(FRONT_DESK, username="on-the-eleventh")
        copied = clerk.post(WEEK, typed_week(clerk) | {"do": "copy-week", "colleague": other.slug}).text
    assert re.search(r'<select name="weeks-3-0".*?<option value="a" selected', copied, re.DOTALL)


def test_free_times_calendar_and_why_follow_the_rhythm(advent, clerk, therapist, service):
    clerk.post(WEEK, typed_week(clerk, **in_turns()) | {"do": "save"})
    days = {"first": date(2026, 12, 7), "last": date(2027, 1, 11), "now": datetime(2026, 12, 1, 15, tzinfo=UTC)}

    free = free_with(therapist, Terms.anew(service), **days)

    local = [start.astimezone(CHICAGO) for start in free]
    mornings = {start.date() for start in local if start.weekday() == 0 and start.hour < 12}
    afternoons = {start.date() for start in local if start.weekday() == 0 and start.hour >= 12}
    assert mornings == {date(2026, 12, 7), date(2026, 12, 21), date(2027, 1, 4)}
    assert afternoons == {date(2026, 12, 14), date(2026, 12, 28), date(2027, 1, 11)}
    week = clerk.get("/admin/calendar/?from=2026-12-14").text
    assert "1:00 pm to 5:00 pm" in week
    monday = week.split("Tue, ", 1)[0]
    assert "9:00 am to 12:00 pm" not in monday


@pytest.mark.parametrize("do", ["look", "save"])
def test_a_stale_page_is_refused_with_what_was_typed_kept_and_may_go_on(clerk, therapist, do):
    form = typed_week(clerk, **only_mornings(first=f"{day_in(10)}"))
    set_mornings(therapist, day_in(40))

    refused = clerk.post(WEEK, form | {"do": do})

    assert refused.status_code == 409
    assert "A colleague has changed these hours" in refused.text
    assert f'value="{day_in(10)}"' in refused.text
    assert len(weeks_of(therapist)) == 2
    fresh = re.search(r'name="seen" value="(\w+)"', refused.text)[1]
    again = clerk.post(WEEK, form | {"do": "look", "seen": fresh})
    assert again.status_code == 200
    assert "are replaced by these" in again.text  # the colleague's week is named


def test_a_day_is_copied_to_others_and_nothing_is_saved(clerk, therapist):
    split_day = {"opens-0-0": "10:00", "closes-0-0": "11:00", "opens-0-1": "13:00", "closes-0-1": "14:00"}
    form = typed_week(clerk, **split_day)
    page = clerk.post(WEEK, form | {"do": "copy-day", "day": "0", "to": ["2", "4"]})

    assert page.status_code == 200
    for day, value in ((2, "10:00"), (4, "10:00"), (1, "09:00")):
        assert re.search(rf'name="opens-{day}-0" value="{value}"', page.text), day
    assert 'name="closes-4-1" value="14:00"' in page.text
    assert weeks_of(therapist) == [(None, None, 7)]


def test_a_week_is_copied_from_a_colleague(clerk, therapist):
    other = a_therapist("benjamin-britton")
    Shift.objects.create(therapist=other, weekday=3, opens=time(7), closes=time(8, 30))
    page = clerk.post(WEEK, typed_week(clerk) | {"do": "copy-week", "colleague": "benjamin-britton"})

    assert 'name="opens-3-0" value="07:00"' in page.text
    assert 'name="opens-0-0" value="09:00"' not in page.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"closes-0-0": "08:00"}, "It ends before it begins"),
        ({"closes-0-0": ""}, "Until when?"),
        ({"opens-0-0": ""}, "From when?"),
        ({"opens-0-0": "nine"}, "Type a time"),
        ({"opens-0-1": "10:00", "closes-0-1": "11:00"}, "Two shifts on Monday overlap"),
        ({"first": "99999-01-01"}, "Choose a date"),
        ({"first": "0001-01-01"}, "Choose a date between"),
        ({"first": ""}, "required"),
        ({"first": "2020-01-01"}, "has gone by"),
        ({"last": "2001-01-01"}, "is before the first"),
        ({"seen": "x" * 65}, "Nothing is saved yet"),
    ],
)
def test_odd_weeks_are_told_at_the_field_and_nothing_is_saved(clerk, therapist, changed, error):
    before = weeks_of(therapist)
    for do in ("look", "save"):
        answer = clerk.post(WEEK, typed_week(clerk, **{"first": f"{day_in(10)}"} | changed) | {"do": do})
        assert answer.status_code == 422
        assert error in answer.text
    assert weeks_of(therapist) == before


@pytest.mark.parametrize(
    "form", [{"do": "copy-day", "day": "9"}, {"do": "copy-week", "colleague": "nobody"}, {"do": "copy-day", "day": ""}]
)
def test_odd_copies_copy_nothing(clerk, therapist, form):
    assert clerk.post(WEEK, typed_week(clerk) | form).status_code == 422


def test_more_shifts_than_a_day_has_are_not_read(clerk, therapist):
    many = {f"opens-0-{place}": f"{8 + place:02}:00" for place in range(9)}
    many |= {f"closes-0-{place}": f"{8 + place:02}:30" for place in range(9)}
    page = clerk.post(WEEK, typed_week(clerk, first=f"{day_in(10)}", **many) | {"do": "look"})

    assert page.status_code == 200
    assert page.text.count('name="opens-0-') == 9  # hidden ones are given back; the form reads eight
    assert "52 hours a week" in page.text  # eight half hours on Monday


def test_nobody_changes_hours_they_may_not(therapist):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    client = at_the_desk(account)

    page = client.get(HOURS)
    assert "Dr. Peter Stanley" in page.text
    assert "Change the weekly hours" not in page.text
    assert client.get(WEEK).status_code == 403
    assert client.post(WEEK, {"do": "save"}).status_code == 403


def test_a_role_that_may_change_shifts_changes_own_ones_alone(therapist):
    from django.contrib.auth.models import Group, Permission

    account = staff_user(THERAPIST)
    Group.objects.get(name="Therapist").permissions.add(
        *Permission.objects.filter(codename__in=["add_shift", "change_shift"])
    )
    therapist.account = account
    therapist.save()
    a_therapist("benjamin-britton")
    client = at_the_desk(account)

    assert client.get(WEEK).status_code == 200
    assert client.get("/admin/hours/week/benjamin-britton/").status_code == 404
    assert client.get("/admin/hours/week/nobody/").status_code == 404


def test_the_overview_asks_the_same_however_many_there_are(clerk, therapist, django_assert_max_num_queries):
    clerk.get("/admin/")  # once a minute a session is written

    def open_page():
        with django_assert_max_num_queries(10):
            assert clerk.get(HOURS).status_code == 200

    open_page()
    for number in range(8):
        other = a_therapist(f"number-{number}")
        working_all_week(other)
        an_absence(other, in_days(number + 1), in_days(number + 2))
    open_page()


# ---- public holidays ----


def test_the_public_holidays_of_minnesota_come_from_the_package():
    named = dict(public_days("US-MN", [2026, 2027]))

    assert named[date(2026, 11, 26)] == "Thanksgiving Day"
    assert named[date(2027, 7, 5)] == "Independence Day (observed)"
    assert public_days("", [2026]) == []
    for nowhere in ("XX", "US-ZZ", "U"):
        with pytest.raises(LookupError):
            public_days(nowhere, [2026])


@pytest.fixture
def december():
    with time_machine.travel(datetime(2026, 12, 1, 15, tzinfo=UTC), tick=False):
        yield


def test_a_holiday_is_looked_at_then_closed_once_for_everyone(december, clerk, therapist, service):
    other = a_therapist("benjamin-britton")
    visit = an_appointment(other, service, datetime(2026, 12, 25, 16, tzinfo=UTC))
    page = clerk.get(HOLIDAYS).text
    assert "Christmas Day" in page
    assert "New Year" in page
    assert "Thanksgiving" in page  # next year's
    assert 'value="2026-11-26"' not in page  # this year's has gone by
    assert "1 visit or held time on that day" in page

    preview = clerk.post(HOLIDAYS, {"day": ["2026-12-25", "2027-01-01"], "do": "look"})
    assert "1 visit on these days" in preview.text
    assert f"/admin/booking/appointment/{visit.pk}/change/" in preview.text
    assert not Absence.objects.exists()

    form = {"day": ["2026-12-25", "2027-01-01"], "do": "save", "shown": hidden(preview)["shown"]}
    done = clerk.post(HOLIDAYS, form, follow=True)
    assert "The whole clinic is closed on Christmas Day (December 25, 2026), New Year" in done.text
    first, _ = Absence.objects.order_by("starts_at")
    assert first.therapist is None
    midnight = datetime(2026, 12, 25, 6, tzinfo=UTC)
    assert (first.starts_at, first.ends_at) == (midnight, midnight + timedelta(days=1))
    assert first.reason == "Christmas Day"
    assert "Closed already" in done.text

    again = clerk.post(HOLIDAYS, form)
    assert again.status_code == 422
    assert Absence.objects.count() == 2
    assert Message.objects.count() == 0


def test_closing_twice_writes_once(december, therapist):
    days = {date(2026, 12, 25): "Christmas Day"}

    assert len(actions.close_clinic(days=days, accepted=())) == 1
    assert actions.close_clinic(days=days, accepted=()) == []


def test_a_visit_booked_meanwhile_is_shown_before_the_day_is_closed(december, clerk, therapist, service):
    preview = clerk.post(HOLIDAYS, {"day": "2026-12-25", "do": "look"})
    an_appointment(therapist, service, datetime(2026, 12, 25, 16, tzinfo=UTC))

    refused = clerk.post(HOLIDAYS, {"day": "2026-12-25", "do": "save", "shown": hidden(preview)["shown"]})

    assert refused.status_code == 409
    assert "1 visit on these days" in refused.text
    assert not Absence.objects.exists()


@pytest.mark.parametrize("day", ["2026-11-26", "2026-12-24", "x", "", "99999-01-01"])
def test_days_that_are_no_holidays_close_nothing(december, clerk, therapist, day):
    assert clerk.post(HOLIDAYS, {"day": day, "do": "save"}).status_code == 422
    assert clerk.post(HOLIDAYS, {"do": "save"}).status_code == 422
    assert not Absence.objects.exists()


def test_an_unknown_place_and_none_are_told(clerk, clinic, settings):
    settings.CLINIC_HOLIDAYS = "XX"
    assert "is not a place whose public holidays we know" in clerk.get(HOLIDAYS).text
    settings.CLINIC_HOLIDAYS = ""
    assert "No public holidays are suggested" in clerk.get(HOLIDAYS).text


def test_the_holidays_ask_the_same_however_many_there_are(
    december, clerk, therapist, service, django_assert_max_num_queries
):
    for hour in range(15, 22):
        an_appointment(therapist, service, datetime(2026, 12, 25, hour, tzinfo=UTC))
    clerk.get("/admin/")
    with django_assert_max_num_queries(10):
        assert clerk.get(HOLIDAYS).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["close", "block", "week", "recurring"])
def test_a_visit_being_booked_just_now_is_waited_for_and_shown(therapist, service, action):
    """A booking holds the therapist's lock and is not committed; closing the time waits for it."""
    seen, span = actions.hours_stamp(therapist), Span(in_days(5, 14), in_days(5, 16))
    closing = {
        "close": partial(actions.close_clinic, days={day_in(5): "Closed"}, accepted=()),
        "block": partial(actions.block_time, therapist=therapist, span=span, reason="", accepted=()),
        "week": partial(set_mornings, therapist, day_in(2), seen=seen),
        "recurring": partial(a_recurring_absence, therapist, begins=time(15), ends=time(16)),
    }[action]
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            free.lock_therapists([therapist.pk], now=in_days(0))
            an_appointment(therapist, service, in_days(5, 15))
            outcome = pool.submit(at_once, [closing])
            wait_for(lambda: outcome.done() or someone_waits_for_a_lock())
        assert outcome.result(PATIENCE) == ["VisitsInTheWayError"]
    assert not Absence.objects.exists()
    assert weeks_of(therapist) == [(None, None, 7)]


def someone_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


def test_the_lists_of_hours_and_absences_lead_to_the_weeks_and_name_the_whole_clinic(clerk, therapist):
    assert f'href="{HOURS}"' in clerk.get("/admin/booking/shift/").text
    assert f'href="{BLOCK}"' in clerk.get("/admin/booking/absence/").text
    assert "The whole clinic is closed</option>" in clerk.get("/admin/booking/absence/add/").text


# ---- block time ----


def block_form(who="peter-stanley", first=None, last=None, **more):
    starts, ends = first or in_days(3, 12), last or in_days(3, 13)
    return {
        "who": who,
        "starts_at": f"{starts.astimezone(CHICAGO):%Y-%m-%dT%H:%M}",
        "ends_at": f"{ends.astimezone(CHICAGO):%Y-%m-%dT%H:%M}",
        "reason": "",
    } | more


def test_the_calendar_leads_to_blocking_with_the_place_filled_in(clerk, therapist):
    day = clerk.get(f"/admin/calendar/?view=day&from={day_in(3)}").text
    links = re.findall(r'href="(/admin/calendar/block/[^"]*)"', day)
    link = next(link for link in links if "therapist=peter-stanley" in link).replace("&amp;", "&")

    form = clerk.get(link).text

    assert re.search(r'value="peter-stanley"[^>]*checked', form)
    assert f'value="{day_in(3)}T' in form
    assert "The whole clinic" in form


def test_time_without_visits_is_blocked_at_once_and_once(clerk, therapist):
    for _ in range(2):
        assert clerk.post(BLOCK, block_form()).status_code == 302
    absence = Absence.objects.get()

    assert (absence.therapist, absence.starts_at, absence.ends_at) == (therapist, in_days(3, 12), in_days(3, 13))


def test_visits_in_the_time_are_listed_before_it_is_blocked(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3, 12))
    preview = clerk.post(BLOCK, block_form())
    assert preview.status_code == 200
    assert "1 visit in this time" in preview.text
    assert f"/admin/booking/appointment/{visit.pk}/change/" in preview.text
    assert not Absence.objects.exists()

    done = clerk.post(BLOCK, hidden(preview) | {"do": "save"}, follow=True)

    assert "Blocked: Dr. Stanley" in done.text
    assert "1 visit is booked in that time" in done.text
    assert Appointment.objects.get().state == State.CONFIRMED


def test_the_whole_clinic_is_a_choice_of_its_own(clerk, therapist, service):
    assert clerk.post(BLOCK, block_form(who="")).status_code == 422
    assert not Absence.objects.exists()

    assert clerk.post(BLOCK, block_form(who="whole-clinic", reason="Staff meeting")).status_code == 302

    assert Absence.objects.get().therapist is None


@pytest.mark.parametrize(
    "form",
    [
        {"who": "nobody"},
        {"starts_at": "99999-01-01T00:00"},
        {"ends_at": "nine"},
        {"ends_at": "2020-01-01T09:00"},
        {"ends_at": ""},
        {"reason": "x" * 121},
        {"reason": "a\u202eb"},
    ],
)
def test_odd_blocks_are_refused_in_words(clerk, therapist, form):
    assert clerk.post(BLOCK, block_form() | form).status_code == 422
    assert not Absence.objects.exists()


@pytest.mark.parametrize("query", ["from=x", "from=99999-01-01", "from=0001-01-01T00:00", "therapist=x"])
def test_odd_addresses_fill_in_nothing(clerk, therapist, query):
    assert clerk.get(f"{BLOCK}?{query}").status_code == 200


def test_a_therapist_blocks_their_own_time_alone(therapist, service):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    other = a_therapist("benjamin-britton")
    client = at_the_desk(account)

    assert "The whole clinic" not in client.get(BLOCK).text
    for who in ("whole-clinic", other.slug):
        assert client.post(BLOCK, block_form(who=who)).status_code == 422
    assert not Absence.objects.exists()
    assert client.post(BLOCK, block_form()).status_code == 302


def test_blocked_time_is_not_offered_and_freeing_it_asks_the_waiting_list(clerk, therapist):
    service = a_service(therapist)
    absence, _ = actions.block_time(
        therapist=therapist, span=Span(in_days(3, 9), in_days(3, 17)), reason="", accepted=()
    )
    assert free_with(therapist, Terms.anew(service), day_in(3), day_in(3), in_days(0, 1)) == []

    actions.remove_hours(row=absence)

    assert FreedTime.objects.get().ends_at - FreedTime.objects.get().starts_at == timedelta(hours=8)
