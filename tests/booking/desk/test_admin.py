"""The desk: rows are read-only, buttons call actions, hours are saved under the locks."""

import html
import re
from datetime import time, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from articles.models import Image
from booking import actions
from booking.mail import queue
from booking.models import (
    Absence,
    Appointment,
    ContactRequest,
    Delivery,
    HeldFor,
    Kind,
    Message,
    OutageContact,
    Shift,
    State,
    UrgentHelp,
)
from revival.base.clock import Span
from revival.base.words import day_short, day_words
from tests.factories import (
    a_series,
    a_therapist,
    an_appointment,
    an_offer,
    asks,
    in_days,
    joins,
    outage_of,
    version_of,
)
from tests.guest import form_fields, hidden_fields, press
from tests.staff import FRONT_DESK, OWNER, SUPERUSER, THERAPIST, at_the_desk, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

DESK = "/admin/booking/"


@pytest.fixture
def request_for_visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


def test_first_page_shows_who_waits_and_what_is_not_set_up(admin_client, request_for_visit):
    page = admin_client.get("/admin/").text

    assert "Ada Example" in page
    assert f"{DESK}appointment/{request_for_visit.pk}/confirm/" in page
    assert "Address" in page


def test_first_page_shows_the_first_of_many_and_how_many_there_are(
    admin_client, therapist, service, django_assert_max_num_queries
):
    """A thousand odd requests in a night must not take the desk's first page from the clinic."""
    for number in range(53):
        an_appointment(therapist, service, in_days(1 + number // 10, 9 + number % 10), state=State.REQUESTED)

    with django_assert_max_num_queries(50):
        page = admin_client.get("/admin/").text

    waiting = page.split('id="waiting"')[1].split("</section>")[0]
    assert waiting.count("/confirm/") == 50
    assert '<span class="desk__n">53</span>' in waiting
    assert "3 more in the list" in waiting
    assert admin_client.get(re.search(r'href="([^"]+)">3 more', waiting)[1]).status_code == 200


def test_requests_to_be_in_touch_past_fifty_lead_to_those_in_hand_too(admin_client, clinic):
    state = ContactRequest.State
    for number in range(52):
        asks(name=f"Guest {number}")
    ContactRequest.objects.filter(name="Guest 0").update(state=state.DONE)
    ContactRequest.objects.filter(name="Guest 1").update(state=state.IN_HAND)

    page = admin_client.get("/admin/").text
    rest = admin_client.get(html.unescape(re.search(r'href="([^"]+)">1 more', page)[1])).text

    assert "Guest 1<" in rest
    assert "Guest 2<" in rest
    assert "Guest 0<" not in rest


def test_first_page_has_the_next_free_times_and_the_next_step_of_today(admin_client, therapist, service):
    visit = an_appointment(therapist, service, in_days(0, 23), state=State.CONFIRMED)

    page = admin_client.get("/admin/").text

    assert f"/admin/booking/appointment/{visit.pk}/arrived/" in page
    free = page.split('id="free"')[1].split("</section>")[0]
    assert 1 <= free.count("/admin/calendar/book/?therapist=peter-stanley") <= 4


def test_first_page_shows_what_is_offered_or_held_and_until_when(admin_client, therapist, service):
    an_appointment(therapist, service, in_days(3), state=State.HELD)
    an_appointment(therapist, service, in_days(4), state=State.HELD, held_for=HeldFor.OFFER)
    late = {"held_until": timezone.now() - timedelta(minutes=1)}
    an_appointment(therapist, service, in_days(5), state=State.HELD, **late)

    held = admin_client.get("/admin/").text.split('id="held"')[1].split("</section>")[0]

    assert held.count("<li") == 2
    assert "Being booked online, until" in held
    assert "Offered to the waiting list, until" in held


@pytest.mark.parametrize(
    ("verb", "state"), [("confirm", State.CONFIRMED), ("decline", State.DECLINED), ("cancel", State.CANCELLED)]
)
def test_buttons_ask_first_and_call_actions(admin_client, request_for_visit, verb, state):
    change = f"{DESK}appointment/{request_for_visit.pk}/change/"
    assert f"/{verb}/" in admin_client.get(change).text

    asked = admin_client.get(f"{DESK}appointment/{request_for_visit.pk}/{verb}/")
    assert "gets an e-mail at once" in asked.text
    assert Appointment.objects.get().state == State.REQUESTED

    done = press(admin_client, f"{DESK}appointment/{request_for_visit.pk}/{verb}/", follow=True)

    assert "told by e-mail" in done.text
    assert Appointment.objects.get().state == state
    assert Message.objects.count() == 1


def test_a_slower_colleague_is_told(admin_client, request_for_visit):
    confirm = f"{DESK}appointment/{request_for_visit.pk}/confirm/"
    shown = hidden_fields(admin_client.get(confirm).text)
    admin_client.post(confirm, shown)

    assert "was quicker" in admin_client.post(confirm, shown, follow=True).text
    assert Message.objects.count() == 1


def test_without_an_address_staff_are_asked_to_phone(admin_client, request_for_visit):
    Appointment.objects.update(email="")

    assert "please phone" in admin_client.get(f"{DESK}appointment/{request_for_visit.pk}/confirm/").text


def test_visits_and_messages_cannot_be_typed_over(admin_client, request_for_visit):
    row = f"{DESK}appointment/{request_for_visit.pk}/"
    form = admin_client.get(f"{row}change/").text.split('id="appointment_form"')[1].split("</form>")[0]
    assert 'name="name"' not in form
    assert 'name="state"' not in form
    assert admin_client.post(f"{row}change/", {"name": "Other"}).status_code == 403
    for path in (f"{row}delete/", f"{DESK}appointment/add/", f"{DESK}message/add/"):
        assert admin_client.get(path).status_code == 403


def test_staff_without_the_right_have_no_buttons(client, django_user_model, request_for_visit):
    from django.contrib.auth.models import Permission

    colleague = django_user_model.objects.create_user("reader", password="x", is_staff=True)
    colleague.user_permissions.add(Permission.objects.get(codename="view_appointment"))
    client.force_login(colleague)

    row = f"{DESK}appointment/{request_for_visit.pk}/"
    assert "/confirm/" not in client.get(f"{row}change/").text
    assert client.post(f"{row}confirm/").status_code == 403
    assert Appointment.objects.get().state == State.REQUESTED


def test_the_desk_opens_for_those_who_see_no_visits_and_for_one_app(client, admin_client, django_user_model):
    client.force_login(django_user_model.objects.create_user("editor", password="x", is_staff=True))

    assert client.get("/admin/").status_code == 200
    assert "Ada Example" not in client.get("/admin/").text
    assert admin_client.get("/admin/booking/").status_code == 200


def test_dates_beyond_reach_are_refused_in_words(admin_client, therapist):
    form = {"therapist": "", "starts_at": "2026-12-07T00:00", "reason": ""}

    response = admin_client.post(f"{DESK}absence/add/", form | {"ends_at": "9999-12-31T23:59"})

    assert "between 1900 and 3000" in response.text
    assert not Absence.objects.exists()


def test_nobody_sees_the_desk_without_signing_in(client, request_for_visit):
    for path in ("/admin/", f"{DESK}appointment/", f"{DESK}appointment/{request_for_visit.pk}/confirm/"):
        response = client.get(path)
        assert response.status_code == 302
        assert "/admin/login/" in response["Location"]


@pytest.mark.parametrize("model", ["appointment", "message", "therapist", "service", "shift", "clinic", "caution"])
def test_lists_open_and_search(admin_client, request_for_visit, model):
    assert admin_client.get(f"{DESK}{model}/?q=ada").status_code == 200


def test_an_absence_is_saved_through_the_action_and_names_the_visits(admin_client, request_for_visit):
    start, end = in_days(5, 0), in_days(6, 0)
    response = admin_client.post(
        f"{DESK}absence/add/",
        {
            "therapist": "",
            "starts_at": f"{local(start).date()}T00:00",
            "ends_at": f"{local(end).date()}T00:00",
            "reason": "",
        },
        follow=True,
    )

    assert "1 visit is now outside working hours" in response.text
    assert Absence.objects.get().starts_at == start  # typed in clinic time


def local(moment):
    from tests.factories import CHICAGO

    return moment.astimezone(CHICAGO)


def test_a_shift_is_saved_and_removed_through_actions(admin_client, therapist, request_for_visit):
    shift = Shift.objects.get(weekday=local(request_for_visit.starts_at).weekday())
    form = {"therapist": therapist.pk, "weekday": shift.weekday, "opens": "12:00", "closes": "17:00"}

    saved = admin_client.post(f"{DESK}shift/{shift.pk}/change/", form, follow=True)
    assert "outside working hours" in saved.text
    assert Shift.objects.get(pk=shift.pk).opens == time(12)

    wrong = admin_client.post(f"{DESK}shift/{shift.pk}/change/", form | {"closes": "11:00"})
    assert "closes after it opens" in wrong.text

    admin_client.post(f"{DESK}shift/{shift.pk}/delete/", {"post": "yes"})
    assert not Shift.objects.filter(pk=shift.pk).exists()


def test_saving_hours_goes_through_the_lock(admin_client, therapist, monkeypatch):
    from booking.actions import free

    locked = []
    lock = free.lock_therapists
    monkeypatch.setattr(free, "lock_therapists", lambda ids, *, now: (locked.append(sorted(ids)), lock(ids, now=now)))
    shift = Shift.objects.first()

    admin_client.post(
        f"{DESK}shift/{shift.pk}/change/",
        {"therapist": therapist.pk, "weekday": shift.weekday, "opens": "10:00", "closes": "12:00"},
    )

    assert locked == [[therapist.pk]]


def test_the_first_page_reads_the_database_a_fixed_number_of_times(
    admin_client, therapist, service, django_assert_max_num_queries
):
    for day in range(2, 12):
        an_appointment(therapist, service, in_days(day), state=State.REQUESTED)
    admin_client.get("/admin/")

    with django_assert_max_num_queries(36):
        admin_client.get("/admin/")


@pytest.mark.parametrize(
    "query",
    [
        "q='",
        "o=99",
        "o=-1.x",
        "state__exact=zzz",
        "starts_at__year=abc",
        "p=-1",
        "e=1",
        "q=%00",
    ],
)
@pytest.mark.parametrize("model", ["appointment", "message", "shift", "absence", "override"])
def test_odd_addresses_of_lists_are_no_fault_of_ours(admin_client, request_for_visit, model, query):
    assert admin_client.get(f"{DESK}{model}/?{query}").status_code in (200, 302, 400, 404)


@pytest.mark.parametrize(("value", "found"), [("today", 1), ("next-week", 2), ("last-week", 2), ("odd", 4)])
def test_days_of_a_list_are_chosen_in_words(admin_client, therapist, service, value, found):
    for days in (-3, 0, 5, 40):
        an_appointment(therapist, service, in_days(days, 23))

    page = admin_client.get(f"{DESK}appointment/?when={value}").text

    assert page.count('class="field-when"') == found
    assert "The next 7 days" in page


# ---- answers from Today ----


def test_an_answer_from_today_leads_back_to_today_and_says_which_visit(admin_client, request_for_visit):
    page = admin_client.get("/admin/").text
    assert f"{DESK}appointment/{request_for_visit.pk}/confirm/?to=today" in page
    confirm = f"{DESK}appointment/{request_for_visit.pk}/confirm/?to=today"
    assert '<a class="answer__back" href="/admin/">' in admin_client.get(confirm).text

    done = press(admin_client, confirm, follow=True)

    assert done.redirect_chain == [("/admin/", 302)]
    assert f"{day_words(in_days(5))}, 9:00 am with Dr. Stanley: confirmed. The patient is told by e-mail." in done.text


def test_today_is_told_by_therapist_and_each_next_step_is_one_press(admin_client, therapist, service):
    other = a_therapist("benjamin-britton", order=1)
    noon = in_days(0, 12)
    for whose, hour, name in ((other, 9, "Bo Birch"), (therapist, 11, "Cy Cedar"), (therapist, 14, "Di Dogwood")):
        an_appointment(whose, service, in_days(0, hour), name=name)

    with time_machine.travel(noon):
        admin_client.force_login(staff_user(SUPERUSER, username="at-noon"))
        page = admin_client.get("/admin/").text
        today = page.split('id="today"')[1].split("</section>")[0]
        come = Appointment.objects.get(name="Cy Cedar")
        arrived = press(admin_client, f"{DESK}appointment/{come.pk}/arrived/?to=today", follow=True)
        gone = Appointment.objects.get(name="Bo Birch")
        press(admin_client, f"{DESK}appointment/{gone.pk}/no-show/?to=today")

    order = ["Dr. Peter Stanley", "Cy Cedar", "Di Dogwood", "Benjamin Britton", "Bo Birch"]
    assert sorted(order, key=today.index) == order
    assert today.count("/no-show/?to=today") == 2  # of those that have begun
    assert today.count("/arrived/?to=today") == 3
    assert "11:00 am with Dr. Stanley: marked as arrived." in arrived.text
    assert set(Appointment.objects.values_list("state", flat=True)) == {"arrived", "confirmed", "no-show"}


def test_what_was_not_delivered_says_what_to_tell(admin_client, therapist, service):
    visit = an_appointment(therapist, service, in_days(3), name="Jo Caller", email="")
    actions.move_appointment(
        appointment=visit, seen=version_of(visit), starts_at=in_days(4, 10, 45), by=actions.Actor.STAFF
    )
    message = Message.objects.get()

    today = admin_client.get("/admin/").text.split('id="undelivered"')[1].split("</section>")[0]
    phoned = f"{DESK}message/{message.pk}/phoned/?to=today"
    asked, opened = admin_client.get(phoned).text, admin_client.get(f"{DESK}message/{message.pk}/change/").text

    assert f"Visit moved: {day_short(in_days(4))}, 10:45 am" in today
    assert phoned in today
    for page in (asked, opened):
        assert f"{day_words(in_days(4))}, 10:45 am" in page.split('class="answer__text"')[1]
        assert visit.token not in page
    assert "Nobody waits for a message." in press(admin_client, phoned, follow=True).text


@pytest.mark.parametrize("delivery", [Delivery.REFUSED, Delivery.PLEASE_PHONE])
def test_what_to_tell_of_a_visit_leaves_the_desk_when_it_has_begun(therapist, service, delivery):
    start = in_days(1, 10)
    visit = an_appointment(therapist, service, start)
    series = a_series(therapist, service, in_days(1, 11), in_days(8, 11))
    entry = joins(service, visit=an_appointment(therapist, service, in_days(1, 12)))
    for kind, about in [(Kind.CONFIRMED, visit), (Kind.REMINDER_DAY, visit), (Kind.JOINED, entry)]:
        queue.queue_message(kind, about)
    Message.objects.update(delivery=delivery)

    def listed(moment):
        with time_machine.travel(moment, tick=False):
            return sorted(Message.objects.undelivered().values_list("kind", flat=True))

    assert Message.objects.get(kind=Kind.SERIES).visits.count() == len(series)
    assert listed(start - timedelta(minutes=1)) == ["confirmed", "joined", "joined", "reminder-day", "series"]
    assert listed(start) == ["joined", "joined", "series"]
    assert listed(in_days(1, 12)) == ["series"]
    assert listed(in_days(8, 11)) == []


def test_a_reminder_tried_in_vain_leaves_the_desk_when_the_visit_has_begun(therapist, service):
    visit = an_appointment(therapist, service, in_days(1, 10))
    for kind in (Kind.REMINDER_HOURS, Kind.CONFIRMED):
        queue.queue_message(kind, visit)
    Message.objects.update(attempts=3)

    with time_machine.travel(visit.starts_at, tick=False):
        # A confirmation that waits says that the mail server does not answer.
        assert [message.kind for message in Message.objects.undelivered()] == [Kind.CONFIRMED]


def test_an_offer_and_an_outage_leave_the_desk_when_their_time_has_begun(therapist, service):
    entry = joins(service)
    offer = an_offer(entry, therapist, in_days(1, 10))
    an_appointment(therapist, service, in_days(2, 10), email="")
    outage_of(therapist, Span(in_days(2, 8), in_days(2, 18)))
    queue.queue_message(Kind.OUTAGE, OutageContact.objects.get())
    Message.objects.update(delivery=Delivery.REFUSED)

    def listed(moment):
        with time_machine.travel(moment, tick=False):
            return {message.kind for message in Message.objects.undelivered()}

    assert listed(offer.starts_at - timedelta(minutes=1)) == {Kind.JOINED, Kind.OFFER, Kind.OUTAGE}
    assert listed(offer.starts_at) == {Kind.JOINED, Kind.OUTAGE}
    assert listed(in_days(2, 10)) == {Kind.JOINED}


def test_a_contact_request_is_answered_with_its_wish_in_sight(admin_client, therapist, service):
    asked = asks(name="Ivy Larch", therapist=therapist, weekdays=[0, 2], note="After school")

    page = admin_client.get(f"{DESK}contactrequest/{asked.pk}/done/?to=today").text
    facts = page.split('class="facts"')[1].split("</dl>")[0]
    filled = admin_client.post(
        "/admin/calendar/book/", {"name": asked.name, "phone": asked.phone, "therapist": therapist.slug, "look": ""}
    ).text

    for word in ("Dr. Peter Stanley", "Monday, Wednesday", "After school"):
        assert word in facts
    assert "Book for Ivy Larch" in page
    assert 'value="Ivy Larch"' in filled
    assert "Free with Dr. Stanley" in filled


# ---- not set up yet ----


def to_do(page):
    items = page.split('id="todo"')[1].split("</section>")[0]
    return {what: html.unescape(url) for url, what in re.findall(r'<a href="([^"]+)"><strong>(.*?)</strong>', items)}


@pytest.fixture
def example_clinic(therapist, service):
    Shift.objects.update(is_example=True)
    service.is_example = True
    service.save()
    UrgentHelp.objects.create(pk=1, title="When to get help", call_911="a", call_doctor="b")


SOME_WORDS = ("directions", "parking", "arrival", "building_access", "what_to_wear", "what_to_bring", "languages")


def test_what_is_set_up_leaves_the_list_and_leads_to_the_next(example_clinic, therapist, service):
    owner = signed_in_as(OWNER)
    items = to_do(owner.get("/admin/").text)
    facts, hours, photo = "Address, opening hours, e-mail", "Working hours of Dr. Stanley", "Photo of Dr. Peter Stanley"
    one_form_each = {"Service: Consultation", "About Dr. Stanley", "When to get help", "Before you come"}
    assert set(items) == {facts, hours, photo} | one_form_each

    for what in set(items) - {hours, photo, "Before you come"}:  # that one is on the form of the facts, too
        page = owner.get(items[what])
        typed = form_fields(page.text) | {
            "hours-TOTAL_FORMS": "1",
            "hours-INITIAL_FORMS": "0",
            "hours-0-weekday": "0",
            "hours-0-opens": "08:00",
            "hours-0-closes": "17:00",
            "address_line": "1 Main Street",
            "city": "Minneapolis",
            "state": "MN",
            "postal_code": "55401",
            "email": "hello@clinic.example",
            "notices_to": "desk@clinic.example",
            "about": "Treats backs.",
            **dict.fromkeys(
                [*SOME_WORDS, "degree", "license_number", "focus", "description", "fee", "includes"], "Words."
            ),
            "treats": "Back pain",
            "insurance": "ask",
            "license_url": "https://board.example/look-up",
            "practicing_since": "2009",
            "approved_on": "2026-11-01",
        }
        saved = owner.post(items[what], typed | {"_save": "Save"})
        assert saved.status_code == 302, (what, saved.text)
        assert saved["Location"] == "/admin/"
    assert owner.get(items[hours]).status_code == owner.get(items[photo]).status_code == 200
    assert set(to_do(owner.get("/admin/").text)) == {hours, photo}

    Shift.objects.update(is_example=False)  # as saving the week does
    Image.objects.create(title="Peter", width=480, height=480, portrait_of=therapist)  # as an upload does
    assert "Everything is set up." in owner.get("/admin/").text
    service.refresh_from_db()
    assert not service.is_example


def test_who_cannot_set_it_up_is_told_that_the_owner_does(example_clinic):
    page = signed_in_as(FRONT_DESK).get("/admin/").text

    assert set(to_do(page)) == {"Working hours of Dr. Stanley"}
    theirs = page.split("For the owner to set up:")[1].split("</p>")[0]
    assert theirs.strip().startswith("Address, opening hours, e-mail; Before you come; Service: Consultation; ")


def test_a_therapist_whose_sign_in_is_not_joined_is_told_so_and_the_owner_too(therapist):
    account = staff_user(THERAPIST)
    owner = signed_in_as(OWNER)
    assert "not joined to a therapist yet" in at_the_desk(account).get("/admin/").text
    assert "Sign-in of colleague-therapist" in to_do(owner.get("/admin/").text)

    therapist.account = account
    therapist.save()

    assert "No visits today." in at_the_desk(account).get("/admin/").text
    assert "Sign-in of colleague-therapist" not in to_do(owner.get("/admin/").text)


# ---- what rows and pages are called ----


def test_a_visit_is_called_by_its_moment_and_only_its_page_names_the_patient(admin_client, request_for_visit):
    page = admin_client.get(f"{DESK}appointment/{request_for_visit.pk}/change/").text
    title = page.split("<title>")[1].split("</title>")[0]

    assert f"<h1>{day_words(in_days(5))}, 9:00 am, Ada Example</h1>" in page
    assert title.startswith(f"{day_words(in_days(5))}, 9:00 am")
    assert not re.search(r"\bAda\b", title)
    assert str(request_for_visit) not in page


def test_moments_in_lists_are_said_as_everywhere(admin_client, request_for_visit):
    actions.confirm_appointment(appointment=request_for_visit, seen=version_of(request_for_visit))
    Message.objects.update(created_at=in_days(-2, 12))

    page = admin_client.get(f"{DESK}message/").text

    assert f"{day_short(in_days(-2))}, 12:00 pm" in page
    assert f"{day_short(in_days(5))}, 9:00 am with Dr. Stanley" in page
    assert "noon" not in page
    assert "p.m." not in page


def test_a_wrong_address_in_the_desk_keeps_the_desk_around_it(admin_client, client, request_for_visit):
    for path in ("/admin/nothing/", f"{DESK}appointment/999999/change/"):
        page = admin_client.get(path)
        assert page.status_code == 404
        assert 'class="desk-nav"' in page.text
        assert "You can always call us" not in page.text
    assert 'class="desk-nav"' not in Client().get("/nothing/").text


def test_a_form_of_the_desk_says_in_its_own_words_what_is_missing(admin_client, therapist):
    page = admin_client.post(f"{DESK}service/add/", {}).text

    assert "Please fill this in." in page
    assert "This field is required" not in page
