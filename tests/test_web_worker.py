"""What gunicorn cannot read is answered by us; what is our own fault is not called the sender's."""

import ssl

import pytest
from gunicorn.http import errors

from revival.context import shipped_clinic
from revival.web_worker import refusal


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
