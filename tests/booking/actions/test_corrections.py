"""Corrections of name, e-mail address and phone: written where they were wrong, with old links closed and one told."""

import ast
from dataclasses import replace

import pytest
from django.utils import timezone

from booking import actions
from booking.mail import queue
from booking.models import Appointment, Delivery, Kind, LostLink, Message, Offer, State, WaitlistEntry
from booking.models.people import Person
from revival.base.clock import Span
from revival.models import Change
from tests.factories import (
    a_series,
    an_appointment,
    an_offer,
    asks,
    in_days,
    joins,
    outage_of,
    version_of,
)
from tests.races import all_at_once
from tests.running import ROOT

RIGHT = "right@example.com"


def correct(row, *, also=(), seen=None, **details):
    row.refresh_from_db()
    present = Person.of(row)
    wanted = replace(present, **details)
    ticked = [(other, Person.of(other).version) for other in also]
    return actions.correct_person(person=row, details=wanted, seen=seen or present.version, also=ticked)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def queued(kind=None):
    rows = Message.objects.filter(delivery=Delivery.QUEUED).exclude(kind__in=(Kind.STAFF_NOTICE,)).order_by("pk")
    return [(row.kind, row.recipient) for row in rows if kind in (None, row.kind)]


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), confirmed_at=timezone.now())


# ---- one row --------------------------------------------------------------------------------


def test_a_corrected_name_or_phone_is_written_with_its_keys_and_sends_nothing(visit, client):
    link, before = visit.get_absolute_url(), visit.version

    correct(visit, name="Ada Bytén", phone="(612) 555-0199", patient_name="Annabella")

    now = fresh(visit)
    assert (now.name_key, now.phone_e164, now.patient_name_key) == ("ada byten", "+16125550199", "annabella")
    assert now.version == before
    assert client.get(link).status_code == 200
    assert not Message.objects.exists()


@pytest.mark.parametrize("state", [State.REQUESTED, State.CONFIRMED])
def test_a_new_address_gets_the_visit_as_it_is_and_the_old_link_opens_nothing(visit, client, state):
    Appointment.objects.update(state=state)
    link = visit.get_absolute_url()

    correct(visit, email=RIGHT)

    now = fresh(visit)
    assert (now.email, now.email_key) == (RIGHT, RIGHT)
    assert client.get(link).status_code == 404
    assert client.get(now.get_absolute_url()).status_code == 200
    assert queued() == [(state, RIGHT)]
    assert Message.objects.get().sequence == visit.calendar_sequence


def test_the_same_address_written_another_way_keeps_the_link(visit, client):
    link = visit.get_absolute_url()

    correct(visit, email="ada@EXAMPLE.com")

    assert client.get(link).status_code == 200
    assert not Message.objects.exists()


@pytest.mark.parametrize("state", [State.CANCELLED, State.DECLINED, State.ARRIVED, State.NO_SHOW])
def test_a_visit_that_is_not_to_come_is_corrected_without_a_message(visit, state, client):
    Appointment.objects.update(state=state)
    link = visit.get_absolute_url()

    correct(visit, email=RIGHT)

    assert client.get(link).status_code == 404
    assert not Message.objects.exists()


def test_nothing_changed_writes_nothing(visit):
    lines = Change.objects.count()

    assert correct(visit) == []
    assert Change.objects.count() == lines


def test_what_waits_goes_to_the_new_address_once_and_what_was_refused_is_done_with(visit):
    first = queue.queue_message(Kind.CONFIRMED, visit)
    reminder = queue.queue_message(Kind.REMINDER_DAY, visit)
    refused = queue.queue_message(Kind.MOVED, visit)
    Message.objects.filter(pk=refused.pk).update(delivery=Delivery.REFUSED)
    notice = queue.queue_message(Kind.STAFF_NOTICE, visit)

    correct(visit, email=RIGHT)

    assert [fresh(row).delivery for row in (first, refused)] == [Delivery.OVERTAKEN] * 2
    assert fresh(reminder).recipient == RIGHT
    assert queued(Kind.CONFIRMED) == [(Kind.CONFIRMED, RIGHT)]
    assert fresh(notice).recipient == notice.recipient
    assert not Message.objects.undelivered().exists()


def test_without_an_address_what_waits_becomes_a_line_to_phone(visit, client):
    link = visit.get_absolute_url()
    waiting = queue.queue_message(Kind.LOST_LINK, visit)

    correct(visit, email="")

    assert client.get(link).status_code == 404
    assert (fresh(waiting).delivery, fresh(waiting).recipient) == (Delivery.PLEASE_PHONE, "")
    assert Message.objects.count() == 1


def test_a_new_address_where_there_was_none_is_told(visit):
    correct(visit, email="")

    correct(visit, email=RIGHT)

    assert queued() == [(Kind.CONFIRMED, RIGHT)]


def test_nobody_is_put_back_into_a_row_that_was_erased(visit):
    visit.forget_patient(timezone.now())
    visit.save()

    with pytest.raises(actions.StateChangedError):
        correct(visit, name="Ada", email=RIGHT)


def test_a_colleagues_correction_in_between_is_in_the_way_but_a_move_is_not(visit):
    seen = Person.of(visit).version
    actions.move_appointment(
        appointment=visit, seen=version_of(visit), starts_at=in_days(6, 10), by=actions.Actor.STAFF
    )
    correct(visit, seen=seen, phone="612-555-0198")

    with pytest.raises(actions.ChangedMeanwhileError):
        correct(visit, seen=seen, phone="612-555-0197")

    assert fresh(visit).phone == "612-555-0198"


# ---- the waiting list, and requests to be called ----------------------------------------------


def test_an_old_address_cannot_open_leave_or_take_what_was_offered(service, therapist, client):
    entry = joins(service)
    offer = an_offer(entry, therapist, in_days(3))
    place = entry.get_absolute_url()

    correct(entry, email=RIGHT)

    form = {"offer": offer.pk, "version": version_of(offer)}
    for answer in (
        client.get(place),
        client.post(f"{place}leave/"),
        client.post(f"{place}accept/", form),
        client.post(f"{place}decline/", form),
    ):
        assert answer.status_code == 404
    assert (fresh(entry).state, fresh(offer).state) == (WaitlistEntry.State.WAITING, Offer.State.OPEN)
    assert queued() == [(Kind.JOINED, RIGHT), (Kind.OFFER, RIGHT)]
    assert client.post(f"{fresh(entry).get_absolute_url()}accept/", form).status_code == 302
    assert fresh(offer).state == Offer.State.TAKEN


@pytest.mark.parametrize("verb", ["accept", "decline", "leave"])
def test_whoever_opened_the_old_link_just_before_is_refused_under_the_lock(service, therapist, verb):
    entry = joins(service)
    offer = an_offer(entry, therapist, in_days(3))
    opened = Offer.objects.select_related("entry").get(pk=offer.pk)
    correct(entry, email=RIGHT)

    act = {
        "accept": lambda: actions.accept_offer(offer=opened, seen=version_of(offer)),
        "decline": lambda: actions.decline_offer(offer=opened, seen=version_of(offer)),
        "leave": lambda: actions.leave_waitlist(entry=opened.entry),
    }[verb]
    with pytest.raises(actions.ChangedMeanwhileError):
        act()

    assert (fresh(entry).state, fresh(offer).state) == (WaitlistEntry.State.WAITING, Offer.State.OPEN)


def test_a_visits_place_on_the_list_is_corrected_with_the_visit(visit, service, therapist, client):
    entry = joins(service, visit=visit)
    offer = an_offer(entry, therapist, in_days(3))
    place = entry.get_absolute_url()

    correct(visit, email=RIGHT)

    assert client.get(place).status_code == 404
    assert client.post(f"{place}accept/", {"offer": offer.pk, "version": version_of(offer)}).status_code == 404
    assert queued() == [(Kind.CONFIRMED, RIGHT), (Kind.JOINED, RIGHT), (Kind.OFFER, RIGHT)]


def test_an_entry_with_a_visit_is_corrected_in_the_visit(visit, service):
    entry = joins(service, visit=visit)
    details = replace(Person.of(visit), email=RIGHT)

    actions.correct_person(person=entry, details=details, seen=Person.of(visit).version)

    assert (fresh(visit).email, fresh(entry).email) == (RIGHT, "")


def test_a_request_to_be_called_is_corrected_and_nothing_is_sent(service):
    asked = asks(email="carla@example.com")
    before = Message.objects.count()

    correct(asked, name="Carla Right", email=RIGHT, phone="612-555-0199")

    now = fresh(asked)
    assert (now.name, now.email_key, now.phone_e164) == ("Carla Right", RIGHT, "+16125550199")
    assert Message.objects.count() == before


def test_nobody_becomes_unreachable_by_what_is_corrected_along(visit, service):
    entry = joins(service, name=visit.name, email=visit.email)

    with pytest.raises(actions.AddressNeededError):
        correct(visit, email="", also=[entry])

    assert (fresh(visit).email, fresh(entry).email) == ("ada@example.com", "ada@example.com")


# ---- several rows -----------------------------------------------------------------------------


def test_what_was_wrong_is_corrected_in_other_rows_where_it_was_the_same(visit, therapist, service, client):
    child = an_appointment(therapist, service, in_days(6), name="Anne Example", phone="+1 (612) 555-0142")
    entry = joins(service, name="ada EXAMPLE", email="ADA@example.com", phone="612-555-0111")
    asked = asks(name="Ada Example", email="other@example.com", phone="612 555 0142")
    links = [row.get_absolute_url() for row in (visit, child, entry)]

    changed = correct(visit, name="Ada Right", email=RIGHT, phone="612-555-0199", also=[child, entry, asked])

    assert set(changed) == {visit, child, entry, asked}
    assert [(row.name, row.email, row.phone) for row in map(fresh, (child, entry, asked))] == [
        ("Anne Example", RIGHT, "612-555-0199"),
        ("Ada Right", RIGHT, "612-555-0111"),
        ("Ada Right", "other@example.com", "612-555-0199"),
    ]
    assert [client.get(link).status_code for link in links] == [404] * 3
    assert sorted(queued()) == [(Kind.CONFIRMED, RIGHT), (Kind.CONFIRMED, RIGHT), (Kind.JOINED, RIGHT)]


def test_one_row_that_changed_meanwhile_keeps_all_from_being_corrected(visit, therapist, service):
    other = an_appointment(therapist, service, in_days(6))
    seen = Person.of(other).version
    correct(other, phone="612-555-0133")

    wanted = replace(Person.of(visit), email=RIGHT)
    with pytest.raises(actions.ChangedMeanwhileError):
        actions.correct_person(person=visit, details=wanted, seen=Person.of(visit).version, also=[(other, seen)])

    assert {fresh(row).email for row in (visit, other)} == {"ada@example.com"}


def test_a_series_is_told_in_one_message(therapist, service, client):
    visits = a_series(therapist, service, in_days(3), in_days(4), in_days(5))
    links = [visit.get_absolute_url() for visit in visits]

    correct(visits[1], email=RIGHT, also=[visits[0], visits[2]])

    assert queued() == [(Kind.SERIES, RIGHT)]
    message = Message.objects.get(kind=Kind.SERIES, delivery=Delivery.QUEUED)
    assert (message.appointment, message.visits.count()) == (visits[0], 3)
    assert {client.get(link).status_code for link in links} == {404}


@pytest.mark.parametrize("first", [True, False])
def test_one_visit_of_a_series_leaves_the_message_that_goes_to_the_old_address(therapist, service, first):
    visits = a_series(therapist, service, in_days(3), in_days(4), in_days(5))
    gone, message = visits[0 if first else 1], Message.objects.get()

    correct(gone, email=RIGHT)

    message.refresh_from_db()
    assert gone not in message.visits.all()
    assert message.appointment != gone
    assert (message.recipient, message.delivery) == ("ada@example.com", Delivery.QUEUED)
    assert queued(Kind.CONFIRMED) == [(Kind.CONFIRMED, RIGHT)]


def test_that_a_series_was_cancelled_is_told_to_both_addresses(therapist, service, django_user_model):
    visits = a_series(therapist, service, in_days(3), in_days(4))
    clerk = django_user_model.objects.create_superuser("clerk")
    actions.cancel_rest(appointment=visits[0], seen=version_of(*visits), by=clerk)

    correct(fresh(visits[1]), email=RIGHT)

    assert queued(Kind.SERIES_CANCELLED) == [
        (Kind.SERIES_CANCELLED, "ada@example.com"),
        (Kind.SERIES_CANCELLED, RIGHT),
    ]


# ---- a therapist who is out -------------------------------------------------------------------


def test_the_page_about_a_therapist_who_is_out_is_closed_and_staff_phone(visit, therapist, client):
    line = outage_of(therapist, Span(in_days(5, 0), in_days(6, 0))).visits.get()
    page = line.contact.get_absolute_url()

    correct(visit, email=RIGHT)

    assert client.get(page).status_code == 404
    line.refresh_from_db()
    assert (line.state, line.why) == ("to-phone", "old-address")
    assert queued(Kind.CONFIRMED) == []


def test_someone_elses_visit_with_the_old_address_keeps_its_page(visit, therapist, service, client):
    other = an_appointment(therapist, service, in_days(5, 11), name="Anne Example")
    outage = outage_of(therapist, Span(in_days(5, 0), in_days(6, 0)))
    page = outage.contacts.get().get_absolute_url()

    correct(visit, email=RIGHT)

    shown = client.get(page).text
    lines = {line.visit_id: line for line in outage.visits.all()}
    assert f'value="{lines[other.pk].pk}"' in shown
    assert f'value="{lines[visit.pk].pk}"' not in shown
    assert (lines[other.pk].state, lines[visit.pk].state) == ("waiting", "to-phone")


# ---- the change log ---------------------------------------------------------------------------


def test_the_log_says_that_it_changed_and_never_to_what(visit):
    lines = Change.objects.count()

    correct(visit, name="Canary Quill", email="canary@example.com", phone="612-555-8642")

    new = list(Change.objects.all()[: Change.objects.count() - lines])
    assert "appointment" in {line.about for line in new}
    assert not any(word in str(vars(line)).lower() for line in new for word in ("canary", "8642"))


# ---- races ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_race_of_two_colleagues_who_correct_at_once_one_is_refused(therapist, service):
    visit = an_appointment(therapist, service, in_days(5))
    seen, present = Person.of(visit).version, Person.of(visit)

    outcomes = all_at_once(
        lambda number: actions.correct_person(
            person=visit, details=replace(present, email=f"{number}@example.com"), seen=seen
        ),
        4,
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, actions.ChangedMeanwhileError)]
    assert len(refused) == 3
    assert queued() == [(Kind.CONFIRMED, fresh(visit).email)]
    assert fresh(visit).link_version == 2


@pytest.mark.django_db(transaction=True)
def test_race_of_a_patient_who_moves_while_staff_correct_the_address(therapist, service):
    visit = an_appointment(therapist, service, in_days(5))
    seen, details = version_of(visit), replace(Person.of(visit), email=RIGHT)

    def act(number):
        opened = fresh(visit)
        if number % 2:
            return actions.correct_person(person=opened, details=details, seen=Person.of(visit).version)
        return actions.move_appointment(
            appointment=visit, seen=seen, starts_at=in_days(6, 10), by=actions.Actor.PATIENT
        )

    outcomes = all_at_once(act, 2)

    now, moved = fresh(visit), not isinstance(outcomes[0], actions.RefusalError)
    assert not isinstance(outcomes[1], actions.RefusalError)
    assert now.email == RIGHT
    assert (now.starts_at == in_days(6, 10)) is moved
    last = Message.objects.exclude(kind=Kind.STAFF_NOTICE).order_by("pk").last()
    assert (last.recipient, last.starts_at) == (RIGHT, now.starts_at)
    waiting = Message.objects.filter(delivery=Delivery.QUEUED).exclude(kind=Kind.STAFF_NOTICE)
    assert {message.recipient for message in waiting} == {RIGHT}


def test_lost_links_of_an_address_that_was_just_corrected_are_not_sent_there(visit):
    LostLink.objects.create(email="ada@example.com")
    correct(visit, email=RIGHT)

    actions.send_lost_links(lost_link_id=LostLink.objects.get().pk)

    assert queued(Kind.LOST_LINK) == []


# ---- nothing writes a name without its key -----------------------------------------------------

PERSONAL = {"name", "email", "phone", "patient_name"}


def test_no_code_writes_a_persons_column_without_its_key():
    """`.update()` and `save(update_fields=...)` leave out the columns that a whole save writes anew."""
    found = []
    for path in (ROOT / "booking").rglob("*.py"):
        if "migrations" in path.parts:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                found += [f"{path.name}:{call.lineno}" for _ in written_without_key(call)]

    assert found == []


def written_without_key(call):
    if call.func.attr == "update":
        return PERSONAL & {keyword.arg for keyword in call.keywords}
    names = [keyword.value for keyword in call.keywords if keyword.arg in ("update_fields", "fields", "defaults")]
    if call.func.attr not in ("save", "bulk_update") or not names:
        return set()
    return PERSONAL & {node.value for name in names for node in ast.walk(name) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize(
    "code",
    [
        'rows.update(email="a")',
        'row.save(update_fields=["email", "link_version"])',
        'q.bulk_update(x, fields=["name"])',
    ],
)
def test_control_such_code_is_seen(code):
    assert written_without_key(ast.parse(code).body[0].value)
