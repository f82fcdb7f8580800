"""The calendar, "why is this time not offered?", booking for a caller, and the buttons on a visit."""

import html
import re
import uuid
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from booking import actions
from booking.desk.visits.drawing import Frame, draw
from booking.desk.visits.why_not import explain
from booking.mail.compose import compose
from booking.models import Absence, AccessLog, Appointment, Look, Message, Override, State
from revival.base.clock import Span, bounds_of_days
from revival.base.words import day_words
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_absence,
    an_appointment,
    in_days,
    version_of,
    working_all_week,
)
from tests.guest import hidden_fields, press
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

CALENDAR, CALLER, WHY = "/admin/calendar/", "/admin/calendar/book/", "/admin/calendar/why/"
SHEET = "/admin/calendar/day-sheet/"


def local(moment):
    return moment.astimezone(CHICAGO)


def typed(moment):
    return f"{local(moment):%Y-%m-%dT%H:%M}"


# ---- calendar ----


def kinds(lane):
    return [block.kind for block in lane.blocks]


def test_a_day_shows_hours_visits_turnaround_absences_and_what_is_free(therapist, service):
    an_appointment(therapist, service, in_days(3, 10))
    an_absence(therapist, in_days(3, 15), in_days(3, 17))
    day = local(in_days(3)).date()

    _, [drawn] = draw([therapist], Appointment.objects.all(), day, day, now=timezone.now(), zone=CHICAGO)

    found = [(one.kind, one.row, one.rows) for one in drawn.lanes[0].blocks]
    assert found == [
        ("work", 5, 32),
        ("free", 5, 4),
        ("visit", 9, 2),
        ("turnaround", 11, 1),
        ("free", 11, 2),  # from 10:40, so its first quarter hour is shared
        *(("free", row, 4) for row in (13, 17, 21, 25)),  # by the hour, each with a link of its own
        ("away", 29, 8),
    ]


def test_holds_are_shown_while_they_live_and_ended_visits_only_when_they_took_place(therapist, service):
    an_appointment(therapist, service, in_days(3, 10), State.HELD)
    an_appointment(therapist, service, in_days(3, 11), State.CANCELLED)
    an_appointment(therapist, service, in_days(3, 12), State.COMPLETED)
    day = local(in_days(3)).date()

    def seen(now):
        _, [drawn] = draw([therapist], Appointment.objects.all(), day, day, now=now, zone=CHICAGO)
        return [one.visit.state for one in drawn.lanes[0].blocks if one.visit]

    assert seen(timezone.now()) == [State.HELD, State.COMPLETED]
    assert seen(timezone.now() + timedelta(minutes=11)) == [State.COMPLETED]


@pytest.mark.parametrize("day", [date(2027, 3, 14), date(2027, 11, 7)], ids=["spring", "autumn"])
def test_the_nights_when_clocks_change_are_drawn_by_the_clock_on_the_wall(therapist, service, day):
    Override.objects.create(therapist=therapist, day=day, opens=time(0), closes=time(6))
    start = datetime(day.year, day.month, day.day, 4, tzinfo=CHICAGO)
    an_appointment(therapist, service, start.astimezone(ZoneInfo("UTC")))
    now = datetime(2027, 1, 1, tzinfo=CHICAGO)

    frame, [drawn] = draw([therapist], Appointment.objects.all(), day, day, now=now, zone=CHICAGO)

    assert (frame.opens, frame.closes) == (0, 18)
    visit = next(one for one in drawn.lanes[0].blocks if one.kind == "visit")
    assert visit.row == 4 * 4 + 1


def test_what_reaches_over_midnight_stands_on_both_days():
    frame = Frame(CHICAGO, 0, 24)
    span = Span(datetime(2026, 12, 7, 23, 30, tzinfo=CHICAGO), datetime(2026, 12, 8, 0, 20, tzinfo=CHICAGO))

    days = {day: bounds_of_days(day, day, CHICAGO) for day in (date(2026, 12, number) for number in (6, 7, 8, 9))}

    placed = [(day.day, block.row, block.rows) for day, block in frame.blocks("away", span, days)]

    assert placed == [(7, 95, 2), (8, 1, 2)]


def test_the_calendar_asks_the_same_however_much_there_is(clerk, therapist, service, django_assert_max_num_queries):
    for number in range(4):
        other = a_therapist(f"number-{number}")
        working_all_week(other)
        for day in range(5):
            an_appointment(other, service, in_days(day + 1))

    with django_assert_max_num_queries(15):  # one of them is the line in the access log
        page = clerk.get(CALENDAR, {"from": f"{local(in_days(1)).date()}"})

    assert page.status_code == 200
    assert AccessLog.objects.get().what == Look.CALENDAR


def test_a_therapist_sees_their_own_lane_alone(therapist, service):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    an_appointment(therapist, service, in_days(1), name="Ada Own")
    an_appointment(other, service, in_days(1), name="Fay Foreign")

    page = at_the_desk(account).get(CALENDAR, {"from": f"{local(in_days(1)).date()}", "view": "day"}).text

    assert "Ada Own" in page
    assert "Fay Foreign" not in page
    assert "Britton" not in page.split('class="cal"')[1]


@pytest.mark.parametrize("first", ["nonsense", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_is_none_is_not_found(clerk, therapist, first):
    assert clerk.get(CALENDAR, {"from": first}).status_code == 404


# ---- day sheet ----


def test_the_day_sheet_holds_first_names_and_phones_and_no_more(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3), name="Ada Example", note="Left knee", email="ada@example.com")
    an_appointment(therapist, service, in_days(3, 11), name="Pat Parent", patient_name="Kim Child")
    an_appointment(therapist, service, in_days(3, 13), State.CANCELLED, name="Gone Away")
    an_appointment(therapist, service, in_days(4), name="Other Day")

    page = clerk.get(SHEET, {"day": f"{local(in_days(3)).date()}"})
    sheet = page.text.split('class="sheet"')[1]

    assert re.findall(r'<th scope="row">.*?</th><td>(.*?)</td>', sheet) == ["Ada", "Kim"]
    assert "612-555-0142" in sheet
    assert not any(word in sheet for word in ("Example", "Left knee", "ada@", "Parent", "Gone", "Other"))
    assert "no-store" in page["Cache-Control"]
    assert AccessLog.objects.get().what == Look.DAY_SHEET
    assert clerk.get(SHEET, {"day": "nonsense"}).status_code == 404


# ---- why is this time not offered? ----


def why(therapist, service, starts_at):
    with timezone.override(CHICAGO):
        return [
            one.text for one in explain(therapist=therapist, service=service, starts_at=starts_at, now=timezone.now())
        ]


def test_each_cause_is_a_sentence(therapist, service):
    an_appointment(therapist, service, in_days(3, 10))
    an_appointment(therapist, service, in_days(3, 12), State.HELD)
    an_absence(therapist, in_days(3, 15), in_days(3, 16))
    an_absence(None, in_days(4), in_days(5))

    assert why(therapist, service, in_days(3, 9)) == []
    assert why(therapist, service, in_days(3, 8)) == ["Dr. Stanley does not work then. That day: 9:00 am to 5:00 pm."]
    assert why(therapist, service, in_days(3, 16, 45)) == [
        "A visit of 30 minutes would end after 5:00 pm, when they stop."
    ]
    assert why(therapist, service, in_days(3, 9, 5)) == ["Starts are offered every 15 minutes from 9:00 am."]
    assert why(therapist, service, in_days(3, 10)) == ["There is a visit from 10:00 am to 10:30 am (confirmed)."]
    assert why(therapist, service, in_days(3, 10, 30)) == [
        "The turnaround after the visit from 10:00 am to 10:30 am lasts until 10:40 am."
    ]
    assert why(therapist, service, in_days(3, 9, 30)) == [
        "There would be time for the visit, but its own turnaround of 10 minutes would run into the visit from"
        " 10:00 am to 10:30 am."
    ]
    [held] = why(therapist, service, in_days(3, 12))
    assert re.fullmatch(r"It is held until \d+:\d\d [ap]m: being booked online\.", held)
    [away] = why(therapist, service, in_days(3, 15))
    assert away.startswith("Dr. Stanley is away until ")
    [closed] = why(therapist, service, in_days(4, 10))
    assert closed.startswith("The whole clinic is away until ")


def test_rules_and_people_are_causes_too(therapist, service):
    far = a_service(therapist, notice_hours=100, horizon_days=5, name="Far")
    not_theirs = a_service(name="Not theirs")

    assert why(therapist, far, in_days(2)) == ["It is sooner than the 100 hours’ notice patients give."]
    assert why(therapist, far, in_days(20)) == ["It is further away than the 5 days patients can look."]
    assert why(therapist, service, in_days(-1)) == ["That time has gone by."]
    assert why(therapist, not_theirs, in_days(2)) == ["Dr. Stanley does not give “Not theirs”."]
    therapist.is_taking_patients = False
    therapist.save()
    assert why(therapist, service, in_days(2)) == ["Dr. Stanley is not taking patients online."]


def test_the_page_answers_and_names_no_patient(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3, 10))
    asked = {"therapist": therapist.slug, "service": service.slug, "starts_at": typed(in_days(3, 10))}

    page = clerk.get(WHY, asked)

    assert "There is a visit from 10:00 am to 10:30 am" in page.text
    assert "Ada Example" not in page.text
    assert clerk.get(WHY, asked | {"starts_at": "nonsense"}).status_code == 422
    assert clerk.get(WHY).status_code == 200


# ---- book for a caller ----


def call_form(therapist, service, starts_at, **facts):
    return {
        "therapist": therapist.slug,
        "service": service.slug,
        "starts_at": typed(starts_at),
        "name": "Cal Caller",
        "phone": "612-555-0111",
        "email": "",
        "is_new_patient": "yes",
        "submission_key": str(uuid.uuid4()),
    } | facts


def test_a_caller_is_booked_in_one_form(clerk, therapist, service):
    answer = clerk.post(CALLER, call_form(therapist, service, in_days(3)), follow=True)

    visit = Appointment.objects.get()
    assert (visit.name, visit.state, visit.starts_at) == ("Cal Caller", State.CONFIRMED, in_days(3))
    assert "no e-mail is sent" in answer.text
    assert "Cal" not in answer.redirect_chain[0][0]


def test_a_refusal_keeps_what_was_typed_and_shows_free_times(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3))

    page = clerk.post(CALLER, call_form(therapist, service, in_days(3), note="Left knee"))

    assert page.status_code == 409
    assert "<title>Error: Book for a caller" in page.text
    assert '<a href="#id_starts_at">' in page.text.split("data-take-focus")[1].split("</div>")[0]
    assert '<details class="answer__rules" open>' in page.text
    assert "already booked then" in page.text
    assert 'value="Cal Caller"' in page.text
    assert "Left knee" in page.text
    assert f'value="{local(in_days(3, 9, 45)).isoformat(timespec="minutes")}"' in page.text
    assert Appointment.objects.count() == 1


def test_picking_a_free_time_keeps_what_was_typed_and_books_nothing(clerk, therapist, service):
    form = call_form(therapist, service, in_days(3), look=local(in_days(4, 11)).isoformat())

    page = clerk.post(CALLER, form)

    assert page.status_code == 200
    assert 'value="Cal Caller"' in page.text
    assert f'value="{typed(in_days(4, 11))}"' in page.text
    assert not Appointment.objects.exists()


def test_a_page_that_booked_someone_does_not_drop_the_next_caller(clerk, therapist, service):
    first = call_form(therapist, service, in_days(3))
    clerk.post(CALLER, first)

    second = first | {"name": "Second Caller", "starts_at": typed(in_days(4))}
    page = clerk.post(CALLER, second)
    assert "has booked someone before" in page.text
    key = re.search(r'name="submission_key" value="([^"]+)"', page.text)[1]
    clerk.post(CALLER, second | {"submission_key": key})

    assert set(Appointment.objects.values_list("name", flat=True)) == {"Cal Caller", "Second Caller"}
    again = clerk.post(CALLER, first | {"look": ""}).text  # the browser's Back sends this once more
    assert first["submission_key"] not in again


def test_who_has_no_address_is_named_as_one_to_phone(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3), email="")

    page = press(clerk, f"/admin/booking/appointment/{visit.pk}/cancel/", follow=True).text

    assert "please phone them" in page
    assert "told by e-mail" not in page


def test_past_the_rules_needs_a_reason_and_keeps_who(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3))
    reason = "Dr. Stanley agreed"

    clerk.post(CALLER, call_form(therapist, service, in_days(3), override_reason=reason))

    visit = Appointment.objects.get(name="Cal Caller")
    assert (visit.is_override, visit.override_reason) == (True, reason)
    assert visit.override_by.username == "colleague-front-desk"


@pytest.mark.parametrize("query", ["?from=nonsense", "?therapist=nobody", "?from=9999-12-31T23:00%2B14:00"])
def test_odd_links_open_an_empty_form(clerk, therapist, service, query):
    assert clerk.get(CALLER + query).status_code == 200


def test_a_therapist_books_for_themselves_alone(therapist, service):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    client = at_the_desk(account)

    client.post(CALLER, call_form(other, service, in_days(3)))
    assert not Appointment.objects.exists()
    client.post(CALLER, call_form(therapist, service, in_days(3)))
    assert Appointment.objects.get().therapist == therapist


def test_the_free_times_come_before_who_it_is_for_and_a_picked_one_leads_there(clerk, therapist, service):
    page = clerk.get(CALLER).text
    assert page.index('name="service"') < page.index('id="free"') < page.index('name="name"')
    assert '<details class="answer__rules">' in page

    form = call_form(therapist, service, in_days(3), name="", look=local(in_days(4, 11)).isoformat())
    picked = clerk.post(CALLER, form).text

    assert f"Start is now {day_words(in_days(4))}, 11:00 am." in picked
    assert re.search(r'<input[^>]*name="name"[^>]*data-take-focus', picked)
    named = clerk.post(CALLER, form | {"name": "Cal Caller"}).text
    assert re.search(r'<p role="status"[^>]*data-take-focus', named)


def test_who_stands_at_the_desk_is_booked_from_a_little_before_with_a_reason(therapist, service):
    with time_machine.travel(in_days(1, 10, 20)):
        clerk = signed_in_as(FRONT_DESK)
        refused = clerk.post(CALLER, call_form(therapist, service, in_days(0, 10)))
        clerk.post(CALLER, call_form(therapist, service, in_days(0, 8, 15), override_reason="Is here"))
        assert not Appointment.objects.exists()
        clerk.post(CALLER, call_form(therapist, service, in_days(0, 10), override_reason="Is here"))

    assert "for someone who is here now, give a reason below" in refused.text
    assert Appointment.objects.get().override_reason == "Is here"


# ---- what became of a visit ----


def test_arrived_completed_and_did_not_come_are_one_click_and_tell_nobody(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(1))
    page = f"/admin/booking/appointment/{visit.pk}/"

    opened = clerk.get(f"{page}change/").text
    assert "/no-show/" not in opened  # it has not begun
    assert "/arrived/" not in opened  # nor is it its day
    with time_machine.travel(visit.starts_at + timedelta(minutes=1)):
        clerk = signed_in_as(FRONT_DESK, username="on-the-day")
        assert "No e-mail is sent" in clerk.get(f"{page}arrived/").text
        press(clerk, f"{page}arrived/")
        press(clerk, f"{page}take-back/")
        press(clerk, f"{page}arrived/")
        press(clerk, f"{page}complete/")
    visit.refresh_from_db()
    assert visit.state == State.COMPLETED
    late = an_appointment(therapist, service, in_days(2))
    with time_machine.travel(late.starts_at + timedelta(minutes=20)):
        clerk = signed_in_as(FRONT_DESK, username="later")
        press(clerk, f"/admin/booking/appointment/{late.pk}/no-show/")
    late.refresh_from_db()
    assert late.state == State.NO_SHOW
    assert Message.objects.count() == 0


def test_a_visit_is_moved_by_a_form_and_a_second_colleague_is_told(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    page = f"/admin/booking/appointment/{visit.pk}/move/"
    shown = hidden_fields(clerk.get(page).text)

    assert clerk.post(page, shown | {"starts_at": typed(in_days(4, 11))}).status_code == 302
    second = clerk.post(page, shown | {"starts_at": typed(in_days(5, 11))})

    visit.refresh_from_db()
    assert visit.starts_at == in_days(4, 11)
    assert "was quicker" in second.text
    assert f"What is so now: Confirmed, {day_words(in_days(4, 11))}, 11:00 am" in second.text
    assert f'value="{typed(in_days(5, 11))}"' in second.text  # the time they chose
    assert [one.kind for one in visit.messages.all()] == ["moved"]


def test_a_move_to_where_something_stands_is_refused_at_the_field(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    an_appointment(therapist, service, in_days(4))
    page = f"/admin/booking/appointment/{visit.pk}/move/"

    refused = press(clerk, page, {"starts_at": typed(in_days(4))})

    assert refused.status_code == 422
    assert "already booked then." in refused.text
    assert not Absence.objects.exists()
    visit.refresh_from_db()
    assert visit.starts_at == in_days(3)


def test_moving_shows_what_is_free_and_what_they_will_read(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    page = f"/admin/booking/appointment/{visit.pk}/move/"
    shown = clerk.get(page).text
    assert f'value="{local(in_days(3, 11)).isoformat(timespec="minutes")}"' in shown

    picked = press(clerk, page, {"look": in_days(4, 11).isoformat()})

    assert picked.status_code == 200
    assert f'value="{typed(in_days(4, 11))}"' in picked.text
    assert day_words(in_days(4, 11)) in picked.text.split('class="answer__text"')[1].split("</div>")[0]
    visit.refresh_from_db()
    assert (visit.starts_at, visit.messages.count()) == (in_days(3), 0)
    assert clerk.post(page, hidden_fields(picked.text) | {"starts_at": typed(in_days(4, 11))}).status_code == 302


@pytest.mark.parametrize("odd", ["x", "99999-01-01T00:00", "\x00", "2026-13-01"])
def test_an_odd_pick_chooses_nothing(clerk, therapist, service, odd):
    visit = an_appointment(therapist, service, in_days(3))

    answer = clerk.post(f"/admin/booking/appointment/{visit.pk}/move/", {"look": odd})

    assert answer.status_code in (200, 400)
    visit.refresh_from_db()
    assert visit.starts_at == in_days(3)


def test_a_visit_past_the_rules_that_is_moved_within_them_is_past_them_no_more(therapist, service):
    clerk = staff_user(FRONT_DESK)
    facts = {"is_override": True, "override_by": clerk, "override_reason": "Asked by the surgeon"}
    visit = an_appointment(therapist, service, in_days(3, 20), **facts)

    actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=in_days(3), by=actions.Actor.STAFF)

    visit.refresh_from_db()
    assert (visit.is_override, visit.override_by, visit.override_reason) == (False, None, "")


def test_without_a_new_time_nothing_is_shown_to_send_and_nothing_is_moved(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    page = f"/admin/booking/appointment/{visit.pk}/move/"

    opened = clerk.get(page).text
    same = press(clerk, page, {"starts_at": typed(in_days(3))})

    assert 'class="answer__text"' not in opened
    assert "the e-mail they get is shown here" in opened
    assert ", chosen" not in opened
    assert same.status_code == 422
    assert "That is when it is now." in same.text
    assert not visit.messages.exists()


# ---- declining with other times ----


def shown(page):
    """The words of the message, on the page that asks once more."""
    text = page.text.split('class="answer__text">')[1].split("</div>")[0]
    return html.unescape(text.replace("<br>", " ")).split()


@pytest.mark.parametrize("ticked", [None, [0, 8], []], ids=["as it opens", "others", "none"])
def test_the_message_shown_before_declining_is_the_one_that_leaves(clerk, therapist, service, ticked):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    visit = an_appointment(therapist, service, in_days(3, 11), State.REQUESTED)
    page = f"/admin/booking/appointment/{visit.pk}/decline/"
    seen = clerk.get(page)
    offered = re.findall(r'name="instead" value="([^"]+)"', seen.text)
    chosen = re.findall(r'name="instead" value="([^"]+)"[^>]* checked', seen.text)
    near = [in_days(3, 10), in_days(3, 10, 15), in_days(3, 11, 45)]
    assert chosen == [f"{therapist.pk} {start.isoformat()}" for start in near]
    if ticked is not None:
        chosen = [offered[number] for number in ticked]
        seen = press(clerk, page, {"instead": chosen, "look": ""})
    assert not visit.messages.exists()  # looking sends nothing

    clerk.post(page, hidden_fields(seen.text) | {"instead": chosen})

    assert shown(seen) == compose(visit.messages.get()).body.split()


def test_declining_offers_times_near_the_one_asked_for(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3), State.REQUESTED)
    page = f"/admin/booking/appointment/{visit.pk}/decline/"
    offered = re.findall(r'name="instead" value="([^"]+)"', clerk.get(page).text)
    assert f"{therapist.pk} {in_days(3, 9, 45).isoformat()}" in offered

    four = press(clerk, page, {"instead": offered[:4]})
    gone = press(clerk, page, {"instead": [f"{therapist.pk} {in_days(3).isoformat()}"]})
    assert (four.status_code, gone.status_code) == (422, 422)
    assert "Tick at most 3." in four.text
    assert "no longer free" in gone.text
    assert not visit.messages.exists()

    assert press(clerk, page, {"instead": offered[:2]}).status_code == 302
    [message] = visit.messages.all()
    assert [f"{whose} {start}" for whose, start in message.suggested] == offered[:2]


# ---- patients ----

PATIENTS = "/admin/patients/"


def test_visits_are_found_by_person_with_a_tally(clerk, therapist, service):
    for days, state in ((3, State.CONFIRMED), (4, State.CANCELLED), (5, State.CONFIRMED)):
        an_appointment(therapist, service, in_days(days), state)
    an_appointment(therapist, service, in_days(6), name="Ada Other", email="", phone="+1 612 555 0199")
    an_appointment(therapist, service, in_days(7), name="Ada Other", email="", phone="612-555-0199")

    page = clerk.post(PATIENTS, {"name": "ada"}).text

    people = page.split('class="persons__one"')[1:]
    assert len(people) == 2
    assert "2 confirmed" in people[0]
    assert "2 confirmed, 1 cancelled" in people[1]


def test_all_visits_of_one_patient_and_another_for_them_without_typing(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3))
    an_appointment(therapist, service, in_days(4), email="other@example.com", phone="1")
    named_otherwise = an_appointment(therapist, service, in_days(5), name="Ada Married")

    page = clerk.post(PATIENTS, {"visit": visit.pk}).text
    assert f"appointment/{named_otherwise.pk}/" in page
    assert page.count("/admin/booking/appointment/") == 2
    assert AccessLog.objects.filter(what=Look.SEARCH).exists()

    again = {"name": visit.name, "email": visit.email, "phone": visit.phone, "therapist": therapist.slug, "look": ""}
    filled = clerk.post(CALLER, again).text
    assert f'value="{visit.email}"' in filled
    assert "Free with Dr. Stanley" in filled


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "١"])
def test_visits_of_nobody_are_not_found(clerk, therapist, number):
    assert clerk.post(PATIENTS, {"visit": number}).status_code == 404


def test_a_therapist_finds_no_patient_by_the_number_of_a_foreign_visit(therapist, service):
    other = a_therapist("benjamin-britton", account=staff_user(THERAPIST))
    visit = an_appointment(therapist, service, in_days(3))
    an_appointment(other, a_service(other), in_days(4), email=visit.email)

    assert at_the_desk(other.account).post(PATIENTS, {"visit": visit.pk}).status_code == 404
