"""Bringing the site back: from an encrypted backup onto an empty machine, and to a moment before a mistake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pyrage

from deploy.backup import backup, signature
from deploy.local import postgres
from revival.database import grants
from tests.drills import ledger
from tests.drills.stage import ROOT, WEB_ROLE, Stage, Supervised

if TYPE_CHECKING:
    from tests.drills.faults import Drill

SECONDS_TO_SEND = 12  # a worker looks for jobs every five seconds; what is on a clock comes within a minute


def restore(drill: Drill) -> None:
    """a backup is taken under load with messages waiting, and restored on an empty machine"""
    stage = drill.stage
    pair = pyrage.x25519.Identity.generate()
    identity = stage.folder / "identity"
    identity.write_text(f"{pair}\n")
    keys = {name: stage.environment("")[name] for name in backup.KEYS}
    signing_key = stage.folder / "signing-key"
    signer = signature.make_key(signing_key)
    environment = {
        **stage.environment(stage.owner_url),
        "WEB_ROLE": WEB_ROLE,
        "BACKUP_RECIPIENT": str(pair.to_public()),
        "BACKUP_SIGNING_KEY": str(signing_key),
        "BACKUP_SIGNER": signer,
    }
    with drill.load():
        stage.mail.stop()
        stage.wait_for("messages that wait", lambda: stage.ask(f"SELECT count(*) >= 5 {ledger.JOBS}")[0][0])
        began = time.monotonic()
        run_backup(environment, "save", str(stage.folder / "backups"))
        took = time.monotonic() - began
        stage.mail.start()
    drill.settle()
    (made,) = (stage.folder / "backups").iterdir()
    size = sum(file.stat().st_size for file in made.iterdir())
    drill.tell(
        f"saved      under load in {took:.1f} s, {size // 1000} kB, {', '.join(sorted(f.name for f in made.iterdir()))}"
    )
    words = b"guest-", b"drill-0", b"booking_appointment"
    drill.promise("nothing of it is readable", not any(w in f.read_bytes() for f in made.iterdir() for w in words))

    with empty_machine(stage) as address:
        os.environ |= keys  # what the manifest holds of them is compared
        control = stage_url(address, "control")
        with psycopg.connect(address, autocommit=True) as server:
            server.execute("CREATE DATABASE control")
        backup.load(control, made, identity, WEB_ROLE, signers=signer)
        sent = sent_by_a_worker(stage, control)
        drill.tell(f"control    restored without `after_restore`: its worker sent {sent} messages, all of them again")
        drill.promise("the control sends again", sent > 0)
        stage.mail.doubles_since_last_asked()  # those were the control's

        environment["OWNER_DATABASE_URL"] = environment["DATABASE_URL"] = address
        said = run_backup(environment, "load", str(made), str(identity))
        drill.tell(f"restored   {said.splitlines()[0]}")
        drill.tell(f"           {said.splitlines()[1]}")
        checked = run_backup(environment, "check", str(made), str(identity), may_fail=True)
        lines = [line for line in checked.splitlines() if not line.startswith((*EXPECTED, "Every table"))]
        drill.promise("all else is equal, rows, constraints, triggers, rights", not lines)
        drill.told += [f"           {line}" for line in lines[:5]]
        sent = sent_by_a_worker(stage, address)
        drill.tell(f"           a worker on it sent {sent} messages")
        drill.promise("no message is sent again", sent == 0)
        again = run_backup(environment, "load", str(made), str(identity), may_fail=True)
        drill.promise("a database that is not empty is refused", "empty database only" in again)


EXPECTED = ("rows of booking_message", "rows of procrastinate_jobs:", "rows of procrastinate_events:")
"""What `after_restore` changes: messages kept back and their lines in the log of changes, jobs."""


def run_backup(environment: dict[str, str], *arguments: str, may_fail: bool = False) -> str:
    command = [sys.executable, "deploy/backup/backup.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert may_fail or done.returncode == 0, f"{arguments[0]}: {done.stderr}"
    return (done.stdout + done.stderr).strip()


def stage_url(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@contextmanager
def empty_machine(stage: Stage) -> Iterator[str]:
    """Another cluster, with the two roles and an empty database: its owner's address."""
    with postgres.database_url(stage.folder / "empty") as url:
        with psycopg.connect(url, autocommit=True) as server:
            grants.make_role(server, WEB_ROLE, "drill")
        yield url


def sent_by_a_worker(stage: Stage, address: str) -> int:
    """How many mails arrive while a worker runs on that database."""
    before = sum(stage.mail.arrived.values())
    environment = stage.environment(grants.as_role(address, WEB_ROLE, "drill"))
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "procrastinate", "worker"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(SECONDS_TO_SEND)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    return sum(stage.mail.arrived.values()) - before


# ---- to a moment ------------------------------------------------------------------------------


def to_a_moment(drill: Drill) -> None:
    """somebody deletes all messages; the archive brings back the moment before"""
    stage = drill.stage
    as_postgres(stage, "deploy/backup/base-backup.sh", str(stage.base), str(stage.archive), *where(stage))
    with drill.load():
        time.sleep(4)
    drill.settle()
    stage.worker.end()  # so that nothing changes between the moment and the mistake
    before = backup.contents_of(stage.owner_url, WEB_ROLE)
    (moment,) = stage.ask("SELECT clock_timestamp()::text")[0]
    time.sleep(1.1)
    copy = stage.connect()
    copy.execute("CREATE TEMP TABLE kept AS SELECT * FROM booking_message")
    lost = stage.ask("WITH gone AS (DELETE FROM booking_message RETURNING 1) SELECT count(*) FROM gone")[0][0]
    (segment,) = stage.ask("SELECT pg_walfile_name(pg_switch_wal())")[0]
    stage.wait_for("the archive", lambda: (stage.archive / segment).exists(), 120)
    began = time.monotonic()
    new = stage.base / "at-the-moment"
    (base,) = stage.base.glob("*Z")
    as_postgres(stage, "deploy/backup/to-a-moment.sh", str(base), str(stage.archive), moment, str(new))
    with started_on(stage, new) as url:
        found = backup.contents_of(url, WEB_ROLE)
        took = time.monotonic() - began
        told = backup.differences(before, found)
        drill.tell(f"broken     {lost} messages deleted by mistake at {moment}")
        drill.tell(f"restored   {len(found['rows'])} tables as of a second before, in {took:.1f} s; {len(told)} differ")
        drill.told += [f"           {line}" for line in told[:5]]
        drill.promise("every table is as it was at the moment", not told)
        drill.promise("the mistake is not in it", found["rows"]["booking_message"][0] == lost)
    after = backup.contents_of(stage.owner_url, WEB_ROLE)
    drill.promise("control: the running one differs", bool(backup.differences(before, after)))
    with copy:  # the mistake is undone, so that what comes after can be accounted for
        copy.execute("SET session_replication_role = replica")
        copy.execute("INSERT INTO booking_message SELECT * FROM kept")
    stage.worker = stage.start_worker()


def where(stage: Stage) -> list[str]:
    return ["--host", str(stage.server.sockets), "--username", "postgres"]


def as_postgres(stage: Stage, *command: str) -> None:
    environment = {"PATH": os.environ["PATH"], "POSTGRES_BIN": str(postgres.PROGRAMS)}
    script = (ROOT / command[0]).read_text()  # the user may not see our folder
    done = subprocess.run(
        ["sh", "-c", script, *command], env=environment, user=stage.server.user, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"


@contextmanager
def started_on(stage: Stage, data: Path) -> Iterator[str]:
    """PostgreSQL on that folder, once it has come to its moment and takes writes."""
    sockets = stage.folder / "at"
    sockets.mkdir()
    sockets.chmod(0o777)
    command = [str(postgres.PROGRAMS / "postgres"), "-D", str(data), "-c", "listen_addresses="]
    command += ["-c", f"unix_socket_directories={sockets}", "-c", f"max_connections={MOST}"]
    server = Supervised("copy", command, stage.folder / "copy.log", user=stage.server.user)
    url = f"postgresql://postgres@/{postgres.DATABASE}?host={str(sockets).replace('/', '%2F')}"

    def is_over() -> bool:
        with psycopg.connect(url) as database:
            return database.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)

    try:
        stage.wait_for("the moment", is_over, 60)
        yield url
    finally:
        server.end(signal.SIGINT)


MOST = 200
