"""Databases that tests make: migrated once for as long as the code stays as it is, and then copied."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local.postgres import PROGRAMS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE, TEMPLATE_LOCK = "revival_template_", 1_908_120_611
MADE_FROM = ("revival/**/*.py", "articles/**/*.py", "booking/**/*.py", "articles/content/*.toml", "requirements.txt")
"""What the rows and tables of a template depend on."""


def other_database() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def make_database(name: str) -> None:
    drop_database(name)
    with other_database() as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def make_filled_database(name: str) -> None:
    """With tables and example content, for a running site."""
    drop_database(name)
    copy_database(filled_template(), name)


def copy_database(template: str, name: str) -> None:
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with other_database() as server:
        server.execute(copy)


def bring(template: str, url: str) -> None:
    """Copy a template into an empty database of another server, which is quicker than to migrate there."""
    dump = [PROGRAMS / "pg_dump", "--no-owner", _address(os.environ["DATABASE_URL"], template)]
    restore = [PROGRAMS / "psql", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", url]
    dumped = subprocess.run(dump, check=True, stdout=subprocess.PIPE)
    subprocess.run(restore, check=True, input=dumped.stdout)


def bring_filled_template(url: str) -> None:
    """Sites on that server start from a copy of it, as those of this one do."""
    template = filled_template()
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
    bring(template, _address(url, template))


def _address(server: str, database: str) -> str:
    return urlsplit(server)._replace(path=f"/{database}").geturl()


@cache
def migrated_template() -> str:
    """The name of a database with tables and what migrations put into them."""
    return _template("migrated", make_database, ["migrate", "--verbosity=0"])


@cache
def filled_template() -> str:
    """The name of a database with the clinic's content and example hours as well."""
    migrated = migrated_template()
    return _template("filled", lambda name: copy_database(migrated, name), ["load_clinic", "--example"])


def _template(kind: str, make: Callable[[str], None], fill: list[str]) -> str:
    """Made under another name, so that one whose making was broken off is not taken for whole."""
    name, unfinished = f"{TEMPLATE}{_made_from()}_{kind}", f"{TEMPLATE}unfinished_{kind}"
    with other_database() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])  # until this connection ends
        known = [row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [TEMPLATE])]
        for old in (one for one in known if _made_from() not in one):
            drop_database(old)
        if name not in known:
            make(unfinished)
            address = _address(os.environ["DATABASE_URL"], unfinished)
            manage({**os.environ, "REVIVAL_MODE": "trial", "DATABASE_URL": address}, *fill)
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


@cache
def _made_from() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in MADE_FROM for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def drop_database(name: str) -> None:
    with other_database() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
