"""The modes, tried as processes of their own: settings are read once per process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "postgresql://nobody@localhost/none"  # never opened
PRODUCTION = {
    "REVIVAL_MODE": "production",
    "DATABASE_URL": DATABASE,
    "SECRET_KEY": "s" * 50,
    "LINK_KEY": "l" * 50,
    "ALLOWED_HOSTS": "clinic.example",
}
SHOW = (
    "from revival import settings as s;"
    "print(s.DEBUG, getattr(s, 'SESSION_COOKIE_NAME', 'sessionid'),"
    " getattr(s, 'SECURE_HSTS_SECONDS', 0), s.PAGE_CACHE)"
)


def run(command, environment):
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=60)


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
    done = run(command, {"SECRET_KEY": "s" * 50})

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


def test_a_sockets_folder_survives_the_pool_settings():
    show = "from revival.settings import DATABASES as d; o = d['default']['OPTIONS']; print(o['host'], *o)"

    done = run(
        [sys.executable, "-c", show],
        {**PRODUCTION, "DATABASE_URL": "postgresql://postgres@/revival?host=%2Fsome%2Ffolder"},
    )

    assert done.stdout.split()[0] == "/some/folder"
    assert "pool" in done.stdout.split()
