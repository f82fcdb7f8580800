"""Attacks that need the whole site: hundreds of slow clients, a scanner, and what the headers are worth.

Traffic goes to this machine alone. The scanner (wapiti, from PyPI) and the scorer (MDN's HTTP Observatory, from npm)
are fetched into .drill/, an environment of their own, and are used for nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from deploy import nginx
from tests.attacks import test_http
from tests.attacks.raw import request, send
from tests.drills.stage import BIN, ROOT, Stage, Supervised

if TYPE_CHECKING:
    from tests.drills.faults import Drill

FOLDER = ROOT / ".drill"
SLOW_CLIENTS, SLOW_SECONDS, GUEST_SECONDS = 400, 30, 1.0
SLOW_AT_GUNICORN = 60
WAPITI, OBSERVATORY = "wapiti3==3.2.3", "@mdn/mdn-http-observatory@1.4.8"
BEST_SCORE = 125
OWN_ADDRESS = "127.0.0.9"  # so that ports 80 and 443 are free, whatever else runs here


class NotHere(Exception):  # noqa: N818 - no error: the text says what is missing
    """This drill cannot be done on this machine."""


# ---- bytes that no browser sends -----------------------------------------------------------------


def raw(drill: Drill) -> None:
    """every raw request that tests/attacks/test_http.py has refused, through nginx: two servers that read it alike"""
    stage = drill.stage
    before = stage.ask("SELECT count(*) FROM booking_appointment")
    answers = {
        name: statuses_of(stage.url, data, number) for number, (name, data) in enumerate(test_http.REFUSED.items())
    }
    told = Counter(status for statuses in answers.values() for status in statuses)
    drill.tell(f"attack     {len(answers)} requests; answers {dict(sorted(told.items()))}")
    odd = {name: found for name, found in answers.items() if len(found) > 1 or any(one >= 500 for one in found)}
    drill.told += [f"           {name}: {found}" for name, found in odd.items()]
    drill.promise("one answer at most, and none from 500 on", not odd)
    drill.promise("nearly all are refused", sum(told[status] for status in told if status >= 400) > len(answers) * 0.8)
    drill.promise("nothing was booked", stage.ask("SELECT count(*) FROM booking_appointment") == before)
    drill.promise("control: a plain one is answered", statuses_of(stage.url, request("/")) == [200])
    in_a_row = request("/faq/", closing=False) + request("/")
    drill.promise("control: two answers are seen", statuses_of(stage.url, in_a_row) == [200, 301])


def statuses_of(url: str, data: bytes, number: int = 0) -> list[int]:
    """Of all answers. The host is the drill's and each has a network of its own, else they were refused for that."""
    ours = f"\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 10.9.0.{number + 1}\r\nHost:".encode()
    data = data.replace(b"localhost", b"127.0.0.1").replace(b"\r\nHost:", ours, 1)
    return [one.status for one in send(url, data, seconds=5)]


# ---- slow clients -------------------------------------------------------------------------------

HEAD = b"Host: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
KINDS = {
    "a header that never ends": b"GET / HTTP/1.1\r\n" + HEAD,
    "a form that never ends": b"POST /visits/find/ HTTP/1.1\r\n"
    + HEAD
    + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nemail=",
    "never reads": (b"GET /articles/cupping-for-back-pain/ HTTP/1.1\r\n" + HEAD + b"\r\n") * 20,
    "never asks": b"",
}


class Slow:
    """One client who says a byte every two seconds and takes nothing; begins anew when hung up on."""

    def __init__(self, port: int, number: int, first: bytes) -> None:
        self.port, self.number, self.first, self.hung_up = port, number, first, 0
        self.socket: socket.socket | None = None

    def connect(self) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.settimeout(3)
        self.socket.bind((f"127.1.{self.number // 200}.{self.number % 200 + 1}", 0))  # networks of their own
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.sendall(self.first)

    def drip(self) -> None:
        try:
            if self.socket is None:
                self.connect()
            elif self.first:
                self.socket.sendall(b"X")
        except OSError:
            self.hung_up += 1
            self.close()

    def close(self) -> None:
        if self.socket:
            self.socket.close()
        self.socket = None


@contextmanager
def slow_clients(port: int, many: int, kinds: list[bytes]) -> Iterator[list[Slow]]:
    clients = [Slow(port, number, first) for number, first in zip(range(many), cycle(kinds), strict=False)]
    over = threading.Event()

    def go() -> None:
        while not over.is_set():
            for client in clients:
                client.drip()
            over.wait(2)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while sum(one.socket is not None for one in clients) < many * 0.95 and time.monotonic() < until:
        time.sleep(0.1)
    try:
        yield clients
    finally:
        over.set()
        thread.join()
        for client in clients:
            client.close()


def slow(drill: Drill) -> None:
    """400 clients at once who say a byte every two seconds, in headers and forms, or never read"""
    # A few guests with time: a crowd that presses as fast as it can would measure itself.
    with drill.load(many=1200, booking=2):
        with slow_clients(drill.stage.nginx_port, SLOW_CLIENTS, list(KINDS.values())) as clients:
            most = 0
            for _ in range(SLOW_SECONDS):
                most = max(most, sum(one.socket is not None for one in clients))
                time.sleep(1)
    seen = drill.crowd
    drill.tell(
        f"attack     {most} slow at once for {SLOW_SECONDS} s, hung up on {sum(c.hung_up for c in clients)} times"
    )
    drill.promise("all of them were there at once", most >= SLOW_CLIENTS * 0.95)
    drill.promise("articles under a second throughout", seen.articles.longest < GUEST_SECONDS)
    drill.promise("bookings under a second throughout", seen.bookings.longest < GUEST_SECONDS)
    drill.promise("nobody was refused", not seen.bookings.statuses[503] and not seen.bookings.statuses[429])
    drill.promise("slow ones are hung up on in the end", any(one.hung_up for one in clients))
    drill.settle()


def control_slow(drill: Drill) -> None:
    """control: far fewer of them at gunicorn itself, without nginx, make guests wait"""
    form = KINDS["a form that never ends"]
    with slow_clients(drill.stage.web_port, SLOW_AT_GUNICORN, [form]):
        time.sleep(2)
        began, longest = time.monotonic(), 0.0
        for _ in range(3):
            with suppress(OSError):
                ask = Request(f"http://127.0.0.1:{drill.stage.web_port}/", headers={"X-Forwarded-Proto": "https"})
                urlopen(ask, timeout=3).close()
            longest, began = max(longest, time.monotonic() - began), time.monotonic()
    drill.tell(f"attack     {SLOW_AT_GUNICORN} slow at gunicorn: a guest waited {longest:.1f} s")
    drill.kept = {"guests are seen to wait": longest > GUEST_SECONDS}


# ---- what the headers are worth ------------------------------------------------------------------


def scorer() -> Path:
    """The Observatory, without the list of preloaded hosts, which it fetches from elsewhere: no points for that."""
    if not shutil.which("npm") or not shutil.which("openssl"):
        raise NotHere("it needs npm and openssl")
    folder = FOLDER / "observatory"
    package = folder / "node_modules" / OBSERVATORY.rpartition("@")[0]
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        if subprocess.run([*command, OBSERVATORY]).returncode != 0:
            raise NotHere("the registry of npm cannot be reached")
    for name, nothing in NOTHING_PRELOADED.items():
        (package / name).write_text(nothing)
    return folder


NOTHING_PRELOADED = {"conf/hsts-preload.json": "{}"}


@contextmanager
def over_tls(stage: Stage) -> Iterator[Path]:
    """The same site by nginx on ports 80 and 443 of an address of its own; the certificate to trust."""
    key, certificate, run = stage.folder / "key.pem", stage.folder / "certificate.pem", stage.folder / "run-tls"
    run.mkdir(exist_ok=True)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=drill"),
            *("-addext", f"subjectAltName=IP:{OWN_ADDRESS}", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    try:
        with socket.socket() as probe:
            probe.bind((OWN_ADDRESS, 443))
    except OSError as error:
        raise NotHere(f"it needs port 443 of {OWN_ADDRESS}: {error.strerror}") from None
    conf = stage.folder / "nginx-tls.conf"
    conf.write_text(
        nginx.settings(
            listen=f"{OWN_ADDRESS}:443 ssl;\n        listen {OWN_ADDRESS}:80",
            site=f"127.0.0.1:{stage.web_port}",
            public=str(stage.folder / "public"),
            run=str(run),
            log=str(stage.folder / "access-tls.log"),
            tls=nginx.TLS.format(certificate=certificate, key=key),
        )
    )
    front = Supervised("nginx", ["nginx", "-c", str(conf), "-g", "daemon off;"], stage.folder / "nginx-tls.log")
    before = stage.preload
    stage.preload = {**before, "ALLOWED_HOSTS": f"127.0.0.1,{OWN_ADDRESS}"}
    stage.restart_site()
    try:
        yield certificate
    finally:
        stage.preload = before
        front.end()
        stage.restart_site()


VISIT = """
import uuid
from datetime import timedelta
from django.utils import timezone
from booking.models import Appointment, Service, State, Therapist
visit = Appointment(state=State.CONFIRMED, confirmed_at=timezone.now())
start = timezone.now().replace(microsecond=0) + timedelta(days=40)
giver = Therapist.objects.get(slug="drill-19")
visit.put_at(therapist=giver, service=Service.objects.get(slug="visit"), starts_at=start)
visit.name, visit.email, visit.phone, visit.submission_key = "Ada", "ada@example.com", "612-555-0142", uuid.uuid4()
visit.renew_link(); visit.save(); print("LINK", visit.get_absolute_url())
"""


def a_visit(stage: Stage) -> str:
    said = stage.manage("shell", "--verbosity=0", "--command", VISIT)
    return next(line.split()[1] for line in said.splitlines() if line.startswith("LINK"))


def scores(folder: Path, certificate: Path, *paths: str) -> list[dict[str, Any]]:
    command = ["node", str(Path(__file__).with_name("observatory.mjs")), str(folder), OWN_ADDRESS, *paths]
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(certificate)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def headers(drill: Drill) -> None:
    """home, an article, free times, a visit and the desk's door as MDN's HTTP Observatory sees them, over TLS"""
    folder = scorer()
    pages = ["/", "/articles/cupping-for-back-pain/", "/book/drill-0/visit/", a_visit(drill.stage), "/admin/login/"]
    with over_tls(drill.stage) as certificate:
        found = scores(folder, certificate, *pages)
    for one in found:
        drill.tell(f"{one['path']:<36} {one['status']}  {one['score']} points, {one['grade']}")
        drill.promise("each page is there", one["status"] == 200)
        drill.promise(f"each page has at least {BEST_SCORE} points", one["score"] >= BEST_SCORE)
    drill.tell(f"           of the first: {found[0]['points']}")
    drill.promise("all five were scored", len(found) == len(pages))


def control_headers(drill: Drill) -> None:
    """control: without one header the score falls below"""
    folder = scorer()
    with over_tls(drill.stage) as certificate:
        conf = drill.stage.folder / "nginx-tls.conf"
        lines = conf.read_text().replace("proxy_http_version 1.1;", "proxy_hide_header Content-Security-Policy;\n", 1)
        conf.write_text(lines)
        subprocess.run(["nginx", "-c", str(conf), "-s", "reload"], check=True, capture_output=True)
        time.sleep(2)
        score = scores(folder, certificate, "/")[0]["score"]
    drill.tell(f"           without a content security policy: {score} points")
    drill.kept = {"the score falls": score < BEST_SCORE}


# ---- a scanner ----------------------------------------------------------------------------------

SECONDS_OF_CRAWLING = int(os.environ.get("WAPITI_CRAWL", "20"))  # of 60 the desk’s attacks last twenty minutes
MINUTES_OF_PATIENCE = 30
MODULES = ("crlf", "csp", "csrf", "exec", "file", "methods", "permanentxss", "redirect", "sql", "upload", "xss")
"""Left out are those that need a server of wapiti's elsewhere to be called back (ssrf, xxe, log4shell), those for
other people's software, and what `headers` says better (cookieflags, http_headers)."""
COLLEAGUE = """
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
user, _ = User.objects.get_or_create(username="scanner", is_staff=True, last_login=timezone.now())
user.groups.set([Group.objects.get(name="Owner")])
client = Client(); client.force_login(user)
print("COOKIE", client.cookies["sessionid"].value)
"""


def scanner() -> Path:
    program = FOLDER / "wapiti" / "bin" / "wapiti"
    if not program.exists():
        uv = str(BIN / "uv")
        made = subprocess.run([uv, "venv", "--quiet", "--clear", str(FOLDER / "wapiti")]).returncode == 0
        into = ["--quiet", "--python", str(FOLDER / "wapiti" / "bin" / "python")]
        if not made or subprocess.run([uv, "pip", "install", *into, WAPITI]).returncode != 0:
            raise NotHere("PyPI cannot be reached")
    return program


def scan(program: Path, stage: Stage, start: str, *options: str) -> dict[str, Any]:
    """Straight at gunicorn: nginx would turn most of a scanner away."""
    report, store = stage.folder / "wapiti.json", stage.folder / "wapiti"
    command = [str(program), "--url", f"http://127.0.0.1:{stage.web_port}{start}", "--format", "json"]
    command += ["--output", str(report), "--store-session", str(store), "--flush-session", "--scope", "folder"]
    # A few addresses of each kind: there is a page of free times for every week. No limit of time for a module,
    # since wapiti loses its own notes when one is stopped.
    command += ["--max-scan-time", str(SECONDS_OF_CRAWLING), "--depth", "3", "--max-files-per-dir", "2"]
    command += ["--max-links-per-page", "40", "--max-parameters", "14", "--skip", "csrfmiddlewaretoken"]
    command += ["--module", ",".join(MODULES), "--verbose", "0", "--timeout", "10", "--no-bugreport"]
    command += ["--detailed-report", "1", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES_OF_PATIENCE)
    if not report.exists():
        raise AssertionError(f"wapiti made no report: {done.stdout[-300:]} {done.stderr[-300:]}")
    found: dict[str, Any] = json.loads(report.read_text())
    report.unlink()
    return found


OPEN_DOORS = {
    "REVIVAL_MODE": "trial",  # cookies without Secure, which a scanner without TLS sends back: its forms are read
    "TWO_FACTOR_REQUIRED": "false",
    **dict.fromkeys(("BOOKING_BOOKINGS_A_DAY", "BOOKING_OPEN_HOLDS_A_DAY", "BOOKING_ASKS_A_DAY"), "1000000"),
}


def wapiti(drill: Drill) -> None:
    """a scanner that crawls the site and attacks what it finds, signed out and at the desk"""
    program, stage = scanner(), drill.stage
    before, logged = stage.preload, len(stage.log_of("web"))
    stage.preload = {**before, **OPEN_DOORS}
    stage.restart_site()
    try:
        said = stage.manage("shell", "--verbosity=0", "--command", COLLEAGUE, **OPEN_DOORS)
        session = next(line.split()[1] for line in said.splitlines() if line.startswith("COOKIE"))
        base = f"http://127.0.0.1:{stage.web_port}"
        stay = [part for path in ("logout", "password_change", "login") for part in ("-x", f"{base}/admin/{path}/")]
        judge(drill, "signed out", scan(program, stage, "/"))
        judge(drill, "at the desk", scan(program, stage, "/admin/", "--header", f"Cookie: sessionid={session}", *stay))
    finally:
        stage.preload = before
        stage.restart_site()
    asked = Counter(re.findall(r'"url": "([^"]+)", "status": (\d)', stage.log_of("web")[logged:]))
    drill.tell(f"           {sum(asked.values())} requests, {len({name for name, _ in asked})} kinds of address")
    drill.tell(f"           5xx: {sorted({name for name, status in asked if status == '5'}) or 'none'}")
    drill.promise("the log was read", sum(asked.values()) > 500)
    drill.promise("no 5xx in the log", not any(status == "5" for _, status in asked))


def judge(drill: Drill, who: str, found: dict[str, Any]) -> None:
    kinds = Counter({kind: len(rows) for kind, rows in found["vulnerabilities"].items() if rows})
    faults = Counter({kind: len(rows) for kind, rows in found["anomalies"].items() if rows})
    pages = found["infos"].get("crawled_pages_nbr", 0)
    drill.tell(f"{who:<11}{pages} pages crawled; findings {dict(kinds) or 'none'}; faults {dict(faults) or 'none'}")
    for rows in [*found["vulnerabilities"].values(), *found["anomalies"].values()]:
        for row in rows[:3]:
            drill.tell(f"           {row['method']} {row['path']} {row['parameter']}: {row['info'][:160]}")
    drill.promise("pages were crawled", pages > 10)
    drill.promise("no finding", not kinds)
    drill.promise("no fault of ours", not faults)
