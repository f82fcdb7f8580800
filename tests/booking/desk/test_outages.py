"""The pages for a therapist who is out: staff start it and see the board, patients answer by a private link."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from booking import actions
from booking.models import (
    AccessLog,
    AffectedVisit,
    Appointment,
    Delivery,
    Kind,
    Message,
    Outage,
    State,
)
from revival.base.clock import Span
from tests.booking.actions.test_outages import again, line_of
from tests.factories import (
    CHICAGO,
    a_service,
    a_therapist,
    an_appointment,
    day_in,
    erased,
    in_days,
    outage_of,
    version_of,
    working_all_week,
)
from tests.guest import press
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

NEW, LIST = "/admin/calendar/out/new/", "/admin/calendar/out/"


@pytest.fixture
def other(clinic):
    other = a_therapist("benjamin-britton", name="Dr. Benjamin Britton", short_name="Dr. Britton")
    working_all_week(other)
    return other


@pytest.fixture
def service(therapist, other):
    return a_service(therapist, other, slug="consultation")


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(3, 10), confirmed_at=timezone.now())


@pytest.fixture
def outage(therapist, service, visit):
    return outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))


def asked_for(**typed):
    return {"therapist": "peter-stanley", "when": "dates", "first_day": str(day_in(3)), "first": "other"} | typed


def fields_of(page):
    """What a browser would post from the preview as it stands."""
    text = page.text
    fields = {}
    for tag in re.findall(r"<input[^>]+>", text):
        facts = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in facts and (facts.get("type") != "checkbox" or " checked" in tag):
            fields[facts["name"]] = facts.get("value", "on")
    for name, options in re.findall(r'<select[^>]* name="(time-\d+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        fields[name] = re.search(r'value="([^"]*)" selected', options)[1]
    fields.pop("csrfmiddlewaretoken", None)
    return fields


# ---- staff start it ----


def test_the_preview_shows_who_is_affected_and_changes_nothing(clerk, visit):
    page = clerk.get(NEW, asked_for())

    assert page.status_code == 200
    assert visit.name in page.text
    assert visit.phone in page.text
    assert "10:00 am with Dr. Britton" in page.text
    assert "Start it, and e-mail 1 patient" in page.text
    assert not Outage.objects.exists()
    assert not Message.objects.exists()
    assert AccessLog.objects.filter(about="outage", what="list").count() == 1


def test_the_best_time_comes_first_and_the_rest_in_their_order(clerk, visit):
    page = clerk.get(NEW, asked_for()).text
    listed = re.findall(r'<option value="[\w-]+ ([^"]+)"', page)

    assert len(listed) > 2
    assert listed[1:] == sorted(listed[1:])


def test_with_nothing_in_hand_the_calendar_leads_straight_to_the_form(clerk, visit):
    assert clerk.get("/admin/calendar/out/?start")["Location"] == NEW
    assert clerk.get("/admin/calendar/out/").status_code == 200
    clerk.post(NEW, fields_of(clerk.get(NEW, asked_for())))
    assert clerk.get("/admin/calendar/out/?start").status_code == 200


def test_starting_it_from_the_page_leads_to_the_board(clerk, visit):
    done = clerk.post(NEW, fields_of(clerk.get(NEW, asked_for())), follow=True)

    assert done.redirect_chain[-1][0] == Outage.objects.get().get_absolute_url()
    assert "1 e-mail leaves now; nobody is left to call." in done.text
    line = line_of(visit)
    assert (line.state, line.starts_at) == ("waiting", in_days(3, 10))
    assert line.outage.started_by.username == "colleague-front-desk"


def test_staff_change_the_proposal_and_choose_the_phone(clerk, therapist, service, visit):
    second = an_appointment(therapist, service, in_days(3, 11), name="Bo", email="bo@example.com")
    page = clerk.get(NEW, asked_for())
    listed = re.findall(r'<option value="(peter-stanley [^"]+)"', page.text)
    fields = fields_of(page) | {f"time-{visit.pk}": listed[0], f"phone-{second.pk}": "on"}

    clerk.post(NEW, fields)

    assert line_of(visit).therapist == therapist
    assert line_of(visit).starts_at >= in_days(4, 0)
    assert (line_of(second).state, line_of(second).why) == ("to-phone", "chosen")
    assert line_of(second).hold.state == State.HELD


def test_pressing_start_twice_is_one_outage(clerk, visit):
    fields = fields_of(clerk.get(NEW, asked_for()))

    first, second = clerk.post(NEW, fields), clerk.post(NEW, fields)

    assert first["Location"] == second["Location"]
    assert Outage.objects.count() == Message.objects.count() == 1


def test_the_second_of_two_colleagues_is_led_to_the_first_ones_board(clerk, visit):
    fields = fields_of(clerk.get(NEW, asked_for()))
    clerk.post(NEW, fields | {"submission_key": str(uuid.uuid4())})

    done = clerk.post(NEW, fields, follow=True)

    assert "A colleague has already started this" in done.text
    assert Message.objects.count() == 1


def test_a_time_that_was_taken_meanwhile_is_said_and_everything_else_is_kept(clerk, therapist, other, service, visit):
    second = an_appointment(therapist, service, in_days(3, 12), name="Bo", email="bo@example.com")
    fields = fields_of(clerk.get(NEW, asked_for())) | {f"phone-{second.pk}": "on", "reason": "Fever"}
    an_appointment(other, service, in_days(3, 10), email="quick@example.com")

    page = clerk.post(NEW, fields)

    assert page.status_code == 409
    assert "One time has been taken meanwhile" in page.text
    assert page.text.count("out-row--gone") == 1
    assert 'value="Fever"' in page.text
    assert re.search(rf'name="phone-{second.pk}" checked', page.text)
    assert not Outage.objects.exists()
    assert clerk.post(NEW, fields_of(page)).status_code == 302


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"first_day": ""}, "Choose the first day"),
        ({"first_day": "2020-01-01"}, "That time has gone by"),
        ({"last_day": "2020-01-01"}, "It ends before it begins"),
        ({"last_day": "2899-01-01"}, "three months at most"),
        ({"first_day": "9999-12-31"}, "between 2001 and 2899"),
        ({"first_day": "99999-01-01"}, "Enter a valid date"),
        ({"first_time": "25:00"}, "Enter a valid time"),
        ({"therapist": "nobody"}, "Select a valid choice"),
        ({"when": "sometime"}, "Select a valid choice"),
        ({"first": "x"}, "Select a valid choice"),
    ],
)
def test_odd_spans_are_said_at_their_field(clerk, visit, typed, said):
    page = clerk.get(NEW, asked_for(**typed))

    assert page.status_code == 422
    assert said in page.text
    assert visit.name not in page.text


@pytest.mark.parametrize(
    "typed",
    [
        {"starts_at": "yesterday"},
        {"ends_at": "99999-01-01T00:00+00:00"},
        {"submission_key": "x"},
        {"therapist": "nobody"},
        {"first": "x"},
        {"time-x": "peter-stanley 2026-12-07T09:00-06:00"},
        {"time-99999999999999999999": ""},
        {"time-1": "peter-stanley soon"},
        {"time-1": "nobody 2026-12-07T09:00-06:00"},
        {"time-1": "../.. 2026-12-07T09:00-06:00"},
        {"reason": "a\0b"},
    ],
)
def test_what_our_page_never_writes_is_refused_whole(clerk, visit, typed):
    fields = fields_of(clerk.get(NEW, asked_for()))

    assert clerk.post(NEW, fields | typed).status_code == 400
    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"answer_by": "2020-01-01T09:00"}, "at least half an hour"),
        ({"answer_by": "2890-01-01T09:00"}, "three months from now"),
        ({"answer_by": ""}, "Please fill this in"),
        ({"reason": "x" * 121}, "at most 120"),
    ],
)
def test_what_staff_typed_is_kept_when_something_is_wrong(clerk, visit, typed, said):
    fields = fields_of(clerk.get(NEW, asked_for())) | {f"phone-{visit.pk}": "on"}

    page = clerk.post(NEW, fields | typed)

    assert page.status_code == 422
    assert said in page.text
    assert re.search(rf'name="phone-{visit.pk}" checked', page.text)
    assert not Outage.objects.exists()


@pytest.mark.parametrize("preset", ["today", "tomorrow", "week"])
def test_presets(therapist, service, preset):
    with time_machine.travel(in_days(3, 9, 20), tick=False):
        clerk = signed_in_as(FRONT_DESK)
        page = clerk.get(NEW, {"therapist": "peter-stanley", "when": preset, "first": "same"})
        clerk.post(NEW, fields_of(page))
        span = Outage.objects.get().span
        now = timezone.now()
        today = now.astimezone(CHICAGO).date()
        start = in_days(1, 0) if preset == "tomorrow" else now
        days = {"today": 1, "tomorrow": 2, "week": 7 - today.weekday()}[preset]
        assert (span.start, span.end) == (start, in_days(days, 0))
        assert "Nobody has a visit then" in page.text


# ---- the board ----


def test_the_board_shows_each_visit_once_with_its_next_step(clerk, therapist, other, service, visit):
    names = ["Phone", "Refused", "Accepted", "Cancelled", "Kept"]
    rows = {
        name: an_appointment(
            therapist, service, in_days(3, 11 + n), name=name, email="" if name == "Phone" else f"{name}@example.com"
        )
        for n, name in enumerate(names)
    }
    outage = outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))
    Message.objects.filter(recipient="Refused@example.com").update(delivery=Delivery.REFUSED)
    held = line_of(rows["Accepted"])
    actions.take_other_time(
        line=held, seen=version_of(held), therapist=held.therapist, starts_at=held.starts_at, by=actions.Actor.PATIENT
    )
    actions.cancel_affected(
        line=line_of(rows["Cancelled"]), seen=version_of(line_of(rows["Cancelled"])), by=actions.Actor.PATIENT
    )
    actions.keep_affected(line=line_of(rows["Kept"]), seen=version_of(line_of(rows["Kept"])), who=None)

    page = clerk.get(outage.get_absolute_url()).text

    boxes = dict(zip(["to-phone", "waiting", "answered", "as-planned"], re.split(r'id="b-', page)[1:], strict=True))
    where = {name: [box for box, text in boxes.items() if f"<strong>{name}</strong>" in text] for name in names}
    assert where == {
        "Phone": ["to-phone"],
        "Refused": ["to-phone"],
        "Accepted": ["answered"],
        "Cancelled": ["answered"],
        "Kept": ["as-planned"],
    }
    assert "<strong>Ada Example</strong>" in boxes["waiting"]
    assert "refused by the mail server" in boxes["to-phone"]
    assert "Call and settle" in boxes["to-phone"]
    first_page = clerk.get("/admin/").text
    assert "To phone: <b>2</b>" in first_page
    assert "Waiting for an answer: <b>1</b>" in first_page


@pytest.mark.parametrize("path", ["board", "list", "preview", "first page"])
def test_pages_ask_the_same_for_few_and_many(clerk, therapist, other, service, visit, outage, path):
    address = {
        "board": outage.get_absolute_url(),
        "list": LIST,
        "preview": f"{NEW}?therapist=peter-stanley&when=dates&first_day={day_in(5)}&last_day={day_in(9)}&first=other",
        "first page": "/admin/",
    }[path]

    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert clerk.get(address).status_code == 200
        return len(asked)

    an_appointment(therapist, service, in_days(5, 10), name="P", email="p@example.com")
    queries()  # what the first look of a process asks once
    few = queries()
    for number in range(12):
        start = in_days(5 + number // 6, 11) + timedelta(minutes=45 * (number % 6))
        an_appointment(therapist, service, start, name=f"P{number}", email=f"p{number}@example.com")
    if path != "preview":
        outage_of(therapist, Span(in_days(5, 0), in_days(10, 0)))
        for row in AffectedVisit.objects.all():
            AffectedVisit.objects.filter(pk=row.pk).update(outage=outage)
    many = queries()

    assert many == few
    assert many <= MOST_QUERIES[path]


MOST_QUERIES = {"board": 10, "list": 10, "preview": 16, "first page": 30}
"""Sign-in, rights and the line in the log included; the preview also asks what is free, once for each service."""


def settle(client, line, agreed, **typed):
    address = f"/admin/calendar/out/{line.outage_id}/{line.pk}/"
    given = {"agreed": agreed, "therapist": "peter-stanley", "starts_at": ""}
    return press(client, address, given | typed, follow=True)


def test_staff_settle_from_the_board(clerk, therapist, other, service, outage, visit):
    line = line_of(visit)
    page = clerk.get(f"/admin/calendar/out/{outage.pk}/{line.pk}/")
    assert "held for them until" in page.text
    held = re.search(r'value="(benjamin-britton [^"]+)"', page.text)[1]

    done = settle(clerk, line, held)

    assert "Moved to" in done.text
    assert "The patient is told by e-mail." in done.text
    assert again(visit).therapist == other
    assert (again(line).state, line.settled_by.username) == ("accepted", "colleague-front-desk")
    late = settle(clerk, line, "cancel")
    assert "A colleague or the patient was quicker" in late.text
    assert again(visit).state == State.CONFIRMED


@pytest.mark.parametrize(
    ("agreed", "typed", "state"),
    [
        ("cancel", {}, "cancelled"),
        ("keep", {}, "kept"),
        ("reached", {}, "waiting"),
        ("elsewhere", {"therapist": "benjamin-britton", "starts_at": f"{day_in(6)}T09:15"}, "other-time"),
    ],
)
def test_what_was_agreed_on_the_phone(clerk, outage, visit, agreed, typed, state):
    done = settle(clerk, line_of(visit), agreed, **typed)

    assert done.status_code == 200
    assert line_of(visit).state == state
    if agreed == "reached":
        assert "Reached by phone" in done.text


@pytest.mark.parametrize(
    ("agreed", "typed", "said"),
    [
        ("", {}, "Please fill this in"),
        ("elsewhere", {}, "Choose a time"),
        ("elsewhere", {"starts_at": "9999-01-01T09:00"}, "not a time we know"),
        ("elsewhere", {"starts_at": f"{day_in(3)}T09:00"}, "Dr. Stanley is away until"),
        ("elsewhere", {"starts_at": f"{day_in(6)}T09:07"}, "Starts are offered every 15 minutes"),
        ("benjamin-britton soon", {}, "read that time"),
        ("nobody 2026-12-07T09:00-06:00", {}, "Choose one of the times"),
        ("cancel", {"version": "x"}, "did not say what it showed"),
        ("a\0b", {}, "Null characters"),
    ],
)
def test_what_cannot_be_noted_changes_nothing(clerk, outage, visit, agreed, typed, said):
    line = line_of(visit)
    page = settle(clerk, line, agreed, **typed)

    assert page.status_code in (400, 409)
    assert said in page.text or page.status_code == 400
    assert again(line).state == "waiting"
    assert again(visit).starts_at == in_days(3, 10)


def test_they_are_back_earlier(clerk, outage, visit):
    page = f"/admin/calendar/out/{outage.pk}/end/"
    assert "1 visit to come is" in clerk.get(page).text
    assert press(clerk, page, {"ends_at": f"{day_in(9)}T09:00"}).status_code == 422
    assert press(clerk, page, {"ends_at": "x"}).status_code == 422

    done = press(clerk, page, {"ends_at": ""}, follow=True)

    assert "1 visit takes place as planned" in done.text
    assert line_of(visit).state == "stands"
    assert "It is already over" in clerk.post(page, {"ends_at": ""}, follow=True).text


@pytest.mark.parametrize("path", ["{}/", "{}/end/", "{}/1/"])
@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_what_is_not_there(clerk, path, number):
    assert clerk.get(LIST + path.format(number)).status_code == 404


def test_a_message_that_did_not_arrive_leads_to_the_board(clerk, outage, visit, django_assert_max_num_queries):
    message = Message.objects.get()
    Message.objects.update(delivery=Delivery.REFUSED, last_answer="SMTP 550")

    for path in ("/admin/booking/message/", f"/admin/booking/message/{message.pk}/change/"):
        assert outage.get_absolute_url() in clerk.get(path).text
    first_page = clerk.get("/admin/").text
    assert f"{visit.name}, {visit.phone}" in first_page
    assert "Send it again" in clerk.get(f"/admin/booking/message/{message.pk}/change/").text

    press(clerk, f"/admin/booking/message/{message.pk}/phoned/")

    assert "Told by phone" in clerk.get(outage.get_absolute_url()).text


def test_a_request_whose_therapist_is_out_waits_on_the_board_only(clerk, therapist, other, service):
    request = an_appointment(therapist, service, in_days(3, 10), State.REQUESTED, requested_at=timezone.now())
    assert f"/{request.pk}/confirm/" in clerk.get("/admin/").text

    outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))

    assert f"/{request.pk}/confirm/" not in clerk.get("/admin/").text
    assert f"/{request.pk}/confirm/" not in clerk.get(f"/admin/booking/appointment/{request.pk}/change/").text


# ---- whose it is ----


def test_a_therapist_sees_their_own_outages_only(therapist, other, service, visit):
    therapist.account = staff_user(THERAPIST)
    therapist.save()
    own = outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))
    an_appointment(other, service, in_days(8, 10), name="Fay Foreign", email="fay@example.com")
    foreign = outage_of(other, Span(in_days(8, 0), in_days(9, 0)))
    client = at_the_desk(therapist.account)

    assert client.get(own.get_absolute_url()).status_code == 200
    for path in ("", "end/", f"{foreign.visits.get().pk}/"):
        for method in (client.get, client.post):
            assert method(f"{foreign.get_absolute_url()}{path}").status_code in (404, 405)
    assert "Britton" not in client.get(LIST).text
    span = {"therapist": "benjamin-britton", "when": "today", "first": "same"}
    assert client.get(NEW, span).status_code == 422
    assert foreign.visits.get().state == "waiting"


def test_a_patient_of_a_colleague_by_now_is_not_named(therapist, other, service, visit):
    therapist.account = staff_user(THERAPIST)
    therapist.save()
    outage = outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))
    line = line_of(visit)
    actions.take_other_time(
        line=line, seen=version_of(line), therapist=other, starts_at=line.starts_at, by=actions.Actor.PATIENT
    )

    page = at_the_desk(therapist.account).get(outage.get_absolute_url()).text

    assert visit.name not in page
    assert visit.phone not in page
    assert "Now a colleague’s patient" in page


def test_a_therapist_keeps_times_with_themselves_only(therapist, other, service, visit):
    therapist.account = staff_user(THERAPIST)
    therapist.save()
    client = at_the_desk(therapist.account)

    page = client.get(NEW, asked_for())
    forged = fields_of(page) | {f"time-{visit.pk}": f"benjamin-britton {in_days(3, 10).isoformat()}"}

    assert "Dr. Britton" not in page.text
    assert client.post(NEW, forged).status_code == 400
    client.post(NEW, fields_of(page))
    assert line_of(visit).therapist == therapist


def test_the_absence_of_an_outage_says_where_it_ends(clerk, outage):
    page = clerk.get(f"/admin/booking/absence/{outage.absence_id}/change/")

    assert f'<a href="{outage.get_absolute_url()}">Patients were told about this absence.' in page.text
    assert clerk.post(f"/admin/booking/absence/{outage.absence_id}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [outage.absence_id], "post": "yes"}
    clerk.post("/admin/booking/absence/", chosen, follow=True)
    assert again(outage).absence is not None


def test_calendar_and_visit_say_that_the_therapist_is_out(clerk, outage, visit):
    calendar = clerk.get(f"/admin/calendar/?from={day_in(3)}&view=day").text
    assert "therapist is out" in calendar
    assert "Kept for a patient whose therapist is out" in calendar
    assert outage.get_absolute_url() in clerk.get(f"/admin/booking/appointment/{visit.pk}/change/").text
    why = {"therapist": "benjamin-britton", "service": "consultation", "starts_at": f"{day_in(3)}T10:00"}
    assert "kept for a patient whose therapist is out" in clerk.get("/admin/calendar/why/", why).text


# ---- the patient ----


def page_of(line):
    return line.contact.get_absolute_url()


def answer(client, line, do, **typed):
    return client.post(page_of(line), {"line": line.pk, "do": do, "version": line.version} | typed)


def place(line):
    return f"{line.therapist.slug} {line.starts_at.isoformat()}"


def test_opening_the_page_changes_nothing_however_often(client, outage, visit):
    line = line_of(visit)
    for method in (client.get, client.head, client.get):
        page = method(page_of(line))
        assert page.status_code == 200
        assert page["Cache-Control"] == "no-store"
    assert again(line).state == "waiting"
    assert "Held for you until" in page.text
    assert "Dr. Benjamin Britton" in page.text
    assert visit.name not in page.text
    assert visit.email not in page.text
    assert client.options(page_of(line)).status_code == 405


def test_the_patient_takes_the_held_time(client, outage, visit):
    line = line_of(visit)

    done = answer(client, line, "take", place=place(line))

    assert done.status_code == 302
    page = client.get(done["Location"]).text
    assert "Thank you, everything is settled" in page
    assert again(visit).get_absolute_url() in page
    assert answer(client, line, "take", place=place(line)).status_code == 302
    assert Message.objects.filter(kind=Kind.MOVED).count() == 1


def test_the_patient_takes_a_listed_time(client, outage, visit):
    line = line_of(visit)
    listed = re.findall(r'type="radio" name="place" value="([^"]+)"', client.get(page_of(line)).text)
    assert len(listed) >= 4
    assert place(line) not in listed

    assert answer(client, line, "take", place=listed[-1]).status_code == 302

    assert line_of(visit).state == "other-time"


def test_a_time_taken_a_moment_ago_is_said_and_the_held_one_is_still_there(client, other, service, outage, visit):
    line = line_of(visit)
    listed = re.findall(r'type="radio" name="place" value="(benjamin[^"]+)"', client.get(page_of(line)).text)
    an_appointment(other, service, timezone.datetime.fromisoformat(listed[0].split()[1]), email="quick@example.com")

    page = answer(client, line, "take", place=listed[0])

    assert page.status_code == 409
    assert "has just been taken by someone else" in page.text
    assert "We are still holding the other time for you" in page.text
    assert "Take this time" in page.text
    assert listed[0] not in page.text
    assert again(visit).starts_at == in_days(3, 10)


def test_cancelling_asks_once_more(client, outage, visit):
    line = line_of(visit)
    asked = answer(client, line, "cancel")
    assert "Yes, cancel this visit" in asked.text
    assert again(visit).state == State.CONFIRMED

    answer(client, line, "surely-cancel")

    assert again(visit).state == State.CANCELLED
    assert "Cancelled" in client.get(page_of(line)).text
    assert answer(client, line, "cancel").status_code == 302


def test_when_the_held_time_is_over_the_page_says_so_and_offers_what_is_free(client, outage, visit):
    line = line_of(visit)
    with time_machine.travel(outage.answer_by + timedelta(minutes=1)):
        actions.expire_alternative(line=line)
        page = client.get(page_of(line)).text

        assert "and no longer do" in page
        assert "612-605-7594" in page
        assert place(line).partition(" ")[0] in page
        assert client.get(visit.get_absolute_url()).status_code == 200


def test_someone_with_three_visits_answers_each(client, therapist, other, service, mailbox):
    visits = [an_appointment(therapist, service, in_days(3 + n, 10), name=f"Kid {n}") for n in range(3)]
    outage_of(therapist, Span(in_days(3, 0), in_days(6, 0)))
    actions.deliver_message(message_id=Message.objects.get().pk)
    [mail] = mailbox.mails
    text = mail.get_body(("plain",)).get_content()
    assert text.count("We're holding for you") == 3
    link = re.search(r"https://clinic.example(/visits/instead/\S+)", text)[1]

    first, second, third = (line_of(one) for one in visits)
    client.post(link, {"line": first.pk, "do": "take", "place": place(first), "version": first.version})
    client.post(link, {"line": second.pk, "do": "surely-cancel", "version": second.version})

    assert [again(line).state for line in (first, second, third)] == ["accepted", "cancelled", "waiting"]
    page = client.get(link).text
    assert page.count('name="do" value="cancel"') == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"do": "sudo"},
        {"line": "x"},
        {"line": "9" * 30},
        {"line": "-1"},
        {"place": ""},
        {"place": "benjamin-britton soon"},
        {"place": "benjamin-britton 99999-01-01T00:00+00:00"},
        {"place": "benjamin-britton 2026-12-07T09:00"},
        {"place": "a\0b 2026-12-07T09:00-06:00"},
    ],
)
def test_odd_answers_are_refused_and_change_nothing(client, outage, visit, typed):
    line = line_of(visit)
    fields = {"line": line.pk, "do": "take", "place": place(line), "version": line.version} | typed

    assert client.post(page_of(line), fields).status_code == 400
    assert again(line).state == "waiting"


def test_nobody_answers_for_another_patient(client, therapist, other, service, visit):
    stranger = an_appointment(therapist, service, in_days(3, 12), name="Bo", email="bo@example.com")
    outage_of(therapist, Span(in_days(3, 0), in_days(4, 0)))

    mine, theirs = line_of(visit), line_of(stranger)
    assert client.post(page_of(mine), {"line": theirs.pk, "do": "surely-cancel"}).status_code == 404
    assert answer(client, mine, "take", place=place(theirs)).status_code == 409
    assert again(stranger).state == State.CONFIRMED
    assert answer(client, mine, "take", place=f"nobody {place(theirs).split()[1]}").status_code == 404
    assert client.get("/visits/instead/wrong/").status_code == 404


def test_the_page_is_gone_when_the_time_of_the_visit_is(client, outage, visit):
    page = page_of(line_of(visit))
    with time_machine.travel(in_days(3, 10, 31)):
        assert client.get(page).status_code == 404


def test_an_erased_person_leaves_no_page(client, outage, visit):
    page = page_of(line_of(visit))
    erased(email=visit.email)

    assert client.get(page).status_code == 404
    assert not Appointment.objects.filter(state=State.HELD).exists()


def test_the_visits_own_page_says_the_truth(client, outage, visit):
    page = client.get(visit.get_absolute_url())

    assert "Dr. Stanley is out then" in page.text
    assert page_of(line_of(visit)) in page.text
    assert "Add to my calendar" not in page.text
    assert client.get(f"{visit.get_absolute_url()}visit.ics").status_code == 404
