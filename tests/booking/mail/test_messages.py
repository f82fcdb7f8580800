"""Messages over a real SMTP server: what arrives, what is kept, what a refusal leaves behind."""

import re
import socket
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as shared_app
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions, tasks
from booking.mail import compose, queue
from booking.mail.other_times import OtherTime
from booking.models import REMINDERS, TO_STAFF, Clinic, Delivery, FirstChoice, Kind, Message, State
from revival.base.clock import Span
from revival.base.jobs import BEHIND_PERIODIC_JOBS
from tests.factories import (
    a_therapist,
    an_appointment,
    an_offer,
    asks,
    in_days,
    joins,
    outage_of,
    some_details,
    version_of,
    working_all_week,
)
from tests.guest import press


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


def sent(message, mailbox):
    actions.deliver_message(message_id=message.pk)
    message.refresh_from_db()
    return mailbox.mails[-1] if mailbox.mails else None


def parts(mail):
    return {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}


def written(mail):
    """The plain text and the HTML, which people read."""
    return [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]


PATIENT_KINDS = [kind for kind in Kind if kind not in TO_STAFF]


def a_message(kind, visit):
    """A message of this kind about this visit, or about a wish for such a time."""
    if kind in (Kind.JOINED, Kind.OFFER):
        entry = joins(visit.service, name=visit.name, email=visit.email)
        if kind == Kind.JOINED:
            return entry.messages.get()
        visit.delete()
        return an_offer(entry, visit.therapist, visit.starts_at).messages.get()
    if kind == Kind.EMAIL_CHANGE:
        actions.ask_for_new_email(appointment=visit, seen=version_of(visit), email="new@example.com")
        return visit.messages.get()
    several = kind in (Kind.SERIES, Kind.SERIES_CANCELLED)
    if kind in (Kind.OUTAGE, Kind.OUTAGE_STANDS):
        outage = outage_of(visit.therapist, Span(in_days(5, 0), in_days(6, 0)), first=FirstChoice.SAME)
        message = outage.contacts.get().messages.get()
        if kind == Kind.OUTAGE:
            return message
        Message.objects.filter(pk=message.pk).update(delivery=Delivery.SENT, sent_at=timezone.now())
        actions.end_outage(outage=outage, seen=version_of(outage), ends_at=None, by=None)
        return outage.contacts.get().messages.get(kind=Kind.OUTAGE_STANDS)
    if several or kind in REMINDERS:
        visit.state, visit.confirmed_at = State.CONFIRMED, timezone.now()
        visit.save()
    return queue.queue_message(kind, visit, together=[visit] if several else [])


@pytest.mark.parametrize("kind", [kind for kind in PATIENT_KINDS if kind != Kind.JOINED])
def test_each_message_says_day_therapist_and_phone_in_both_parts(kind, visit, mailbox):
    message = a_message(kind, visit)

    mail = sent(message, mailbox)

    assert message.delivery == Delivery.SENT
    assert mail["To"] == "ada@example.com"
    assert mail["Message-ID"] == message.message_id
    day = in_days(5).astimezone(Clinic.objects.get().zone).strftime("%A, %B %-d")
    assert day in mail["Subject"]
    for text in written(mail):
        assert day in text
        assert "9:00 am" in text
        assert "Dr. Peter Stanley" in text
        assert "612-605-7594" in text
    assert {"text/plain", "text/html"} <= set(parts(mail))


@pytest.mark.parametrize("kind", [Kind.JOINED, *TO_STAFF])
def test_the_other_messages_too_say_the_phone_in_both_parts(kind, visit, mailbox):
    mail = sent(a_message(kind, visit), mailbox)

    assert all("612-605-7594" in text for text in written(mail))


@pytest.mark.parametrize("kind", [kind for kind in PATIENT_KINDS if kind != Kind.JOINED])
def test_each_message_names_the_zone_once_in_both_parts(kind, visit, mailbox, clinic):
    mail = sent(a_message(kind, visit), mailbox)

    assert [text.count(clinic.zone_name) for text in written(mail)] == [1, 1]


@pytest.mark.parametrize("kind", [Kind.REQUESTED, Kind.CONFIRMED, Kind.MOVED, Kind.LOST_LINK])
def test_a_visit_too_soon_to_change_online_is_not_promised_to_be(kind, therapist, service, mailbox):
    soon = an_appointment(therapist, service, timezone.now() + timedelta(hours=5), confirmed_at=timezone.now())

    for text in written(sent(queue.queue_message(kind, soon), mailbox)):
        assert "move or cancel" not in text
        assert "online until" not in text
        assert soon.get_absolute_url() in text
    later = an_appointment(therapist, service, in_days(5), confirmed_at=timezone.now())
    plain, html = written(sent(queue.queue_message(kind, later), mailbox))
    assert "See, move or cancel" in html
    assert ("You can change it online until" in plain) == (kind == Kind.CONFIRMED)


@pytest.mark.parametrize("kind", [Kind.REQUESTED, Kind.CONFIRMED, Kind.MOVED, Kind.LOST_LINK])
def test_the_private_link_in_the_mail_opens_the_visit(kind, visit, mailbox, client):
    mail = sent(queue.queue_message(kind, visit), mailbox)

    link = f"https://clinic.example{visit.get_absolute_url()}"
    assert all(link in text for text in written(mail))


@pytest.mark.parametrize("kind", list(Kind))
def test_no_mail_holds_the_note_or_the_patients_name(kind, visit, mailbox):
    visit.note, visit.name = "numb left leg", "Ada Example"
    visit.save()

    mail = sent(a_message(kind, visit), mailbox)

    assert not re.search(r"\bnumb\b", mail.as_string())
    assert not re.search(r"\bAda\b", mail.as_string())


def test_staff_notice_goes_to_the_desk_and_links_there(visit, mailbox):
    mail = sent(queue.queue_message(Kind.STAFF_NOTICE, visit), mailbox)

    assert mail["To"] == "front-desk@example.com"
    assert all(f"/admin/booking/appointment/{visit.pk}/change/" in text for text in parts(mail).values())


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (Kind.REQUESTED, "Please answer: a request for"),
        (Kind.MOVED, "Visit moved:"),
        (Kind.CANCELLED, "Visit cancelled:"),
    ],
)
def test_staff_notice_says_what_happened_then_not_what_is_now(visit, mailbox, kind, subject):
    queue.queue_message(kind, visit)
    notice = queue.queue_message(Kind.STAFF_NOTICE, visit)
    queue.queue_message(Kind.CONFIRMED, visit)

    assert sent(notice, mailbox)["Subject"].startswith(subject)


def test_names_are_kept_as_typed_in_plain_text(therapist, service, mailbox):
    therapist.name = "Dr. Ana O’Neil & Søn"
    therapist.save()
    visit = an_appointment(therapist, service, in_days(5))

    mail = parts(sent(queue.queue_message(Kind.CONFIRMED, visit), mailbox))

    assert "Dr. Ana O’Neil & Søn" in mail["text/plain"]
    assert "Søn" in mail["text/html"]
    assert "& S" not in mail["text/html"]


@pytest.mark.parametrize("kind", [Kind.DECLINED, Kind.EXPIRED])
def test_a_refused_request_comes_with_other_free_times(kind, visit, mailbox):
    visit.state = State.DECLINED
    visit.save()

    mail = parts(sent(queue.queue_message(kind, visit), mailbox))

    for text in mail.values():
        assert "Free as we write this" in text
        assert text.count("with Dr. Stanley") == 3
        assert text.count("https://clinic.example/book/peter-stanley/consultation/?from=") == 3


def test_times_that_staff_chose_are_named_while_they_are_free(visit, mailbox):
    other = a_therapist("benjamin-britton")
    visit.service.therapists.add(other)
    working_all_week(other)
    visit.state = State.DECLINED
    visit.save()
    chosen = [OtherTime(other.pk, in_days(6, 11)), OtherTime(other.pk, in_days(7, 11))]
    an_appointment(other, visit.service, in_days(7, 11))

    mail = parts(sent(queue.queue_message(Kind.DECLINED, visit, suggested=chosen), mailbox))

    for text in mail.values():
        assert text.count("https://clinic.example/book/benjamin-britton/consultation/?from=") == 1
        assert "book/peter-stanley" not in text


def test_a_preview_says_the_same_without_the_private_link(visit, mailbox):
    subject, body = compose.preview(Kind.CONFIRMED, visit)

    message = sent(queue.queue_message(Kind.CONFIRMED, visit), mailbox)
    assert subject == message["Subject"]
    link = f"https://clinic.example{visit.get_absolute_url()}"
    text = parts(message)["text/plain"].replace("\r\n", "\n")
    assert link in text
    assert body.strip() == text.replace(link, "[their private link]").strip()


def test_a_message_renders_the_times_it_stored(visit, mailbox):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    visit.put_at(therapist=visit.therapist, service=visit.service, starts_at=in_days(6, 11))
    visit.save()

    assert "9:00 am" in parts(sent(message, mailbox))["text/plain"]


def test_a_refused_address_is_shown_to_staff_and_not_tried_again(visit, mailbox):
    mailbox.refused["ada@example.com"] = "550 no such mailbox ada@example.com"
    message = queue.queue_message(Kind.CONFIRMED, visit)

    sent(message, mailbox)

    assert (message.delivery, message.last_answer) == (Delivery.REFUSED, "SMTP 550")
    assert message in Message.objects.undelivered()


def test_a_database_that_cannot_write_sends_nothing(visit, mailbox):
    """As with a full disk: what cannot be written down would be sent again and again."""
    message = queue.queue_message(Kind.CONFIRMED, visit)
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_room BEFORE UPDATE ON booking_message FOR EACH ROW EXECUTE FUNCTION no_room();
        """)
    try:
        with pytest.raises(OperationalError):
            actions.deliver_message(message_id=message.pk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER no_room ON booking_message; DROP FUNCTION no_room()")

    assert mailbox.mails == []


@pytest.mark.parametrize("fault", ["421 come back later", "451 try later"])
def test_a_passing_refusal_is_tried_again_with_the_same_message_id(visit, mailbox, fault):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    mailbox.answer = fault
    with pytest.raises(actions.NotDeliveredError):
        actions.deliver_message(message_id=message.pk)
    message.refresh_from_db()
    assert (message.delivery, message.attempts) == (Delivery.QUEUED, 1)

    mailbox.answer = "250 OK"
    mail = sent(message, mailbox)

    assert message.delivery == Delivery.SENT
    assert mail["Message-ID"] == message.message_id


def test_a_mail_that_cannot_be_written_is_shown_to_staff(visit, mailbox):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    Message.objects.filter(pk=message.pk).update(recipient="kow@\u200d.com")

    with pytest.raises(actions.NotDeliveredError):
        actions.deliver_message(message_id=message.pk)

    assert message in Message.objects.undelivered()


def test_no_mail_server_means_try_again(visit, mailbox):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    mailbox.stop()

    with pytest.raises(actions.NotDeliveredError):
        actions.deliver_message(message_id=message.pk)

    message.refresh_from_db()
    assert (message.delivery, message.last_answer) == (Delivery.QUEUED, "ConnectionRefusedError")


def test_a_server_that_never_answers_is_left_after_a_while_and_tried_again(visit, mailbox, settings):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = silent.getsockname()[1], 0.3
        with pytest.raises(actions.NotDeliveredError):
            actions.deliver_message(message_id=message.pk)

    message.refresh_from_db()
    assert (message.delivery, message.last_answer) == (Delivery.QUEUED, "SMTPServerDisconnected")


def test_a_connection_lost_after_the_mail_was_given_is_tried_again_with_the_same_message_id(visit, mailbox):
    """The server may have kept it: a double can be recognized."""
    message = queue.queue_message(Kind.CONFIRMED, visit)
    mailbox.drops = True
    with pytest.raises(actions.NotDeliveredError):
        actions.deliver_message(message_id=message.pk)
    mailbox.drops = False

    sent(message, mailbox)

    assert [mail["Message-ID"] for mail in mailbox.mails] == 2 * [message.message_id]
    assert message.delivery == Delivery.SENT


def test_sending_twice_sends_once(visit, mailbox):
    message = queue.queue_message(Kind.CONFIRMED, visit)

    for _ in range(2):
        actions.deliver_message(message_id=message.pk)

    assert len(mailbox.mails) == 1


def test_an_overtaken_message_is_not_sent_but_a_cancellation_is(visit, mailbox):
    asked = queue.queue_message(Kind.REQUESTED, visit)
    cancelled = queue.queue_message(Kind.CANCELLED, visit)
    queue.queue_message(Kind.STAFF_NOTICE, visit)

    for message in (asked, cancelled):
        actions.deliver_message(message_id=message.pk)

    asked.refresh_from_db()
    assert asked.delivery == Delivery.OVERTAKEN
    assert ["cancelled" in mail["Subject"] for mail in mailbox.mails] == [True]


def jobs():
    return ProcrastinateJob.objects.filter(task_name=queue.SEND_TASK).count()


@pytest.mark.django_db(transaction=True)
def test_a_booking_that_is_rolled_back_leaves_no_message_and_no_job(therapist, service, monkeypatch):
    hold = actions.take_hold(therapist=therapist, service=service, starts_at=in_days(3))
    jobs_before = jobs()
    queue_sending = queue.queue_sending

    def queue_then_fail(*messages):
        queue_sending(*messages)
        assert jobs() > jobs_before
        raise ZeroDivisionError

    monkeypatch.setattr(queue, "queue_sending", queue_then_fail)
    with pytest.raises(ZeroDivisionError):
        actions.book_appointment(
            hold=hold,
            therapist=therapist,
            service=service,
            starts_at=hold.starts_at,
            details=some_details(),
            submission_key=uuid.uuid4(),
        )

    assert not Message.objects.exists()
    assert jobs() == jobs_before


@pytest.mark.django_db(transaction=True)
def test_control_a_job_deferred_outside_the_transaction_is_left_behind(therapist, service, clinic, monkeypatch):
    """What the check above would see: a job through another connection outlives the booking it is about."""
    visit, before = an_appointment(therapist, service, in_days(3)), jobs()

    with shared_app.replace_connector(shared_app.connector.get_worker_connector()) as outside, outside.open():
        monkeypatch.setattr(queue, "jobs", outside)
        with transaction.atomic():
            queue.queue_message(Kind.CONFIRMED, visit)
            transaction.set_rollback(True)

    assert not Message.objects.exists()
    assert jobs() == before + 1


@pytest.mark.django_db(transaction=True)
def test_job_arguments_hold_ids_only(therapist, service, clinic):
    with transaction.atomic():
        message = queue.queue_message(Kind.CONFIRMED, an_appointment(therapist, service, in_days(3)))

    job = ProcrastinateJob.objects.filter(task_name=queue.SEND_TASK).latest("id")
    assert job.args == {"message_id": message.pk}
    assert job.priority < 0  # a mail server that hangs holds up nothing that the clock does


def test_tries_wait_ever_longer_up_to_ten_minutes_and_let_new_mail_go_first():
    with time_machine.travel(timezone.now(), tick=False):
        decisions = [
            tasks.GrowingWaits().get_retry_decision(exception=Exception(), job=SimpleNamespace(attempts=tries))
            for tries in range(301)
        ]
        seconds = [(decision.retry_at - timezone.now()).total_seconds() for decision in decisions[:300]]

    assert seconds[:5] == [2, 4, 8, 16, 32]
    assert max(seconds) == 600
    assert sum(seconds) > timedelta(days=1.9).total_seconds()
    assert decisions[300] is None  # staff have seen it for two days by then
    assert all(decision.priority < BEHIND_PERIODIC_JOBS for decision in decisions[:300])


@pytest.mark.django_db(transaction=True)
def test_inside_a_worker_too_the_job_is_in_the_transaction(therapist, service, clinic):
    """There the library's own app writes through a pool that commits at once."""
    visit, before = an_appointment(therapist, service, in_days(3)), jobs()

    with shared_app.replace_connector(shared_app.connector.get_worker_connector()):
        with transaction.atomic():
            queue.queue_message(Kind.CONFIRMED, visit)
            assert jobs() == before + 1
            transaction.set_rollback(True)

    assert jobs() == before


# ---- what staff do with a message that did not arrive ----


@pytest.fixture
def refused(visit, mailbox):
    mailbox.refused["ada@example.com"] = "550 no such mailbox"
    message = queue.queue_message(Kind.CONFIRMED, visit)
    sent(message, mailbox)
    return message


def test_staff_see_a_refused_message_and_send_it_to_another_address(admin_client, refused, visit, mailbox, client):
    old_link = visit.get_absolute_url()
    desk = f"/admin/booking/message/{refused.pk}/"
    assert desk in admin_client.get("/admin/").text
    assert "Ada Example, 612-555-0142" in admin_client.get(f"{desk}change/").text
    assert 'value="ada@example.com"' in admin_client.get(f"{desk}resend/").text

    press(admin_client, f"{desk}resend/", {"email": "ada@example.org"})
    mail = sent(refused, mailbox)

    visit.refresh_from_db()
    assert (mail["To"], refused.delivery, visit.email) == ("ada@example.org", Delivery.SENT, "ada@example.org")
    assert client.get(old_link).status_code == 404  # whoever got the old one cannot open it any more
    assert visit.get_absolute_url() in written(mail)[0]


def test_what_else_waits_goes_to_the_corrected_address_too(refused, visit, mailbox):
    other = queue.queue_message(Kind.LOST_LINK, visit)

    actions.resend_message(message=refused, seen=version_of(refused), email="ada@example.org")
    sent(other, mailbox)

    assert mailbox.mails[-1]["To"] == "ada@example.org"


@pytest.mark.parametrize("kind", [Kind.JOINED, Kind.OFFER])
def test_correcting_the_address_of_someone_who_waits_corrects_their_entry(kind, visit, mailbox):
    message = a_message(kind, visit)
    Message.objects.filter(pk=message.pk).update(delivery=Delivery.REFUSED)

    actions.resend_message(message=message, seen=version_of(message), email="ada@example.org")

    assert message.subject.__class__.objects.get(pk=message.subject.pk).recipient == "ada@example.org"


def test_the_old_page_of_the_list_does_not_lead_to_a_link_that_went_elsewhere(visit, mailbox, client):
    offer = a_message(Kind.OFFER, visit).offer
    booked = actions.accept_offer(offer=offer, seen=version_of(offer))
    place = offer.entry.get_absolute_url()
    assert booked.get_absolute_url() in client.get(place).text
    message = booked.messages.get(kind=Kind.REQUESTED)

    actions.resend_message(message=message, seen=version_of(message), email="ada@example.org")

    booked.refresh_from_db()
    assert booked.get_absolute_url() not in client.get(place).text
    assert client.post(f"{place}accept/", {"offer": offer.pk})["Location"] == place


def test_nobody_is_written_to_once_they_are_forgotten(refused, visit):
    visit.forget_patient(timezone.now())
    visit.save()

    with pytest.raises(actions.StateChangedError):
        actions.resend_message(message=refused, seen=version_of(refused), email="ada@example.org")


def test_what_never_arrived_leaves_the_desk_when_the_patient_is_forgotten(refused, visit):
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        actions.forget_past_visits()

    assert not Message.objects.undelivered().exists()


def test_an_address_that_is_none_is_not_sent_to(admin_client, refused):
    answer = press(admin_client, f"/admin/booking/message/{refused.pk}/resend/", {"email": "ada@"})

    assert answer.status_code == 422
    refused.refresh_from_db()
    assert refused.delivery == Delivery.REFUSED


def test_staff_note_that_they_phoned(admin_client, visit):
    visit.email = ""
    visit.save()
    message = queue.queue_message(Kind.CONFIRMED, visit)
    assert message in Message.objects.undelivered()

    press(admin_client, f"/admin/booking/message/{message.pk}/phoned/")

    assert message not in Message.objects.undelivered()


def test_a_message_that_arrived_cannot_be_sent_again(visit, mailbox):
    message = queue.queue_message(Kind.CONFIRMED, visit)
    sent(message, mailbox)

    with pytest.raises(actions.StateChangedError):
        actions.resend_message(message=message, seen=version_of(message), email="ada@example.com")


@pytest.mark.parametrize("kind", [Kind.JOINED, Kind.OFFER])
def test_the_waiting_list_can_be_left_from_the_mail_reader(kind, visit, mailbox):
    message = a_message(kind, visit)

    mail = sent(message, mailbox)

    address = f"https://clinic.example/waitlist/{message.subject.token}/leave/"
    assert mail["List-Unsubscribe"].strip() == f"<{address}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert all(address in text for text in written(mail))


def test_a_wish_to_be_called_reaches_staff_without_a_name(mailbox, clinic):
    asks()

    mail = sent(Message.objects.get(), mailbox)

    assert mail["Subject"] == "Please call a patient back"
    assert "Carla" not in mail.as_string()
    assert all("/admin/booking/contactrequest/" in text for text in written(mail))
