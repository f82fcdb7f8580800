"""Clients that send or read slowly: gunicorn with four threads, and eight of them. Here time itself is the rule."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.request import urlopen

import pytest

from revival.server import slow_clients
from revival.server.slow_clients import TimedSocket
from tests.attacks.raw import Answer, form, parse, request, send
from tests.running import RunningSite, running_site
from tests.waiting import PATIENCE, wait_for

SECONDS, BYTES_A_SECOND, THREADS = 1.0, 500_000, 4  # a tenth of ours, and ten times as much
PHONE = "612-605-7594"
FIND = "/visits/find/"


def of_a_form(*headers: tuple[str, str]) -> bytes:
    as_form = ("Content-Type", "application/x-www-form-urlencoded")
    return request(FIND, method="POST", headers=[as_form, *headers], closing=False) + b"email="


SLOW = {
    "nothing": b"",
    "a letter": b"G",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "half a second head": request("/healthz", closing=False) + b"GET / HTTP/1.1\r\nHost: ",
    "half a form": of_a_form(("Content-Length", "100000")),
    "a photo that promises much": request(
        FIND,
        method="POST",
        headers=[("Content-Type", "multipart/form-data; boundary=x"), ("Content-Length", "11000000")],
    ),
    "half a chunk": of_a_form(("Transfer-Encoding", "chunked")).replace(b"email=", b"ff\r\nemail="),
    "half a form for a page that takes none": form(b"", target="/faq/").replace(b"Length: 0", b"Length: 99"),
    "answers that nobody reads": request("/articles/cupping-for-back-pain/", closing=False) * 200,
    "an answer after which nobody hangs up": request("/healthz"),
}
DRIPPED = ["half a head", "half a second head", "half a form", "a photo that promises much", "half a chunk"]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[RunningSite]:
    environment = {
        "WEB_WORKERS": "1",
        "WEB_THREADS": str(THREADS),
        "REQUEST_SECONDS": str(SECONDS),
        "REQUEST_BYTES_A_SECOND": str(BYTES_A_SECOND),
    }
    with running_site("revival_slow", tmp_path_factory.mktemp("slow"), environment) as site:
        for path in ("/", "/articles/cupping-for-back-pain/", FIND):  # renders each template once
            wait_for(lambda path=path: urlopen(site.url + path, timeout=PATIENCE).status == 200)
        yield site


@contextmanager
def slow(site: RunningSite, begin: bytes, many: int, *, drips: bool = False) -> Iterator[list[socket.socket]]:
    """That many connections that sent `begin`, and a byte now and then."""
    over, host, port = threading.Event(), "127.0.0.1", int(site.url.rpartition(":")[2])
    with ExitStack() as stack:
        connections = []
        for _ in range(many):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(PATIENCE)
            connection.connect((host, port))
            connection.settimeout(SECONDS / 4)
            send_some(connection, begin)
            connections.append(connection)

        def drip() -> None:
            while not over.wait(SECONDS / 10):
                for connection in connections:
                    send_some(connection, b"x")

        thread = threading.Thread(target=drip, daemon=True)
        if drips:
            thread.start()
        try:
            yield connections
        finally:
            over.set()
            if drips:
                thread.join()


def send_some(connection: socket.socket, data: bytes) -> None:
    try:
        connection.sendall(data)
    except OSError:
        return  # the server has hung up, or takes no more


def is_answered(site: RunningSite, path: str = FIND) -> bool:
    with urlopen(site.url + path, timeout=PATIENCE) as answer:
        return answer.status == 200 and PHONE in answer.read().decode()


def seconds_until_answered(site: RunningSite) -> float:
    began_at = time.monotonic()
    assert is_answered(site)
    return time.monotonic() - began_at


def longest_wait(site: RunningSite) -> float:
    """Of guests who come one after the other, until the deadline of whoever was there before is over."""
    until, waits = time.monotonic() + SECONDS, [seconds_until_answered(site)]
    while time.monotonic() < until:
        waits.append(seconds_until_answered(site))
    return max(waits)


@pytest.mark.parametrize(
    ("name", "drips"),
    [
        *[pytest.param(name, False, id=f"{name}, begun") for name in SLOW],
        *[pytest.param(name, True, id=f"{name}, dripped") for name in DRIPPED],
    ],
)
def test_eight_slow_clients_keep_four_threads_for_less_than_two_deadlines(small, name, drips):
    with slow(small, SLOW[name], 2 * THREADS, drips=drips):
        waited = longest_wait(small)
    assert waited - seconds_until_answered(small) < 2 * SECONDS  # how long a page takes here is no matter

    with slow(small, SLOW["half a head"], THREADS - 1) as others:  # only the last thread is left for a guest
        assert is_answered(small)
        assert not any(has_ended(other) for other in others)


def test_sixty_clients_are_not_many_more_than_eight(small):
    """Who waited for a thread until the time was over gets it for no longer than to read what has come."""
    with slow(small, SLOW["half a head"], 60, drips=True):
        waited = longest_wait(small)
    assert waited - seconds_until_answered(small) < 2 * SECONDS


def has_ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.mark.parametrize(
    "name", ["a letter", "half a head", "half a second head", "half a form", "a photo that promises much"]
)
def test_who_is_late_is_told_so_and_hung_up_on(small, name):
    *_, answer = send(small.url, SLOW[name])

    assert (answer.status, answer.headers["Connection"]) == (408, "close")
    assert PHONE in answer.text
    assert "nothing was saved" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/articles/", "/articles/cupping-for-back-pain/", "/faq/", "/therapists/"])
def test_a_kept_page_refuses_a_form_before_its_body(small, path):
    head = request(path, method="POST", headers=[("Content-Length", "100000"), ("Cookie", "csrftoken=" + "a" * 32)])
    with slow(small, head, 1) as (connection,):
        connection.settimeout(PATIENCE)
        (answer,) = parse(read_until(connection, b"</html>"))  # nothing of the body was sent

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert PHONE in answer.text


def read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        part = connection.recv(65536)
        assert part
        got += part
    return got


def a_photo(size: int) -> bytes:
    part = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = part + b"x" * size + b"\r\n--frontier--\r\n"
    kind = ("Content-Type", "multipart/form-data; boundary=frontier")
    return request(FIND, method="POST", headers=[kind, ("Content-Length", str(len(body)))], body=body)


def sent_at(site: RunningSite, data: bytes, bytes_a_second: float) -> list[Answer]:
    """The answers to bytes that are sent at this speed."""
    with slow(site, b"", 1) as (connection,):
        connection.settimeout(PATIENCE)
        wait, step = threading.Event(), int(bytes_a_second / 20)
        began_at = time.monotonic()
        for begin in range(0, len(data), step):
            wait.wait(began_at + begin / bytes_a_second - time.monotonic())
            send_some(connection, data[begin : begin + step])
        got = b""
        while part := connection.recv(65536):
            got += part
    return parse(got)


def test_a_photo_over_a_slow_line_arrives_whole(small):
    """10 MB at 1 Mbit/s against 50 kB a second, scaled: it takes longer than a request without a body may."""
    size, speed = 2_000_000, 2.5 * BYTES_A_SECOND
    assert size / speed > SECONDS

    assert [answer.status for answer in sent_at(small, a_photo(size), speed)] == [403]  # read whole; it has no token


def test_control_over_a_line_that_is_slower_than_the_rate_it_does_not(small):
    assert [answer.status for answer in sent_at(small, a_photo(40_000), BYTES_A_SECOND / 20)] == [408]


def test_a_request_that_says_it_is_larger_than_anything_we_take_is_refused_at_once(small):
    (answer,) = send(small.url, of_a_form(("Content-Length", str(slow_clients.MOST_BYTES + 1))))

    assert (answer.status, answer.headers["Connection"]) == (413, "close")
    assert PHONE in answer.text


def test_an_idle_connection_is_kept_as_long_as_gunicorn_keeps_it(small):
    """Longer than the deadline, which begins with the first byte of the next request."""
    with slow(small, request("/healthz", closing=False), 1) as (connection,):
        connection.settimeout(PATIENCE)
        read_until(connection, b"ok\n")
        threading.Event().wait(1.5 * SECONDS)
        connection.sendall(request("/healthz"))
        assert b"200 OK" in read_until(connection, b"ok\n")


def test_no_slow_client_is_an_error_of_ours(small):
    assert "Traceback" not in small.log_text()
    assert '"level": "error"' not in small.log_text()


# ---- the deadline, without a server ----


@pytest.fixture
def pair() -> Iterator[tuple[TimedSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with TimedSocket(ours.family, ours.type, ours.proto, fileno=ours.detach()) as timed, theirs:
        timed.begin()
        yield timed, theirs


def test_ten_seconds_and_one_for_each_50_kb_that_arrived(pair):
    timed, theirs = pair
    assert (slow_clients.SECONDS, slow_clients.BYTES_A_SECOND) == (10, 50_000)
    assert timed.seconds_left() == pytest.approx(10, abs=1)

    got = 0
    while got < 1_000_000:
        theirs.sendall(b"x" * 50_000)
        got += len(timed.recv(50_000))

    assert timed.seconds_left() == pytest.approx(10 + 20, abs=1)
    timed.begin()
    assert timed.seconds_left() == pytest.approx(10, abs=1)


def test_a_request_that_waited_for_a_thread_is_still_read(pair):
    timed, theirs = pair
    theirs.sendall(b"all of it")
    timed._began_at -= 60

    assert timed.recv(100) == b"all of it"
    with pytest.raises(slow_clients.TooSlowError):
        timed.recv(100)


def test_there_is_a_most_of_bytes(pair, monkeypatch):
    timed, theirs = pair
    monkeypatch.setattr(slow_clients, "MOST_BYTES", 5)
    theirs.sendall(b"0123456789")
    timed.recv(6)

    with pytest.raises(OSError, match="MOST_BYTES"):
        timed.recv(1)
    assert timed.is_late
