"""Run the checks, tests, measurements and drills behind `make`.

    check.py all                      every step of `make check`; exit code 1 if any failed
    check.py test [pytest options]    the tests alone
    check.py bench, drill ...         a measurement or drill by name

A failed step does not stop the following ones, so that one run shows all failures.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT))

from deploy.local import keys, postgres  # noqa: E402 - the path comes first

MANAGE = [sys.executable, "manage.py"]
PRODUCTION = {
    "REVIVAL_MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "LINK_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "clinic.example",
    "SITE_URL": "https://clinic.example",
    "EMAIL_URL": "smtp://mail.clinic.example:25",
}
# Two processes, each with a database, a running site and a browser of its own; what the tests of a file share is made
# once.
TWO_PROCESSES = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
STEPS: list[tuple[str, list[str], dict[str, str]]] = [
    ("format", [f"{BIN}/ruff", "format", "--check", "--quiet", "."], {}),
    ("lint", [f"{BIN}/ruff", "check", "--quiet", "."], {}),
    ("types", [f"{BIN}/mypy"], {}),
    ("import directions", [f"{BIN}/lint-imports", "--no-logo"], {}),
    ("templates", [f"{BIN}/djlint", "templates", "--lint", "--quiet"], {}),
    ("templates compile, lines are short", [sys.executable, "deploy/check_templates.py"], {}),
    ("migrations match models", [*MANAGE, "makemigrations", "--check", "--dry-run"], {}),
    (
        "deploy checks",
        [*MANAGE, "check", "--deploy", "--database=default", "--fail-level=WARNING"],
        PRODUCTION,
    ),
    ("configuration page is current", [sys.executable, "deploy/configuration.py", "--check"], {}),
    ("secrets", [sys.executable, "deploy/secrets_kept_out.py"], {}),
    ("known weaknesses", [sys.executable, "deploy/known_weaknesses.py"], {}),
    ("Dockerfile", [f"{BIN}/hadolint", "Dockerfile"], {}),
    ("tests, all of them", [f"{BIN}/pytest", *TWO_PROCESSES], {"EXHAUSTIVE": "true"}),
]


DRILLS = {"drill": "tests.drills.faults", "drill-cluster": "tests.drills.cluster"}
MEASUREMENTS = {
    "bench": "tests.bench.all",
    "bench-desk": "tests.bench.desk",
    "bench-many": "tests.bench.many",
    "bench-slots": "tests.bench.slots",
    "drill-mail": "tests.drills.mail",
    "audit": "tests.bench.audit",
    "screenshots": "tests.browser.screenshots",
}


def main(which: str, arguments: list[str]) -> int:
    os.chdir(ROOT)
    os.environ.setdefault("REVIVAL_MODE", "trial")
    # Some containers set it: then each process compiles the site and rewrites the asserts of all tests anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if which in DRILLS:  # they start servers of their own, with durable settings
        return postgres.run_with_signals([sys.executable, "-m", DRILLS[which], *arguments])
    folder = Path(os.environ.get("POSTGRES_TEST_DIR") or ROOT / ".postgres-test")
    given_url = postgres.given_url()
    keys.put_into_environment(folder)  # tests and the sites they start derive the same links
    if given_url:
        return run(which, arguments)
    try:
        with postgres.database_url(folder, settings=postgres.FAST_AND_UNSAFE) as url:
            os.environ["DATABASE_URL"] = url
            return run(which, arguments)
    except postgres.ServerFailedError as error:
        sys.exit(str(error))


def run(which: str, arguments: list[str]) -> int:
    if which == "test":
        return postgres.run_with_signals([f"{BIN}/pytest", *([] if are_few(arguments) else TWO_PROCESSES), *arguments])
    if which in MEASUREMENTS:
        return postgres.run_with_signals([sys.executable, "-m", MEASUREMENTS[which], *arguments])
    failed = [name for name, command, environment in STEPS if not passes(name, command, environment)]
    print(f"\nmake check: {', '.join(failed)} failed." if failed else "\nmake check: everything passed.")
    return 1 if failed else 0


def are_few(arguments: list[str]) -> bool:
    """Whether tests were chosen by name or place: a few start sooner in one process, and print in order."""
    chosen = any(one.startswith(("-k", "-n", "--numprocesses", "--lf", "--last-failed")) for one in arguments)
    return chosen or any(Path(one.split("::")[0]).exists() for one in arguments)


def passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    print(f"== {name}", flush=True)
    before = time.monotonic()
    code = subprocess.call(command, env={**os.environ, **environment})
    print(f"   {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - before:.1f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
