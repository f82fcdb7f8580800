"""Our error page for requests gunicorn cannot parse, whole responses, and load sharing between processes."""

import logging
import os
import socket
import ssl
import time
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import errors

from revival.server import worker as web_worker
from revival.server.worker import Places, refusal
from revival.site.context import shipped_clinic
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequestLine("GET <b>"), b"400 Bad Request"),
        (errors.LimitRequestLine(9000, 4094), b"414 URI Too Long"),
        (errors.LimitRequestHeaders("too many"), b"431 Request Header Fields Too Large"),
        (errors.ExpectationFailed("x"), b"417 Expectation Failed"),
        (errors.UnsupportedTransferCoding("x"), b"400 Bad Request"),
        (ssl.SSLError(), b"400 Bad Request"),
    ],
)
def test_the_senders_fault_is_a_page_of_ours_that_quotes_nothing(error, status):
    head, _, body = refusal(error).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"\r\nContent-Security-Policy: " in head
    assert b"default-src 'none'" in head
    assert shipped_clinic().phone.encode() in body
    assert b"<b>" not in body


@pytest.mark.parametrize(
    "error", [ValueError("x"), errors.ConfigurationProblem("x"), errors.InvalidResponseHeader("x")]
)
def test_our_own_fault_stays_one(error):
    assert refusal(error) is None


class Wire:
    def __init__(self):
        self.sent = []

    def sendall(self, data):
        self.sent.append(data)


def response_on(wire, *, method="GET", version=(1, 1), **headers):
    request = SimpleNamespace(method=method, version=version, should_close=lambda: False)
    response = web_worker.WholeResponse(request, wire, Config())
    response.start_response("200 OK", [(name.replace("_", "-"), value) for name, value in headers.items()])
    return response


def test_head_and_body_leave_in_one_piece():
    wire = Wire()
    response = response_on(wire, Content_Length="5")
    response.write(b"whole")
    response.close()

    assert len(wire.sent) == 1
    assert wire.sent[0].endswith(b"Content-Length: 5\r\n\r\nwhole")


def test_control_gunicorn_sends_them_one_after_the_other():
    wire = Wire()
    response = response_on(wire, Content_Length="5")
    response.__class__ = web_worker.WholeResponse.__base__
    response.write(b"whole")

    assert len(wire.sent) == 2


def test_an_answer_without_a_body_has_its_head():
    wire = Wire()
    response = response_on(wire, method="HEAD", Content_Length="5")
    response.write(b"")
    response.close()

    assert len(wire.sent) == 1
    assert wire.sent[0].endswith(b"\r\n\r\n")


def test_pieces_without_a_length_are_chunks():
    wire = Wire()
    response = response_on(wire)
    response.write(b"one")
    response.write(b"two")
    response.close()

    assert wire.sent[0].endswith(b"\r\n\r\n3\r\none\r\n")
    assert wire.sent[1:] == [b"3\r\ntwo\r\n", b"0\r\n\r\n"]


@pytest.fixture
def waiting():
    """A process that has one connection, and a listener at which another waits; what it takes is in `taken`."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(False)
        app = SimpleNamespace(wsgi=lambda: None)
        worker = web_worker.Worker(1, os.getpid(), [listener], app, 30, Config(), logging.getLogger("gunicorn.error"))
        worker.places = Places(bytearray(8), begin=0, length=8)
        worker.nr_conns, taken = 1, []
        worker.enqueue_req = taken.append
        yield worker, listener, taken
        worker.tmp.close()
        for connection in taken:
            connection.sock.close()


def test_a_connection_is_left_to_a_process_that_has_fewer(waiting, monkeypatch):
    monkeypatch.setattr(web_worker, "PATIENCE", 60)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    worker, listener, taken = waiting
    worker.places.tell(2, 0)
    worker.accept(listener)
    assert not taken

    worker.places.tell(2, 1)  # now both have as many
    worker.accept(listener)
    assert len(taken) == 1


def test_it_is_not_left_for_ever_to_one_that_hangs(waiting):
    worker, listener, taken = waiting
    worker.places.tell(2, 0)
    until = time.monotonic() + PATIENCE
    while not taken:
        assert time.monotonic() < until
        worker.accept(listener)

    assert worker.nr_conns == 2


def test_alone_it_takes_all(waiting):
    worker, listener, taken = waiting
    worker.places.tell(worker.age, worker.nr_conns)
    worker.accept(listener)

    assert len(taken) == 1


def test_the_least_is_of_those_who_take_connections():
    places = Places(bytearray(10), begin=2, length=8)
    assert places.least() == 0  # nobody has said anything yet

    places.tell(1, 5)
    places.tell(10, 3)
    assert places.least() == 3

    places.tell(10, None)  # it ends, and takes no more
    assert places.least() == 5

    places.tell(1, 10_000)
    assert places.least() == Places.MANY - 1
