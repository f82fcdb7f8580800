"""`make run`: processes, errors of one sentence, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from deploy.local import postgres, run
from tests.databases import bring, migrated_template
from tests.exhaustive import EXHAUSTIVE
from tests.guest import Guest
from tests.running import collected_static_files, free_port
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]


def environment(**extra):
    keep = ("PATH", "HOME", "XDG_RUNTIME_DIR")
    return {**{name: os.environ[name] for name in keep if name in os.environ}, **extra}


def refused(**extra):
    """The one sentence with which `make run` refuses to start."""
    result = subprocess.run(
        [sys.executable, "deploy/local/run.py"],
        cwd=ROOT, env=environment(**extra), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused(PORT=str(port))

    assert f"Port {port} is in use; choose another with PORT={port + 1} make run" in sentence


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_one_sentence(port):
    assert port in refused(PORT=port)


def test_a_host_that_is_none_is_one_sentence():
    assert "203.0.113.7" in refused(HOST="203.0.113.7", PORT=str(free_port()))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("garbage", "not a PostgreSQL address"),
        ("postgresql://u:topsecret@127.0.0.1:1/n", "server at 127.0.0.1:1 cannot be reached"),
        ("postgresql://u:topsecret@no-such-host.invalid/n", "no-such-host.invalid:5432 cannot be reached"),
        ("postgresql://u:topsecret@/n?host=/nowhere", "/nowhere"),
    ],
)
def test_a_broken_database_address_is_one_sentence_without_the_password(url, sentence):
    stderr = refused(DATABASE_URL=url, PORT=str(free_port()))

    assert sentence in stderr
    assert "topsecret" not in stderr


class Running:
    """One `make run` with a server and folders of its own."""

    def __init__(self, folder, **extra):
        self.port, self.log = free_port(), folder / f"run-{time.monotonic_ns()}.log"
        folders = {"POSTGRES_DIR": str(folder / "postgres"), "STATIC_ROOT": str(collected_static_files())}
        self.process = subprocess.Popen(
            [sys.executable, "deploy/local/run.py"],
            cwd=ROOT, stdout=self.log.open("w"), stderr=subprocess.STDOUT,
            env=environment(**folders, PORT=str(self.port), **extra),
        )  # fmt: skip

    @property
    def text(self):
        return self.log.read_text()

    def wait_until_announced(self):
        wait_for(lambda: "Revival is running." in self.text or self.process.poll() is not None)
        assert self.process.poll() is None, self.text

    def end(self, number):
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0
        return [process for process in family if process.is_running()]


@pytest.fixture
def run_site(tmp_path):
    """Function that starts a site; sites that a failed test leaves are stopped."""
    runs = []

    def start(**extra):
        runs.append(Running(tmp_path, **extra))
        runs[-1].wait_until_announced()
        return runs[-1]

    yield start
    for one in runs:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


def postgres_of(folder):
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(folder) in " ".join(process.info["cmdline"] or [])
    ]


def new_password(folder):
    """What `make password` prints for the site in this folder."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.postgres", sys.executable, "deploy/local/password.py"],
        cwd=ROOT, env=environment(POSTGRES_DIR=str(folder / "postgres")),
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def can_sign_in(site, password):
    guest = Guest(f"http://127.0.0.1:{site.port}")
    page = guest.get("/admin/login/")
    answer, _ = guest.post("/admin/login/", page, username="admin", password=password)
    return answer.status == 302


def put_in_an_older_database(folder):
    """All tables but one: to make them all anew takes longer than the rest of the test, and is done once per run."""
    with postgres.database_url(folder / "postgres") as url:
        bring(migrated_template(), url)
        with psycopg.connect(url) as owner:
            owner.execute("DROP TABLE django_session; DELETE FROM django_migrations WHERE app = 'sessions'")


def test_it_serves_keeps_its_data_and_leaves_nothing_behind(tmp_path, run_site):
    if not EXHAUSTIVE:  # else it starts from nothing
        put_in_an_older_database(tmp_path)
    mail = tmp_path / "mail"
    mail.mkdir(mode=0o755)
    (mail / "letter-of-an-older-version").touch(mode=0o644)

    first = run_site(DJANGO_SUPERUSER_PASSWORD="chosen-by-me", EMAIL_FILE_PATH=str(mail))
    with urlopen(f"http://127.0.0.1:{first.port}/", timeout=PATIENCE) as home:
        assert home.status == 200
    assert "admin, the password in DJANGO_SUPERUSER_PASSWORD" in first.text
    assert postgres_of(tmp_path)
    private = [mail, *mail.iterdir(), *(tmp_path / "postgres" / "keys").iterdir()]
    assert len(private) == 4
    assert [path for path in private if path.stat().st_mode & 0o077] == []

    assert first.end(signal.SIGINT) == []
    assert not postgres_of(tmp_path)

    second = run_site()
    assert "admin; `make password` makes a new password" in second.text  # made before, so the data is still there

    password = new_password(tmp_path)
    assert not can_sign_in(second, "chosen-by-me")
    assert can_sign_in(second, password)

    worker = next(
        process for process in psutil.Process(second.process.pid).children() if "procrastinate" in process.cmdline()
    )
    worker.kill()
    wait_for(lambda: "The worker died; starting it again." in second.text)

    assert second.end(signal.SIGTERM) == []
    assert not postgres_of(tmp_path)


@pytest.mark.parametrize(
    ("host", "is_open"),
    [("127.0.0.1", False), ("localhost", False), ("::1", False), ("0.0.0.0", True), ("::", True), ("", True)],
)
def test_a_copy_that_the_network_can_open_says_so(capsys, host, is_open):
    run.announce("http://localhost:8000", host, "admin")

    text = capsys.readouterr().out
    assert ("everybody on this network can open this copy" in text) is is_open
    assert ("private links" in text) is is_open


def test_the_first_sign_in_has_a_random_password_shown_once(monkeypatch, db):
    monkeypatch.syspath_prepend(str(ROOT / "deploy" / "local"))
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    import prepare

    first, second = prepare.make_admin(), prepare.make_admin()

    assert re.fullmatch(r"admin, password (\S{12,}) \(shown once\)", first)
    assert second == "admin; `make password` makes a new password"
