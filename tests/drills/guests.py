"""Guests of a drill, each process a crowd: they book distinct times and read articles until they are told to stop.

Every booking guest has a network address of their own (said by X-Forwarded-For, as the proxy that ends TLS would),
a name of their own and the patience of a person: what is refused with 503 or breaks off is sent again as it was.
A booking counts as promised once the browser was sent on to the visit's page.
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.guest import hidden_fields

PHONE, ARTICLE = "612-605-7594", "/articles/cupping-for-back-pain/"
VISITS_A_GUEST = 6  # below the ten open holds and twenty bookings of a network's day
SECONDS_OF_PATIENCE, SECONDS_BETWEEN_TRIES = 60, 0.5
BROKE_OFF = 0  # as a status: no answer at all


@dataclass
class Seen:
    """What the guests of one kind saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0
    longest_refusal: float = 0.0
    without_phone: int = 0

    def note(self, status: int, seconds: float, text: str) -> None:
        self.statuses[status] += 1
        self.longest = max(self.longest, seconds)
        if status == 503:
            self.longest_refusal = max(self.longest_refusal, seconds)
            self.without_phone += PHONE not in text

    def add(self, other: Seen) -> None:
        self.statuses += other.statuses
        self.longest = max(self.longest, other.longest)
        self.longest_refusal = max(self.longest_refusal, other.longest_refusal)
        self.without_phone += other.without_phone

    def __str__(self) -> str:
        told = {BROKE_OFF: "broke off"}
        counts = ", ".join(f"{told.get(code, code)}: {count}" for code, count in sorted(self.statuses.items()))
        return f"{counts}; longest {self.longest:.2f} s"


@dataclass(frozen=True)
class Promise:
    """A booking that was promised to a guest, as the guest knows it."""

    key: str
    email: str
    therapist: str
    start: str
    at: float
    """When the guest was told; seconds since 1970."""


@dataclass
class Crowd:
    """What one process of guests brings home."""

    bookings: Seen = field(default_factory=Seen)
    articles: Seen = field(default_factory=Seen)
    promises: list[Promise] = field(default_factory=list)
    unanswered: int = 0
    """Bookings sent that were never answered well: they may exist, nobody was promised anything."""
    count: Any = None
    """Shared by all processes: how many bookings were promised so far."""


class GaveUpError(Exception):
    """Nobody answered well for as long as a guest tries."""


class Browser:
    def __init__(self, url: str, seen: Seen, address: str, lock: threading.Lock) -> None:
        where = urlsplit(url)
        self.host, self.port, self.origin = where.hostname or "", where.port, url
        self.seen, self.address, self.lock = seen, address, lock
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it leads and the text; BROKE_OFF when there was no answer."""
        began = time.monotonic()
        try:
            status, place, text = self._ask(method, path, fields)
        except (OSError, http.client.HTTPException):
            status, place, text = BROKE_OFF, "", ""
        with self.lock:
            self.seen.note(status, time.monotonic() - began, text)
        return status, place, text

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        headers = {"X-Forwarded-For": self.address, "X-Forwarded-Proto": "https"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = urlencode(fields) if fields is not None else None
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            headers["Referer"] = f"https://{self.host}:{self.port}{path}"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, value = header.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location") or "", text

    def patiently(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """The same again while the site says 503 or nothing, as a person presses "Try again"."""
        until = time.monotonic() + SECONDS_OF_PATIENCE
        while time.monotonic() < until:
            answer = self.ask(method, path, fields)
            if answer[0] not in (503, BROKE_OFF):
                return answer
            time.sleep(SECONDS_BETWEEN_TRIES)
        raise GaveUpError


def token_of(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if not found:
        raise GaveUpError
    return found[1]


def book(browser: Browser, page: str, slots_path: str, slot: tuple[str, str], number: int, crowd: Crowd) -> None:
    therapist, start = slot
    fields = {"csrfmiddlewaretoken": token_of(page), "start": start}
    status, place, _ = browser.patiently("POST", slots_path, fields)
    if status != 302:
        return  # somebody else has it: two guests want some of the times
    status, _, form = browser.patiently("GET", place)
    if status != 200:
        return
    email = f"guest-{number}@example.com"
    details = {
        **hidden_fields(form),
        "name": f"Guest {number}",
        "email": email,
        "phone": f"612-555-{number % 10000:04d}",
        "is_new_patient": "yes",
        "note": "",
        "consent": "on",
    }
    crowd.unanswered += 1
    status, place, _ = browser.patiently("POST", place, details)
    crowd.unanswered -= 1
    if status == 302 and place.startswith("/visits/"):
        crowd.promises.append(Promise(details["submission_key"], email, therapist, start, time.time()))
        with crowd.count.get_lock():
            crowd.count.value += 1


def books_on(url: str, slots: Iterator[tuple[int, tuple[str, str]]], crowd: Crowd, stop: Any, lock: Any) -> None:
    """One guest after another at one browser window."""
    while not stop.is_set():
        try:
            with lock:
                first = next(slots)
        except StopIteration:
            return
        number, (therapist, _) = first
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        browser = Browser(url, crowd.bookings, address, lock)
        slots_path = f"/book/{therapist}/visit/"
        try:
            status, _, page = browser.patiently("GET", slots_path)
            if status != 200:
                continue
            book(browser, page, slots_path, first[1], number, crowd)
            for _ in range(VISITS_A_GUEST - 1):
                if stop.is_set():
                    return
                with lock:
                    number, slot = next(slots)
                book(browser, page, f"/book/{slot[0]}/visit/", slot, number, crowd)
        except (GaveUpError, StopIteration):
            continue


def reads_on(url: str, number: int, crowd: Crowd, stop: Any, lock: Any) -> None:
    browser = Browser(url, crowd.articles, f"10.250.{number}.{random.randrange(256)}", lock)
    while not stop.is_set():
        browser.ask("GET", ARTICLE)
        time.sleep(0.1)


def crowd_of(
    url: str, slots: list[tuple[int, tuple[str, str]]], booking: int, reading: int, stop: Any, out: Any, promised: Any
) -> None:
    """The body of one process; puts a Crowd into `out` when it was stopped."""
    if booking:
        os.nice(10)  # real guests do not take the server's processors from it
    crowd, lock, supply = Crowd(count=promised), threading.Lock(), iter(slots)
    threads = [threading.Thread(target=books_on, args=(url, supply, crowd, stop, lock)) for _ in range(booking)]
    threads += [threading.Thread(target=reads_on, args=(url, n, crowd, stop, lock)) for n in range(reading)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    crowd.count = None
    out.put(crowd)


class Load:
    """Two processes of guests who book, one of readers (so that its clock is not slowed by the others)."""

    def __init__(self, url: str, slots: list[tuple[int, tuple[str, str]]], *, booking: int = 12, reading: int = 4):
        context = multiprocessing.get_context("spawn")
        self.stop, self.out = context.Event(), context.Queue()
        self.promised = context.Value("i", 0)
        half = len(slots) // 2
        shares = [(slots[:half], booking // 2, 0), (slots[half:], booking - booking // 2, 0), ([], 0, reading)]
        self.processes = [
            context.Process(target=crowd_of, args=(url, *share, self.stop, self.out, self.promised), daemon=True)
            for share in shares
        ]
        for process in self.processes:
            process.start()

    def end(self) -> Crowd:
        self.stop.set()
        whole = Crowd()
        for _ in self.processes:
            crowd = self.out.get(timeout=3 * SECONDS_OF_PATIENCE)
            whole.bookings.add(crowd.bookings)
            whole.articles.add(crowd.articles)
            whole.promises += crowd.promises
            whole.unanswered += crowd.unanswered
        for process in self.processes:
            process.join()
        return whole
