"""Bytes that no browser sends, to a real gunicorn: refused in the site's own face, or read as the standard says.

nginx in front of gunicorn stops most of it; here gunicorn has to stand alone. RFC 9110 and 9112.
"""

from __future__ import annotations

import re

import pytest

from tests.attacks.conftest import CANARY, complaints_in
from tests.attacks.raw import form, request, send

PHONE = "612-605-7594"
FIND = "/visits/find/"
AS_FORM = ("Content-Type", "application/x-www-form-urlencoded")
CHUNKED = ("Transfer-Encoding", "chunked")
MARK = ("X-Mark", CANARY)


def posted(body: bytes, *headers: tuple, **how) -> bytes:
    return request(FIND, method="POST", headers=[AS_FORM, MARK, *headers], body=body, **how)


def sized(length: str | bytes, body: bytes = b"a=b") -> bytes:
    return posted(body, ("Content-Length", length))


def chunked(body: bytes) -> bytes:
    return posted(body, CHUNKED)


def multipart(*parts: bytes, boundary: str | bytes = "frontier", end: bytes = b"--frontier--\r\n") -> bytes:
    body = b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + end
    kind = b"multipart/form-data; boundary=" + (boundary if isinstance(boundary, bytes) else boundary.encode())
    return request(
        FIND, method="POST", headers=[("Content-Type", kind), ("Content-Length", str(len(body))), MARK], body=body
    )


def part(head: bytes, content: bytes = b"x") -> bytes:
    return b"Content-Disposition: form-data; " + head + b"\r\n\r\n" + content


def of_type(kind: str | bytes, body: bytes) -> bytes:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), MARK]
    return request(FIND, method="POST", headers=headers, body=body)


def header(name: str | bytes, value: str | bytes, **how) -> bytes:
    return request(how.pop("target", "/"), headers=[MARK, (name, value)], **how)


REFUSED = {
    # ---- more than anyone needs ----
    "a line of nine kilobytes": request(f"/{CANARY}" + "a" * 9000),
    "an address of nine kilobytes": request(f"/search/?q={CANARY}" + "%22" * 3000),
    "a header of twenty kilobytes": header("X-Long", "a" * 20_000),
    "three hundred headers": request(headers=[(f"X-{n}", CANARY) for n in range(300)]),
    "cookies of forty kilobytes": header("Cookie", "; ".join(f"c{n}={'v' * 90}" for n in range(400))),
    "a form of three megabytes": form(b"email=" + b"a" * 3_000_000),
    "a form that says it is eleven megabytes": sized("11000000"),
    "fifteen hundred fields": form(b"&".join(b"a%d=1" % n for n in range(1500))),
    "five thousand ampersands": form(b"&" * 5000),
    "fifteen hundred parts": multipart(*(part(b'name="f%d"' % n) for n in range(1500))),
    "two hundred files": multipart(*(part(b'name="f%d"; filename="x"' % n) for n in range(200))),
    "a part with a head of five kilobytes": multipart(b"X: " + b"y" * 5000 + b"\r\n\r\nz"),
    # ---- two servers that read the same bytes differently ----
    "length and chunks": posted(b"0\r\n\r\nG", ("Content-Length", "6"), CHUNKED),
    "chunks and length": posted(b"0\r\n\r\nG", CHUNKED, ("Content-Length", "6")),
    "chunks with a blank before the colon": posted(b"0\r\n\r\n", (b"Transfer-Encoding ", "chunked")),
    "chunks after a blank": posted(b"0\r\n\r\n", (b" Transfer-Encoding", "chunked")),
    "another coding": posted(b"0\r\n\r\n", ("Transfer-Encoding", "xchunked")),
    "chunks, then another coding": posted(b"0\r\n\r\n", CHUNKED, ("Transfer-Encoding", "identity, x")),
    "chunks after a vertical tab": posted(b"0\r\n\r\n", ("Transfer-Encoding", "\x0bchunked")),
    "chunks in HTTP/1.0": posted(b"0\r\n\r\n", CHUNKED, version=b"HTTP/1.0"),
    "two lengths": posted(b"a=bcd", ("Content-Length", "3"), ("Content-Length", "5")),
    "the same length twice": posted(b"a=b", ("Content-Length", "3"), ("Content-Length", "3")),
    "a list of lengths": sized("3, 3"),
    "a length with a plus": sized("+3"),
    "a length below nought": sized("-3"),
    "a length in hexadecimal": sized("0x3"),
    "a length in other digits": sized("٣".encode()),
    "a length with a line in it": sized("3_0"),
    "a folded header": header("X-Folded", "a\r\n b"),
    "a header that hides another": header("X-A", "a\nHost: evil.example"),
    "lines that end in LF": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a body in clothes of a request": posted(b"5c\r\n" + request("/admin/"), ("Content-Length", "4"), CHUNKED),
    # ---- no header at all ----
    "NUL in a header": header("X-Nul", "a\0b"),
    "NUL in the name of a header": header("X-\0", "a"),
    "a blank in the name of a header": header("X Y", "a"),
    "a line without a colon": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "a header without a name": header("", "a"),
    # ---- whose house is this ----
    "no host": request(host=None),
    "an empty host": request(host=""),
    "a host that is not ours": request(host="evil.example", headers=[MARK]),
    "a host that ends as ours": request(host="evil-localhost"),
    "a host that begins as ours": request(host="localhost.evil.example"),
    "a host with a person": request(host="localhost@evil.example"),
    "a host with a path": request(host="localhost/evil"),
    "a host with a port that is none": request(host="localhost:port"),
    "a host in another script": request(host="lоcalhost".encode()),
    "two hosts": header("Host", "evil.example"),
    "a list of hosts": request(host="localhost, evil.example"),
    "half an address of version 6": request(host="[::1"),
    "NUL in the host": request(host="local\0host"),
    "the host of a page that is kept": request("/faq/", host="evil.example"),
    # ---- what is asked ----
    "no target": request(""),
    "a target without a slash": request("index.html"),
    "a blank in the target": request(f"/a {CANARY}"),
    "a tab in the target": request("/a\tb"),
    "a backslash": request("\\evil.example"),
    "a control character": request("/\x01"),
    "bytes that are no text": request(b"/\xff\xfe"),
    "bytes that are no text in the query": request(b"/search/?q=\xff"),
    "NUL in the query": request(f"/search/?q=\0{CANARY}"),
    "NUL in disguise": request("/search/?q=%00"),
    "NUL in the address of a file": request("/static/%00"),
    "an address of half a server": request("http://[/"),
    "the star of OPTIONS": request("*"),
    "a tunnel": request("localhost:80", method="CONNECT"),
    "another server's page": request("//evil.example/"),
    "an encoded slash too long": request("/%c0%af/"),
    "percent signs that encode nothing": request("/%zz%/"),
    "text in no coding": request("/%ff%fe/"),
    "up and out of the files": request("/static/../../revival/settings.py"),
    "up and out, encoded": request("/static/%2e%2e/%2e%2e/revival/settings.py"),
    "up and out, encoded twice": request("/static/%252e%252e/settings.py"),
    "up and out by backslashes": request("/static/..%5c..%5csettings.py"),
    # ---- how it is asked ----
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/0.9 with a blank line": b"GET /\r\n\r\n",
    "HTTP/2 without being asked": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": request(version=b"HTTP/9.9"),
    "a version with a tail": request(version=b"HTTP/1.1x"),
    "the line of a proxy": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + request(),
    "a method in small letters": request(method="get"),
    "a method of a hundred letters": request(method="A" * 100),
    "NUL in the method": request(method="G\0T"),
    "TRACE, which would echo cookies": request(method="TRACE", headers=[("Cookie", f"a={CANARY}")]),
    "a method nobody knows": request(method="BREW", headers=[MARK]),
    "DELETE": request(method="DELETE"),
    "PUT": request("/articles/cupping-for-back-pain/", method="PUT"),
    "PATCH a feed": request("/feeds/articles.atom", method="PATCH"),
    "POST to a page that is kept": request(method="POST", headers=[("Content-Length", "0")]),
    "OPTIONS": request(method="OPTIONS"),
    "an expectation nobody knows": header("Expect", "the-unexpected"),
    "contradicting schemes": request(headers=[("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")]),
    # ---- cookies ----
    "a cookie with NUL in disguise": header("Cookie", 'hold="a\\000b"', target="/book/"),
    "a cookie with NUL": header("Cookie", "hold=a\0b", target="/book/"),
    # ---- forms ----
    "no boundary": of_type("multipart/form-data", b"x"),
    "an empty boundary": multipart(part(b'name="email"'), boundary=""),
    "a boundary of three hundred letters": multipart(part(b'name="email"'), boundary="b" * 300),
    "a boundary that is no text": multipart(part(b'name="email"'), boundary=b"\xff\xfe"),
    "parts that break off": multipart(part(b'name="email"'), end=b""),
    "a part without a name": multipart(b"\r\nx"),
    "a part that is no base64": multipart(part(b'name="email"\r\nContent-Transfer-Encoding: base64', b"!!!!!")),
    "a part in a charset that is none": multipart(part(b'name="email"\r\nContent-Type: text/plain; charset=hex')),
    "parts in a charset that is none": of_type("multipart/form-data; boundary=frontier; charset=hex", b"--frontier--"),
    "NUL in a name of a file": multipart(part(b'name="f"; filename="a\0b"')),
    "a file that climbs": multipart(part(b'name="f"; filename="../../etc/passwd"')),
    "a name that is no text": multipart(part(b'name="\xff\xfe"', b"\xff")),
    "a name in a charset that is none": multipart(part(b"name*=hex''%41; filename*=utf-99''x")),
    "a form in no coding": form(b"email=%ff%fe&%ff=1"),
    "a form of bytes": form(b"email=\xff\xfe"),
    "a form with NUL": form(b"email=\0"),
    "three thousand brackets": form(b"a" + b"[a]" * 3000 + b"=1"),
    "a form in another charset": of_type("application/x-www-form-urlencoded; charset=utf-7", b"email=x"),
    "a form in two charsets": of_type("application/x-www-form-urlencoded; charset=utf-8; charset=hex", b"email=x"),
    "fifty thousand brackets of JSON": of_type("application/json", b"[" * 50_000),
    "a document that reads files": of_type(
        "text/xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    ),
    "a type of five kilobytes": of_type("a" * 5000, b"x"),
    "a form that is packed": posted(b"\x1f\x8b\0", ("Content-Encoding", "gzip"), ("Content-Length", "3")),
    "a form without its token": form(b"email=someone%40example.com"),
    # ---- chunks that are none ----
    "a chunk below nought": chunked(b"-1\r\na\r\n0\r\n\r\n"),
    "a chunk beyond counting": chunked(b"F" * 18 + b"\r\na\r\n0\r\n\r\n"),
    "a chunk cut short": chunked(b"5\r\na\r\n0\r\n\r\n"),
    "a chunk without its end": chunked(b"3\r\na=bXX0\r\n\r\n"),
    "a chunk in no number": chunked(b"zz\r\na=b\r\n"),
    "a chunk that hides a line": chunked(b"3;\na\r\na=b\r\n0\r\n\r\n"),
    "a header behind the body": chunked(b"3\r\na=b\r\n0\r\nHost: evil.example\r\n\r\n"),
}

SPEAKS_ALONE = {"TRACE, which would echo cookies"}
HANGS_UP_FIRST = {"HTTP/0.9", "HTTP/0.9 with a blank line", "parts that break off"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_odd_is_refused_in_our_own_face(target, name):
    answers = send(target.url, REFUSED[name], closes=name in HANGS_UP_FIRST)

    assert len(answers) == 1, [one.status for one in answers]
    assert 400 <= answers[0].status < 500
    assert PHONE in answers[0].text
    assert "evil.example" not in answers[0].text
    assert CANARY not in answers[0].text
    assert answers[0].headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answers[0].headers["Content-Security-Policy"]
    assert "camera=()" in answers[0].headers["Permissions-Policy"]
    assert "Set-Cookie" not in answers[0].headers
    assert "Server" not in answers[0].headers


UNANSWERED = {
    "lines that end in CR": b"GET / HTTP/1.1\rHost: localhost\r\r",
    "a greeting of TLS": bytes.fromhex("16030102000100") + b"\0" * 50,
    "bytes": b"\xff" * 200,
    "nothing": b"",
    "half a line": b"GET /" + CANARY.encode(),
    "half a header": b"GET / HTTP/1.1\r\nHost: local",
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_what_is_never_finished_is_hung_up_on(target, name):
    assert [one.status for one in send(target.url, UNANSWERED[name], closes=True)] in ([], [400])


READ = {
    "an address with a host of its own": (request("http://localhost/faq/"), 200),
    "a host with a port": (request(host="localhost:8000"), 200),
    "a host in capitals": (request(host="LOCALHOST"), 200),
    "a part of the page after #": (request("/#top"), 200),
    "cookies in no order": (header("Cookie", ";;;=;a;=b; c=\xff\xfe; session" + "id=é"), 200),
    "a session nobody has": (header("Cookie", "sessionid=' OR 1=1--", target="/admin/"), 302),
    "a session of five kilobytes": (header("Cookie", "sessionid=" + "a" * 5000, target="/admin/"), 302),
    "a date that is none": (header("If-Modified-Since", "never\xff"), 200),
    "a tag that never ends": (header("If-None-Match", '"' * 3000), 200),
    "codings without numbers": (header("Accept-Encoding", "br;q=nan, gzip;q=x, *;q=-1"), 200),
    "languages without end": (header("Accept-Language", "a," * 2000), 200),
    "a range that runs backwards": (header("Range", "bytes=9-1", target="/static/" + "x" * 10), 404),
    "an upgrade to something else": (header("Upgrade", "websocket"), 200),
    "a search in no coding": (request("/search/?q=%ff%fe"), 200),
    "half a character": (request("/search/?q=%ed%a0%80"), 200),
    "a body where none belongs": (request(headers=[("Content-Length", "5")], body=b"hello"), 200),
}


@pytest.mark.parametrize("name", READ)
def test_what_the_standard_allows_is_answered(target, name):
    data, status = READ[name]

    (answer,) = send(target.url, data)

    assert answer.status == status
    assert "Server" not in answer.headers


def test_requests_in_a_row_are_answered_in_order(target):
    rows = request("/faq/", closing=False) + request("/articles/", closing=False) + request("/nowhere/")

    answers = send(target.url, rows)

    assert [one.status for one in answers] == [200, 200, 404]
    assert "<title>" in answers[0].text


@pytest.mark.parametrize("inner", [request("/admin/"), request("/book/", host="evil.example"), b"0\r\n\r\n" * 3])
def test_a_body_is_never_read_as_the_next_request(target, inner):
    """A refused form leaves its body on the line; who shares the line must get the answer to their own question."""
    plain = posted(inner, ("Content-Length", str(len(inner))), closing=False)
    in_chunks = posted(b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner), CHUNKED, closing=False)

    for data in (plain, in_chunks):
        answers = send(target.url, data + request("/robots.txt"))

        assert answers[0].status == 403
        assert len(answers) <= 2
        assert all("User-agent" in one.text for one in answers[1:])


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "script_name", "Script-Name"])
def test_no_header_moves_the_site_to_another_path(target, name):
    """Else a page would be kept with links that lead nowhere, for everybody."""
    moved = send(target.url, request("/evil/therapists/peter-stanley/", headers=[(name, "/evil")]))
    at_home = send(
        target.url, request("/", headers=[(name, "/evil"), ("PATH_INFO", "/evil/"), ("REMOTE_USER", "desk")])
    )

    assert [one.status for one in (*moved, *at_home)] == [404, 200]
    assert "/evil" not in send(target.url, request("/therapists/peter-stanley/"))[0].text
    assert "/evil" not in at_home[0].text


def test_a_form_can_be_sent_as_a_browser_sends_it(target):
    """Control: what is refused above is refused for what is odd about it."""
    page = send(target.url, request(FIND))[0]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]  # type: ignore[index]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    body = f"csrfmiddlewaretoken={token}&email=nobody".encode()
    headers = [AS_FORM, ("Content-Length", str(len(body))), ("Cookie", cookie)]

    answers = send(target.url, request(FIND, method="POST", headers=headers, body=body))

    assert [one.status for one in answers] == [422]  # read and understood: no whole address, so nothing is sent


def test_the_log_would_show_what_went_wrong():
    """Control: a fault, an exception and a canary are each found in a log."""
    line = '{"level": "info", "event": "request", "status": %d}'

    assert complaints_in(line % 200) == []
    assert len(complaints_in("\n".join([line % 500, "Traceback (most recent call last):", f"/visits/{CANARY}"]))) == 3
