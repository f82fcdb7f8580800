"""Run the whole site until Ctrl-C: database, web server and worker (`make run`, `make dev`)."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NoReturn
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT))

from deploy.local import keys, postgres  # noqa: E402 - the path comes first

OPEN_TO_THE_NETWORK = """
  HOST is {0!r}: everybody on this network can open this copy and try to sign in at its desk, and what they send and
  see is not encrypted on the way. Put nobody's real details into it. E-mails with private links, unless EMAIL_URL is
  set, are files in .mail/ that only you can read. Without HOST, only this machine can open the copy.
"""
SECONDS_TO_STOP = 12  # gunicorn lets running requests end for ten
SECONDS_BEFORE_RESTART = 1


class StopError(Exception):
    """Ctrl-C, SIGTERM or SIGHUP was received."""


class Part:
    """A process of the site and its children; restarted when it dies."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, command
        self.start()

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches only this supervisor, which then stops the parts in order.
        self.process = subprocess.Popen(self.command, cwd=ROOT, start_new_session=True, preexec_fn=end_with_supervisor)

    def keep_alive(self) -> None:
        if self.process.poll() is None:
            return
        print(f"The {self.name} died; starting it again.", flush=True)
        time.sleep(SECONDS_BEFORE_RESTART)
        self.start()

    def end(self, deadline: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(deadline - time.monotonic(), 0))
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # children that are still running
        self.process.wait()


def end_with_supervisor() -> None:
    """Let Linux end this process when the supervisor is killed, so that no orphan keeps the port."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def main(is_dev: bool) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_stop)
    os.chdir(ROOT)
    configured_url = postgres.given_url()  # also reads .env
    os.environ.setdefault("REVIVAL_MODE", "dev" if is_dev else "trial")
    host, port = os.environ.setdefault("HOST", "127.0.0.1"), os.environ.setdefault("PORT", "8000")
    refuse_port(host, port, "make dev" if is_dev else "make run")
    shown = "localhost" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - only compared
    address = f"http://{shown}:{port}"
    os.environ.setdefault("SITE_URL", address)
    if not is_dev:
        os.environ.setdefault("PYTHONNODEBUGRANGES", "1")  # our logs quote no columns, which would take memory
    if os.environ["REVIVAL_MODE"] != "production":
        keys.put_into_environment(postgres.default_folder())

    embedded = postgres.database_url(postgres.default_folder())
    with nullcontext(configured_url) if configured_url else embedded as url:
        if not configured_url:
            os.environ["OWNER_DATABASE_URL"], url = url, postgres.web_url(url)
        os.environ["DATABASE_URL"] = url
        sign_in = prepare()
        os.environ.pop("OWNER_DATABASE_URL", None)  # web server and worker must not have the owner's rights
        serve(web_command(is_dev, host, port), address, host, sign_in)


def prepare() -> str:
    """Prepare database and files in a process of their own; how to sign in at the desk. Exits if a step fails."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as sign_in:
        prepared = subprocess.run([sys.executable, "deploy/local/prepare.py", str(writing)], pass_fds=[writing])
        os.close(writing)
        if prepared.returncode != 0:
            sys.exit(prepared.returncode)
        return sign_in.read()


def web_command(is_dev: bool, host: str, port: str) -> list[str]:
    if is_dev:
        return [sys.executable, "manage.py", "runserver", f"{host}:{port}"]
    return [str(BIN / "gunicorn"), "-c", "deploy/gunicorn.conf.py", "revival.wsgi"]


def serve(web_command: list[str], address: str, host: str, sign_in: str) -> None:
    parts: list[Part] = []
    try:
        parts.append(Part("web server", web_command))
        parts.append(Part("worker", [sys.executable, "manage.py", "procrastinate", "worker"]))
        wait_for_first_answer(parts[0], address)
        announce(address, host, sign_in)
        while True:
            for part in parts:
                part.keep_alive()
            time.sleep(0.2)
    finally:
        ignore_signals()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for part in parts:
            with suppress(ProcessLookupError):
                part.process.send_signal(signal.SIGTERM)
        for part in parts:
            part.end(deadline)


def wait_for_first_answer(web: Part, address: str) -> None:
    while not answers(address):
        if web.process.poll() is not None:
            stop("the web server stopped before it answered (see above).")
        time.sleep(0.1)


def announce(address: str, host: str, sign_in: str) -> None:
    """The block people look for, printed last: where the site is, how to sign in, where mail goes, how to stop."""
    mail = "through the server of EMAIL_URL" if os.environ.get("EMAIL_URL") else "files in .mail/"
    rows = [
        ("Site", f"{address}/"),
        ("Desk", f"{address}/admin/"),
        ("Sign in", sign_in),
        ("E-mail", mail),
        ("Stop", "Ctrl-C"),
    ]
    lines = "\n".join(f"  {name:<8} {text}" for name, text in rows)
    print(
        f"\nRevival is running.\n\n{lines}\n{'' if is_private(host) else OPEN_TO_THE_NETWORK.format(host)}", flush=True
    )


def is_private(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    addresses = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in addresses)


def answers(address: str) -> bool:
    try:
        urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310 - our own address
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def refuse_port(host: str, port: str, command: str) -> None:
    if not port.isdigit() or not 0 < int(port) < 65536:
        stop(f"PORT is {port!r}; it must be a number from 1 to 65535.")
    try:
        addresses = socket.getaddrinfo(host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, *_, address = addresses[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        stop(f"HOST is {host!r}, which is not an address of this machine.")
    except PermissionError:
        stop(f"Port {port} needs more rights than you have; choose another with PORT=8000 {command}")
    except OSError as error:
        if error.errno == 98 or "in use" in str(error):
            stop(f"Port {port} is in use; choose another with PORT={int(port) % 65535 + 1} {command}")
        stop(f"HOST is {host!r}, which is not an address of this machine.")


def raise_stop(number: int, frame: object) -> NoReturn:
    ignore_signals()  # a second Ctrl-C must not interrupt the shutdown
    raise StopError


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def stop(sentence: str) -> NoReturn:
    sys.exit(f"revival: {sentence}")


if __name__ == "__main__":
    try:
        main(is_dev="--dev" in sys.argv)
    except StopError:
        print("Stopped.")
    except postgres.ServerFailedError as error:
        stop(str(error))
    except PermissionError as error:
        stop(f"{error.filename} cannot be written; was it made by another user?")
