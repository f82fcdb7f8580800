"""The store of rendered pages: encodings, ETags, its bound, and sharing between processes."""

import json
import pickle

import pytest
from django.http import HttpResponse

from revival.page_cache import store
from revival.page_cache.store import NotAPageError, Page, Pages, best_coding, has_etag


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", ""),
        ("gzip;q=0", ""),
        ("br;q=nonsense", ""),
    ],
)
def test_the_coding_is_one_the_browser_takes(accepted, coding):
    assert best_coding(accepted) == coding


@pytest.mark.parametrize(
    ("header", "known"), [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)]
)
def test_if_none_match(header, known):
    assert has_etag('"a"', header) is known


def test_there_is_a_most_of_pages(monkeypatch):
    monkeypatch.setattr(store, "MOST_PAGES", 2)
    pages, page = Pages(), Page.from_response(HttpResponse("x"))

    for path in ("/a", "/b", "/c"):
        pages.keep(path, "1", page)

    assert pages.get("/a", "1") is None
    assert pages.get("/c", "1") == page


def test_processes_share_pages_of_the_same_stamp(monkeypatch, tmp_path):
    monkeypatch.setenv("REVIVAL_PAGES_DIR", str(tmp_path))
    page = Page.from_response(HttpResponse("x"))
    Pages().keep("/a", "1", page)

    assert Pages().get("/a", "1") == page
    assert Pages().get("/a", "2") is None

    Pages().keep("/a", "2", page)
    assert len(list(tmp_path.iterdir())) == 1  # the old stamp's are gone


def a_page():
    return Page.from_response(HttpResponse("“x”\n", headers={"Content-Security-Policy": "default-src 'none'"}))


def test_a_page_is_written_as_json_and_bytes_and_read_again():
    page = a_page()
    line, _, bodies = page.to_bytes().partition(b"\n")

    assert Page.from_bytes(page.to_bytes()) == page
    assert json.loads(line)["headers"] == page.headers
    assert bodies == b"".join(page.bodies.values())


WHOLE = a_page().to_bytes()
DAMAGED = {
    "half": WHOLE[: len(WHOLE) // 2],
    "all but a byte": WHOLE[:-1],
    "more than all": WHOLE + b"x",
    "no JSON": b"x" + WHOLE,
    "a list": b"[]\n",
    "nothing in it": b"{}\n",
    "lengths in words": WHOLE.replace(b'"lengths": {"": ', b'"lengths": {"": "many", "a": '),
    "a pickle": pickle.dumps({"headers": {}}),
    "no text": b"\xff\xfe\n",
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_file_that_is_no_page_is_rendered_anew(monkeypatch, tmp_path, how):
    monkeypatch.setenv("REVIVAL_PAGES_DIR", str(tmp_path))
    store.shared_file("/a", "1").write_bytes(DAMAGED[how])

    with pytest.raises(NotAPageError):
        Page.from_bytes(DAMAGED[how])
    assert Pages().get("/a", "1") is None
