"""The page cache middleware around a view: what is kept, for how long, and what never is."""

import gzip
from contextlib import suppress
from types import SimpleNamespace

import brotli
import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import Resolver404, resolve

from revival.page_cache import middleware, store
from revival.page_cache.middleware import keep_pages
from revival.page_cache.store import Pages


@pytest.fixture
def cached_view(monkeypatch, settings):
    """The middleware around a view that counts its renderings, with a revision stamp that the test sets."""
    settings.PAGE_CACHE = True
    settings.ALLOWED_HOSTS = ["testserver"]
    monkeypatch.setattr(middleware, "pages", Pages())
    revision = SimpleNamespace(stamp="1", watch=lambda: None)
    monkeypatch.setattr(middleware, "revision", revision)
    monkeypatch.setattr(store, "revision", revision)
    view_in_cache = SimpleNamespace(revision=revision, renderings=0, during=lambda: None, response=lambda: None)

    def view(request):
        view_in_cache.renderings += 1
        view_in_cache.during()
        return view_in_cache.response() or HttpResponse(f"<p>rendering {view_in_cache.renderings}</p>")

    handler = keep_pages(view)

    def get(path="/", cookies=None, method="get", **headers):
        request = getattr(RequestFactory(), method)(path, headers=headers)
        request.user = AnonymousUser()
        request.COOKIES.update(cookies or {})
        view_in_cache.request = request
        with suppress(Resolver404):
            request.resolver_match = resolve(request.path_info)  # as Django's own handler does
        return handler(request)

    view_in_cache.get = get
    return view_in_cache


def test_a_page_is_rendered_once(cached_view):
    first, second = cached_view.get(), cached_view.get()

    assert cached_view.renderings == 1
    assert first.content == second.content
    assert second["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
    assert second["Vary"] == "Accept-Encoding"
    assert not second.cookies


def test_each_coding_has_its_bytes_and_its_own_strong_etag(cached_view):
    plain, zipped, small = (
        cached_view.get(),
        cached_view.get(accept_encoding="gzip"),
        cached_view.get(accept_encoding="br"),
    )

    assert gzip.decompress(zipped.content) == plain.content == brotli.decompress(small.content)
    assert [response.get("Content-Encoding") for response in (plain, zipped, small)] == [None, "gzip", "br"]
    etags = {response["ETag"] for response in (plain, zipped, small)}
    assert len(etags) == 3
    assert all(etag.startswith('"') for etag in etags)


def test_a_browser_that_has_it_gets_304(cached_view):
    etag = cached_view.get(accept_encoding="gzip")["ETag"]

    again = cached_view.get(accept_encoding="gzip", if_none_match=etag)

    assert again.status_code == 304
    assert again.content == b""
    assert again["ETag"] == etag


def test_head_tells_the_length_and_sends_no_body(cached_view):
    page = cached_view.get()

    head = cached_view.get(method="head")

    assert head.content == b""
    assert head["Content-Length"] == page["Content-Length"]


def test_who_asks_for_the_head_alone_has_the_page_rendered_once_too(cached_view):
    heads = [cached_view.get(method="head") for _ in range(3)]
    page = cached_view.get()

    assert cached_view.renderings == 1
    assert {head.content for head in heads} == {b""}
    assert {head["ETag"] for head in heads} == {page["ETag"]}


def test_a_new_stamp_renders_anew(cached_view):
    cached_view.get()
    cached_view.revision.stamp = "2"

    assert b"rendering 2" in cached_view.get().content


def test_a_page_rendered_while_content_changed_is_not_kept_under_the_new_stamp(cached_view):
    def change():
        cached_view.revision.stamp = "2"

    cached_view.during = change
    cached_view.get()
    cached_view.during = lambda: None

    assert b"rendering 2" in cached_view.get().content


@pytest.mark.parametrize(
    "request_with",
    [
        {"path": "/search/?q=cupping"},
        {"path": "/book/"},
        {"path": "/therapists/peter-stanley/next/"},
        {"path": "/admin/"},
        {"path": "/no-such-page/"},
        {"method": "post"},
    ],
    ids=lambda arguments: str(next(iter(arguments.values()))),
)
def test_what_is_never_kept(cached_view, request_with):
    cached_view.get(**request_with)
    response = cached_view.get(**request_with)

    assert cached_view.renderings == 2
    assert not response.has_header("ETag")


def test_a_query_and_cookies_make_no_difference_and_are_taken_away_before_the_page_is_rendered(cached_view):
    first = cached_view.get("/faq/?utm_source=x&page=2", {"sessionid": "made up", "csrftoken": "x"})
    rendered = cached_view.request

    assert (dict(rendered.GET), rendered.COOKIES, rendered.get_full_path()) == ({}, {}, "/faq/")
    for path, cookies in (("/faq/", {}), ("/faq/?utm_source=y", {"sessionid": "another"}), ("/faq/?%00", {"a": "b"})):
        again = cached_view.get(path, cookies)
        assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert cached_view.renderings == 1


@pytest.mark.parametrize("cookies", [{"sessionid": "an editor's or made up"}, {"csrftoken": "a guest's"}])
def test_an_editors_browser_asks_again_each_time_and_so_shows_a_change_at_once(cached_view, cookies):
    for _ in range(2):  # rendered, then kept
        page = cached_view.get("/faq/", cookies)
        unchanged = cached_view.get("/faq/", cookies, **{"if-none-match": page["ETag"]})
        expected = "private, no-cache" if "sessionid" in cookies else "public, max-age=60, stale-if-error=86400"
        assert {page["Cache-Control"], unchanged["Cache-Control"]} == {expected}
        assert unchanged.status_code == 304

    assert cached_view.renderings == 1


def test_control_a_page_that_reads_its_query_gets_it(cached_view):
    cached_view.get("/search/?q=cupping", {"sessionid": "x"})

    assert cached_view.request.GET["q"] == "cupping"
    assert cached_view.request.COOKIES == {"sessionid": "x"}


@pytest.mark.parametrize("kind", ["cookie", "error", "no-store", "nonce"])
def test_answers_that_are_not_for_everyone_are_not_kept(cached_view, kind):
    def respond():
        response = HttpResponse("x", status=404 if kind == "error" else 200)
        if kind == "cookie":
            response.set_cookie("csrftoken", "x")
        if kind == "no-store":
            response["Cache-Control"] = "no-store"
        if kind == "nonce":
            cached_view.request._csp_nonce = "for this one answer"  # as django-csp notes it
        return response

    cached_view.response = respond
    cached_view.get()
    cached_view.get()

    assert cached_view.renderings == 2


def test_a_page_is_kept_with_the_policy_it_was_rendered_with(cached_view):
    cached_view.response = lambda: HttpResponse("x", headers={"Content-Security-Policy": "default-src 'none'"})
    first, second = cached_view.get(), cached_view.get()
    unchanged = cached_view.get(**{"if-none-match": first["ETag"]})

    assert cached_view.renderings == 1
    assert unchanged.status_code == 304
    assert {response["Content-Security-Policy"] for response in (first, second, unchanged)} == {"default-src 'none'"}


def test_who_comes_without_tls_is_left_to_the_redirect(cached_view, settings):
    cached_view.get()
    settings.SECURE_SSL_REDIRECT = True
    cached_view.get()

    assert cached_view.renderings == 2


def test_nothing_is_kept_before_the_first_stamp(cached_view):
    cached_view.revision.stamp = None
    cached_view.get()
    cached_view.get()

    assert cached_view.renderings == 2
