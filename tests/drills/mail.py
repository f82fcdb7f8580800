"""What becomes of e-mail when things break, with a real PostgreSQL, real workers and real SMTP servers.

(1) The worker is killed with -9 twenty times over 200 messages, while the server has a mail and has not said so: that
moment is where doubles come from. (2) The server is away for an hour. (3) It hangs, refuses, answers 421, hangs up.
(4) One worker is weighed over a thousand messages with their calendar files. (5) A booking is given up, or committed
late; the control does it with jobs deferred outside the transaction. Nobody waits an hour: dead workers' heartbeats are
made older, and due times moved back. Exit code 1: a promise was broken.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import django
import psutil
from aiosmtpd.controller import Controller
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import App, SyncPsycopgConnector

from tests.databases import drop_database, make_database
from tests.mailbox import Mailbox
from tests.running import RunningSite, drop_role, free_port, make_role

DATABASE, SERVER = "revival_mail_drill", os.environ["DATABASE_URL"]
os.environ |= {"DJANGO_SETTINGS_MODULE": "revival.settings", "REVIVAL_MODE": "trial"}
os.environ["DATABASE_URL"] = urlsplit(SERVER)._replace(path=f"/{DATABASE}").geturl()
django.setup()
os.environ["DATABASE_URL"] = SERVER  # where `make_database`, `drop_database` and `RunningSite` go
logging.disable(logging.WARNING)  # in here only: aiosmtpd tells every line

from booking.mail import queue as mail_queue  # noqa: E402 - Django is set up first
from booking.models import Delivery, Kind, Message  # noqa: E402
from tests import factories as make  # noqa: E402

MESSAGES, KILLS, AWAY, ILL, MINUTE = 200, 20, 50, 2, 60
WEIGHED, BATCHES, MOST_MB, FLAT = 1000, 10, 90, 1.05
PORT, DICE = free_port(), random.Random(7)
JOBS = f"FROM procrastinate_jobs WHERE task_name = '{mail_queue.SEND_TASK}' AND status IN ('todo', 'doing')"
JOBS_ALONE = f"SELECT count(*) {JOBS} AND args ->> 'message_id' NOT IN (SELECT id::text FROM booking_message)"
ROWS_ALONE = f"""SELECT count(*) FROM booking_message AS message
WHERE delivery = 'queued' AND NOT EXISTS (SELECT {JOBS} AND args ->> 'message_id' = message.id::text)"""


class SlowMailbox(Mailbox):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        answer = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(0.05)  # the mail is in, and nobody was told
        return answer


@contextmanager
def listening(kind=Mailbox, **facts):
    box = kind()
    vars(box).update(facts)
    server = Controller(box, hostname="127.0.0.1", port=PORT)
    server.start()
    try:
        yield box
    finally:
        server.stop()


def ask(statement, *values):
    """The first value a statement gives back, if it gives any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


def wait_until(is_so) -> float:
    """The seconds it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + 2 * MINUTE, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def queue(drill: str, count: int) -> list[Message]:
    """So many confirmed visits of as many patients, with message and job, in one transaction."""
    with transaction.atomic():
        therapist = make.a_therapist(drill)
        service = make.a_service(therapist)
        rows = []
        for n in range(count):
            facts = {"name": f"Patient {n}", "email": f"{drill}-{n}@example.com", "confirmed_at": timezone.now()}
            visit = make.an_appointment(therapist, service, make.in_days(3 + n // 10, 8 + n % 10), **facts)
            rows.append(mail_queue.queue_message(Kind.CONFIRMED, visit))
        return rows


def now(rows: list[Message], **facts):
    return Message.objects.filter(pk__in=[row.pk for row in rows], **facts)


def is_over(rows: list[Message]) -> bool:
    return not now(rows, delivery=Delivery.QUEUED).exists() and not ask(f"SELECT count(*) {JOBS}")


def let_time_pass(seconds: float) -> None:
    back = "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - make_interval(secs => %s)"
    ask(f"{back} WHERE id IN (SELECT id {JOBS})", seconds)
    ask("""SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')""")  # wake it


def told(figures: str, **promises: bool) -> bool:
    print(figures)
    for promise, is_kept in promises.items():
        print(f"  {promise.replace('_', ' '):<50} {'yes' if is_kept else 'NO'}", flush=True)
    return all(promises.values())


def workers_killed(site: RunningSite) -> bool:
    rows = queue("killed", MESSAGES)
    with listening(SlowMailbox) as box:
        ends = {kill_in_the_middle(site, box) for _ in range(KILLS)}
        site.worker = site.launch_worker()
        wait_until(lambda: is_over(rows))
    mails = [(mail["Message-ID"], mail["To"]) for mail in box.mails]
    arrived, again = Counter(mails), [n for n, mail in enumerate(mails, 1) if mail in mails[n:]]
    lost = sum((row.message_id, row.recipient) not in arrived for row in rows)
    return told(
        f"1. Worker killed with -9 {KILLS} times in {max(ends)} of {len(mails)} mails, {MESSAGES} messages: "
        f"{lost} lost, {len(again)} doubles, no message more than {max(arrived.values())} times",
        nothing_is_lost=not lost,
        at_most_one_double_per_kill=len(again) <= KILLS and ends.issuperset(again),  # always the last before a kill
        kills_hit_the_moment_that_makes_doubles=bool(again),
        doubles_have_the_same_Message_ID=len(arrived) == MESSAGES,
        every_row_says_sent=now(rows, delivery=Delivery.SENT).count() == MESSAGES,
    )


def kill_in_the_middle(site: RunningSite, box: Mailbox) -> int:
    """Start a worker, kill it while mails flow, let the minute pass after which it is dead. How many mails are in."""
    worker, before = site.launch_worker(), len(box.mails)
    wait_until(lambda: len(box.mails) > before)
    time.sleep(DICE.uniform(0, 0.6))
    worker.kill()
    worker.wait()
    time.sleep(0.1)  # what it had handed over comes in
    ask("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '2 minutes'")
    mail_queue.jobs.configure_task("booking.tasks.take_up_stalled_jobs", priority=1).defer(timestamp=0)
    return len(box.mails)


def server_away() -> bool:
    """Nothing listens. Whenever no job is due, time moves on to when the last one is."""
    rows, waits = queue("away", AWAY), []
    while sum(waits) < 60 * MINUTE:
        let_time_pass(waits[-1] if waits else 0)
        wait_until(lambda: not ask(f"SELECT count(*) {JOBS} AND coalesce(scheduled_at, now()) <= now()"))
        waits.append(float(ask(f"SELECT extract(epoch FROM max(scheduled_at) - now()) {JOBS}")))
    seen, tries = now(rows).undelivered().count(), min(now(rows).values_list("attempts", flat=True))
    with listening() as box:
        let_time_pass(waits[-1])
        after = waits[-1] + wait_until(lambda: is_over(rows))
    lost = len({row.message_id for row in rows} - {mail["Message-ID"] for mail in box.mails})
    return told(
        f"2. Mail server away for {sum(waits) / MINUTE:.0f} minutes, {AWAY} messages, {tries} tries each: {lost} lost, "
        f"longest wait {max(waits):.0f} s, all out after {after:.0f} s",
        nothing_is_lost=not lost,
        nothing_comes_twice=len(box.mails) == AWAY,
        no_wait_is_longer_than_ten_minutes=max(waits) <= 10 * MINUTE,
        all_out_within_fifteen_minutes=after <= 15 * MINUTE,
        staff_saw_all_of_them_meanwhile=seen == AWAY,
    )


def server_ill(name: str, broken, refused: int = 0, copies: int = 1) -> bool:
    """Two messages are tried while the server is ill; then it is well, and they are tried again."""
    rows = queue(name, ILL)
    with broken as ill:
        tried = wait_until(lambda: not now(rows, attempts=0).exists())
        answers = set(now(rows).exclude(last_answer="").values_list("last_answer", flat=True))
    with listening() as well:
        let_time_pass(10 * MINUTE)
        wait_until(lambda: is_over(rows))
    arrived = Counter(mail["Message-ID"] for mail in [*getattr(ill, "mails", []), *well.mails])
    sent = {row.message_id for row in now(rows, delivery=Delivery.SENT)}
    return told(
        f"3. Mail server {name}: tried in {tried:.0f} s, noted {answers}; {len(sent)} of {ILL} sent in the end",
        sent_are_all_but_the_refused=arrived.keys() == sent and len(sent) == ILL - refused,
        refused_only_what_it_refused=now(rows, delivery=Delivery.REFUSED).count() == refused,
        every_copy_has_the_same_Message_ID=set(arrived.values()) == {copies},
    )


def servers_ill() -> list[bool]:
    later = dict.fromkeys([f"says-421-to-RCPT-{n}@example.com" for n in range(ILL)], "421 later")
    return [
        server_ill("hangs", closing(socket.create_server(("127.0.0.1", PORT)))),
        server_ill("refuses-one", listening(refused={"refuses-one-0@example.com": "550 unknown"}), refused=1),
        server_ill("says-421-to-RCPT", listening(refused=later)),
        server_ill("says-421-to-DATA", listening(answer="421 later")),
        server_ill("hangs-up-after-DATA", listening(drops=True), copies=2),
    ]


def apart(site: RunningSite, jobs: App) -> tuple[int, int]:
    """Jobs without a row after a booking was given up, rows without a job after one was slow to commit."""
    ours, mail_queue.jobs = mail_queue.jobs, jobs
    site.worker.kill()
    site.worker.wait()
    ask("DELETE FROM procrastinate_workers")
    with transaction.atomic():
        queue(f"given-up-{id(jobs)}", 1)
        transaction.set_rollback(True)
    jobs_alone, site.worker = ask(JOBS_ALONE), site.launch_worker()
    wait_until(lambda: ask("SELECT count(*) FROM procrastinate_workers"))
    with transaction.atomic():
        queue(f"late-{id(jobs)}", 1)
        time.sleep(6)  # a worker looks for jobs every five seconds
    mail_queue.jobs = ours
    return jobs_alone, ask(ROWS_ALONE)


def weighed(site: RunningSite) -> bool:
    """In MB of own and shared memory (RSS), after each tenth of the messages."""
    worker, weights = psutil.Process(site.worker.pid), []
    with listening() as box:
        for batch in range(BATCHES):
            rows = queue(f"weighed-{batch}", WEIGHED // BATCHES)
            wait_until(lambda rows=rows: is_over(rows))
            weights.append(worker.memory_info().rss / 1e6)
    late = weights[BATCHES // 2 :]
    return told(
        f"4. One worker over {len(box.mails)} messages, MB: {' '.join(f'{one:.0f}' for one in weights)}",
        all_of_them_arrived=len(box.mails) == WEIGHED,
        under_90_MB=max(weights) < MOST_MB,
        flat_in_the_second_half=max(late) <= FLAT * min(late),
    )


def drills(site: RunningSite) -> list[bool]:
    kept = [workers_killed(site), server_away(), *servers_ill(), weighed(site)]
    outside = App(connector=SyncPsycopgConnector(conninfo=site.database_url))
    with outside.open():
        right, wrong = apart(site, mail_queue.jobs), apart(site, outside)
    kept += [told(f"5. Jobs without a row, rows without a job: {right}", row_and_job_are_together=right == (0, 0))]
    return [*kept, told(f"   Control, jobs of their own: {wrong}", control_sees_the_fault=wrong == (1, 1))]


def main() -> int:
    make_database(DATABASE)
    with tempfile.TemporaryDirectory() as folder:
        site = RunningSite(DATABASE, Path(folder), {"EMAIL_URL": f"smtp://127.0.0.1:{PORT}"})
        try:
            make_role(site)
            site.manage("migrate", "--verbosity=0")
            site.manage("grant_web_role", site.web_role)
            return 0 if all(drills(site)) else 1
        finally:
            site.stop()
            connection.close_pool()
            drop_database(DATABASE)
            drop_role(site.web_role)


if __name__ == "__main__":
    sys.exit(main())
