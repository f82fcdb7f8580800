"""Recurring absences: one rule, an absence for each day; entered, changed and removed as one."""

import re
import threading
import uuid
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from booking import actions
from booking.actions import limits, recurring
from booking.models import (
    CHANGES,
    Absence,
    Appointment,
    FreedTime,
    Message,
    RecurringAbsence,
    State,
    Terms,
)
from revival.base.clock import instant_of
from revival.models import Change
from tests.exhaustive import EXHAUSTIVE
from tests.factories import (
    CHICAGO,
    a_recurring_absence,
    a_service,
    a_therapist,
    an_appointment,
    free_with,
    in_days,
    some_details,
    working_all_week,
)
from tests.races import all_at_once, without_lock
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

NEW, HOURS = "/admin/hours/recurring/new/", "/admin/hours/"
THURSDAY = 3


@pytest.fixture
def december():
    """Tuesday, December 1, 2026, 9 am at the clinic."""
    with time_machine.travel(datetime(2026, 12, 1, 15, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def clerk(december):
    return signed_in_as(FRONT_DESK)


def lunch(therapist, **changed):
    """Thursdays 12 to 1 from December 1, 2026 to April 1, 2027; not saved."""
    values = {"weekdays": [THURSDAY], "begins": time(12), "ends": time(13), "reason": "Lunch"}
    values |= {"first_day": date(2026, 12, 1), "last_day": date(2027, 4, 1)}
    return RecurringAbsence(therapist=therapist, **values | changed)


def saved(rule, accepted=()):
    return actions.save_recurring_absence(rule=rule, accepted=accepted, seen=actions.recurrence_stamp(rule))[0]


def days_of(rule):
    return [absence.starts_at.astimezone(CHICAGO).date() for absence in rule.absences.order_by("starts_at")]


def at(day, hour, minute=0):
    return instant_of(day, time(hour, minute), CHICAGO)


# ---- the days it writes ----


def test_it_is_an_absence_on_each_of_its_days_at_the_same_clinic_time(december, therapist):
    rule = saved(lunch(therapist))

    rows = list(rule.absences.order_by("starts_at"))
    local = [(row.starts_at.astimezone(CHICAGO), row.ends_at.astimezone(CHICAGO)) for row in rows]
    assert len(rows) == 18
    assert {(start.time(), end.time()) for start, end in local} == {(time(12), time(13))}
    assert {start.utcoffset() for start, _ in local} == {timedelta(hours=-6), timedelta(hours=-5)}  # over March 14
    assert {(row.therapist, row.reason) for row in rows} == {(therapist, "Lunch")}


def test_a_time_that_the_spring_night_skips_is_left_out_and_one_it_cuts_is_shorter(december, therapist):
    night = {"weekdays": [6], "first_day": date(2027, 3, 7), "last_day": date(2027, 3, 21)}
    skipped = saved(lunch(therapist, begins=time(2), ends=time(3), **night))
    shorter = saved(lunch(therapist, begins=time(1), ends=time(3), **night))

    assert days_of(skipped) == [date(2027, 3, 7), date(2027, 3, 21)]
    assert [row.ends_at - row.starts_at for row in shorter.absences.order_by("starts_at")] == [
        timedelta(hours=2),
        timedelta(hours=1),
        timedelta(hours=2),
    ]


@settings(max_examples=60 if EXHAUSTIVE else 20, deadline=None)
@given(
    weekdays=st.sets(st.integers(0, 6), min_size=1),
    first=st.dates(date(2026, 2, 1), date(2027, 12, 31)),
    length=st.integers(0, 80),
    hours=st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1]),
    zone=st.sampled_from(["America/Chicago", "Australia/Lord_Howe", "Africa/Cairo", "UTC"]).map(ZoneInfo),
    left_out=st.lists(st.integers(0, 80), max_size=3),
)
def test_its_spans_agree_with_a_walk_over_the_calendar(weekdays, first, length, hours, zone, left_out):
    begins, ends = time(hours[0]), time(hours[1] % 24)
    without = [first + timedelta(days=number) for number in left_out]
    rule = RecurringAbsence(
        weekdays=sorted(weekdays),
        begins=begins,
        ends=ends,
        first_day=first,
        last_day=first + timedelta(days=length),
        left_out=without,
    )

    expected = []
    for number in range(length + 1):
        day = first + timedelta(days=number)
        if day.weekday() not in weekdays or day in without:
            continue
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
        minutes = [noon.astimezone(UTC) + timedelta(minutes=15 * step) for step in range(-60, 60)]
        of_day = [minute for minute in minutes if minute.astimezone(zone).date() == day]
        inside = [minute for minute in of_day if first_showing(minute, begins, of_day, zone)]
        until = [minute for minute in inside if ends == time(0) or not first_showing(minute, ends, of_day, zone)]
        if until:
            expected.append((until[0], until[-1] + timedelta(minutes=15)))

    assert [tuple(span) for span in rule.spans(zone)] == expected


def first_showing(minute, wall, minutes, zone):
    """Whether the clock has shown this wall-clock time by then, for the first time that day."""
    return any(other.astimezone(zone).time() >= wall for other in minutes if other <= minute)


def test_today_counts_only_while_it_has_not_begun(therapist):
    for hour, first in ((11, date(2026, 12, 3)), (12, date(2026, 12, 10))):
        with time_machine.travel(at(date(2026, 12, 3), hour), tick=False):
            rule = saved(lunch(therapist, first_day=date(2026, 12, 3), reason=f"{hour}"))
            assert days_of(rule)[0] == first


def test_the_same_once_more_writes_nothing(december, therapist):
    rule = saved(lunch(therapist))
    rows = list(Absence.objects.order_by("pk").values())

    assert saved(lunch(therapist)) == rule
    assert list(Absence.objects.order_by("pk").values()) == rows
    assert RecurringAbsence.objects.count() == 1


def test_the_whole_clinic_is_away_for_everyone(december, therapist, service):
    a_therapist("benjamin-britton")
    meeting = saved(lunch(None, begins=time(13), ends=time(14), reason="Team meeting"))
    visit_day = {"first": date(2026, 12, 10), "last": date(2026, 12, 10), "now": at(date(2026, 12, 1), 9)}

    free = free_with(therapist, Terms.anew(service), **visit_day)

    assert at(date(2026, 12, 10), 13) not in free
    assert at(date(2026, 12, 10), 14) in free
    assert str(meeting) == "Whole clinic away every Thursday, 1:00 pm to 2:00 pm"


def test_free_times_cost_no_query_more(december, therapist, service, django_assert_num_queries):
    window = {"first": date(2026, 12, 1), "last": date(2027, 1, 15)}
    for rules in (0, 3):
        for number in range(rules):
            saved(lunch(therapist, weekdays=[number, number + 3], reason=f"{number}"))
        with django_assert_num_queries(4):
            free_with(therapist, Terms.anew(service), now=at(date(2026, 12, 1), 9), **window)


@pytest.mark.parametrize(
    ("weekdays", "words"),
    [
        ([3], "every Thursday"),
        ([0, 3], "every Monday and Thursday"),
        ([4, 3, 0], "every Monday, Thursday and Friday"),
        ([0, 1, 2, 3, 4], "Monday to Friday"),
        (list(range(7)), "every day"),
    ],
)
def test_its_days_in_words(weekdays, words):
    assert RecurringAbsence(weekdays=weekdays).weekday_words == words


# ---- visits in the way ----


def test_a_visit_that_was_not_shown_stops_it_and_nothing_is_written(december, therapist, service):
    hit = an_appointment(therapist, service, at(date(2026, 12, 10), 12, 30))
    an_appointment(therapist, service, at(date(2026, 12, 11), 12))  # a Friday
    with pytest.raises(actions.VisitsInTheWayError) as refusal:
        saved(lunch(therapist))
    assert refusal.value.visits == [hit]
    assert not RecurringAbsence.objects.exists()
    assert not Absence.objects.exists()

    rule = saved(lunch(therapist), accepted={hit.pk})

    assert len(days_of(rule)) == 18
    hit.refresh_from_db()
    assert (hit.state, Message.objects.count()) == (State.CONFIRMED, 0)


def test_a_change_names_just_the_visits_in_its_new_days(december, therapist, service):
    known = an_appointment(therapist, service, at(date(2026, 12, 10), 12))
    rule = saved(lunch(therapist), accepted={known.pk})
    later = an_appointment(therapist, service, at(date(2027, 4, 8), 12))

    rule.last_day = date(2027, 4, 15)

    assert actions.plan_recurring_absence(rule=rule).in_the_way == [later]


# ---- changed and removed as one ----


def test_a_change_rewrites_the_days_to_come_and_leaves_those_that_were(therapist):
    a_service(therapist, horizon_days=30)
    with time_machine.travel(at(date(2026, 12, 1), 9), tick=False):
        rule = saved(lunch(therapist))
    before = {row.starts_at: row.pk for row in rule.absences.all()}
    with time_machine.travel(at(date(2026, 12, 17), 12, 30), tick=False):  # one has begun
        rule.weekdays, rule.first_day, rule.last_day = [THURSDAY, 4], date(2026, 12, 17), date(2027, 1, 8)
        rule.reason = "Lunch break"
        saved(rule)

    days = days_of(rule)
    assert days[:3] == [date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 17)]
    assert days[3:] == [date(2026, 12, day) for day in (18, 24, 25, 31)] + [date(2027, 1, day) for day in (1, 7, 8)]
    kept = [row for row in rule.absences.all() if row.starts_at in before]
    assert all(before[row.starts_at] == row.pk for row in kept)  # not written anew
    reasons = [row.reason for row in rule.absences.order_by("starts_at")]
    assert reasons == ["Lunch"] * 3 + ["Lunch break"] * 7
    freed = FreedTime.objects.values_list("starts_at", flat=True)
    assert sorted(freed) == [at(date(2027, 1, 14), 12)]  # those beyond the 30 days open when their time comes


def test_removed_its_days_to_come_go_and_it_ends_on_the_last_that_was(therapist, service):
    with time_machine.travel(at(date(2026, 12, 1), 9), tick=False):
        rule = saved(lunch(therapist))
    with time_machine.travel(at(date(2026, 12, 10), 12, 30), tick=False):
        stamp = actions.recurrence_stamp(rule)
        assert actions.remove_recurring_absence(rule=rule, seen=stamp) == 16
        assert actions.remove_recurring_absence(rule=rule, seen=stamp) == 0  # pressed twice

    assert days_of(rule) == [date(2026, 12, 3), date(2026, 12, 10)]
    assert RecurringAbsence.objects.get().last_day == date(2026, 12, 10)
    assert FreedTime.objects.filter(starts_at=at(date(2026, 12, 17), 12)).exists()


def test_removed_before_its_first_day_nothing_is_left_of_it(december, therapist):
    rule = saved(lunch(therapist))

    actions.remove_recurring_absence(rule=rule, seen=actions.recurrence_stamp(rule))

    assert not RecurringAbsence.objects.exists()
    assert not Absence.objects.exists()


def test_a_stale_page_changes_and_removes_nothing(december, therapist):
    rule = saved(lunch(therapist))
    seen = actions.recurrence_stamp(rule)
    theirs = RecurringAbsence.objects.get()
    theirs.ends = time(14)
    saved(theirs)
    rows = list(Absence.objects.order_by("pk").values())

    rule.ends = time(12, 30)
    with pytest.raises(actions.StateChangedError):
        actions.save_recurring_absence(rule=rule, accepted=(), seen=seen)
    with pytest.raises(actions.StateChangedError):
        actions.remove_recurring_absence(rule=rule, seen=seen)

    assert list(Absence.objects.order_by("pk").values()) == rows


# ---- one day alone ----


def test_a_day_deleted_alone_stays_left_out_until_it_is_put_back(december, therapist):
    rule = saved(lunch(therapist))
    christmas_eve = date(2026, 12, 24)
    actions.remove_hours(row=rule.absences.get(starts_at=at(christmas_eve, 12)))

    rule = RecurringAbsence.objects.get()
    rule.ends = time(13, 30)
    saved(rule)
    assert rule.left_out == [christmas_eve]
    assert christmas_eve not in days_of(rule)

    rule.left_out = []
    saved(rule)
    assert christmas_eve in days_of(rule)


def test_a_day_changed_alone_becomes_an_absence_of_its_own(december, therapist):
    rule = saved(lunch(therapist))
    day = rule.absences.get(starts_at=at(date(2026, 12, 10), 12))
    actions.save_absence(absence=day)  # saved as it was: still one of them
    assert Absence.objects.get(pk=day.pk).recurring == rule

    day.ends_at = at(date(2026, 12, 10), 15)
    actions.save_absence(absence=day)
    rule = RecurringAbsence.objects.get()
    actions.remove_recurring_absence(rule=rule, seen=actions.recurrence_stamp(rule))

    assert [row.pk for row in Absence.objects.all()] == [day.pk]


def test_a_day_saved_after_its_rule_was_removed_is_an_absence_of_its_own(december, therapist):
    rule = saved(lunch(therapist))
    day = rule.absences.earliest("starts_at")  # on a page that is still open
    actions.remove_recurring_absence(rule=rule, seen=actions.recurrence_stamp(rule))

    actions.save_absence(absence=day)

    assert Absence.objects.get().recurring is None


def test_another_absence_is_saved_after_every_day_of_a_rule_was_deleted_alone(december, therapist):
    rule = saved(lunch(therapist))
    for day in rule.absences.all():
        actions.remove_hours(row=day)
    another = Absence(therapist=therapist, starts_at=at(date(2026, 12, 11), 9), ends_at=at(date(2026, 12, 11), 10))

    actions.save_absence(absence=another)

    assert Absence.objects.get() == another
    assert another.recurring is None


# ---- the database ----


def test_the_change_log_has_the_rule_and_its_days(december, therapist):
    rule = saved(lunch(therapist))
    rule.ends = time(14)
    saved(rule)

    assert [line.pgh_label for line in CHANGES[RecurringAbsence].objects.order_by("pgh_id")] == ["insert", "update"]
    assert CHANGES[Absence].objects.filter(recurring=rule.pk, pgh_label="delete").count() == 18
    assert Change.objects.filter(about="recurringabsence").first().facts["ends"] == "14:00:00"
    assert "Lunch" not in str(Change.objects.filter(about="recurringabsence").values_list("facts"))


# ---- races ----


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control: without the lock"])
def test_a_race_of_a_booking_and_a_recurring_absence_leaves_no_visit_unnamed(therapist, monkeypatch, is_locked):
    """Both look, and write only once both have looked. The lock lets one look after the other has written."""
    if not is_locked:
        without_lock(monkeypatch)
    both_have_looked = threading.Barrier(2)
    wait_at(monkeypatch, recurring, "demand_shown", both_have_looked)
    wait_at(monkeypatch, limits, "demand_few_visits", both_have_looked)  # comes after the look at free times
    service = a_service(therapist)
    hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(5, 12, 15))
    place = {"therapist": therapist, "service": service, "starts_at": hold.starts_at}

    outcomes = all_at_once(
        lambda number: [
            lambda: a_recurring_absence(therapist),
            lambda: actions.book_appointment(hold=hold, details=some_details(), submission_key=uuid.uuid4(), **place),
        ][number](),
        2,
    )

    refused = [type(outcome).__name__ for outcome in outcomes if isinstance(outcome, actions.RefusalError)]
    is_booked, is_away = Appointment.objects.visits().exists(), Absence.objects.exists()
    if is_locked:
        assert refused == (["VisitsInTheWayError"] if is_booked else ["NotOfferedError"])
        assert is_booked is not is_away
    else:
        assert (refused, is_booked, is_away) == ([], True, True)  # so the check above can see the fault


def wait_at(monkeypatch, owner, name, barrier):
    """Let whoever has called this function wait for the other one, for half a second at most."""
    function = getattr(owner, name)

    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.5)
        return result

    monkeypatch.setattr(owner, name, call)


# ---- the pages ----


def typed(**changed):
    form = {"who": "peter-stanley", "weekdays": ["3"], "begins": "12:00", "ends": "13:00", "reason": "Lunch"}
    return form | {"first_day": "2026-12-01", "last_day": "2027-04-01"} | changed


def hidden(page):
    fields = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text):
        fields.setdefault(name, []).append(value)
    return fields


def test_it_is_typed_looked_at_and_saved(clerk, therapist, service):
    visit = an_appointment(therapist, service, at(date(2026, 12, 10), 12))
    assert "The whole clinic" in clerk.get(NEW).text

    look = clerk.post(NEW, typed(weekdays=["1", "3"]) | {"do": "look"})
    assert look.status_code == 200
    assert "is away every Tuesday and Thursday, 12:00 pm to 1:00 pm" in look.text
    assert "36 days to come" in look.text
    assert "Tuesday, December 1, 2026" in look.text
    assert "Thursday, April 1, 2027" in look.text
    assert "1 visit in this time" in look.text
    assert f"/admin/booking/appointment/{visit.pk}/change/" in look.text
    assert not re.search(r"\bAda\b", look.text)
    assert not RecurringAbsence.objects.exists()

    done = clerk.post(NEW, hidden(look) | {"do": "save"}, follow=True)
    assert "Saved: Dr. Stanley is away every Tuesday and Thursday" in done.text
    assert "1 visit is booked in that time" in done.text
    assert Absence.objects.count() == 36
    assert Message.objects.count() == 0


def test_the_lists_show_one_line_for_all_its_days(clerk, therapist):
    clerk.post(NEW, typed() | {"do": "save"})
    rule = RecurringAbsence.objects.get()
    link = f'href="/admin/hours/recurring/{rule.pk}/"'

    for path in (HOURS, "/admin/booking/absence/"):
        page = clerk.get(path).text
        assert page.count(link) == 1
        assert "next on Thursday, December 3, until April 1, 2027" in page
    assert "0 absences" in clerk.get("/admin/booking/absence/").text
    assert "18 absences" in clerk.get("/admin/booking/absence/?recurring=days").text
    assert clerk.get("/admin/booking/absence/?recurring=all").text.count("12:00 pm") >= 18


def test_it_is_changed_as_one_and_a_day_taken_out_is_put_back(clerk, therapist):
    clerk.post(NEW, typed() | {"do": "save"})
    rule = RecurringAbsence.objects.get()
    actions.remove_hours(row=rule.absences.get(starts_at=at(date(2026, 12, 24), 12)))
    path = f"/admin/hours/recurring/{rule.pk}/"
    page = clerk.get(path)
    assert "Thursday, December 24, 2026" in page.text
    assert 'name="who"' not in page.text
    form = typed(weekdays=["3", "4"]) | {"seen": hidden(page)["seen"]}

    look = clerk.post(path, form | {"left_out": ["2026-12-24"], "do": "look"})
    assert "17 stay as they are, 17 are new, 0 go." in " ".join(look.text.split())
    assert "Not on Thursday, December 24, 2026: taken out by hand." in look.text
    assert clerk.post(path, hidden(look) | {"do": "save"}).status_code == 302
    assert date(2026, 12, 24) not in days_of(rule)

    form |= {"seen": hidden(clerk.get(path))["seen"], "do": "save"}
    assert clerk.post(path, form).status_code == 302
    assert date(2026, 12, 24) in days_of(rule)


def test_it_is_removed_after_a_question(clerk, therapist):
    clerk.post(NEW, typed() | {"do": "save"})
    path = f"/admin/hours/recurring/{RecurringAbsence.objects.get().pk}/remove/"
    page = clerk.get(path)
    assert "18 days still to come are removed" in page.text
    assert Absence.objects.count() == 18

    stale = clerk.post(path, {"seen": "x"})
    assert stale.status_code == 409
    assert "Not removed yet" in stale.text
    assert Absence.objects.count() == 18
    done = clerk.post(path, {"seen": hidden(page)["seen"]}, follow=True)
    assert "Removed: Dr. Stanley, every Thursday, 12:00 pm to 1:00 pm" in done.text
    assert not Absence.objects.exists()
    assert clerk.get(path).status_code == 404


def test_a_visit_booked_meanwhile_is_shown_before_it_is_saved(clerk, therapist, service):
    look = clerk.post(NEW, typed() | {"do": "look"})
    an_appointment(therapist, service, at(date(2026, 12, 10), 12))

    refused = clerk.post(NEW, hidden(look) | {"do": "save"})

    assert refused.status_code == 409
    assert "have changed since this page was opened" in refused.text
    assert not Absence.objects.exists()


def test_a_colleagues_change_is_told_with_what_was_typed_kept(clerk, therapist):
    clerk.post(NEW, typed() | {"do": "save"})
    rule = RecurringAbsence.objects.get()
    path = f"/admin/hours/recurring/{rule.pk}/"
    seen = hidden(clerk.get(path))["seen"]
    rule.ends = time(14)
    saved(rule)

    for do in ("look", "save"):
        refused = clerk.post(path, typed(ends="12:45", seen=seen[0]) | {"do": do})
        assert refused.status_code == 409
        assert "A colleague has changed or removed this" in refused.text
        assert 'value="12:45"' in refused.text
    again = clerk.post(path, typed(ends="12:45", seen=hidden(refused)["seen"][0]) | {"do": "save"})
    assert again.status_code == 302
    assert RecurringAbsence.objects.get().ends == time(12, 45)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"who": ""}, "Choose who is away"),
        ({"who": "nobody"}, "not one of the available choices"),
        ({"weekdays": []}, "Choose at least one day"),
        ({"weekdays": ["7"]}, "not one of the available choices"),
        ({"weekdays": ["x"]}, "not one of the available choices"),
        ({"begins": ""}, "Type a time"),
        ({"begins": "noon"}, "Type a time, such as"),
        ({"ends": "12:00"}, "It ends before it begins"),
        ({"ends": "11:00"}, "It ends before it begins"),
        ({"first_day": "2026-11-30"}, "That day has gone by"),
        ({"first_day": "99999-01-01"}, "Choose a date"),
        ({"last_day": ""}, "required"),
        ({"last_day": "2026-11-30"}, "The last day is before the first"),
        ({"last_day": "2028-12-02"}, "Choose a day up to December 1, 2028"),
        ({"last_day": "2899-12-31"}, "Choose a day up to"),
        ({"last_day": "2026-12-02"}, "None of these days comes between"),
        ({"first_day": "2026-12-01", "last_day": "2026-12-01", "weekdays": ["1"], "begins": "08:00"}, "still to come"),
        ({"reason": "x" * 121}, "at most 120"),
        ({"reason": "a\u202eb"}, "characters we can’t read"),
    ],
)
def test_odd_ones_are_told_at_the_field_and_nothing_is_saved(clerk, therapist, changed, error):
    for do in ("look", "save"):
        answer = clerk.post(NEW, typed(**changed) | {"do": do})
        assert answer.status_code == 422
        assert error in answer.text
    assert not RecurringAbsence.objects.exists()


def test_two_years_are_the_longest(clerk, therapist):
    assert clerk.post(NEW, typed(last_day="2028-12-01") | {"do": "save"}).status_code == 302
    assert Absence.objects.count() == 105


def test_the_page_names_a_day_that_the_clocks_skip(clerk, therapist):
    night = typed(weekdays=["6"], begins="02:00", ends="03:00")

    assert "Not on Sunday, March 14, 2027: the clocks go forward" in clerk.post(NEW, night | {"do": "look"}).text


def test_a_day_of_it_says_so_where_it_is_changed_or_deleted_alone(clerk, therapist):
    clerk.post(NEW, typed() | {"do": "save"})
    day = Absence.objects.earliest("starts_at")
    change, delete = (f"/admin/booking/absence/{day.pk}/{page}/" for page in ("change", "delete"))

    assert "holds for this day alone" in clerk.get(change).text
    assert "Only this day is deleted" in clerk.get(delete).text
    clerk.post(delete, {"post": "yes"})
    assert RecurringAbsence.objects.get().left_out == [date(2026, 12, 3)]
    chosen = list(Absence.objects.order_by("starts_at").values_list("pk", flat=True)[:2])
    form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    clerk.post("/admin/booking/absence/?recurring=days", form)
    assert len(RecurringAbsence.objects.get().left_out) == 3


def test_a_therapist_enters_changes_and_removes_their_own_alone(december, therapist):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    own, theirs, everyones = saved(lunch(therapist)), saved(lunch(other)), saved(lunch(None))
    client = at_the_desk(account)

    assert "The whole clinic" not in client.get(NEW).text
    for who in ("whole-clinic", other.slug):
        assert client.post(NEW, typed(who=who) | {"do": "save"}).status_code == 422
    for rule, status in ((own, 200), (theirs, 404), (everyones, 403)):
        for path in (f"/admin/hours/recurring/{rule.pk}/", f"/admin/hours/recurring/{rule.pk}/remove/"):
            assert client.get(path).status_code == status
            if status != 200:
                assert client.post(path, typed() | {"do": "save", "seen": ""}).status_code == status
    assert client.get(f"/admin/hours/recurring/{10**17}/").status_code == 404
    page = client.get(HOURS).text
    assert f'href="/admin/hours/recurring/{own.pk}/"' in page
    assert f"/admin/hours/recurring/{theirs.pk}/" not in page
    assert "The whole clinic: Lunch" in page
    assert f"/admin/hours/recurring/{everyones.pk}/" not in page
    assert RecurringAbsence.objects.count() == 3


def test_no_day_still_to_come_is_said(therapist):
    with time_machine.travel(at(date(2026, 12, 1), 9), tick=False):
        rule = a_recurring_absence(therapist, first_day=date(2026, 12, 1), last_day=date(2026, 12, 8))
    with time_machine.travel(at(date(2027, 1, 5), 9), tick=False):
        clerk = signed_in_as(FRONT_DESK)
        assert "No day is still to come" in clerk.get(f"/admin/hours/recurring/{rule.pk}/").text
        assert "nothing is left to remove" in clerk.get(f"/admin/hours/recurring/{rule.pk}/remove/").text
        assert "Recurring absences" not in clerk.get(HOURS).text
