"""The modes, tried as processes of their own: settings are read once per process."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "postgresql://nobody@localhost/none"  # never opened
PRODUCTION = {
    "REVIVAL_MODE": "production",
    "DATABASE_URL": DATABASE,
    "SECRET_KEY": secrets.token_urlsafe(50),
    "LINK_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "clinic.example",
}
SHOW = (
    "from revival import settings as s;"
    "print(s.DEBUG, getattr(s, 'SESSION_COOKIE_NAME', 'sessionid'),"
    " getattr(s, 'SECURE_HSTS_SECONDS', 0), s.PAGE_CACHE)"
)


def run(command, environment):
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=PATIENCE
    )


def settings_with(**environment):
    return run([sys.executable, "-c", SHOW], environment)


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("trial", "False sessionid 0 True"),
        ("dev", "True sessionid 0 False"),
        ("production", "False __Host-session 31536000 True"),
    ],
)
def test_modes(mode, shown):
    done = settings_with(**{**PRODUCTION, "REVIVAL_MODE": mode})

    assert done.stdout.strip() == shown


def test_an_unset_mode_is_production():
    environment = {name: value for name, value in PRODUCTION.items() if name != "REVIVAL_MODE"}

    assert settings_with(**environment).stdout.startswith("False __Host-session")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "manage.py", "check"],
        [
            str(Path(sys.executable).parent / "gunicorn"),
            "--bind=127.0.0.1:0",
            "--no-control-socket",
            "revival.wsgi",
        ],
    ],
    ids=["manage.py", "gunicorn"],
)
def test_production_names_what_is_missing_in_one_sentence(command):
    done = run(command, {"SECRET_KEY": PRODUCTION["SECRET_KEY"]})

    assert done.returncode != 0
    sentences = [line for line in done.stderr.splitlines() if "revival:" in line]
    assert len(sentences) == 1
    assert "DATABASE_URL, LINK_KEY, ALLOWED_HOSTS" in sentences[0]
    assert "Traceback" not in done.stderr


def test_an_unknown_mode_is_refused():
    done = run([sys.executable, "manage.py", "check"], {**PRODUCTION, "REVIVAL_MODE": "staging"})

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "staging" in done.stderr


@pytest.mark.parametrize("url", ["garbage", "mysql://u:secret@h/n", "postgresql://u:sec#ret@h:x/n", "postgresql:///"])
def test_a_garbled_database_address_is_one_sentence_without_the_password(url):
    done = run([sys.executable, "manage.py", "check"], {**PRODUCTION, "DATABASE_URL": url})

    assert done.returncode == 1
    assert done.stderr.startswith("revival: DATABASE_URL is not a PostgreSQL address")
    assert done.stderr.count("\n") == 1
    assert "sec" not in done.stderr.replace("special characters", "").replace("user:password", "")


def refusal(**environment):
    """The one sentence with which production refuses to start."""
    done = run([sys.executable, "manage.py", "check"], {**PRODUCTION, **environment})
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("revival: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEY"])
def test_production_refuses_a_weak_key_and_says_how_to_make_a_good_one(name):
    sentence = refusal(**{name: "trial-copy-only-" + "0" * 48})

    assert sentence.startswith(f"revival: {name} is published")
    assert "secrets.token_urlsafe(50)" in sentence


def test_production_refuses_one_key_for_both():
    assert "LINK_KEY is the same as SECRET_KEY" in refusal(LINK_KEY=PRODUCTION["SECRET_KEY"])


@pytest.mark.parametrize("hosts", ["*", "clinic.example, *", ".", "*:443", " "])
def test_production_refuses_to_answer_to_every_host(hosts):
    sentence = refusal(ALLOWED_HOSTS=hosts)

    assert sentence.startswith("revival: ALLOWED_HOSTS has ")
    assert "www.example.com" in sentence


def test_production_refuses_the_example_password():
    sentence = refusal(DATABASE_URL="postgresql://revival_web:password@localhost:5432/revival")

    assert "DATABASE_URL has the password of .env.example" in sentence


def test_spaces_around_host_names_are_no_part_of_them():
    show = "from revival.settings import ALLOWED_HOSTS as hosts; print(hosts)"

    done = run([sys.executable, "-c", show], {**PRODUCTION, "ALLOWED_HOSTS": "clinic.example, www.clinic.example"})

    assert done.stdout.strip() == "['clinic.example', 'www.clinic.example']"


def test_a_trial_copy_without_keys_has_no_published_ones():
    show = "from revival.settings import SECRET_KEY, LINK_KEY; print(SECRET_KEY, LINK_KEY)"
    trial = {"REVIVAL_MODE": "trial", "DATABASE_URL": DATABASE}

    first, second = (run([sys.executable, "-c", show], trial).stdout.split() for _ in range(2))

    assert len({*first, *second}) == 4


GIVEN = "from revival.settings import DATABASES as d; d = d['default']; o = d['OPTIONS']"


def test_a_database_may_be_behind_a_sockets_folder():
    url = "postgresql://postgres@/revival?host=%2Fsome%2Ffolder"

    done = run([sys.executable, "-c", f"{GIVEN}; print(d['HOST'], *o)"], {**PRODUCTION, "DATABASE_URL": url})

    assert done.stdout.split()[0] == "/some/folder"
    assert "pool" in done.stdout.split()
    assert "target_session_attrs" not in done.stdout


def test_no_cursor_outlives_its_statement():
    """PgBouncer would ask another server for it; `make drill-cluster ARGS=desk-lists` shows the failures."""
    done = run([sys.executable, "-c", f"{GIVEN}; print(d['DISABLE_SERVER_SIDE_CURSORS'])"], PRODUCTION)

    assert done.stdout.split() == ["True"]


def test_of_several_servers_the_one_that_leads_is_asked():
    url = "postgresql://web:p%40ss@one:5432,two:6432/revival?sslmode=verify-full"
    names = ("target_session_attrs", "load_balance_hosts", "sslmode")
    show = f"{GIVEN}; print(d['HOST'], d['PORT'], d['PASSWORD'], *(o[name] for name in {names}))"

    done = run([sys.executable, "-c", show], {**PRODUCTION, "DATABASE_URL": url})

    assert done.stdout.split() == ["one,two", "5432,6432", "p@ss", "read-write", "random", "verify-full"]
