"""The whole site for a drill, of real parts: PostgreSQL with durable settings, gunicorn and worker as the web role
in production mode, nginx from deploy/, a mail server. What dies is started again after a second, as systemd does."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import psycopg
from aiosmtpd.controller import Controller

from deploy import nginx
from deploy.cluster.settings import postgresql_conf
from deploy.local import postgres
from revival.database import grants
from tests.drills.guests import BROKE_OFF, Load, Promise

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
FIRST_PORT = int(os.environ.get("DRILL_PORT", "8400"))
THERAPISTS, DAYS = 24, 55
WEB_ROLE = "revival_web"
KEYS = {name: secrets.token_urlsafe(50) for name in ("SECRET_KEY", "LINK_KEY")}


def durable_settings() -> dict[str, str]:
    """deploy/postgresql.conf, with the memory of a small machine: what it says of durability is drilled here."""
    return {name: value for name, value in postgresql_conf().items() if name != "shared_buffers"}


def can_mount() -> bool:
    return os.geteuid() == 0 and bool(shutil.which("mount"))


def mount(folder: Path, megabytes: int) -> bool:
    """A small disk of its own, where that is possible."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return can_mount() and subprocess.run(command, capture_output=True).returncode == 0


class Supervised:
    """A program that is started again one second after it ended, whatever ended it."""

    def __init__(self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None, **how: Any):
        self.name, self.command, self.log, self.env, self.how = name, command, log, env, how
        self.starts, self._over = 0, threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self.how
            )
        self.starts += 1

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            if self.process.poll() is not None and not self._over.wait(1):
                self._start()

    def everything(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            me = psutil.Process(self.process.pid)
            return [me, *me.children(recursive=True)]
        return []

    def children(self) -> list[psutil.Process]:
        return self.everything()[1:]

    def kill(self) -> int:
        """kill -9 of the program and all it has started; how many processes."""
        found = self.everything()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(found)

    def end(self, number: int = signal.SIGTERM, seconds: float = 15) -> None:
        self._over.set()
        self._thread.join()
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()


class MailServer:
    """Counts what arrives by Message-ID; can be taken away."""

    def __init__(self, port: int) -> None:
        self.port, self.arrived, self.recipients = port, Counter[str](), set[str]()
        self._doubles_known = 0
        self._server: Controller | None = None
        self.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        head = envelope.content.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace")
        found = [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("message-id:")]
        self.arrived[found[0]] += 1
        self.recipients.update(envelope.rcpt_tos)
        return "250 OK"

    def doubles_since_last_asked(self) -> int:
        doubles = sum(self.arrived.values()) - len(self.arrived)
        known, self._doubles_known = self._doubles_known, doubles
        return doubles - known

    def start(self) -> None:
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)
        self._server.start()

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None


StageT = TypeVar("StageT", bound="Stage")
GUESTS = re.compile(r"guest-\d|Guest \d|@example\.com|612-555-|/visits/[\w-]{20,}")
"""What guests type (guests.py), and the links they get."""


def is_serving(process: psutil.Process) -> bool:
    """Its watcher of the database is a thread that starts when the site is loaded."""
    with suppress(psutil.NoSuchProcess):
        return process.num_threads() > 1
    return False


def is_a_log(path: Path, folder: Path) -> bool:
    return path.suffix == ".log" or "log" in path.relative_to(folder).parts


class Stage:
    def __init__(
        self, folder: Path, *, first_port: int = FIRST_PORT, settings: dict[str, str] | None = None, disk: int = 0
    ) -> None:
        """`disk` puts PostgreSQL's data on a disk of so many megabytes."""
        self.folder, self.disk = folder, disk
        self.nginx_port, self.web_port, self.mail_port = first_port, first_port + 1, first_port + 2
        self.url = f"http://127.0.0.1:{self.nginx_port}"
        self.server = postgres.Server(folder / "postgres", dict(postgres.SETTINGS))
        self.archive, self.base = folder / "archive", folder / "base"
        self.server.settings |= durable_settings() | (settings or {})
        command = self.server.settings["archive_command"]
        self.server.settings["archive_command"] = command.replace("/var/lib/revival/archive", str(self.archive))
        self.tmp = folder / "tmp"
        self.preload: dict[str, str] = {}
        self.gunicorn_conf = "deploy/gunicorn.conf.py"
        self.promises: list[Promise] = []
        """Of all drills so far, but not of controls."""

    # ---- start and end ----

    def start(self) -> None:
        self.mounted = [self.tmp] if mount(self.tmp, 64) else []
        if self.disk and mount(self.server.folder, self.disk):
            self.mounted.append(self.server.folder)
        for path in (
            self.server.folder,
            self.tmp,
            self.archive,
            self.base,
            self.folder / "run",
            self.folder / "public",
        ):
            path.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        if self.server.user:
            postgres.ensure_user_exists(self.server.user)
            for path in (self.archive, self.base):
                os.chown(path, *postgres.owner(self.server.user))
        with self.server.starting():
            self.server.start()  # makes the cluster and the database
            self.owner_url = self.server.url(postgres.DATABASE)
            with self.connect() as owner:
                password = secrets.token_urlsafe()
                grants.make_role(owner, WEB_ROLE, password)
            self.server.stop()
        self.web_url = grants.as_role(self.owner_url, WEB_ROLE, password)
        self.mail = MailServer(self.mail_port)
        self.postgres = self.start_postgres()
        self.wait_for_postgres()
        self.migrate()
        self.fill()
        self.web = self.start_web()
        self.worker = self.start_worker()
        self.nginx = self.start_nginx()
        self.wait_until_ready()

    def start_postgres(self) -> Supervised:
        options = {"listen_addresses": "", "unix_socket_directories": str(self.server.sockets), **self.server.settings}
        command = [str(postgres.PROGRAMS / "postgres"), "-D", str(self.server.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return Supervised("postgres", command, self.folder / "postgres.log", user=self.server.user)

    def environment(self, url: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "REVIVAL_MODE": "production",
            "DATABASE_URL": url,
            **KEYS,
            "ALLOWED_HOSTS": "127.0.0.1",
            "SITE_URL": self.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "DEFAULT_FROM_EMAIL": "no-reply@clinic.example",
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
            "STATIC_ROOT": str(self.folder / "static"),
            "LAST_PAGES_DIR": str(self.folder / "last"),
            "TMPDIR": str(self.tmp),
            "BOOKING_LEAST_SECONDS": "0",  # guests of a drill type faster than people
        }

    def manage(self, *arguments: str, **more: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        environment = {**self.environment(self.owner_url), **more}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def migrate(self) -> None:
        self.manage("apply_migrations", "--verbosity=0")
        self.manage("grant_web_role", WEB_ROLE, "--verbosity=0")
        self.manage("load_clinic")
        self.manage("collectstatic", "--noinput", "--verbosity=0")
        self.manage("write_public_files", str(self.folder / "public"))

    def fill(self) -> None:
        """Enough therapists with enough hours, so that thousands of guests want distinct times."""
        self.manage("shell", "--verbosity=0", "--command", FILL.format(therapists=THERAPISTS))

    def start_web(self, port: int = 0) -> Supervised:
        command = [str(BIN / "gunicorn"), "-c", self.gunicorn_conf, "revival.wsgi"]
        environment = self.environment(self.web_url) | self.preload
        if port:  # another machine, whose pages are not this nginx's
            environment |= {"PORT": str(port), "LAST_PAGES_DIR": ""}
        return Supervised("web", command, self.folder / f"web{port or ''}.log", environment)

    @contextmanager
    def two_of_each(self) -> Iterator[tuple[str, str]]:
        """A second web service on a port of its own and a second worker, behind the same nginx; both addresses."""
        second = self.web_port + 4
        self.second_web, worker = self.start_web(second), self.start_worker()
        addresses = (f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{second}")
        try:
            self.wait_for("the second site", lambda: self.status("/readyz", addresses[1]) == 200)
            self.tell_nginx(f"127.0.0.1:{self.web_port},127.0.0.1:{second}")
            yield addresses
        finally:
            self.tell_nginx(f"127.0.0.1:{self.web_port}")
            time.sleep(1)
            self.second_web.end()
            worker.end()

    def tell_nginx(self, site: str) -> None:
        (self.folder / "nginx.conf").write_text(self.nginx_settings(site))
        self.nginx.process.send_signal(signal.SIGHUP)

    def start_worker(self) -> Supervised:
        command = [sys.executable, "manage.py", "procrastinate", "worker"]
        environment = self.environment(self.web_url) | {"DATABASE_STATEMENT_TIMEOUT_MS": "60000"} | self.preload
        return Supervised("worker", command, self.folder / "worker.log", environment)

    def restart_site(self) -> None:
        self.web.end()
        self.worker.end()
        self.web, self.worker = self.start_web(), self.start_worker()
        self.wait_until_ready()
        self.wait_for("all processes of the web", lambda: all(is_serving(one) for one in self.web.children()))

    def start_nginx(self) -> Supervised:
        conf = self.folder / "nginx.conf"
        conf.write_text(self.nginx_settings(f"127.0.0.1:{self.web_port}"))
        command = ["nginx", "-c", str(conf), "-g", "daemon off;"]
        return Supervised("nginx", command, self.folder / "nginx.log")

    def nginx_settings(self, site: str) -> str:
        return nginx.settings(
            listen=f"127.0.0.1:{self.nginx_port}",
            site=site,
            public=str(self.folder / "public"),
            last=str(self.folder / "last"),
            run=str(self.folder / "run"),
            log=str(self.folder / "access.log"),
            proxy="127.0.0.0/8",  # guests of a drill say their address as the proxy that ends TLS would
        )

    def end(self) -> None:
        for part in ("nginx", "web", "worker"):
            if hasattr(self, part):
                getattr(self, part).end()
        if hasattr(self, "postgres"):
            self.postgres.end(signal.SIGINT)  # fast: a client that stays must not hold it up
        if hasattr(self, "mail"):
            self.mail.stop()
        for folder in getattr(self, "mounted", []):
            subprocess.run(["umount", "--lazy", str(folder)])

    # ---- look ----

    def connect(self, **how: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.owner_url, autocommit=True, connect_timeout=5, **how)

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect() as owner:
            cursor = owner.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, what: str, is_so: Callable[[], object], seconds: float = 90) -> float:
        began = time.monotonic()
        while True:
            with suppress(OSError, psycopg.Error):
                if is_so():
                    return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
            time.sleep(0.1)

    def wait_for_postgres(self) -> float:
        return self.wait_for("PostgreSQL", lambda: self.ask("SELECT 1"))

    def wait_until_ready(self) -> float:
        return self.wait_for("the site", lambda: self.status("/readyz") == 200)

    def status(self, path: str, url: str = "") -> int:
        request = Request((url or self.url) + path, headers={"X-Forwarded-Proto": "https"})
        with urlopen(request, timeout=5) as answer:
            code: int = answer.status
            return code

    def status_or_refusal(self, path: str) -> int:
        try:
            return self.status(path)
        except HTTPError as error:
            return error.code
        except OSError:
            return BROKE_OFF

    def running(self) -> dict[str, Any]:
        """What would be different had anybody started anything anew."""
        parts = {name: part.starts for name, part in vars(self).items() if isinstance(part, Supervised)}
        return parts | {"processes of web": sorted(one.pid for one in self.web.children())}

    def told_of_guests(self) -> list[str]:
        """Lines of any log that name a guest, or open a visit."""
        logs = [path for path in self.folder.rglob("*") if path.is_file() and is_a_log(path, self.folder)]
        lines = [line for path in sorted(logs) for line in path.read_text(errors="replace").splitlines()]
        return [line for line in lines if GUESTS.search(line)]

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    # ---- guests ----

    def deal_slots(self) -> None:
        """All free starts, shuffled; a tenth of them are wanted by two guests."""
        import random

        rows = self.manage("shell", "--verbosity=0", "--command", SLOTS.format(days=DAYS)).split()
        slots = [tuple(row.split("|")) for row in rows if "|" in row]
        dice = random.Random(7)
        dice.shuffle(slots)
        self.slots = list(enumerate(slots))
        self._dealt = 0

    def load(self, many: int = 1500, **how: Any) -> Load:
        dealt = self.slots[self._dealt : self._dealt + many]
        self._dealt += many
        rivals = [(number + 1_000_000, slot) for number, slot in dealt[::10]]
        half = len(dealt) // 2
        slots = [*dealt[:half], *rivals[: len(rivals) // 2][::-1], *dealt[half:], *rivals[: len(rivals) // 2]]
        return Load(self.url, slots, **how)


@contextmanager
def a_stage(kind: Callable[..., StageT], **how: Any) -> Iterator[StageT]:
    folder = Path(tempfile.mkdtemp(prefix="revival-drill-"))
    stage = kind(folder, **how)
    try:
        stage.start()
        stage.deal_slots()
        yield stage
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        stage.end()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if os.environ.get("DRILL_KEEP"):
            print(f"Kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


FILL = """
from datetime import time
from booking.models import Clinic, Service, Shift, Therapist
from datetime import timedelta
from django.utils import timezone
from articles.models import Article
Article.objects.update(published_at=timezone.now() - timedelta(days=30))  # nobody publishes while a clock jumps
Clinic.objects.update(notices_to="")
Service.objects.all().delete()
service = Service.objects.create(name="Visit", slug="visit", minutes=20, turnaround_minutes=0, step_minutes=20,
    notice_hours=0, horizon_days=60, needs_confirmation=True)
for n in range({therapists}):
    therapist = Therapist.objects.create(slug=f"drill-{{n}}", name=f"Dr. Drill {{n}}", short_name=f"Dr. {{n}}")
    service.therapists.add(therapist)
    for weekday in range(7):
        Shift.objects.create(therapist=therapist, weekday=weekday, opens=time(8), closes=time(18))
"""
SLOTS = """
from datetime import timedelta
from django.utils import timezone
from booking.models import Clinic, Service, Terms, Therapist, free_times
now = timezone.now(); zone = Clinic.objects.get().zone; today = now.astimezone(zone).date()
service = Service.objects.get(slug="visit"); givers = list(Therapist.objects.giving(service))
first, last = today + timedelta(days=3), today + timedelta(days={days})
free = free_times(Terms.anew(service), givers, first=first, last=last, now=now, zone=zone)
for giver in givers:
    for start in free[giver]:
        print(f"{{giver.slug}}|{{start.isoformat()}}")
"""
