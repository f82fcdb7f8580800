"""Find every parameter and field of a page, put something odd into each, and tell what should not have happened."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zlib import crc32

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]

SQL: list[str | bytes] = [
    # what would end a string, a list or a statement of SQL
    "' OR '1'='1",
    "1); DROP TABLE booking_appointment; --",
    "\\' UNION SELECT password FROM auth_user --",
    "%' ESCAPE '!' AND pg_sleep(90) --",
    "1 OR (SELECT 1/0)",
    "-starts_at,(SELECT 1)",
]
ODD: list[str | bytes] = [
    *SQL,
    # of a template, a shell, a path, a format
    "{{ settings.SECRET_KEY }}{% debug %}",
    "$(touch /tmp/pwned)`id`",
    "../../../../etc/passwd",
    "%(name)s {0.__class__} %n%s",
    # numbers and times that are none
    "99999999999999999999",
    "-1",
    "1e309",
    "NaN",
    "٣",
    "99999-12-31",
    "0000-00-00",
    "2026-02-30",
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00:00-23:59",
    "25:61",
    # text that is none, or another than it seems
    "a\r\nBcc: everyone@example.com\r\n\r\n",
    "line\u2028separator\x85next",
    "\u202egnp.exe",
    "\u0130\u017f\ufb03\u1e9e",
    "\ud7ff\ufffe\U0010ffff",
    b"\xff\xfe\xfd",
    b"\xed\xa0\x80",
    "a" * 10_000,
    "\0",
    "",
    " ",
    "[]",
    '{"a": [',
    "null",
]
"""Each says with one string what many tools say with a thousand."""


EACH = int(os.environ.get("ATTACKS_EACH", "1"))
"""How many of them each place meets; a longer look is a matter of patience. A query meets one of SQL besides."""
TOO_LONG = 60.0  # seconds, which no slow machine needs
"""Seconds: below the longest sleep that SQL asks for, above what a page needs on a busy machine."""


def some_of(odd: list[str | bytes], seed: str, many: int) -> Iterator[str | bytes]:
    """The same ones each time, others for each place: together they meet everything."""
    return islice(cycle(odd), start := crc32(seed.encode()) % len(odd), start + min(many, len(odd)))


def for_a_query(odd: list[str | bytes], seed: str) -> Iterator[str | bytes]:
    chosen = list(some_of(odd, seed, EACH))
    return iter([*chosen, *(one for one in some_of(SQL, seed, 1) if odd is ODD and one not in chosen)])


@dataclass
class Form:
    method: str
    action: str
    is_multipart: bool
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name in (*self.fields, *self.files) if name != "csrfmiddlewaretoken"]


class Reader(HTMLParser):
    """Forms, and the query of every link."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._form: Form | None = None
        self._select, self._textarea = "", ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attributes}
        self.tags.append((tag, facts))
        if tag == "a" and "href" in facts:
            self.links.append(facts["href"])
        if tag == "form":
            kind = facts.get("enctype", "") == "multipart/form-data"
            self._form = Form(facts.get("method", "get").lower(), facts.get("action", ""), kind)
            self.forms.append(self._form)
        if self._form is not None:
            self._field(tag, facts)

    def _field(self, tag: str, facts: dict[str, str]) -> None:
        form, name, kind = self._form, facts.get("name", ""), facts.get("type", "text")
        assert form is not None
        if tag == "option" and self._select and ("selected" in facts or not form.fields[self._select]):
            form.fields[self._select] = [facts.get("value", "")]
        elif tag == "select" and name:
            self._select = name
            form.fields[name] = []
        elif tag == "textarea" and name:
            self._textarea = name
            form.fields[name] = [""]
        elif tag == "input" and name and kind == "file":
            form.files.append(name)
        elif tag in ("input", "button") and name:
            values = form.fields.setdefault(name, [])
            if kind not in ("radio", "checkbox", "submit") or "checked" in facts or (kind == "radio" and not values):
                values.append(facts.get("value", "on" if kind == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form:
            self._form.fields[self._textarea] = [data.lstrip("\n")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._textarea = ""


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def names_in_the_code() -> set[str]:
    """Every name that a view looks for in a query."""
    found: set[str] = set()
    for app in ("articles", "booking", "revival"):
        for file in (ROOT / app).rglob("*.py"):
            found |= set(re.findall(r'request\.GET(?:\.get\(|\.getlist\(|\[)"([^"]+)"', file.read_text()))
    return found


OF_THE_ADMIN = ["o", "p", "q", "all", "e", "_popup", "_to_field", "_changelist_filters", "_facets", "next", "why"]


def parameters_of(page: str, path: str) -> set[str]:
    """Names in the links that lead back here, and in the forms that ask here."""
    reader = read(page)
    found = {name for form in reader.forms if form.method == "get" for name in form.fields}
    for link in reader.links:
        where = urlsplit(link)
        if where.path in ("", path):
            found |= {name for name, _ in parse_qsl(where.query, keep_blank_values=True)}
    return found


# ---- doing it ------------------------------------------------------------------------------------


def attempt(client: Client, what: str, ask: Callable[[], Any]) -> list[str]:
    """Run one request where nothing lasts, no cookie either; what should not have happened."""
    before, cookies, began = transaction.savepoint(), deepcopy(client.cookies), time.monotonic()
    try:
        status, took = ask().status_code, time.monotonic() - began
        return [f"{what}: {status} after {took:.1f} s"] if status >= 500 or took > TOO_LONG else []
    except Exception as error:
        return [f"{what}: {type(error).__name__} {error}".splitlines()[0][:300]]
    finally:
        transaction.savepoint_rollback(before)
        client.cookies = cookies


def sweep_query(client: Client, path: str, known: Iterable[str], *, odd: list[str | bytes] = ODD) -> list[str]:
    """Everything odd in all parameters at once, then in each that the page shows by itself."""
    found = []
    bare = path.partition("?")[0]
    page = client.get(path)
    seen = parameters_of(page.text, bare) if page.get("Content-Type", "").startswith("text/html") else set()
    every = sorted({*known, *seen})
    for value in for_a_query(odd, bare):
        query = urlencode(dict.fromkeys(every, value))
        found += attempt(client, f"{bare}, all = {value!r}", partial(client.get, f"{bare}?{query}"))
    for name in sorted(seen):
        for value in for_a_query(odd, bare + name):
            query = urlencode({name: value})
            found += attempt(client, f"{bare}, {name} = {value!r}", partial(client.get, f"{bare}?{query}"))
    return found


def sweep_forms(
    client: Client,
    path: str,
    *,
    odd: list[str | bytes] = ODD,
    each: int = EACH,
    done: set[tuple[str, str]] | None = None,
) -> tuple[list[str], int]:
    """Something odd in each field of each form, the others as the page has them; findings, and how many were sent.

    `done` is where each has been, so that the form at the head of every page has its turn once.
    """
    done = set() if done is None else done
    page = client.get(path)
    if not page.get("Content-Type", "").startswith("text/html"):
        return [], 0
    found, sent = [], 0
    for form in read(page.text).forms:
        where = form.action or path
        # Of ten rows alike one, and of two pages with the same form.
        names = {
            (re.sub(r"\d+|/add/|/change/", "0", where), re.sub(r"\d+|__prefix__", "0", one)): one for one in form.names
        }
        new = {place: name for place, name in names.items() if place not in done}
        if form.method != "post" or not new:
            continue
        done |= set(new)
        asks = [
            ("all of it", dict(zip(form.names, some_of(odd, f"{where}{n}", len(form.names)), strict=False)))
            for n in range(2)
        ]
        # A form of one row (/add/, /change/) looks at each field by itself: what breaks alone breaks with the others.
        if EACH > 1 or not where.endswith(("/add/", "/change/")):
            asks += [(name, {name: value}) for name in new.values() for value in some_of(odd, path + name, each)]
        for what, typed in asks:
            found += attempt(client, f"{where}, {what} = {typed!r:.300}", partial(post, client, where, form, typed))
            sent += 1
    return found, sent


def post(client: Client, where: str, form: Form, typed: dict[str, str | bytes]):
    fields: dict[str, list] = {**form.fields}
    for name, value in typed.items():
        fields[name] = [value, value] if value == "-1" else [value]
    if not form.is_multipart:
        kind = "application/x-www-form-urlencoded"
        return client.post(where, urlencode(fields, doseq=True), content_type=kind)
    for name in form.files:
        content = typed.get(name, b"")
        content = content if isinstance(content, bytes) else content.encode()
        fields[name] = [SimpleUploadedFile("../../picture.png", content or b"x", content_type="image/png")]
    return client.post(where, {key: values for key, values in fields.items() if values})


def digests(tables: Iterable[str]) -> dict[str, str]:
    """What is in these tables, so that one changed letter shows."""
    every = "SELECT md5(coalesce(string_agg(row::text, chr(10) ORDER BY row::text), '')) FROM {} row"
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(sql.SQL(every).format(sql.Identifier(table)))
            found[table] = cursor.fetchone()[0]
    return found
