"""What all tests share: quick static files, a running copy of the site, a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from django.test import TransactionTestCase

from tests.browser.barriers import EXHAUSTIVE
from tests.chromium import CHROMIUM, launch_options
from tests.databases import migrated_template
from tests.mailbox import Mailbox
from tests.rows import put_back, rows_of_all_tables
from tests.running import RunningSite, free_port, running_site

IN_CI = os.environ.get("CI") == "true"
NEEDS_BROWSER = {"page", "browser", "context", "new_context"}

# Playwright keeps an event loop in the thread it runs in; Django then takes every query for a mistake.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    """The settings that only a collected, running site can have; `site` runs with the real ones."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 60  # fifty race at once
    settings.PAGE_CACHE = False  # its thread would see the database, but never what a test has not committed
    settings.BOOKING_QUIET_FROM_HOUR, settings.BOOKING_QUIET_UNTIL_HOUR = 24, 0  # they run at night, too
    settings.BOOKING_LEAST_SECONDS = 0  # tests type faster than people
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick sign-ins


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDS_BROWSER & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            if not CHROMIUM and not IN_CI:
                item.add_marker(pytest.mark.skip(reason="no chromium is installed"))


def pytest_terminal_summary(terminalreporter) -> None:
    if not EXHAUSTIVE:
        terminalreporter.line("Left to `make check`: axe at every width, by day and by night, as every role.")
    for report in terminalreporter.stats.get("skipped", []):
        if "no java" in str(report.longrepr):
            terminalreporter.section("left out")
            terminalreporter.line("The HTML checker was left out, because no java is installed.")
    left_out = [report for report in terminalreporter.stats.get("skipped", []) if "no chromium" in str(report.longrepr)]
    if left_out:
        terminalreporter.section("left out")
        terminalreporter.line(
            f"{len(left_out)} tests in a real browser were left out, because no chromium is installed "
            "(Debian, Ubuntu: apt-get install chromium). Nothing else was left out."
        )


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
    if not CHROMIUM:
        pytest.fail("No chromium is installed, and CI=true leaves no browser test out.")
    return launch_options()


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
