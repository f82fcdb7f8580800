"""What keeps robots out, and how a person whom it takes for one goes on: one box to check, everything kept."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from booking.models import Appointment, ContactRequest, DailyCount, Message, State, WaitlistEntry
from booking.patients.forms.person import PersonForm
from booking.patients.forms.robots import StampField
from tests.factories import CHICAGO, an_appointment, day_in, in_days, typed_details
from tests.guest import form_fields, hidden_fields

SLOTS = "/book/peter-stanley/consultation/"
ASK, JOIN = "/book/peter-stanley/ask/", "/waitlist/join/peter-stanley/consultation/"
QUESTION = "Check “I am a person” and send it once more."
TYPED = {
    "ask": {
        "name": "Carla Caller",
        "reach_by": "phone",
        "phone": "612-555-0188",
        "parts": ["morning"],
        "consent": "on",
    },
    "join": typed_details(first_day=day_in(1).isoformat(), last_day=day_in(9).isoformat(), parts=["morning"], note=""),
    "details": typed_details(note="After school, please"),
}
NEVER_KEPT = ("csrfmiddlewaretoken", "asked")


@pytest.fixture(autouse=True)
def _clinic(therapist, service):
    """Every page needs the clinic, its therapist and what can be booked."""


@pytest.fixture(params=["ask", "join", "details"])
def form(request, client):
    """The address of a form, and what a person sends from it."""
    path = {"ask": ASK, "join": JOIN}.get(request.param)
    path = (
        path or client.post(SLOTS, {"start": in_days(3).astimezone(CHICAGO).isoformat(timespec="minutes")})["Location"]
    )
    return path, hidden_fields(client.get(path).text) | TYPED[request.param]


def nothing_happened():
    rows = (ContactRequest, WaitlistEntry, Message)
    return not any(model.objects.exists() for model in rows) and not Appointment.objects.visits().exists()


def asked_again(answer):
    return answer.status_code == 422 and QUESTION in answer.text and nothing_happened()


@pytest.mark.parametrize("how", ["the field nobody sees", "within a moment"])
def test_whoever_may_be_a_robot_checks_one_box_and_goes_on_with_everything_kept(client, form, settings, how):
    path, typed = form
    settings.BOOKING_LEAST_SECONDS = 2
    trap = {"topic": "https://spam.example"} if how == "the field nobody sees" else {}
    with time_machine.travel(timezone.now() + timedelta(minutes=1 if trap else 0)):
        answer = client.post(path, typed | trap)
        assert asked_again(answer)
        assert not DailyCount.objects.exclude(kind="hold").exists()
        kept = form_fields(answer.text)
        for name, value in typed.items():
            is_kept = value and name not in NEVER_KEPT
            assert not is_kept or kept[name] == (value if isinstance(value, list) else [value]), name

        gone_on = client.post(path, kept | {"is_person": "on"})

    assert gone_on.status_code == 302
    assert not nothing_happened()


def test_the_question_is_drawn_only_once_it_is_asked(client, form):
    path, typed = form

    assert "I am a person" not in client.get(path).text
    page = client.post(path, typed | {"topic": "spam"}).text

    assert page.count('name="is_person"') == 1
    assert page.index('name="consent"') < page.index('name="is_person"') < page.index("</form>")
    assert 'href="#id_is_person"' in page
    assert "spam" not in page


def test_the_question_cannot_be_skipped_or_answered_beforehand(client, form):
    path, typed = form
    trap, tick = {"topic": "spam"}, {"is_person": "on"}
    asked = hidden_fields(client.post(path, typed | trap).text)["asked"]
    other = {"asked": hidden_fields(client.post(path, typed | trap).text)["asked"][:-1] + "x"}

    for sent in (
        typed | trap,  # the same once more
        typed | trap | tick,  # with a box that the page has not drawn
        typed | trap | tick | {"asked": asked},  # the trap, again
        typed | trap | tick | other,
    ):
        assert asked_again(client.post(path, sent))
    # Asked, and the box left empty:
    assert asked_again(client.post(path, typed | {"asked": asked}))


def test_a_sign_is_good_for_the_form_it_was_given_to_alone(client, settings):
    settings.BOOKING_LEAST_SECONDS = 60
    first, second = Client(), Client()
    asked = hidden_fields(first.post(ASK, hidden_fields(first.get(ASK).text) | TYPED["ask"]).text)["asked"]
    typed = hidden_fields(second.get(ASK).text) | TYPED["ask"] | {"asked": asked, "is_person": "on"}

    assert asked_again(second.post(ASK, typed))


def test_a_mistake_beside_the_question_keeps_the_question(client, form):
    path, typed = form
    asked = form_fields(client.post(path, typed | {"topic": "spam"}).text)

    answer = client.post(path, asked | {"is_person": "on", "name": ""})

    assert answer.status_code == 422
    assert "Type your name" in answer.text
    assert re.search(r'name="is_person"[^>]* checked', answer.text)
    assert client.post(path, form_fields(answer.text) | {"name": "Ada Example"}).status_code == 302


# ---- sent too soon ----


def test_nobody_is_too_soon_twice(client, form, settings):
    """With Back and Forward the page is drawn anew, and a form with a mistake is, too; both were typed before."""
    path, typed = form
    settings.BOOKING_LEAST_SECONDS = 2
    with time_machine.travel(timezone.now() + timedelta(seconds=3)):
        again = hidden_fields(client.get(path).text)
        stranger = hidden_fields(Client().get(path).text)
        assert again["drawn_at"] == typed["drawn_at"] != stranger["drawn_at"]
        wrong = client.post(path, typed | again | {"name": ""})

        assert client.post(path, form_fields(wrong.text) | {"name": "Ada Example"}).status_code == 302


@pytest.mark.parametrize("elapsed", [timedelta(seconds=2), timedelta(hours=23), timedelta(hours=-1)])
def test_a_person_who_takes_their_time_is_asked_nothing(client, settings, elapsed):
    """Also when the server's clock was put back meanwhile."""
    settings.BOOKING_LEAST_SECONDS = 2
    typed = hidden_fields(client.get(ASK).text) | TYPED["ask"]

    with time_machine.travel(timezone.now() + elapsed):
        assert client.post(ASK, typed).status_code == 302


# ---- a page that was open for long ----


TOO_OLD = "open for more than a day"


@pytest.mark.parametrize("mistake", [{}, {"name": ""}, {"topic": "spam"}], ids=["well", "with a mistake", "trap"])
def test_a_form_older_than_a_day_is_drawn_again_with_what_was_typed(client, form, settings, mistake):
    path, typed = form
    settings.BOOKING_LEAST_SECONDS = 2
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        answer = client.post(path, typed | mistake)

        assert (answer.status_code, nothing_happened()) == (422, True)
        assert TOO_OLD in answer.text
        again = form_fields(answer.text)
        for name, value in (typed | mistake).items():
            if name in ("drawn_at", "submission_key"):
                assert again[name] != [value], name
            elif value and name not in (*NEVER_KEPT, "topic"):
                assert again[name] == (value if isinstance(value, list) else [value]), name

        if mistake == {"topic": "spam"}:
            again |= {"topic": ""}
        assert client.post(path, again | {"name": "Ada Example"}).status_code == 302
    assert not nothing_happened()


def test_a_page_drawn_anew_is_good_for_long_whenever_the_browser_first_saw_one(client, settings):
    """The moment that keeps robots out is not the age of the page."""
    client.get(ASK)
    with time_machine.travel(timezone.now() + timedelta(hours=23)):
        typed = hidden_fields(client.get(ASK).text) | TYPED["ask"]
    with time_machine.travel(timezone.now() + timedelta(hours=23 + 22)):
        assert client.post(ASK, typed).status_code == 302


@pytest.mark.parametrize("drawn_at", ["old", "by code of before"])
def test_an_old_wish_for_an_earlier_time_is_drawn_again_too(client, therapist, service, drawn_at):
    visit = an_appointment(therapist, service, in_days(9), State.CONFIRMED)
    path = f"/visits/{visit.token}/earlier/"
    typed = hidden_fields(client.get(path).text)
    typed |= {"first_day": day_in(1).isoformat(), "last_day": day_in(5).isoformat(), "parts": ["morning"]}
    sent = {name: value for name, value in typed.items() if name != "drawn_at" or drawn_at == "old"}

    with time_machine.travel(timezone.now() + timedelta(days=1 if drawn_at == "old" else 0, minutes=1)):
        answer = client.post(path, sent)
        assert (answer.status_code, TOO_OLD in answer.text) == (422, True)
        assert not WaitlistEntry.objects.exists()
        again = form_fields(answer.text)
        assert again["last_day"] == [typed["last_day"]]

        assert client.post(path, again | {"first_day": day_in(2).isoformat()}).status_code == 302
    assert WaitlistEntry.objects.exists()


@pytest.mark.parametrize("stamp", ["", "1", "1:forged", "{ours}x"])
def test_a_stamp_that_is_not_ours_is_refused(client, stamp):
    typed = hidden_fields(client.get(ASK).text) | TYPED["ask"]

    answer = client.post(ASK, typed | {"drawn_at": stamp.format(ours=StampField.stamp(timezone.now()))})

    assert answer.status_code == 400


@pytest.mark.parametrize("kept", ["", "1:forged", "long ago", "to come"])
def test_a_stamp_in_a_cookie_counts_only_if_it_is_ours_and_of_today(client, settings, kept):
    days = {"long ago": -2, "to come": 2}.get(kept)
    stamp = StampField.stamp(timezone.now() + timedelta(days=days)) if days else kept
    client.cookies[settings.FORM_COOKIE_NAME] = stamp

    assert hidden_fields(client.get(ASK).text)["drawn_at"] not in ("", stamp)


# ---- the trap ----

# https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill, and words that browsers and
# password managers look for in names and labels of their own accord.
FILLED_IN = re.compile(
    """name|honorific|nick|user|login|pass|code|organization|company|street|address|line|level|country|state|province
    |region|city|town|suburb|postal|zip|cc|card|csc|exp|type|currency|amount|language|bday|birth|date|day|month|year|sex
    |gender|url|web|site|home|page|photo|tel|phone|mobile|fax|pager|impp|chat|mail|comment|message|note|search|query""",
    re.VERBOSE | re.IGNORECASE,
)


def test_the_trap_is_no_kind_of_data_that_is_filled_in_by_itself(client, form):
    path, _ = form
    trap = PersonForm.base_fields["topic"]
    page = client.get(path).text

    (tag,) = re.findall(r'<input[^>]* name="topic"[^>]*>', page)
    assert FILLED_IN.search("website")
    assert not FILLED_IN.search(f"topic {trap.label}")
    assert 'autocomplete="off"' in tag
    assert 'tabindex="-1"' in tag
    assert '<div class="lure" aria-hidden="true"><label for="id_topic">Leave this empty</label>' in page
