"""Measurements in this process, over a database of their own. Import it first: it sets Django up."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import django
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.databases import drop_database, make_database

DATABASE, SERVER, STATIC = "revival_measured", os.environ["DATABASE_URL"], tempfile.TemporaryDirectory()
os.environ |= {"ALLOWED_HOSTS": "*", "PAGE_CACHE": "false", "STATIC_ROOT": STATIC.name}
os.environ |= {"DJANGO_SETTINGS_MODULE": "revival.settings", "REVIVAL_MODE": "trial"}
os.environ["DATABASE_URL"] = urlsplit(SERVER)._replace(path=f"/{DATABASE}").geturl()
django.setup()
os.environ["DATABASE_URL"] = SERVER  # where `make_database` and `drop_database` go


def run(measure: Callable[[], bool]) -> int:
    """An exit code: 0 when `measure` says that every promise is kept."""
    make_database(DATABASE)
    try:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        return 0 if measure() else 1
    finally:
        connection.close_pool()
        drop_database(DATABASE)


def medians(call: Callable[[], object], times: int) -> list[float]:
    """CPU and wall milliseconds of a call: of seven medians the least, since other work on the machine only adds."""
    for _ in range(times):  # warm
        call()
    rounds = [list(zip(*(spent(call) for _ in range(times)), strict=True)) for _ in range(7)]
    return [min(statistics.median(every[which]) for every in rounds) for which in (0, 1)]


def spent(call: Callable[[], object]) -> tuple[float, float]:
    cpu, waited = time.process_time(), time.perf_counter()
    call()
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - waited)


def queries_of(call: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        call()
    return [query["sql"] for query in seen.captured_queries]
