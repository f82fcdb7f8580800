"""What all tests share: quick static files, a running copy of the site, a browser."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from django.db.backends.postgresql.creation import DatabaseCreation
from django.template import Template
from django.test import TransactionTestCase
from django.test.utils import _TestState
from playwright.sync_api import BrowserContext

from tests.chromium import CHROMIUM, launch_options
from tests.databases import drop_database, migrated_template
from tests.exhaustive import EXHAUSTIVE
from tests.mailbox import Mailbox
from tests.rows import put_back, rows_of_all_tables
from tests.running import RunningSite, free_port, running_site
from tests.waiting import PATIENCE

IN_CI = os.environ.get("CI") == "true"
TESTS = Path(__file__).parent
LONG = ("deploy/test_run.py", "booking/test_free.py", "booking/test_machine.py", "deploy/test_postgres.py")
"""Files with few tests that share nothing and take long."""
NEEDS_BROWSER = {"page", "browser", "context", "new_context"}
PACKAGES = {"chromium": "chromium", "java": "default-jre-headless", "nginx": "nginx"}
"""Packages of Debian and Ubuntu, by the program that tests marked `needs` want."""
INSTALLED = {"chromium": CHROMIUM, "java": shutil.which("java"), "nginx": shutil.which("nginx")}

# Playwright keeps an event loop in the thread it runs in; Django then takes every query for a mistake.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    """The settings that only a collected, running site can have; `site` runs with the real ones."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 60  # fifty race at once
    settings.PAGE_CACHE = False  # its thread would see the database, but never what a test has not committed
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = 24, 0  # they run at night, too
    settings.BOOKING_LOCK_TIMEOUT_MS = PATIENCE * 1000  # fifty wait for one lock, on a slow machine, too
    settings.BOOKING_LEAST_SECONDS = 0  # tests type faster than people
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick sign-ins


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Mark what needs a browser, before `-m` chooses; then, of two processes, let files that take long come first.

    A long file that began last would let the other process wait for it.
    """
    for item in items:
        if NEEDS_BROWSER & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            item.add_marker(pytest.mark.needs("chromium"))
    yield
    if hasattr(config, "workerinput"):
        tests = Counter(item.path for item in items)
        long = {item.path for item in items if shares_something(item)} | {TESTS / name for name in LONG}
        items.sort(key=lambda item: (item.path not in long, -tests[item.path], item.path))


def shares_something(item: pytest.Item) -> bool:
    """Whether it shares a running site, a server or a walk with the other tests of its file."""
    fixtures = item._fixtureinfo.name2fixturedefs
    return "site" in fixtures or any(definitions[-1].scope == "module" for definitions in fixtures.values())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        if not INSTALLED[marker.args[0]]:
            pytest.skip(f"no {marker.args[0]} is installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if IN_CI and report.skipped:
        report.outcome, report.longrepr = "failed", f"CI=true leaves no test out. {report.longrepr[-1]}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Last lines: what is left to `make check`, and what was left out for want of a program."""
    yield
    if not EXHAUSTIVE:
        terminalreporter.line(
            "Left to `make check`: axe at every width, by day and by night, as every role; more rounds."
        )
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for program, package in PACKAGES.items():
        if count := sum(f"no {program} is installed" in reason for reason in skipped):
            terminalreporter.line(
                f"Left out, because no {program} is installed: {count} tests. "
                f"Debian, Ubuntu: sudo apt-get install {package}"
            )


@pytest.fixture(scope="session", autouse=True)
def plain_templates(django_test_environment) -> None:
    """Templates are drawn as on the site: tests read the page, and `response.context` is None.

    For that Django's tests would copy the context of each part of a page; a page of the desk has thousands.
    """
    Template._render = _TestState.saved_data.template_render


@pytest.fixture(scope="session", autouse=True)
def drop_whoever_is_connected() -> Iterator[None]:
    """The test database goes also when a thread that a test started has not closed its connection yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseCreation, "_destroy_test_db", lambda _, name, verbosity: drop_database(name))
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> None:
    """Copy the test database from one that is migrated already."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """After a test with transactions of its own the tables hold what migrations put there, and nothing else.

    Django's `flush` would empty these as well, and make each right and content type anew.
    """
    with django_db_blocker.unblock():
        migrated = rows_of_all_tables()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: put_back(migrated))
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    return launch_options()


@pytest.fixture
def new_context(new_context) -> Callable[..., BrowserContext]:
    """A window that waits for as long as a slow machine may need; a quick one waits no longer than it has to."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        return context

    return make


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A real site: gunicorn and worker, with a database of its own that tests may fill and take away."""
    with running_site("revival_live", tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def mailbox(settings) -> Iterator[Mailbox]:
    """A real mail server that keeps what it gets; `stop` takes it away."""
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 5
    settings.SITE_URL = "https://clinic.example"
    with ExitStack() as stack:
        stack.callback(server.stop)
        box.stop = stack.close
        yield box
