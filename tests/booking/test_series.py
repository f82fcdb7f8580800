"""A series of visits: booked all or none, told once, each visit then on its own, the rest cancelled together."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from icalendar import Calendar

from booking import actions
from booking.desk.visits.series import plan
from booking.models import (
    AccessLog,
    Appointment,
    Delivery,
    FreedTime,
    Kind,
    Look,
    Lookup,
    Message,
    Override,
    Series,
    Service,
    State,
    Therapist,
    ask,
)
from tests.factories import (
    CHICAGO,
    a_series,
    a_service,
    a_therapist,
    an_absence,
    an_appointment,
    day_in,
    erased,
    everybody,
    in_days,
    some_details,
    version_of,
    working_all_week,
)
from tests.guest import hidden_fields, press
from tests.staff import EDITOR, FRONT_DESK, NO_ROLE, REVIEWER, THERAPIST, at_the_desk, signed_in_as, staff_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/calendar/series/"


@pytest.fixture
def clerk(db):
    return staff_user(FRONT_DESK)


@pytest.fixture
def desk(clerk):
    return at_the_desk(clerk)


def book(therapist, service, *starts, key=None, **facts):
    return actions.book_series(
        therapist=therapist,
        service=service,
        starts=starts,
        details=some_details(**facts),
        submission_key=key or uuid.uuid4(),
    )


def four():
    return [in_days(days) for days in (3, 6, 10, 13)]


# ---- booked all or none ----


def test_each_visit_of_a_series_is_an_ordinary_agreed_visit(therapist, service):
    series = book(therapist, service, *reversed(four()), note="Left knee")

    visits = list(series.visits.order_by("starts_at"))
    assert [visit.starts_at for visit in visits] == four() == series.starts
    assert {(visit.state, visit.is_online, visit.name, visit.note) for visit in visits} == {
        (State.CONFIRMED, False, "Ada Example", "Left knee")
    }
    assert {visit.blocked.upper - visit.starts_at for visit in visits} == {timedelta(minutes=40)}
    assert [visit.is_new_patient for visit in visits] == [True, False, False, False]
    assert len({visit.token for visit in visits}) == 4


def test_one_message_tells_of_all_of_them(therapist, service):
    series = book(therapist, service, *four())

    message = Message.objects.get()
    assert (message.kind, message.delivery, message.recipient) == (Kind.SERIES, Delivery.QUEUED, "ada@example.com")
    assert set(message.visits.all()) == set(series.visits.all())
    assert message.appointment.starts_at == in_days(3)


def test_who_has_no_address_has_been_told_on_the_phone(therapist, service):
    book(therapist, service, *four(), email="")

    assert Message.objects.get().delivery == Delivery.PHONED
    assert not Message.objects.undelivered().exists()


@pytest.mark.parametrize(
    "what", ["visit", "hold", "absence", "hours", "past", "grid", "twice", "turnaround", "pairing"]
)
def test_one_that_cannot_be_booked_and_none_is(therapist, service, what):
    starts = four()
    if what in ("visit", "hold"):
        an_appointment(therapist, service, starts[2], State.HELD if what == "hold" else State.CONFIRMED)
    if what == "absence":
        an_absence(None, starts[2], starts[2] + timedelta(minutes=5))
    odd = {
        "hours": in_days(10, 20),
        "past": in_days(-1),
        "grid": in_days(10, 9, 5),
        "turnaround": in_days(6, 9, 30),
        "twice": starts[3],
    }
    starts[2] = odd.get(what, starts[2])
    if what == "pairing":
        service.therapists.clear()
    before = Appointment.objects.count()

    with pytest.raises(actions.NotAllFreeError) as refusal:
        book(therapist, service, *starts)

    if what != "pairing":
        assert set(refusal.value.starts) == {starts[2]}
    assert (Appointment.objects.count(), Series.objects.count(), Message.objects.count()) == (before, 0, 0)


def test_notice_and_horizon_are_for_patients_alone(therapist):
    service = a_service(therapist, notice_hours=72, horizon_days=5)

    assert book(therapist, service, in_days(1), in_days(40)).visits.count() == 2


def test_sending_it_twice_is_one_series_also_after_a_visit_was_moved(therapist, service):
    key = uuid.uuid4()
    first = book(therapist, service, *four(), key=key)
    visit = first.visits.earliest("starts_at")
    actions.move_appointment(appointment=visit, seen=version_of(visit), starts_at=in_days(4), by=actions.Actor.STAFF)
    told = Message.objects.count()

    assert book(therapist, service, *four(), key=key) == first
    assert (Appointment.objects.count(), Message.objects.count()) == (4, told)


@pytest.mark.parametrize("other", ["starts", "name", "phone"])
def test_the_same_key_with_other_content_is_refused(therapist, service, other):
    key = uuid.uuid4()
    book(therapist, service, *four(), key=key)
    starts = [in_days(20)] if other == "starts" else four()
    facts = {other: "612-555-0199"} if other != "starts" else {}

    with pytest.raises(actions.SubmissionReusedError):
        book(therapist, service, *starts, key=key, **facts)
    assert Appointment.objects.count() == 4


def test_a_series_asks_the_database_the_same_however_long(therapist, service, django_assert_num_queries):
    with django_assert_num_queries(15) as few:
        book(therapist, service, in_days(3))
    with django_assert_num_queries(len(few)):
        book(therapist, service, *[in_days(days) for days in range(4, 40)])


@pytest.mark.parametrize("first", [date(2027, 3, 12), date(2027, 11, 5)], ids=["spring", "autumn"])
def test_a_series_over_a_night_of_change_stays_at_nine(therapist, service, first):
    with time_machine.travel(datetime(2027, first.month, 1, 15, tzinfo=UTC)):
        starts = [datetime(first.year, first.month, first.day + days, 9, tzinfo=CHICAGO) for days in (0, 3)]
        series = book(therapist, service, *starts)

    found = [visit.starts_at.astimezone(CHICAGO) for visit in series.visits.order_by("starts_at")]
    assert [(one.hour, one.minute) for one in found] == [(9, 0), (9, 0)]
    assert found[0].utcoffset() != found[1].utcoffset()


# ---- what the database holds ----


def test_a_visit_asked_for_online_or_held_is_in_no_series(therapist, service):
    series = book(therapist, service, *four())

    for facts in ({"is_online": True}, {"is_online": False, "state": State.HELD}):
        with pytest.raises(IntegrityError, match="series_is_booked_at_the_desk"), transaction.atomic():
            an_appointment(therapist, service, in_days(20), series=series, **facts)


@pytest.mark.parametrize("count", [0, 61])
def test_a_series_has_from_one_to_sixty_visits(therapist, service, count):
    starts = [in_days(number) for number in range(count)]
    with pytest.raises(IntegrityError, match="booking_series_has_visits"), transaction.atomic():
        Series.objects.create(therapist=therapist, service=service, starts=starts, submission_key=uuid.uuid4())


def test_a_series_and_whose_visits_are_in_it_are_in_the_change_log(therapist, service):
    from revival.models import Change

    series = book(therapist, service, *four())

    assert Change.objects.get(about="series").facts["therapist_id"] == therapist.pk
    lines = Change.objects.filter(about="appointment")
    assert {line.facts["series_id"] for line in lines} == {series.pk}


# ---- mail and calendar ----


def deliver(mailbox):
    mailbox.mails.clear()
    for message in Message.objects.filter(delivery=Delivery.QUEUED).exclude(kind=Kind.STAFF_NOTICE).order_by("pk"):
        actions.deliver_message(message_id=message.pk)
    return list(mailbox.mails)


def files(mail):
    return {
        part.get_filename(): Calendar.from_ical(part.get_payload(decode=True))
        for part in mail.walk()
        if part.get_content_type() in ("application/ics", "text/calendar")
    }


def events(calendar):
    return {str(event["uid"]): event for event in calendar.walk("VEVENT")}


def test_one_mail_names_each_visit_with_its_own_link_and_nothing_of_health(therapist, service, mailbox, client):
    visits = a_series(therapist, service, *four(), note="numb left leg")

    [mail] = deliver(mailbox)

    assert mail["Subject"].startswith("Your 4 visits, starting ")
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        for visit in visits:
            assert f"https://clinic.example{visit.get_absolute_url()}" in text
            assert f"{visit.starts_at.astimezone(CHICAGO):%A, %B %-d}" in text
        assert text.count("9:00 am to 9:30 am") == 4
        assert "612-605-7594" in text
    assert not any(word in mail.as_string() for word in ("numb", "Ada Example"))
    assert [client.get(visit.get_absolute_url()).status_code for visit in visits] == [200] * 4


def test_its_one_file_is_published_and_holds_each_visit_as_an_event_of_its_own(therapist, service, mailbox):
    visits = a_series(therapist, service, *four())

    [mail] = deliver(mailbox)

    [(name, calendar)] = files(mail).items()
    assert (name, str(calendar["method"])) == ("visits.ics", "PUBLISH")
    found = events(calendar)
    assert set(found) == {str(visit.public_id) for visit in visits}
    for visit in visits:
        event = found[str(visit.public_id)]
        assert (event.decoded("dtstart"), event.decoded("dtend")) == (visit.starts_at, visit.ends_at)
        assert (event["sequence"], str(event["status"])) == (0, "CONFIRMED")
        assert "attendee" not in event  # RFC 5546, 3.2.1
        assert "organizer" in event


def test_later_a_single_visit_updates_its_own_event(therapist, service, mailbox):
    _, second, third, _ = a_series(therapist, service, *four())
    deliver(mailbox)
    actions.move_appointment(
        appointment=second, seen=version_of(second), starts_at=in_days(7), by=actions.Actor.PATIENT
    )
    actions.cancel_appointment(appointment=third, seen=version_of(third), by=actions.Actor.PATIENT)

    moved, cancelled = deliver(mailbox)

    for mail, visit, method in ((moved, second, "REQUEST"), (cancelled, third, "CANCEL")):
        calendar = files(mail)["invite.ics"]
        [(uid, event)] = events(calendar).items()
        assert (str(calendar["method"]), uid, event["sequence"]) == (method, str(visit.public_id), 1)


def test_a_mail_that_waited_tells_how_the_series_stands_when_it_leaves(therapist, service, mailbox):
    first, second, third, fourth = a_series(therapist, service, *four())
    actions.move_appointment(appointment=first, seen=version_of(first), starts_at=in_days(4), by=actions.Actor.STAFF)
    actions.cancel_appointment(appointment=third, seen=version_of(third), by=actions.Actor.STAFF)

    mails = deliver(mailbox)

    assert len(mails) == 3
    found = events(files(mails[0])["visits.ics"])
    assert set(found) == {str(visit.public_id) for visit in (first, second, fourth)}
    event = found[str(first.public_id)]
    assert (event.decoded("dtstart"), event["sequence"]) == (in_days(4), 1)
    assert "Your 3 visits" in mails[0]["Subject"]


def test_a_mail_that_waited_until_all_was_over_is_overtaken(therapist, service, mailbox, clerk):
    visits = a_series(therapist, service, *four())
    actions.cancel_rest(appointment=visits[0], seen=version_of(*visits), by=clerk)

    [mail] = deliver(mailbox)

    assert "cancelled" in mail["Subject"]
    assert Message.objects.get(kind=Kind.SERIES).delivery == Delivery.OVERTAKEN


def test_each_visit_is_reminded_of_on_its_own(therapist, service):
    visits = a_series(therapist, service, *four())

    with time_machine.travel(visits[2].starts_at - timedelta(hours=23)):
        due = list(actions.visits_to_remind(Kind.REMINDER_DAY))

    assert due == [visits[2]]


def test_a_lost_link_brings_the_whole_series_in_one_mail(therapist, service, mailbox):
    visits = a_series(therapist, service, *four())
    alone = an_appointment(therapist, service, in_days(20))
    deliver(mailbox)
    for _ in range(4):
        actions.ask_for_links(email="ADA@example.com")
        from booking.models import LostLink

        actions.send_lost_links(lost_link_id=LostLink.objects.get().pk)

    mails = deliver(mailbox)

    assert len(mails) == 6  # three times a day each
    text = next(mail for mail in mails if "4 visits" in mail["Subject"]).get_body(("plain",)).get_content()
    assert all(visit.get_absolute_url() in text for visit in visits)
    assert alone.get_absolute_url() not in text


def test_a_corrected_address_is_that_of_the_whole_series(therapist, service, mailbox, client):
    visits = a_series(therapist, service, *four())
    old = [visit.get_absolute_url() for visit in visits]

    actions.resend_message(
        message=Message.objects.get(), seen=version_of(Message.objects.get()), email="right@example.com"
    )

    assert set(Appointment.objects.values_list("email", flat=True)) == {"right@example.com"}
    assert {client.get(link).status_code for link in old} == {404}
    [mail] = deliver(mailbox)
    assert mail["To"] == "right@example.com"
    text = mail.get_body(("plain",)).get_content()
    assert all(visit.get_absolute_url() in text for visit in Appointment.objects.all())


# ---- cancelling the rest ----


def test_the_rest_is_cancelled_with_one_message_and_its_times_are_given_back(therapist, service, clerk, mailbox):
    visits = a_series(therapist, service, *four())
    deliver(mailbox)

    cancelled = actions.cancel_rest(appointment=visits[1], seen=version_of(*visits[1:]), by=clerk)

    assert [visit.pk for visit in cancelled] == [visit.pk for visit in visits[1:]]
    states = Appointment.objects.order_by("starts_at").values_list("state", "calendar_sequence")
    assert list(states) == [("confirmed", 0), *[("cancelled", 1)] * 3]
    assert FreedTime.objects.count() == 3
    [mail] = deliver(mailbox)
    assert mail["Subject"].startswith("Your 3 visits, starting ")
    text = mail.get_body(("plain",)).get_content()
    assert [f"{visit.starts_at.astimezone(CHICAGO):%A, %B %-d}" in text for visit in visits] == [
        False,
        True,
        True,
        True,
    ]
    found = files(mail)
    assert {str(calendar["method"]) for calendar in found.values()} == {"CANCEL"}
    taken_out = {uid: event for calendar in found.values() for uid, event in events(calendar).items()}
    assert set(taken_out) == {str(visit.public_id) for visit in visits[1:]}
    assert {(event["sequence"], str(event["status"])) for event in taken_out.values()} == {(1, "CANCELLED")}


def test_cancelling_the_rest_twice_is_once(therapist, service, clerk):
    visits = a_series(therapist, service, *four())
    shown = version_of(*visits)
    actions.cancel_rest(appointment=visits[0], seen=shown, by=clerk)

    assert actions.cancel_rest(appointment=visits[0], seen=shown, by=clerk) == []
    assert Message.objects.filter(kind=Kind.SERIES_CANCELLED).count() == 1


def test_what_was_cancelled_or_came_before_is_left_and_told_of_once(therapist, service, clerk):
    visits = a_series(therapist, service, *four())
    actions.cancel_appointment(appointment=visits[2], seen=version_of(visits[2]), by=actions.Actor.STAFF)

    actions.cancel_rest(appointment=visits[1], seen=version_of(visits[1], visits[3]), by=clerk)

    message = Message.objects.get(kind=Kind.SERIES_CANCELLED)
    assert set(message.visits.all()) == {visits[1], visits[3]}


@pytest.mark.parametrize("shown", [slice(3), slice(1, 4), slice(0)])
def test_when_it_is_not_what_was_shown_nothing_is_cancelled(therapist, service, clerk, shown):
    visits = a_series(therapist, service, *four())

    with pytest.raises(actions.ChangedMeanwhileError):
        actions.cancel_rest(appointment=visits[0], seen=version_of(*visits[shown]), by=clerk)
    assert not Appointment.objects.filter(state=State.CANCELLED).exists()


def test_a_visit_in_no_series_has_no_rest(therapist, service, clerk):
    visit = an_appointment(therapist, service, in_days(3))

    with pytest.raises(actions.StateChangedError):
        actions.cancel_rest(appointment=visit, seen=version_of(visit), by=clerk)


def test_a_move_told_after_the_rest_was_cancelled_is_overtaken(therapist, service, clerk, mailbox):
    visits = a_series(therapist, service, *four())
    deliver(mailbox)
    actions.move_appointment(
        appointment=visits[2], seen=version_of(visits[2]), starts_at=in_days(11), by=actions.Actor.STAFF
    )
    actions.cancel_rest(appointment=visits[1], seen=version_of(*visits[1:]), by=clerk)

    [mail] = deliver(mailbox)

    assert "cancelled" in mail["Subject"]


def test_who_was_written_to_at_two_addresses_is_told_at_both(therapist, service, clerk):
    visits = a_series(therapist, service, *four())
    Appointment.objects.filter(pk=visits[3].pk).update(email="new@example.com")

    actions.cancel_rest(appointment=visits[0], seen=version_of(*visits), by=clerk)

    told = Message.objects.filter(kind=Kind.SERIES_CANCELLED)
    assert {(one.recipient, one.visits.count()) for one in told} == {("ada@example.com", 3), ("new@example.com", 1)}


# ---- forgetting ----


def test_erasing_a_person_takes_them_out_of_a_series_and_its_mail(therapist, service, mailbox):
    a_series(therapist, service, *four())
    ada = Lookup(email="ada@example.com")
    kept = actions.export_people(lookup=ada, chosen=everybody(ada), by=None, reason="Asked")
    assert len(kept["visits"]) == 4

    erased(email="ada@example.com")

    assert set(Appointment.objects.values_list("state", "name", "email")) == {("cancelled", "", "")}
    assert Message.objects.get().recipient == "forgotten@invalid"
    assert deliver(mailbox) == []


def test_a_mail_that_told_of_their_visit_too_is_forgotten_with_them(therapist, service):
    visits = a_series(therapist, service, *four())
    visits[0].phone, visits[0].email = "612-555-0000", "other@example.com"
    visits[0].save()

    erased(phone="612-555-0142")

    assert Message.objects.get().recipient == "forgotten@invalid"


def test_a_series_mail_is_forgotten_with_the_visits_it_told_of(therapist, service):
    a_series(therapist, service, *four())

    with time_machine.travel(in_days(60)):
        actions.forget_past_visits()

    assert Message.objects.get().recipient == "forgotten@invalid"
    assert not Appointment.objects.exclude(name="").exists()


# ---- the page ----


def typed(moment):
    return f"{moment.astimezone(CHICAGO):%Y-%m-%dT%H:%M}"


def iso(moment):
    return moment.astimezone(CHICAGO).isoformat(timespec="minutes")


def sent_back(page):
    """Every field of the page's form as a browser would send it, without a button."""
    form = page.text.split('<form class="series"')[1].split("</form>")[0]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        is_on = attributes.get("type") not in ("radio", "checkbox") or " checked" in tag
        if is_on and attributes.get("name") not in (None, "csrfmiddlewaretoken"):
            fields.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        fields[name] = (
            re.findall(r'value="([^"]*)" selected', options)[:1] or re.findall(r'value="([^"]*)"', options)[:1]
        )
    for name, text in re.findall(r'<textarea name="([^"]+)".*?>\s*(.*?)</textarea>', form, re.DOTALL):
        fields[name] = [text]
    return fields


PATIENT = {"name": "Sam Series", "phone": "612-555-0111", "email": "sam@example.com", "is_new_patient": "yes"}


def propose(desk, with_whom, what, **facts):
    given = {
        "therapist": with_whom.slug,
        "service": what.slug,
        "first_day": f"{in_days(3).astimezone(CHICAGO):%Y-%m-%d}",
        "weeks": "2",
        "a_week": "2",
        "part": "morning",
        "submission_key": str(uuid.uuid4()),
        "do": "propose",
    } | facts
    return desk.post(PAGE, given)


def lines(page):
    """The visits as the page shows them: the words of each."""
    found = re.findall(r'<li class="plan__one.*?</details>', page.text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one.split("<details")[0]).split()) for one in found]


def test_a_preview_shows_each_visit_in_words_and_stores_nothing(desk, therapist, service):
    page = propose(desk, therapist, service)

    assert page.status_code == 200
    assert len(lines(page)) == 4
    first = in_days(3).astimezone(CHICAGO)
    assert lines(page)[0] == f"1. {first:%A, %B %-d}, 9:00 am Free"
    assert "All free" in page.text
    assert not Appointment.objects.exists()
    assert not Message.objects.exists()


def test_the_previewed_visits_are_booked_with_one_button(desk, therapist, service):
    page = propose(desk, therapist, service)

    done = desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"}, follow=True)

    visits = Appointment.objects.order_by("starts_at")
    assert [visit.starts_at.astimezone(CHICAGO).hour for visit in visits] == [9] * 4
    assert {(visit.name, visit.email) for visit in visits} == {("Sam Series", "sam@example.com")}
    assert "Booked: 4 visits with Dr. Stanley" in done.text
    assert "The patient is told by e-mail." in done.text
    assert "Visit 1 of 4 in a series" in done.text
    assert "Sam" not in done.redirect_chain[0][0]


def test_a_conflict_is_named_at_its_visit_with_free_times_near_it(desk, therapist, service):
    day = in_days(3).astimezone(CHICAGO)
    an_appointment(therapist, service, in_days(10), name="Other Person")
    an_absence(therapist, in_days(6, 0), in_days(7, 0))

    page = propose(
        desk,
        therapist,
        service,
        clock="09:00",
        part="",
        weekdays=[f"{day.weekday()}", f"{in_days(6).astimezone(CHICAGO).weekday()}"],
    )

    assert [line.split(" am ")[1] for line in lines(page)[:1]] == ["Free"]
    assert "Dr. Stanley is away until" in lines(page)[1]
    assert "There is a visit from 9:00 am to 9:30 am (confirmed)." in lines(page)[2]
    assert "2 of 4 cannot be booked" in page.text
    assert f'name="visit-3" value="{iso(in_days(10, 9, 45))}"' in page.text
    assert f'name="visit-2" value="{iso(in_days(6))}"' not in page.text
    assert "Other Person" not in page.text


def with_a_conflict(desk, therapist, service):
    an_appointment(therapist, service, in_days(10))
    weekday = in_days(3).astimezone(CHICAGO).weekday()
    return propose(desk, therapist, service, clock="09:00", weekdays=[str(weekday)], a_week="1", weeks="3")


def test_a_conflict_is_changed_or_left_out_and_what_was_typed_stays(desk, therapist, service):
    page = with_a_conflict(desk, therapist, service)
    fields = {**sent_back(page), **PATIENT, "note": "Left <knee>"}

    refused = desk.post(PAGE, {**fields, "do": "book"})

    assert refused.status_code == 409
    assert "Nothing is booked yet" in refused.text
    assert Appointment.objects.count() == 1
    again = sent_back(refused)
    assert (again["name"], again["phone"]) == (["Sam Series"], ["612-555-0111"])
    assert "Left &lt;knee&gt;" in refused.text

    changed = desk.post(PAGE, {**again, "visit-2": iso(in_days(10, 9, 45)), "visit-3": "out", "do": "check"})
    assert "Free, instead of" in lines(changed)[1]
    assert lines(changed)[2].endswith("Left out")
    desk.post(PAGE, {**sent_back(changed), "do": "book"})

    booked = Appointment.objects.filter(name="Sam Series").order_by("starts_at")
    assert [visit.starts_at for visit in booked] == [in_days(3), in_days(10, 9, 45)]


def test_another_time_typed_counts_and_a_bad_one_is_said_and_kept(desk, therapist, service):
    page = with_a_conflict(desk, therapist, service)

    bad = desk.post(PAGE, {**sent_back(page), "other-2": "2027-03-14T02:30", "do": "check"})
    assert "is not a time on the clinic" in lines(bad)[1]
    assert 'value="2027-03-14T02:30"' in bad.text
    good = desk.post(PAGE, {**sent_back(bad), "other-2": typed(in_days(11, 14)), "do": "check"})

    assert "Free, instead of" in lines(good)[1]
    assert f'name="visit-2" value="{iso(in_days(11, 14))}" checked' in good.text


def test_two_visits_of_one_series_do_not_meet(desk, therapist, service):
    page = with_a_conflict(desk, therapist, service)

    met = desk.post(PAGE, {**sent_back(page), "other-2": typed(in_days(3, 9, 30)), "do": "check"})

    assert "It overlaps another visit in this series." in lines(met)[1]


def test_a_time_gone_meanwhile_is_marked_and_nothing_is_booked(desk, therapist, service):
    page = propose(desk, therapist, service)
    starts = [datetime.fromisoformat(one) for one in re.findall(r'name="wish-\d+" value="([^"]+)"', page.text)]
    an_appointment(therapist, service, starts[2].astimezone(UTC), name="Quicker")

    refused = desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"})

    assert refused.status_code == 409
    assert "There is a visit from" in lines(refused)[2]
    assert [line.endswith("Free") for line in lines(refused)] == [True, True, False, True]
    assert sent_back(refused)["name"] == ["Sam Series"]
    assert Appointment.objects.count() == 1


def test_the_one_who_was_quicker_between_look_and_lock_is_found(desk, therapist, service, monkeypatch):
    page = propose(desk, therapist, service)
    start = datetime.fromisoformat(re.findall(r'name="wish-\d+" value="([^"]+)"', page.text)[1]).astimezone(UTC)
    book = actions.book_series

    def somebody_first(**facts):
        an_appointment(therapist, service, start, name="Quicker")
        return book(**facts)

    monkeypatch.setattr(actions, "book_series", somebody_first)

    refused = desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"})

    assert refused.status_code == 409
    assert "somebody was quicker" in refused.text
    assert "There is a visit from" in lines(refused)[1]
    assert not Series.objects.exists()


def test_sending_the_page_twice_books_once(desk, therapist, service):
    form = {**sent_back(propose(desk, therapist, service)), **PATIENT, "do": "book"}

    first, second = desk.post(PAGE, form), desk.post(PAGE, form)

    assert first.status_code == 302
    assert Series.objects.count() == 1
    assert Appointment.objects.count() == 4
    assert second.status_code in (302, 409)
    assert Message.objects.count() == 1


def test_a_changed_pattern_is_shown_before_it_is_booked(desk, therapist, service):
    page = propose(desk, therapist, service)

    shown = desk.post(PAGE, {**sent_back(page), **PATIENT, "weeks": "3", "do": "book"})

    assert shown.status_code == 409
    assert len(lines(shown)) == 6
    assert "Look at them, then book" in shown.text
    assert not Appointment.objects.exists()


def test_a_slip_in_the_pattern_loses_no_choice(desk, therapist, service):
    page = with_a_conflict(desk, therapist, service)
    chosen = {**sent_back(page), "visit-2": "out"}

    slip = desk.post(PAGE, {**chosen, "weeks": "", "do": "check"})
    assert slip.status_code == 422
    back = desk.post(PAGE, {**sent_back(slip), "weeks": "3", "do": "check"})

    assert lines(back)[1].endswith("Left out")


def test_looking_needs_no_patient_and_booking_does(desk, therapist, service):
    page = propose(desk, therapist, service, phone="12")

    assert page.status_code == 422
    assert len(lines(page)) == 4
    refused = desk.post(PAGE, {**sent_back(page), "phone": "", "do": "book"})
    assert (refused.status_code, len(lines(refused))) == (422, 4)
    assert not Appointment.objects.exists()


ODD = [
    {"weeks": "x"},
    {"weeks": "99999999999999999999"},
    {"weeks": "0"},
    {"weeks": "26", "a_week": "5"},
    {"a_week": "-1"},
    {"first_day": "99999-01-01"},
    {"first_day": "9999-12-31"},
    {"first_day": "2020-01-01"},
    {"clock": "25:99"},
    {"part": "night"},
    {"weekdays": "9"},
    {"weekdays": "x"},
    {"weekdays": "1", "a_week": "3"},
    {"therapist": "nobody"},
    {"service": "nothing"},
    {"submission_key": "x"},
    {"name": "a\u202eb"},
    {"email": "no"},
]


@pytest.mark.parametrize("typed", ODD, ids=str)
def test_odd_values_are_refused_kindly_and_store_nothing(desk, therapist, service, typed):
    for do in ("propose", "check", "book"):
        page = propose(desk, therapist, service, **{**PATIENT, **typed, "do": do})
        assert page.status_code in (409, 422), do
        assert "Everything you typed is kept" in page.text
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"wish-2": "x"},
        {"wish-1": "9999-12-31T23:59+00:00"},
        {"visit-1": "yesterday"},
        {"visit-1": "0001-01-01T00:00+00:00"},
        {"other-1": "99999-01-01T00:00"},
        {"other-1": "2899-12-31T23:59"},
        {"planned": ""},
    ],
    ids=str,
)
def test_a_plan_that_our_page_never_wrote_books_nothing(desk, therapist, service, typed):
    page = propose(desk, therapist, service)

    refused = desk.post(PAGE, {**sent_back(page), **PATIENT, **typed, "do": "book"})

    assert refused.status_code == 409
    assert not Appointment.objects.exists()


def test_a_time_centuries_away_is_called_too_far_and_reads_no_day_until_then(desk, therapist, service, monkeypatch):
    page, asked = propose(desk, therapist, service), []
    monkeypatch.setattr(plan, "ask", lambda *a, **days: asked.append(days) or ask(*a, **days))

    refused = desk.post(PAGE, {**sent_back(page), **PATIENT, "other-1": "2899-12-31T23:59", "do": "book"})

    assert "It is more than 732 days away, further than can be booked." in refused.text
    assert "does not work then" not in refused.text
    assert {days["last"] for days in asked} == {day_in(732)}


@pytest.mark.parametrize("query", ["?therapist=nobody", "?from=nonsense", "?service=x&from=9999-12-31T23:00%2B14:00"])
def test_odd_links_open_an_empty_form(desk, therapist, service, query):
    assert desk.get(PAGE + query).status_code == 200


@pytest.mark.parametrize("number", ["x", "999999", "9" * 30, "-1"])
def test_more_like_a_visit_that_is_none_is_not_found(desk, therapist, service, number):
    assert desk.get(f"{PAGE}?like={number}").status_code == 404


def test_more_visits_like_one_are_for_the_same_person_and_the_look_is_noted(desk, therapist, service):
    visit = an_appointment(therapist, service, in_days(3, 10), name="Sam Series")

    page = desk.get(f"{PAGE}?like={visit.pk}")

    fields = sent_back(page)
    assert (fields["name"], fields["phone"], fields["clock"]) == (["Sam Series"], ["612-555-0142"], ["10:00"])
    assert fields["first_day"] == [f"{in_days(4).astimezone(CHICAGO):%Y-%m-%d}"]
    line = AccessLog.objects.get()
    assert (line.what, line.number) == (Look.OPENED, visit.pk)
    assert f"?like={visit.pk}" in desk.get(f"/admin/booking/appointment/{visit.pk}/change/").text


def test_what_was_typed_for_one_visit_comes_along_from_the_callers_page(desk, therapist, service):
    typed_there = {**PATIENT, "therapist": therapist.slug, "starts_at": typed(in_days(5, 14)), "do": "begin"}

    page = desk.post(PAGE, typed_there | {"submission_key": str(uuid.uuid4())})

    fields = sent_back(page)
    assert (fields["name"], fields["clock"]) == (["Sam Series"], ["14:00"])
    assert fields["first_day"] == [f"{in_days(5).astimezone(CHICAGO):%Y-%m-%d}"]
    assert fields["submission_key"][0] not in str(typed_there)
    assert PAGE in desk.get("/admin/calendar/book/").text
    assert PAGE in desk.get("/admin/calendar/").text


def test_over_the_night_of_change_a_series_is_proposed_at_the_same_time_of_day(therapist, service):
    with time_machine.travel(datetime(2027, 3, 8, 15, tzinfo=UTC)):
        desk = signed_in_as(FRONT_DESK, username="in-spring")
        facts = {"first_day": "2027-03-10", "weekdays": ["2"], "a_week": "1", "clock": "09:00"}
        page = propose(desk, therapist, service, **facts)

    assert lines(page) == ["1. Wednesday, March 10, 9:00 am Free", "2. Wednesday, March 17, 9:00 am Free"]
    assert 'value="2027-03-10T09:00-06:00"' in page.text
    assert 'value="2027-03-17T09:00-05:00"' in page.text


def test_a_time_that_comes_twice_is_told_apart(therapist, service):
    for day in (date(2027, 10, 31), date(2027, 11, 7)):
        Override.objects.create(therapist=therapist, day=day, opens="00:00", closes="06:00")
    with time_machine.travel(datetime(2027, 10, 25, 15, tzinfo=UTC)):
        desk = signed_in_as(FRONT_DESK, username="in-autumn")
        facts = {"first_day": "2027-10-31", "weekdays": ["6"], "a_week": "1", "clock": "01:00"}
        page = propose(desk, therapist, service, **facts)

    assert lines(page) == ["1. Sunday, October 31, 1:00 am Free", "2. Sunday, November 7, 1:00 am CDT Free"]
    assert "Sunday, November 7, 1:00 am CST" in page.text


def test_a_therapist_who_does_not_give_the_service_gets_no_series_and_the_page_says_so(desk, therapist, service):
    page = propose(desk, therapist, service)
    service.therapists.clear()

    refused = desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"})

    assert refused.status_code == 409
    assert "does not give “Consultation”" in refused.text
    assert f"/admin/booking/service/{service.pk}/change/" in refused.text
    assert not Appointment.objects.exists()


def test_ticks_that_close_new_online_bookings_leave_the_series_to_staff(desk, therapist, service):
    Therapist.objects.update(is_taking_patients=False)
    Service.objects.update(is_active=False)

    page = propose(desk, therapist, service)
    booked = desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"})

    assert booked.status_code == 302
    assert Appointment.objects.exists()


def test_the_preview_asks_the_same_however_long_the_series_and_however_full_the_days(
    desk, therapist, service, django_assert_num_queries
):
    weekday = in_days(3).astimezone(CHICAGO).weekday()

    def look(weeks):
        return propose(desk, therapist, service, clock="09:00", a_week="1", weekdays=[str(weekday)], weeks=weeks)

    an_appointment(therapist, service, in_days(3))
    an_absence(therapist, in_days(10), in_days(11))
    look("2")
    with django_assert_num_queries(16) as few:
        look("2")
    for week in range(3, 12):
        an_appointment(therapist, service, in_days(3 + 7 * week))
        an_absence(therapist, in_days(4 + 7 * week), in_days(5 + 7 * week))
    with django_assert_num_queries(len(few)):
        assert "cannot be booked" in look("26").text


# ---- a series on the pages of its visits ----


def test_a_visit_says_which_of_its_series_it_is_and_lists_the_others(desk, therapist, service):
    visits = a_series(therapist, service, *four())
    actions.cancel_appointment(appointment=visits[0], seen=version_of(visits[0]), by=actions.Actor.STAFF)

    page = desk.get(f"/admin/booking/appointment/{visits[2].pk}/change/").text

    assert "Visit 3 of 4 in a series" in page
    listed = page.split('class="series-place"')[1].split("</section>")[0]
    assert re.findall(r"/appointment/(\d+)/change/", listed) == [str(visits[at].pk) for at in (0, 1, 3)]
    assert "Cancelled" in listed
    assert "Series of visits confirmed" in listed
    assert (
        "series-place"
        not in desk.get(f"/admin/booking/appointment/{an_appointment(therapist, service, in_days(30)).pk}/change/").text
    )


def test_the_rest_is_cancelled_after_its_list_was_shown(desk, therapist, service):
    visits = a_series(therapist, service, *four())
    path = f"{PAGE}{visits[1].pk}/cancel-rest/"

    page = desk.get(path)
    assert "3 visits" in page.text
    assert "one e-mail about all of them" in page.text
    assert f"{in_days(3).astimezone(CHICAGO):%A, %B %-d}" not in page.text
    done = press(desk, path, follow=True)

    assert "Cancelled, and the times are free again" in done.text
    assert Appointment.objects.filter(state=State.CANCELLED).count() == 3
    assert desk.get(path).status_code == 302  # nothing is left to cancel


def test_who_was_quicker_is_told_and_nothing_is_cancelled(desk, therapist, service):
    visits = a_series(therapist, service, *four())
    path = f"{PAGE}{visits[1].pk}/cancel-rest/"
    shown = hidden_fields(desk.get(path).text)
    actions.move_appointment(
        appointment=visits[2], seen=version_of(visits[2]), starts_at=in_days(11), by=actions.Actor.PATIENT
    )

    for odd in (shown, {"version": "x"}, {}, {"version": "confirmed.99999999999.1.1.1 " * 99}):
        refused = desk.post(path, odd)
        assert refused.status_code == 409
        assert "nothing was changed" in refused.text
    assert not Appointment.objects.filter(state=State.CANCELLED).exists()


def test_without_an_address_the_page_says_to_phone(desk, therapist, service):
    visits = a_series(therapist, service, *four(), email="")
    path = f"{PAGE}{visits[0].pk}/cancel-rest/"
    page = desk.get(path).text

    done = press(desk, path, follow=True)

    assert "please phone the patient" in page
    assert "please phone them" in done.text
    assert Message.objects.get(kind=Kind.SERIES_CANCELLED).delivery == Delivery.PLEASE_PHONE


# ---- rights ----


@pytest.fixture
def other(therapist, service):
    other = a_therapist("benjamin-britton")
    working_all_week(other)
    service.therapists.add(other)
    return other


@pytest.fixture
def own_desk(therapist):
    therapist.account = staff_user(THERAPIST)
    therapist.save()
    return at_the_desk(therapist.account)


def test_a_therapist_books_a_series_for_themselves_alone(own_desk, therapist, other, service):
    refused = propose(own_desk, other, service)
    assert refused.status_code == 422
    assert "Britton" not in refused.text

    page = propose(own_desk, therapist, service)
    own_desk.post(PAGE, {**sent_back(page), **PATIENT, "do": "book"})

    assert set(Appointment.objects.values_list("therapist", flat=True)) == {therapist.pk}


def test_of_a_colleagues_series_a_therapist_sees_nothing(own_desk, other, service):
    [visit] = a_series(other, service, in_days(3), name="Fay Foreign")

    for path in (f"{PAGE}?like={visit.pk}", f"{PAGE}{visit.pk}/cancel-rest/"):
        answer = own_desk.get(path)
        assert (answer.status_code, "Foreign" in answer.text) == (404, False)
    assert own_desk.post(f"{PAGE}{visit.pk}/cancel-rest/", {"version": version_of(visit)}).status_code == 404
    visit.refresh_from_db()
    assert visit.state == State.CONFIRMED
    assert AccessLog.objects.count() == 0


def test_a_visit_gone_to_a_colleague_is_the_colleagues_to_cancel(own_desk, therapist, other, service):
    """An earlier time that someone accepted may be with somebody else."""
    visits = a_series(therapist, service, *four())
    moved = Appointment.objects.get(pk=visits[3].pk)
    moved.therapist = other
    moved.save()
    path = f"{PAGE}{visits[0].pk}/cancel-rest/"

    assert "<strong>3 visits</strong>" in own_desk.get(path).text
    press(own_desk, path)

    assert Appointment.objects.filter(state=State.CANCELLED).count() == 3
    moved.refresh_from_db()
    assert moved.state == State.CONFIRMED
    assert "Visit 1 of 4" in own_desk.get(f"/admin/booking/appointment/{visits[0].pk}/change/").text


@pytest.mark.parametrize("role", [EDITOR, REVIEWER, NO_ROLE])
def test_nobody_else_books_or_cancels_a_series(therapist, service, role):
    visits = a_series(therapist, service, *four())
    client = signed_in_as(role)

    assert propose(client, therapist, service, **PATIENT, do="book").status_code == 403
    assert client.post(f"{PAGE}{visits[0].pk}/cancel-rest/", {"version": version_of(*visits)}).status_code == 403
    assert not Appointment.objects.exclude(state=State.CONFIRMED).exists()
    assert timezone.now() < visits[0].starts_at
