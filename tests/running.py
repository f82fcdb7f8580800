"""A real copy of the site beside the tests: gunicorn, worker, database of its own, collected files."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
from psycopg import sql

from deploy.local.prepare import static_sources
from revival.database import grants
from tests.databases import drop_database, make_filled_database, manage, other_database
from tests.shell import Shell
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


LIMITS = ("BOOKING_COMING_VISITS", "BOOKING_BOOKINGS_A_DAY", "BOOKING_OPEN_HOLDS_A_DAY", "BOOKING_ASKS_A_DAY")
NEVER_QUIET = {"BOOKING_QUIET_FROM_HOUR": "24", "BOOKING_QUIET_UNTIL_HOUR": "0"}
"""Tests run at night, too."""


class RunningSite:
    """`url` and `database_url`, the mail in `mail_folder`, and a database that can be taken away."""

    def __init__(self, database: str, folder: Path, environment: dict[str, str], host: str = "127.0.0.1") -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # tests that run beside these have sites of their own
        self.database, self.folder = f"{database}_{worker}" if worker else database, folder
        self.mail_folder = folder / "mail"
        port = free_port()
        self.url = f"http://{host}:{port}"
        self.database_url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self.database}").geturl()
        self.web_role = f"{self.database}_web"
        self.web_url = grants.as_role(self.database_url, self.web_role, secrets.token_urlsafe())
        self.environment = {
            **os.environ,
            "REVIVAL_MODE": "trial",
            "PYTHONNODEBUGRANGES": "1",  # as `make run`, the image and systemd set it
            "LOG_FORMAT": "json",  # tests read the lines
            "DATABASE_URL": self.database_url,
            "SITE_URL": self.url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "STATIC_ROOT": str(collected_static_files()),
            "EMAIL_FILE_PATH": str(self.mail_folder),
            # Every guest of a test comes from one address; the limits have tests of their own.
            **dict.fromkeys(LIMITS, "1000000"),
            **NEVER_QUIET,
            "BOOKING_LEAST_SECONDS": "0",  # they type faster than people
            **environment,
        }
        self.processes: list[subprocess.Popen] = []
        self.shell = Shell(self.environment, folder / "shell.stderr")
        log = database_log()
        self.database_log_start = len(log.read_text(errors="replace")) if log else 0

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py against this site; its output."""
        return manage(self.environment, *arguments)

    def run_python(self, code: str) -> str:
        """Run it with this site's settings, as the owner of its database; what it printed."""
        return self.shell.run(code)

    def log_text(self) -> str:
        """Everything the web and worker processes have logged so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def database_log_text(self) -> str:
        """What PostgreSQL has logged since this site was made; empty for a server whose log is elsewhere."""
        log = database_log()
        return log.read_text(errors="replace")[self.database_log_start :] if log else ""

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url, autocommit=True)

    def stop_database(self) -> None:
        """As the site sees it: every connection ends, and no new one is let in."""
        self._allow_connections(False)
        with other_database() as server:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.database])

    def start_database(self) -> None:
        """Let connections in again, and do what a supervisor does: start a worker in place of the old one."""
        self._allow_connections(True)
        self.worker.kill()
        self.worker.wait()
        self.worker = self.launch_worker()

    def _allow_connections(self, is_allowed: bool) -> None:
        with other_database() as server:
            server.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(self.database), sql.Literal(is_allowed)
                )
            )

    def start(self) -> None:
        self.web = self.launch("web", str(BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", "revival.wsgi")
        self.worker = self.launch_worker()
        self.wait_until_it_answers()

    def launch_worker(self) -> subprocess.Popen:
        return self.launch("worker", sys.executable, "manage.py", "procrastinate", "worker")

    def launch(self, name: str, *command: str) -> subprocess.Popen:
        log = (self.folder / f"{name}.log").open("ab")
        # As in production, what serves pages and mails is not the role that owns the tables.
        environment = {**self.environment, "DATABASE_URL": self.web_url}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def wait_until_it_answers(self, url: str = "") -> None:
        def answers() -> bool:
            assert any(one.poll() is None for one in self.processes), f"The site does not start:\n{self.log_text()}"
            with suppress(OSError, HTTPError):
                urlopen(url or f"{self.url}/healthz", timeout=PATIENCE)
                return True
            return False

        wait_for(answers)

    def stop(self) -> None:
        self.shell.stop()
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running_site(
    database: str, folder: Path, environment: dict[str, str] | None = None, host: str = "127.0.0.1"
) -> Iterator[RunningSite]:
    """The site with example content; `environment` adds to it, such as an EMAIL_URL or a limit. Browsers make passkeys
    for the host `localhost` alone."""
    site = RunningSite(database, folder, environment or {}, host)
    make_filled_database(site.database)
    try:
        make_role(site)
        site.run_python(f"from django.core.management import call_command as c; c('grant_web_role', {site.web_role!r})")
        site.start()
        yield site
    finally:
        site.stop()
        drop_database(site.database)
        drop_role(site.web_role)


def collected_static_files() -> Path:
    """The folder of collected files that all sites of tests share; made anew when what they are made of changed."""
    folder = ROOT / ".run" / "static-for-tests"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "static-for-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of this run may be about to do the same
        stamp, sources = folder / ".made-from", static_sources()
        if not stamp.exists() or stamp.read_text() != sources:
            environment = {**os.environ, "REVIVAL_MODE": "trial", "STATIC_ROOT": str(folder)}
            manage(environment, "collectstatic", "--noinput", "--clear", "--verbosity=0")
            stamp.write_text(sources)
    return folder


def database_log() -> Path | None:
    """The embedded server keeps its log beside its data."""
    with other_database() as server:
        shown = server.execute("SELECT current_setting('data_directory', true)").fetchone()
    log = Path(shown[0] if shown else "").parent / "log"
    return log if log.is_file() and os.access(log, os.R_OK) else None


def make_role(site: RunningSite) -> None:
    drop_role(site.web_role)
    with other_database() as server:
        grants.make_role(server, site.web_role, urlsplit(site.web_url).password or "")


def drop_role(name: str) -> None:
    with other_database() as server:
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
