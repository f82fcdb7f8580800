"""What guests see, and what is lost, when parts of the site break under load. Real parts, really broken.

    make drill                                  all of it
    make drill ARGS="kill-web kill-postgres"    some

For each: what was broken under how much load, what guests saw, what was lost. Exit code 1: a promise was broken.
The promises: an article within a second, always; booking answers, and when it must say 503 then within five seconds
and with the phone number; it heals without anybody; nothing that was promised is lost, no two visits overlap, no
message is lost, and at most one comes twice for each kill. At the end of a stage all that its drills promised is
counted once more, and guests are looked for in all logs. DRILL_KEEP=1 keeps the logs. Exit code 2: something was left
out for want of a program or of rights (ALLOW_LEFT_OUT=1 lets that pass).
"""

from __future__ import annotations

import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")
os.environ.setdefault("REVIVAL_MODE", "trial")
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/none")  # never opened: each stage has its own

import django

django.setup()
logging.disable(logging.WARNING)  # in here only: aiosmtpd tells every line

from tests.drills import attacks, ledger, restores  # noqa: E402 - Django is set up first
from tests.drills.guests import BROKE_OFF, Crowd, Load, Promise  # noqa: E402
from tests.drills.stage import Stage, a_stage, is_serving  # noqa: E402

DICE = random.Random(11)
ARTICLE_SECONDS, REFUSAL_SECONDS, HEAL_SECONDS, MIGRATION_WAIT = 1.0, 5.0, 20.0, 1.0
WEB_PROCESSES = 2
JUMPING_CLOCK = Path(__file__).resolve().parent / "jumping_clock"
BOOKINGS, LONGEST_RUSH = 5000, 360  # promised in all; seconds
SMALL_DISK: dict[str, Any] = {"disk": 220, "settings": {"max_wal_size": "64MB", "min_wal_size": "32MB"}}
WARM_UP = 3  # seconds of load before anything breaks
WORKER = ("worker",)  # which ends by design when its database goes, and is started again (revival-worker.service)


class LeftOut(Exception):  # noqa: N818 - no error: the text says what is missing here
    """This drill cannot be done on this machine."""


@dataclass
class Drill:
    """One fault on a stage: what was done is told, the promises are kept in a list."""

    stage: Stage
    promises: list[Promise] = field(default_factory=list)
    is_control: bool = False
    promised_before: int = 0
    """By the other drills of this run."""
    kills: int = 0
    """How many kills may each have made one message come twice."""
    told: list[str] = field(default_factory=list)
    kept: dict[str, bool] = field(default_factory=dict)

    def tell(self, text: str) -> None:
        self.told.append(text)

    def promise(self, what: str, is_kept: bool) -> None:
        self.kept[what] = self.kept.get(what, True) and bool(is_kept)

    @contextmanager
    def load(self, *, many: int = 1500, **how: Any) -> Iterator[Load]:
        """Guests before, while and after something breaks; then what they saw. `how` goes to `Load`."""
        before = self.stage.running()
        load = self.stage.load(many, **how)
        try:
            self.stage.wait_for("the first booking", lambda: load.promised.value > 0)
            time.sleep(WARM_UP)
            yield load
            over = time.time()
            self.heal()
        finally:
            self.load_ended = time.time()
            self.crowd: Crowd = load.end()
            self.promises += self.crowd.promises
            if not self.is_control:
                self.stage.promises += self.crowd.promises
        after = self.stage.running()
        self.restarted = {name for name, how_often in after.items() if before.get(name) != how_often}
        seen = self.crowd.bookings
        refused = seen.statuses[503]
        self.tell(f"articles   {self.crowd.articles}")
        self.tell(f"booking    {seen}; longest 503 {seen.longest_refusal:.2f} s, {seen.without_phone} without phone")
        self.tell(f"promised   {len(self.crowd.promises)} bookings, {self.crowd.unanswered} never answered")
        self.promise("articles always, within a second", self.articles_fine())
        self.promise("503 within five seconds, with the phone", seen.longest_refusal <= REFUSAL_SECONDS)
        self.promise("503 within five seconds, with the phone", seen.without_phone == 0)
        self.promise("no fault of ours (500)", not seen.statuses[500] and not self.crowd.articles.statuses[500])
        self.promise("guests booked", len(self.crowd.promises) > 0 and refused < seen.statuses.total())
        self.promise("guests book again afterwards", any(one.at > over for one in self.crowd.promises))

    def nothing_restarted(self, but: tuple[str, ...] = ()) -> None:
        """It healed because it goes on, not because something was started anew."""
        self.tell(f"restarted  {', '.join(sorted(self.restarted)) or 'nothing'}")
        self.promise(f"nothing was started anew{' but ' if but else ''}{', '.join(but)}", self.restarted <= set(but))

    def articles_fine(self) -> bool:
        articles = self.crowd.articles
        return set(articles.statuses) == {200} and articles.longest <= ARTICLE_SECONDS

    def heal(self) -> None:
        """Nobody does anything: how long until the site says it is ready and a booking page is there."""
        began = time.monotonic()
        self.stage.wait_until_ready()
        self.stage.wait_for("a page of times", lambda: self.stage.status("/book/drill-0/visit/") == 200)
        took = time.monotonic() - began
        self.tell(f"healed     {took:.1f} s after the fault ended")
        self.promise("heals by itself within twenty seconds", took <= HEAL_SECONDS)
        time.sleep(WARM_UP)

    def settle(self) -> None:
        """All messages out, then the account of everything promised on this stage so far."""
        took = ledger.wait_for_the_mail(self.stage)
        found = ledger.account(self.stage, self.promises if self.is_control else self.stage.promises)
        self.tell(f"account    {found} (messages out after {took:.0f} s)")
        self.promise("nothing promised is lost", found.lost == 0)
        self.promise("no two visits overlap", found.overlapping == 0)
        self.promise("no message is lost", found.messages_lost == 0)
        self.promise("at most one message comes twice for each kill", found.doubles <= self.kills)


# ---- processes killed --------------------------------------------------------------------------


def kill_web(drill: Drill) -> None:
    """kill -9 of one gunicorn process after the other, whenever all of them serve"""
    killed = 0
    with drill.load():
        until = time.monotonic() + 20
        while time.monotonic() < until:
            children = drill.stage.web.children()
            if len(children) == WEB_PROCESSES and all(is_serving(one) for one in children):
                DICE.choice(children).kill()
                killed += 1
                time.sleep(1)
            time.sleep(0.1)
        drill.tell(f"broken     {killed} times one web process of {WEB_PROCESSES}, kill -9")
    drill.promise("several were killed", killed > 1)
    drill.settle()


def kill_gunicorn(drill: Drill) -> None:
    """kill -9 of all of gunicorn at once, twice: nobody is there to answer, and nginx says so"""
    with drill.load():
        for _ in range(2):
            drill.stage.web.kill()
            time.sleep(6)
        drill.tell("broken     gunicorn with all its processes, twice, kill -9; started again after a second")
    seen = drill.crowd.articles
    # nginx shows the pages that were read before. It cannot tell a site that loads from one that thinks: while gunicorn
    # takes connections and has no process yet, a reader waits for it.
    del drill.kept["articles always, within a second"]
    drill.promise("articles always, the last that were rendered; within five seconds", set(seen.statuses) == {200})
    drill.promise("articles always, the last that were rendered; within five seconds", seen.longest <= REFUSAL_SECONDS)
    drill.settle()


def kill_worker(drill: Drill) -> None:
    """kill -9 of the worker while it sends"""
    with drill.load():
        for _ in range(5):
            time.sleep(DICE.uniform(1.5, 3.5))
            drill.stage.worker.kill()
            drill.kills += 1
        drill.tell(f"broken     the worker {drill.kills} times, kill -9")
    drill.settle()


def kill_backend(drill: Drill) -> None:
    """kill -9 of one PostgreSQL backend that serves the site: PostgreSQL then ends all of them"""
    with drill.load():
        for _ in range(3):
            pids = drill.stage.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'revival_web'")
            os.kill(DICE.choice(pids)[0], signal.SIGKILL)
            drill.kills += 1  # a worker between the mail server's 250 and its COMMIT
            drill.stage.wait_for_postgres()
            time.sleep(3)
        drill.tell("broken     one backend, three times, kill -9; PostgreSQL recovered by itself")
    drill.settle()


def kill_postgres(drill: Drill) -> None:
    """kill -9 of all of PostgreSQL"""
    with drill.load():
        for _ in range(3):
            time.sleep(DICE.uniform(1, 3))
            drill.stage.postgres.kill()
            drill.kills += 1
            drill.stage.wait_for_postgres()
        drill.tell("broken     PostgreSQL with all its backends, three times, kill -9; started again after a second")
    drill.settle()


# ---- a database that does not do its work ------------------------------------------------------


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def hang(drill: Drill) -> None:
    """all of PostgreSQL stands still (SIGSTOP) for ten seconds, then one backend alone"""
    with drill.load():
        with stopped(drill.stage.postgres.everything()):
            time.sleep(10)
        time.sleep(3)
        pids = drill.stage.ask(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'revival_web' AND backend_type = 'client backend'"
        )
        with stopped([psutil.Process(DICE.choice(pids)[0])]):
            time.sleep(8)
        drill.tell("broken     PostgreSQL stopped for 10 s (SIGSTOP); then one backend for 8 s")
    drill.nothing_restarted(but=WORKER)
    drill.settle()


def read_only(drill: Drill) -> None:
    """PostgreSQL takes no writes for eight seconds, as a standby or after an operator's switch"""
    writes = {"options": "-c default_transaction_read_only=off"}

    def switch(is_on: bool) -> None:
        with drill.stage.connect(**writes) as owner:
            owner.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_on else 'off'}")
            owner.execute("SELECT pg_reload_conf()")

    with drill.load():
        switch(True)
        time.sleep(8)
        switch(False)
        drill.tell("broken     default_transaction_read_only for 8 s")
    drill.promise("booking said 503", drill.crowd.bookings.statuses[503] > 0)
    drill.nothing_restarted(but=WORKER)
    drill.settle()


def no_connections(drill: Drill) -> None:
    """somebody else has all of PostgreSQL's connections for eight seconds"""
    with drill.load(), ExitStack() as greedy:
        taken = 0
        with drill.stage.connect() as owner:
            until = time.monotonic() + 8
            while time.monotonic() < until:
                try:
                    greedy.enter_context(psycopg.connect(drill.stage.web_url, application_name="greedy"))
                    taken += 1
                except psycopg.OperationalError:
                    ended = owner.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE usename = 'revival_web' AND application_name <> 'greedy'"
                    )
                    drill.kills += ended.rowcount > 0  # the worker's among them, perhaps before its COMMIT
                    time.sleep(0.02)
        greedy.close()
        drill.tell(f"broken     all connections taken by another ({taken}), those of the site ended")
    drill.promise("booking said 503", drill.crowd.bookings.statuses[503] > 0)
    drill.nothing_restarted(but=WORKER)
    drill.settle()


def disk_full(drill: Drill) -> None:
    """the disk below PostgreSQL fills up, stays so for twelve seconds, and has room again"""
    filling = drill.stage.server.folder / "filling"
    if drill.stage.server.folder not in drill.stage.mounted:
        raise LeftOut("a small disk cannot be mounted here (that needs root)")
    with drill.load():
        free = os.statvfs(filling.parent)
        with filling.open("wb") as file, suppress(OSError):
            while True:
                file.write(b"\0" * 1_000_000)
        with filling.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 512)
        until = time.monotonic() + 12
        while time.monotonic() < until:
            with filling.open("ab", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"\0" * 512)
            time.sleep(0.2)
        filling.unlink()
        drill.stage.wait_for_postgres()
        drill.tell(f"broken     the disk, with {free.f_bavail * free.f_frsize // 1_000_000} MB left, full for 12 s")
    log = (drill.stage.folder / "postgres.log").read_text(errors="replace")
    drill.promise("the disk was really full", "No space left on device" in log)
    drill.kills += log.count("PANIC")  # it ends all of itself when not even its log of changes has room
    drill.tell(
        f"           PostgreSQL said so {log.count('No space left on device')} times, {drill.kills} times in panic"
    )
    drill.settle()


# ---- around it ---------------------------------------------------------------------------------


def mail_away(drill: Drill) -> None:
    """the mail server is away for an hour, of which ten seconds are real and the others are moved"""
    with drill.load():
        drill.stage.mail.stop()
        time.sleep(10)
    drill.nothing_restarted()
    moved = 10.0
    while moved < 3600:  # whenever nothing is due, time moves on to when the next job is
        drill.stage.wait_for(
            "jobs tried",
            lambda: (
                drill.stage.ask(f"SELECT count(*) {ledger.JOBS} AND coalesce(scheduled_at, now()) <= now()")[0][0] == 0
            ),
            seconds=120,
        )
        wait = float(drill.stage.ask(f"SELECT extract(epoch FROM max(scheduled_at) - now()) {ledger.JOBS}")[0][0])
        ledger.let_time_pass(drill.stage, wait)
        drill.stage.ask("""SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')""")
        moved += wait
    waiting = drill.stage.ask(f"SELECT count(*) {ledger.JOBS}")[0][0]
    drill.stage.mail.start()
    drill.tell(
        f"broken     the mail server, for {moved / 60:.0f} minutes (10 s real, then due times moved); {waiting} waited"
    )
    drill.promise("bookings went on", drill.crowd.bookings.statuses[503] == 0)
    drill.promise("messages waited", waiting > 0)
    drill.settle()


def no_room_for_pages(drill: Drill) -> None:
    """the folder in which processes share pages, and all of TMPDIR, can be written no more"""
    if drill.stage.tmp not in drill.stage.mounted:
        raise LeftOut("a small disk cannot be mounted here (that needs root)")
    with drill.load():
        read_only_folder(drill.stage.tmp, True)
        try:
            stamp = "UPDATE articles_article SET title = title"
            drill.stage.ask(stamp)  # pages have to be drawn anew
            time.sleep(6)
            drill.stage.web.process.send_signal(signal.SIGHUP)  # new processes start like this, too
            time.sleep(6)
        finally:
            read_only_folder(drill.stage.tmp, False)
        drill.tell("broken     TMPDIR with the shared pages mounted read-only for 12 s, a reload in between")
    drill.nothing_restarted(but=("processes of web",))  # that is the reload
    drill.settle()


def read_only_folder(folder: Path, is_on: bool) -> None:
    mode = "remount,ro" if is_on else "remount,rw"
    subprocess.run(["mount", "-o", mode, str(folder)], check=True)


def clock(drill: Drill) -> None:
    """the clock of web and worker jumps two hours ahead, back, an hour behind, back; PostgreSQL keeps its own"""
    stage = drill.stage
    offset = stage.folder / "clock"
    offset.write_text("0")
    stage.preload = {"JUMPING_CLOCK": str(offset), "PYTHONPATH": str(JUMPING_CLOCK)}
    stage.restart_site()
    try:
        with drill.load():
            for jump in (7200, 0, -3600, 0):
                offset.write_text(str(jump))
                time.sleep(4)
            drill.tell("broken     the clock: +2 h, back, -1 h, back, four seconds each (time-machine in each process)")
    finally:
        stage.preload = {}
        stage.restart_site()
    drill.promise("no 503, and nobody is taken for a robot", not drill.crowd.bookings.statuses.keys() & {503, 429})
    drill.settle()


def deploy(drill: Drill) -> None:
    """new code three times by SIGHUP: nobody may notice"""
    reloaded_three_times(drill)
    drill.promise("no request fails", failures(drill.crowd) == 0)
    drill.settle()


def reloaded_three_times(drill: Drill) -> None:
    with drill.load():
        for _ in range(3):
            drill.stage.web.process.send_signal(signal.SIGHUP)
            time.sleep(5)
        drill.tell("broken     nothing: gunicorn reloaded three times")


def failures(crowd: Crowd) -> int:
    """Whatever a guest or a reader may not notice: no answer, or one from 500 on."""
    seen = crowd.bookings.statuses + crowd.articles.statuses
    return seen[BROKE_OFF] + sum(count for status, count in seen.items() if status >= 500)


PAGES = ("/", "/articles/", "/articles/cupping-for-back-pain/", "/faq/", "/book/drill-0/visit/", "/search/?q=cupping")
SAID_ONCE = re.compile(r'value="[\w-]{43,}"|csrfmiddlewaretoken" value="[^"]*"|name="drawn" value="[^"]*"')


def two_of_each(drill: Drill) -> None:
    """two web services on ports of their own and two workers: the same answers, and still no time given twice"""
    with drill.stage.two_of_each() as addresses:
        with drill.load():
            time.sleep(8)
        answers = [[said_by(address, path) for path in PAGES] for address in addresses]
        drill.tell(f"compared   {len(PAGES)} pages of {' and '.join(addresses)}")
        drill.promise("both give the same answers", answers[0] == answers[1])
        drill.settle()


def web_machine_gone(drill: Drill) -> None:
    """one of two web machines dies, then is gone without a word, then comes back: nginx leaves it alone"""
    stage, port = drill.stage, drill.stage.web_port + 4
    with stage.two_of_each():
        with drill.load():
            found = stage.second_web.everything()
            stage.second_web.end(signal.SIGKILL)
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(8)
            with silent_machine(port):
                time.sleep(12)
            # One that loads already takes connections: nginx is told of it once it is ready (docs/growing.md).
            stage.tell_nginx(f"127.0.0.1:{stage.web_port}")
            stage.second_web = stage.start_web(port)
            stage.wait_for("the second site", lambda: stage.status("/readyz", f"http://127.0.0.1:{port}") == 200)
            stage.tell_nginx(f"127.0.0.1:{stage.web_port},127.0.0.1:{port}")
            time.sleep(4)
            drill.tell("broken     the second web service: kill -9, for 8 s nobody there, for 12 s no answer to a SYN")
        drill.settle()


@contextmanager
def silent_machine(port: int) -> Iterator[None]:
    """A port whose queue is full: the kernel says nothing to whoever knocks, as if the machine were gone."""
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", port))
        silent.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield


def said_by(address: str, path: str) -> str:
    """A page without what is new in each."""
    with urlopen(Request(address + path, headers={"X-Forwarded-Proto": "https"})) as answer:
        return SAID_ONCE.sub("", answer.read().decode())


def migration(drill: Drill) -> None:
    """tables change under load, while a long transaction is in the way"""
    stage = drill.stage
    with drill.load():
        with stage.connect() as long:
            with long.transaction():
                long.execute("SELECT count(*) FROM booking_appointment")  # keeps a lock until it ends
                command = [sys.executable, "manage.py", "apply_migrations", "--settings=tests.drills.later.settings"]
                environment = stage.environment(stage.owner_url)
                running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
                time.sleep(8)
        said = running.communicate(timeout=200)[0]  # the command gives up before that
        drill.tell(
            f"broken     nothing: {said.strip().splitlines()[-1]}, eight seconds of them behind a long transaction"
        )
        drill.promise("the migration is applied", running.returncode == 0)
    drill.promise("no guest waits over a second", drill.crowd.bookings.longest <= MIGRATION_WAIT)
    drill.promise("no 503", drill.crowd.bookings.statuses[503] == 0)
    drill.settle()


def everything(drill: Drill) -> None:
    """one thing after the other is killed, until 5,000 bookings were promised in all drills of this run"""
    stage, many = drill.stage, BOOKINGS - drill.promised_before
    if many <= 0:
        raise LeftOut("the others have promised as many")
    done: Counter[str] = Counter()
    with drill.load(many=2 * many) as load:
        until = time.monotonic() + LONGEST_RUSH
        while load.promised.value < many and time.monotonic() < until:
            time.sleep(DICE.uniform(4, 8))
            what = DICE.choice(["a web process", "the worker", "a backend"])
            done[what] += 1
            if what == "a web process" and len(children := stage.web.children()) == WEB_PROCESSES:
                DICE.choice(children).kill()
            elif what == "the worker":
                stage.worker.kill()
                drill.kills += 1
            elif what == "a backend":
                pids = stage.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'revival_web'")
                os.kill(DICE.choice(pids)[0], signal.SIGKILL)
                drill.kills += 1
                stage.wait_for_postgres()
        drill.tell(f"broken     {', '.join(f'{what} {count} times' for what, count in done.items())}, kill -9")
    in_all = drill.promised_before + len(drill.promises)
    drill.promise(f"{BOOKINGS} bookings promised in all", in_all >= BOOKINGS)
    drill.settle()


# ---- controls: each shows that its drill can see the fault --------------------------------------


def control_commit(drill: Drill) -> None:
    """control: with synchronous_commit off, kill -9 of PostgreSQL loses what was promised"""
    drill.stage.server.settings |= {
        "synchronous_commit": "off",
        "wal_writer_delay": "10s",
        "wal_writer_flush_after": "1GB",  # 0 would wake the writer with every COMMIT
    }
    drill.stage.postgres.end(signal.SIGINT)
    drill.stage.postgres = drill.stage.start_postgres()
    drill.stage.wait_until_ready()
    with drill.load():
        for _ in range(5):
            time.sleep(3)
            drill.stage.postgres.kill()
            drill.stage.wait_for_postgres()
    ledger.wait_for_the_mail(drill.stage)
    found = ledger.account(drill.stage, drill.promises)
    drill.tell(f"account    {found}")
    drill.kept = {"the loss is seen": found.lost > 0}


def control_deploy(drill: Drill) -> None:
    """control: gunicorn's own handling of a reload lets readers wait for the new processes"""
    stage = drill.stage
    stock = stage.folder / "stock.py"
    stock.write_text("exec(open('deploy/gunicorn.conf.py').read())\ndel post_worker_init\n")
    ours, stage.gunicorn_conf = stage.gunicorn_conf, str(stock)
    stage.restart_site()
    try:
        reloaded_three_times(drill)
    finally:
        stage.gunicorn_conf = ours
        stage.restart_site()
    drill.kept = {"readers are seen to wait, or to fail": not drill.articles_fine() or failures(drill.crowd) > 0}


def control_migration(drill: Drill) -> None:
    """control: a table that is changed without a limit to waiting keeps guests waiting, too"""
    with drill.load(many=400):
        with drill.stage.connect() as long, drill.stage.connect() as hasty, ThreadPoolExecutor(1) as beside:
            with long.transaction():
                long.execute("SELECT count(*) FROM booking_appointment")
                changing = beside.submit(hasty.execute, "ALTER TABLE booking_appointment ADD COLUMN hasty integer")
                time.sleep(3)
            changing.result()
    drill.kept = {"guests are seen to wait": drill.crowd.bookings.longest > 2}


def control_mail(drill: Drill) -> None:
    """control: a job that was thrown away is noticed, and so are two visits at once"""
    stage = drill.stage
    stage.mail.stop()
    with drill.load(many=120):
        time.sleep(2)
    stage.ask(f"DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) {ledger.JOBS})")
    stage.mail.start()
    ledger.wait_for_the_mail(stage)
    found = ledger.account(stage, drill.promises)
    drill.tell(f"account    {found}")
    stage.ask("ALTER TABLE booking_appointment DROP CONSTRAINT booking_appointment_never_two_at_once")
    stage.ask(TWO_AT_ONCE)
    overlapping = ledger.account(stage, drill.promises).overlapping
    drill.tell(f"           the constraint dropped and a visit moved onto another: {overlapping} overlapping")
    drill.kept = {"the one message is missed": found.messages_lost == 1, "the overlap is seen": overlapping == 1}


TWO_AT_ONCE = """
WITH two AS (SELECT therapist_id, min(id) AS one, max(id) AS other FROM booking_appointment
    WHERE state = 'requested' GROUP BY therapist_id HAVING count(*) > 1 LIMIT 1)
UPDATE booking_appointment AS moved SET starts_at = still.starts_at, ends_at = still.ends_at, blocked = still.blocked
FROM two JOIN booking_appointment AS still ON still.id = two.one WHERE moved.id = two.other
"""


SCENARIOS: dict[str, Callable[[Drill], None]] = {
    "kill-web": kill_web,
    "kill-gunicorn": kill_gunicorn,
    "kill-worker": kill_worker,
    "kill-backend": kill_backend,
    "kill-postgres": kill_postgres,
    "hang": hang,
    "read-only": read_only,
    "no-connections": no_connections,
    "mail-away": mail_away,
    "no-room-for-pages": no_room_for_pages,
    "clock": clock,
    "deploy": deploy,
    "two-of-each": two_of_each,
    "web-machine-gone": web_machine_gone,
    "migration": migration,
    "disk-full": disk_full,
    "everything": everything,
    "restore": restores.restore,
    "to-a-moment": restores.to_a_moment,
    "raw": attacks.raw,
    "slow": attacks.slow,
    "headers": attacks.headers,
    "wapiti": attacks.wapiti,
    "control-slow": attacks.control_slow,
    "control-headers": attacks.control_headers,
    "control-deploy": control_deploy,
    "control-migration": control_migration,
    "control-mail": control_mail,
    "control-commit": control_commit,
}


def run(name: str, scenario: Callable[[Drill], None], stage: Stage, promised_before: int) -> tuple[bool, int]:
    """Whether every promise was kept, and how many bookings were promised. Raises LeftOut, attacks.NotHere."""
    print(f"\n== {name}: {scenario.__doc__}", flush=True)
    drill = Drill(stage, is_control=is_control(name), promised_before=promised_before)
    began = time.monotonic()
    try:
        scenario(drill)
    except (LeftOut, attacks.NotHere) as why:
        print(f"   left out: {why}")
        raise
    except (Exception, SystemExit) as error:
        drill.promise(f"runs to its end ({type(error).__name__}: {error})", False)
    for line in drill.told:
        print(f"   {line}")
    for promise, is_kept in drill.kept.items():
        print(f"   {promise:<60} {'yes' if is_kept else 'NO'}")
    print(f"   {time.monotonic() - began:.0f} s", flush=True)
    return bool(drill.kept) and all(drill.kept.values()), 0 if drill.is_control else len(drill.promises)


def is_control(name: str) -> bool:
    return name.startswith("control")


def the_end(drill: Drill) -> None:
    """all that the drills of this stage promised, once more; and no log knows a guest"""
    drill.settle()
    drill.promise("no log names a guest or opens a visit", not drill.stage.told_of_guests())
    (drill.stage.folder / "copy.log").write_text("a line that a guest's address is in: guest-1@example.com\n")
    drill.promise("control: a line that did would be found", len(drill.stage.told_of_guests()) > 0)
    (drill.stage.folder / "copy.log").unlink()


@dataclass
class Outcome:
    """Of all drills of a run."""

    kept: dict[str, bool] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    promised: int = 0

    def add(self, name: str, scenario: Callable[[Drill], None], stage: Stage) -> None:
        try:
            self.kept[name], count = run(name, scenario, stage, self.promised)
            self.promised += count
        except (LeftOut, attacks.NotHere):
            self.left_out.append(name)

    def told(self) -> int:
        """An exit code: 1 for a broken promise, 2 for what was left out."""
        broken = [name for name, is_kept in self.kept.items() if not is_kept]
        print(f"\n{self.promised} bookings were promised in all.")
        if self.left_out:
            print(f"LEFT OUT, so nothing is known of them: {', '.join(self.left_out)}.")
        if broken:
            print(f"{', '.join(broken)} broke a promise.")
        elif self.kept:
            print(f"Every promise of the {len(self.kept)} that ran was kept.")
        is_missing = self.left_out and os.environ.get("ALLOW_LEFT_OUT") != "1"
        return 1 if broken else 2 if is_missing or not self.kept else 0


def run_all(
    names: list[str],
    scenarios: dict[str, Callable[[Drill], None]],
    stages: list[tuple[Callable[[], AbstractContextManager[Stage]], set[str]]],
) -> int:
    """The chosen ones, each on the first stage that is its own; an exit code."""
    unknown = [name for name in names if name not in scenarios]
    if unknown:
        sys.exit(f"There is no drill {', '.join(unknown)}; there are {', '.join(scenarios)}.")
    wanted = [name for name in scenarios if name in names] if names else list(scenarios)
    outcome = Outcome()
    for number, (a_stage_for_them, own) in enumerate(stages, 1):
        here = [name for name in wanted if name in own]
        if not here:
            continue
        try:
            with a_stage_for_them() as stage:
                on_one_stage(outcome, {name: scenarios[name] for name in here}, stage, f"the-end-{number}")
        except LeftOut as why:
            print(f"   left out: {', '.join(here)}: {why}")
            outcome.left_out += [name for name in here if name not in outcome.kept]
    return outcome.told()


def on_one_stage(
    outcome: Outcome, scenarios: dict[str, Callable[[Drill], None]], stage: Stage, name_of_end: str
) -> None:
    for name in [name for name in scenarios if not is_control(name)]:
        outcome.add(name, scenarios[name], stage)
    if stage.promises:
        outcome.add(name_of_end, the_end, stage)
    for name in [name for name in scenarios if is_control(name)]:  # which break what they can
        outcome.add(name, scenarios[name], stage)


def main(names: list[str]) -> int:
    small = {"disk-full"}
    stages = [(partial(a_stage, Stage, **SMALL_DISK), small), (partial(a_stage, Stage), set(SCENARIOS) - small)]
    return run_all(names, SCENARIOS, stages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
