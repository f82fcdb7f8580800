"""Run PostgreSQL's own programs (pg_dump, pg_restore) on a database, and end with one sentence when that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg

LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


@contextmanager
def run_program(url: str, name: str, *options: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of PostgreSQL's programs during the block. Raises SystemExit if it fails.

    It gets the password through the environment: arguments can be read by everybody on the machine.
    """
    parameters = psycopg.conninfo.conninfo_to_dict(url)
    environment = {variable: str(parameters[part]) for part, variable in LIBPQ.items() if part in parameters}
    arguments = [program(name), *options]
    if name == "pg_restore":
        arguments.append(f"--dbname={parameters['dbname']}")
    process = subprocess.Popen(arguments, env={**os.environ, **environment}, stderr=subprocess.PIPE, **streams)
    errors: list[bytes] = []
    assert process.stderr is not None  # noqa: S101 - for the types
    reader = threading.Thread(target=lambda stream: errors.append(stream.read()), args=(process.stderr,))
    reader.start()
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        code = process.wait()
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    if code != 0:
        lines = b"".join(errors).decode(errors="replace").strip().splitlines()
        stop(f"{name} failed: {lines[0] if lines else code}")


def program(name: str) -> str:
    """Path of a PostgreSQL program: in POSTGRES_BIN, else of the embedded server (trial copy), else in PATH."""
    if folder := os.environ.get("POSTGRES_BIN"):
        return str(Path(folder) / name)
    in_path = shutil.which(name)
    try:
        from deploy.local.postgres import PROGRAMS
    except ImportError:
        return in_path or stop(f"{name} is not installed; on Debian and Ubuntu it is in postgresql-client-18.")
    return str(PROGRAMS / name)


def stop(sentence: str) -> NoReturn:
    sys.exit(f"revival: {sentence}")
