"""A mail that was taken and comes back: sent over SMTP, returned by report, and a line to phone at the desk."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from booking import actions
from booking.mail import queue
from booking.models import Clinic, DaySheet, Delivery, Kind, Message, State
from revival.base.bounces import Outcome, take_bounce
from revival.base.delivery_reports import NoReportError, UnreadableReportError, read_report
from revival.base.verp import envelope_sender
from revival.management.commands.receive_bounce import MOST_BYTES
from revival.settings import BASE_DIR
from tests.booking.mail import bounces
from tests.booking.mail.bounces import DELAYED, DELIVERED, FAILED, GAVE_UP, POSTFIX, RELAYED, about, report
from tests.factories import an_appointment, erased, in_days, version_of
from tests.waiting import PATIENCE, wait_for

FORGED = "bounces+" + "a" * 42 + "@clinic.example"


@pytest.fixture
def visit(therapist, service):
    return an_appointment(therapist, service, in_days(5), state=State.REQUESTED)


@pytest.fixture
def send(visit, mailbox, settings):
    """Send a message; its envelope sender, to which a mail server would return it."""
    settings.BOUNCE_ADDRESS = "bounces@clinic.example"

    def deliver(message):
        actions.deliver_message(message_id=message.pk)
        return mailbox.senders[-1]

    return deliver


@pytest.fixture
def message(visit):
    return queue.queue_message(Kind.CONFIRMED, visit)


def returned(mail: str, bounce: str) -> bytes:
    """The mail as it comes back to this address."""
    return mail.replace("{bounce}", bounce).encode()


def take(mail: str, bounce: str) -> Outcome:
    return take_bounce(returned(mail, bounce), recipient=bounce)


def state_of(message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.delivery, message.last_answer


# ---- the envelope ---------------------------------------------------------------------------


def test_each_mail_has_an_envelope_sender_of_its_own_and_from_stays(send, visit, mailbox, settings):
    senders = {send(queue.queue_message(kind, visit)) for kind in (Kind.STAFF_NOTICE, Kind.LOST_LINK, Kind.CONFIRMED)}

    assert len(senders) == 3
    for sender, mail in zip(mailbox.senders, mailbox.mails, strict=True):
        assert sender.startswith("bounces+")
        assert sender.endswith("@clinic.example")
        assert len(sender.rpartition("@")[0]) <= 64
        assert mail["From"] == settings.DEFAULT_FROM_EMAIL
        assert "ada" not in sender


def test_without_a_bounce_address_mails_leave_as_before(message, mailbox, settings):
    actions.deliver_message(message_id=message.pk)

    assert mailbox.senders == ["no-reply@localhost"]
    assert mailbox.mails[0]["From"] == settings.DEFAULT_FROM_EMAIL


# ---- reports --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "answer"),
    [
        (bounces.POSTFIX, "Bounced 5.1.1"),
        (bounces.POSTFIX.replace("\n", "\r\n"), "Bounced 5.1.1"),
        (bounces.EXIM, "Bounced 5.0.0"),
        (bounces.EXCHANGE, "Bounced 5.1.10"),
        (bounces.INTERNATIONAL, "Bounced 5.7.1"),
        (report(FAILED), "Bounced 5.1.1"),
        (report(GAVE_UP), "Bounced 4.4.7"),
        (report(DELAYED, FAILED), "Bounced 5.1.1"),
        (report(about("Failed (no such user)", "5.1.1 (unknown)")), "Bounced 5.1.1"),
        (report(about("failed", "٥.١.١")), "Bounced"),
        (report(about("failed", "2.0.0")), "Bounced"),
        (report("Action: failed"), "Bounced"),
    ],
    ids=[
        *("postfix", "crlf", "exim", "exchange", "international", "no original", "gave up", "one of two", "comments"),
        *("other digits", "contradiction", "no status"),
    ],
)
def test_a_failed_delivery_is_a_line_to_phone(send, message, admin_client, mail, answer):
    assert take(mail, send(message)) == Outcome.REFUSED

    assert state_of(message) == (Delivery.REFUSED, answer)
    desk = admin_client.get("/admin/").text
    assert f"/admin/booking/message/{message.pk}/" in desk
    assert f"Refused by the mail server ({answer})" in desk
    assert "612-555-0142" in desk


@pytest.mark.parametrize(
    ("mail", "outcome"),
    [
        (report(DELAYED), Outcome.NOT_FAILED),
        (report(DELIVERED), Outcome.NOT_FAILED),
        (report(RELAYED), Outcome.NOT_FAILED),
        (report(about("expanded", "2.0.0")), Outcome.NOT_FAILED),
        (report(FAILED, DELIVERED), Outcome.NOT_FAILED),
        (bounces.AUTO_REPLY, Outcome.NO_REPORT),
        (bounces.READ_RECEIPT, Outcome.NO_REPORT),
        (bounces.FORWARDED, Outcome.NO_REPORT),
        ("", Outcome.NO_REPORT),
        ("\0\xff: not a mail", Outcome.NO_REPORT),
    ],
)
def test_what_says_nothing_of_a_failure_changes_nothing(send, message, mail, outcome):
    assert take(mail, send(message)) == outcome

    assert state_of(message) == (Delivery.SENT, "")


BROKEN = [bounces.EMPTY_REPORT, bounces.NO_ACTION, bounces.CUT_SHORT, bounces.DEEP, bounces.BREAKS_THE_PARSER]


@pytest.mark.parametrize("mail", BROKEN, ids=["empty", "no action", "cut short", "deep", "breaks the parser"])
def test_a_broken_report_is_said_to_be_one_and_changes_nothing(send, message, mail):
    with pytest.raises(UnreadableReportError):
        take(mail, send(message))

    assert state_of(message) == (Delivery.SENT, "")


@pytest.mark.parametrize("mail", [POSTFIX, bounces.EXCHANGE, bounces.INTERNATIONAL])
def test_wherever_a_report_is_cut_off_it_is_read_or_refused(mail):
    for end in range(0, len(mail.encode()), 7):
        with suppress(NoReportError, UnreadableReportError):
            read_report(mail.encode()[:end])


# ---- which mail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        "X-Original-To: {bounce}",
        "To: else@clinic.example\nDelivered-To: {bounce}",
        'To: "Bounces, clinic" <{bounce}>',
        "To: undisclosed\nTo: {bounce}",
    ],
)
def test_the_headers_say_which_mail_when_the_server_does_not(send, message, headers):
    mail = f"{headers}\n{report(FAILED).partition(chr(10))[2]}"

    assert take_bounce(returned(mail, send(message))) == Outcome.REFUSED


@pytest.mark.parametrize("rewritten", [str.upper, "prvs=1234567890={}".format])
def test_a_mail_server_may_write_the_address_in_its_own_way(send, message, rewritten):
    assert take(POSTFIX, rewritten(send(message))) == Outcome.REFUSED


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("bounces@clinic.example", Outcome.NO_MAIL),
        ("bounces+short@clinic.example", Outcome.NO_MAIL),
        (FORGED, Outcome.OVER),
    ],
)
def test_a_report_without_a_token_of_ours_is_dropped(send, message, address, outcome):
    send(message)

    assert take(POSTFIX, address) == outcome

    assert state_of(message) == (Delivery.SENT, "")


def test_whoever_knows_the_messages_id_alone_cannot_make_it_bounce(send, message):
    local_part, _, domain = send(message).rpartition("@")
    forged = f"{local_part[:-3]}{'aaa' if local_part[-3:] != 'aaa' else 'bbb'}@{domain}"

    assert take(POSTFIX, forged) == Outcome.OVER

    assert state_of(message) == (Delivery.SENT, "")


def test_a_token_of_one_mail_is_none_of_another(send, visit, message):
    other = send(queue.queue_message(Kind.LOST_LINK, visit))
    send(message)

    take(POSTFIX, other)

    assert state_of(message) == (Delivery.SENT, "")


# ---- what became of it since ----------------------------------------------------------------


def test_a_second_bounce_changes_nothing(send, message):
    bounce = send(message)
    take(POSTFIX, bounce)

    assert take(bounces.EXIM, bounce) == Outcome.OVER

    assert state_of(message) == (Delivery.REFUSED, "Bounced 5.1.1")


@pytest.mark.parametrize("email", ["ada@example.com", "ada@example.org"])
def test_a_bounce_of_what_was_sent_again_since_changes_nothing(send, message, email):
    bounce = send(message)
    take(POSTFIX, bounce)
    message.refresh_from_db()
    actions.resend_message(message=message, seen=version_of(message), email=email)
    assert take(POSTFIX, bounce) == Outcome.OVER
    again = send(message)

    assert take(POSTFIX, bounce) == Outcome.OVER

    assert state_of(message) == (Delivery.SENT, "")
    assert take(POSTFIX, again) == Outcome.REFUSED


def test_a_bounce_of_what_was_told_by_phone_since_changes_nothing(send, message):
    bounce = send(message)
    take(POSTFIX, bounce)
    message.refresh_from_db()
    actions.mark_as_phoned(message=message, seen=version_of(message))

    assert take(POSTFIX, bounce) == Outcome.OVER

    assert state_of(message)[0] == Delivery.PHONED


def test_nobody_is_to_be_phoned_who_was_erased_since(send, message):
    bounce = send(message)
    erased(email="ada@example.com")

    assert take(POSTFIX, bounce) == Outcome.OVER

    assert not Message.objects.undelivered().exists()


def test_a_day_sheet_that_comes_back_is_on_the_desk_too(clinic, settings, admin_client):
    settings.BOUNCE_ADDRESS = "bounces@clinic.example"
    Clinic.objects.update(mails_day_sheet=True)
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    sent = {"recipient": "front-desk@example.com", "delivery": DaySheet.Delivery.SENT, "sent_at": timezone.now()}
    sheet = DaySheet.objects.create(day=tomorrow, edition="evening", **sent)

    assert take(POSTFIX, envelope_sender(sheet)) == Outcome.REFUSED

    assert "The mail server refused the one to front-desk@example.com" in admin_client.get("/admin/").text


# ---- the command, as a mail server runs it ---------------------------------------------------


def address_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def pipe(mail: bytes, *arguments: str, database: str = "") -> subprocess.CompletedProcess:
    database = database or connection.settings_dict["NAME"]
    return subprocess.run(
        [sys.executable, "manage.py", "receive_bounce", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, "REVIVAL_MODE": "trial", "DATABASE_URL": address_of(database)},
        input=mail,
        capture_output=True,
    )


@pytest.mark.django_db(transaction=True)
def test_a_bounce_from_the_mail_server_to_the_desk(send, message, mailbox, admin_client):
    bounce = send(message)
    huge = POSTFIX.replace("Body.", "Body.\n" * MOST_BYTES)
    out_of_reach = POSTFIX.replace("This is a MIME-encapsulated message.", "Long. " * MOST_BYTES)
    dropped = pipe(returned(bounces.AUTO_REPLY, bounce), "--recipient", bounce)
    broken = pipe(returned(out_of_reach, bounce), "--recipient", bounce)
    away = pipe(returned(POSTFIX, bounce), "--recipient", bounce, database="not_there")
    assert state_of(message) == (Delivery.SENT, "")

    taken = pipe(returned(huge, bounce))

    assert [done.returncode for done in (dropped, broken, away, taken)] == [0, 65, 75, 0]
    assert state_of(message) == (Delivery.REFUSED, "Bounced 5.1.1")
    assert "Refused by the mail server (Bounced 5.1.1)" in admin_client.get("/admin/").text
    assert len(mailbox.mails) == 1  # it never sends one
    for done in (dropped, broken, away, taken):
        said = (done.stdout + done.stderr).decode()
        assert said
        assert "ada" not in said.lower()
        assert bounce not in said


WAITING_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.django_db(transaction=True)
def test_a_bounce_waits_for_the_worker_that_has_not_noted_yet_that_the_mail_left(send, message, mailbox):
    def take_in_a_thread(bounce: str) -> Outcome:
        try:
            return take(POSTFIX, bounce)
        finally:
            connection.close()

    accept, bounced = mailbox.handle_DATA, []

    async def bounce_first(server, session, envelope):
        bounced.append(pool.submit(take_in_a_thread, envelope.mail_from))
        wait_for(lambda: bounced[0].done() or other.execute(WAITING_FOR_A_LOCK).fetchone()[0])
        return await accept(server, session, envelope)

    mailbox.handle_DATA = bounce_first
    database = address_of(connection.settings_dict["NAME"])
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database, autocommit=True) as other:
        send(message)

        assert bounced[0].result(PATIENCE) == Outcome.REFUSED

    assert state_of(message) == (Delivery.REFUSED, "Bounced 5.1.1")
