"""One patient, two visits at once: the desk says so before anything is saved, and goes on with one more press."""

from __future__ import annotations

import html
import re
import uuid

import pytest

from booking.models import AccessLog, Appointment, Look, Message, State
from revival.base.words import day_words
from tests.factories import (
    CHICAGO,
    an_appointment,
    day_in,
    in_days,
    outage_of,
)
from tests.guest import hidden_fields, press
from tests.staff import FRONT_DESK, THERAPIST, at_the_desk, staff_user

pytestmark = pytest.mark.django_db

CALLER, SERIES = "/admin/calendar/book/", "/admin/calendar/series/"
NOT_SAVED = "Nothing is saved yet: Ada Example has another visit then"


@pytest.fixture
def signed_in_as_therapist(therapist):
    account = staff_user(THERAPIST)
    therapist.account = account
    therapist.save()
    return at_the_desk(account)


@pytest.fixture
def elsewhere(colleague, service):
    """Ada's visit with Dr. Britton, 9:15 am to 9:45 am."""
    return an_appointment(colleague, service, in_days(3, 9, 15))


def typed(moment):
    return f"{moment.astimezone(CHICAGO):%Y-%m-%dT%H:%M}"


def call(therapist, service, start, **fields):
    return {
        "therapist": therapist.slug,
        "service": service.slug,
        "starts_at": typed(start),
        "name": "ADA example",
        "phone": "(612) 555 0142",
        "email": "",
        "is_new_patient": "no",
        "note": "Stairs are hard",
        "submission_key": str(uuid.uuid4()),
    } | fields


def told(page):
    """The box that says so, as text."""
    box = re.search(r'<div class="other-visits.*?</div>', page.text, re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", box[0]))).strip() if box else ""


def tick(page):
    """What the browser sends once the box is ticked."""
    return {"all_the_same": re.search(r'name="all_the_same" id="all_the_same"\s+value="([^"]+)"', page.text)[1]}


def stored():
    return [*Appointment.objects.order_by("pk").values_list("pk", "starts_at", "therapist")], Message.objects.count()


def test_front_desk_reads_with_whom_and_when_before_a_caller_is_booked(clerk, therapist, service, elsewhere):
    form, before = call(therapist, service, in_days(3)), stored()

    page = clerk.post(CALLER, form)

    assert page.status_code == 409
    assert "Nothing is saved yet: ADA example has another visit then" in page.text
    says = f"{day_words(in_days(3))}, 9:00 am: ADA example has another visit then"
    assert f"{says}, 9:15 am to 9:45 am with Dr. Britton (confirmed)." in told(page)
    assert "Book it all the same" in told(page)
    assert f'href="/admin/booking/appointment/{elsewhere.pk}/change/"' in page.text
    assert "Stairs are hard" in page.text
    assert stored() == before
    assert AccessLog.objects.filter(what=Look.SEARCH).count() == 1

    assert clerk.post(CALLER, form | tick(page)).status_code == 302
    assert Appointment.objects.filter(therapist=therapist, starts_at=in_days(3)).count() == 1


def test_a_therapist_reads_that_there_is_one_and_never_with_whom(signed_in_as_therapist, therapist, service, elsewhere):
    form = call(therapist, service, in_days(3))

    page = signed_in_as_therapist.post(CALLER, form)

    assert page.status_code == 409
    assert "9:00 am: ADA example has another visit then." in told(page)
    for secret in ("Britton", f"/{elsewhere.pk}/", elsewhere.version):
        assert secret not in page.text
    assert "9:15" not in told(page)
    assert signed_in_as_therapist.post(CALLER, form | tick(page)).status_code == 302


@pytest.mark.parametrize(
    ("fields", "is_said"),
    [
        ({"starts_at": typed(in_days(3, 9, 45))}, False),  # begins when the other ends
        ({"starts_at": typed(in_days(3, 9, 30))}, True),
        ({"name": "Bo Other"}, False),
        ({"phone": "612-555-0199"}, False),
        ({"phone": "612-555-0199", "email": "ADA@example.com"}, True),
        ({"patient_name": "Tom Example"}, False),  # for somebody else
    ],
)
def test_it_is_the_same_patient_at_an_overlapping_time(clerk, therapist, service, elsewhere, fields, is_said):
    page = clerk.post(CALLER, call(therapist, service, in_days(3)) | fields)

    assert page.status_code == (409 if is_said else 302)


@pytest.mark.parametrize(
    ("state", "is_said"), [(State.REQUESTED, True), (State.ARRIVED, True), (State.CANCELLED, False)]
)
def test_visits_that_do_not_take_place_do_not_count(clerk, therapist, service, elsewhere, state, is_said):
    Appointment.objects.update(state=state)

    page = clerk.post(CALLER, call(therapist, service, in_days(3)))

    assert bool(told(page) if is_said else "") is is_said
    assert page.status_code == (409 if is_said else 302)


def test_the_tick_is_for_what_the_page_said_and_nothing_else(clerk, therapist, service, colleague, elsewhere):
    form = call(therapist, service, in_days(3))
    accepted = tick(clerk.post(CALLER, form))
    before = stored()

    later = clerk.post(CALLER, form | accepted | {"starts_at": typed(in_days(3, 9, 30))})
    assert later.status_code == 409
    assert " checked" not in told_box(later)
    assert clerk.post(CALLER, form | {"all_the_same": "on"}).status_code == 409

    assert stored() == before


def told_box(page):
    return re.search(r'<input type="checkbox" name="all_the_same".*?>', page.text, re.DOTALL)[0]


def test_the_tick_is_kept_when_something_else_is_wrong(clerk, therapist, service, elsewhere):
    form = call(therapist, service, in_days(3))
    accepted = tick(clerk.post(CALLER, form))

    again = clerk.post(CALLER, form | accepted | {"is_new_patient": ""})

    assert again.status_code == 409
    assert "Choose whether it is their first visit." in again.text
    assert " checked" in told_box(again)


def test_the_same_form_sent_twice_is_one_visit_and_no_question(clerk, therapist, service, colleague):
    form = call(therapist, service, in_days(3))

    first, second = clerk.post(CALLER, form), clerk.post(CALLER, form)

    assert (first.status_code, second.status_code, second.url) == (302, 302, first.url)
    assert Appointment.objects.count() == 1


def test_while_times_are_looked_at_it_is_said_already(clerk, therapist, service, elsewhere):
    looking = {"look": in_days(3).isoformat(), **call(therapist, service, in_days(5))}

    page = clerk.post(CALLER, looking)

    assert page.status_code == 200
    assert "with Dr. Britton" in told(page)


def test_past_the_rules_a_visit_with_the_same_therapist_is_said_too(clerk, therapist, service):
    an_appointment(therapist, service, in_days(3))
    form = call(therapist, service, in_days(3))

    refused = clerk.post(CALLER, form)
    assert told(refused) == ""  # it cannot be had at all, and the refusal names what is there
    assert "Something is already booked then." in refused.text
    asked = clerk.post(CALLER, form | {"override_reason": "Both knees"})
    assert "9:00 am to 9:30 am with Dr. Stanley" in told(asked)
    assert Appointment.objects.count() == 1
    assert clerk.post(CALLER, form | {"override_reason": "Both knees"} | tick(asked)).status_code == 302


# ---- move ----


@pytest.mark.parametrize("role", [FRONT_DESK, THERAPIST])
def test_a_move_says_so_while_choosing_and_again_before_it_is_saved(
    clerk, signed_in_as_therapist, therapist, service, elsewhere, role
):
    client = clerk if role == FRONT_DESK else signed_in_as_therapist
    visit = an_appointment(therapist, service, in_days(5))
    page, place = f"/admin/booking/appointment/{visit.pk}/move/", {"starts_at": typed(in_days(3))}

    looked = press(client, page, place | {"look": ""})
    asked = press(client, page, place)

    assert (looked.status_code, asked.status_code) == (200, 422)
    assert NOT_SAVED in asked.text
    for shown in (looked, asked):
        assert "Ada Example has another visit then" in told(shown)
        assert "Move it all the same" in told(shown)
        assert ("Britton (confirmed)" in told(shown)) is (role == FRONT_DESK)
        assert (f"/appointment/{elsewhere.pk}/" in shown.text) is (role == FRONT_DESK)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.messages.count()) == (in_days(5), 0)

    assert press(client, page, place | tick(looked)).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == in_days(3)


def test_a_move_to_another_therapist_does_not_meet_itself(clerk, therapist, service, colleague):
    visit = an_appointment(therapist, service, in_days(3))

    moved = press(
        clerk,
        f"/admin/booking/appointment/{visit.pk}/move/",
        {"therapist": colleague.slug, "starts_at": typed(in_days(3, 9, 15))},
    )

    assert moved.status_code == 302


# ---- series ----


def series_form(therapist, service):
    fields = call(therapist, service, in_days(3)) | {"first_day": day_in(2).isoformat(), "weeks": "1", "a_week": "2"}
    return fields | {"clock": "09:00", "weekdays": [str(day_in(3).weekday()), str(day_in(4).weekday())]}


@pytest.mark.parametrize("role", [FRONT_DESK, THERAPIST])
def test_a_series_says_which_of_its_visits_meets_another(
    clerk, signed_in_as_therapist, therapist, service, elsewhere, role
):
    client = clerk if role == FRONT_DESK else signed_in_as_therapist
    form = series_form(therapist, service)
    plan = client.post(SERIES, form | {"do": "propose"})
    sent = form | plan_sent(plan)
    before = stored()

    asked = client.post(SERIES, sent | {"do": "book"})

    assert asked.status_code == 409
    assert f"{day_words(in_days(3))}, 9:00 am: ADA example has another visit then" in told(asked)
    assert day_words(in_days(4)) not in told(asked)
    assert ("Dr. Britton" in told(asked)) is (role == FRONT_DESK)
    assert stored() == before
    booked = client.post(SERIES, sent | {"do": "book"} | tick(asked))
    assert booked.status_code == 302
    assert client.post(SERIES, sent | {"do": "book"}).status_code != 500
    assert Appointment.objects.filter(therapist=therapist).count() == 2


def plan_sent(page):
    """The plan as the page proposes it, nothing changed."""
    picked = re.findall(r'name="(visit-\d+)" value="([^"]+)" checked', page.text)
    hidden = {name: value for name, value in hidden_fields(page.text).items() if name != "submission_key"}
    return {**hidden, **dict(picked)}


# ---- outage ----


@pytest.mark.parametrize("role", [FRONT_DESK, THERAPIST])
@pytest.mark.parametrize("way", ["another time", "one of the list"])
def test_settling_a_line_says_so_before_it_moves(
    clerk, signed_in_as_therapist, therapist, service, elsewhere, role, way
):
    client = clerk if role == FRONT_DESK else signed_in_as_therapist
    visit = an_appointment(therapist, service, in_days(5))
    outage = outage_of(therapist, visit.span)
    line = outage.visits.get()
    page = f"/admin/calendar/out/{outage.pk}/{line.pk}/"
    place = {"agreed": "elsewhere", "therapist": therapist.slug, "starts_at": typed(in_days(3))}
    if way == "one of the list":
        place["agreed"] = f"{therapist.slug} {in_days(3).isoformat()}"
    before = stored()

    asked = press(client, page, place)

    assert asked.status_code == 409
    assert NOT_SAVED in asked.text
    assert ("Dr. Britton (confirmed)" in told(asked)) is (role == FRONT_DESK)
    assert stored() == before
    assert press(client, page, place | tick(asked)).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == in_days(3)


def test_settling_without_a_therapist_is_asked_again(clerk, therapist, service):
    visit = an_appointment(therapist, service, in_days(5))
    outage = outage_of(therapist, visit.span)
    page = f"/admin/calendar/out/{outage.pk}/{outage.visits.get().pk}/"

    refused = press(clerk, page, {"agreed": "elsewhere", "starts_at": typed(in_days(3))})

    assert refused.status_code == 409
    assert "Choose a therapist." in refused.text
