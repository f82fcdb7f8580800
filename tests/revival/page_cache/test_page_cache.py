"""The page cache: its rules, then a running site whose database changes and goes away."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import brotli
import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import Resolver404, resolve
from psycopg import sql

from revival.page_cache import middleware, store
from revival.page_cache.middleware import keep_pages
from revival.page_cache.store import Page, Pages, best_coding, has_etag

SHOWN_WITHIN = 1.0  # seconds from commit


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
        {"cookies": {"sessionid": "x"}},
        {"path": "/?page=2"},
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


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE booking_clinic SET name = name",
        "UPDATE booking_therapist SET name = name",
        "UPDATE booking_service SET name = name",
        "DELETE FROM articles_article WHERE false",
    ],
)
@pytest.mark.django_db
def test_every_write_to_content_raises_the_revision(write):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(number), 0) FROM articles_siterevision")
        before = cursor.fetchone()[0]
        cursor.execute(write)
        cursor.execute("SELECT max(number) FROM articles_siterevision")
        assert cursor.fetchone()[0] > before


NOT_READ = {"SiteRevision", "LoadedContent", "Feedback", "Revision", "OldSlug", "OutsideLink", "ReviewReminder"}
NOT_READ |= {"ArticleChange"}
"""Models of which no reader's page shows anything."""


@pytest.mark.django_db
def test_every_content_table_has_the_trigger():
    from django.apps import apps
    from django.db import connection

    tables = {
        model._meta.db_table
        for model in apps.get_app_config("articles").get_models(include_auto_created=True)
        if model.__name__ not in NOT_READ
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'raise_site_revision'")
        assert tables <= {row[0] for row in cursor.fetchall()}


# A running site


def get(site, path, **headers):
    try:
        return urlopen(Request(site.url + path, headers=headers), timeout=10)
    except HTTPError as error:
        return error


def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def opening_line(site):
    """Change the clinic's opening line by raw SQL, which only a trigger sees; put back afterwards."""

    def change(text):
        with site.connect() as database:
            database.execute("UPDATE booking_clinic SET opening_line = %s", [text])

    with site.connect() as database:
        before = database.execute("SELECT opening_line FROM booking_clinic").fetchone()[0]
    yield change
    change(before)
    time.sleep(SHOWN_WITHIN)  # a page seen before each process knows of the change is not kept


def test_a_change_shows_within_a_second_in_every_process(site, opening_line):
    for _ in range(4):
        assert b"Changed just now" not in get(site, "/").read()

    opening_line("Changed just now.")

    time.sleep(SHOWN_WITHIN)
    for _ in range(8):
        assert b"Changed just now." in get(site, "/").read()


def test_pages_seen_once_answer_with_the_database_gone_and_heal_after(site):
    assert until(lambda: get(site, "/").headers["ETag"], 5)
    get(site, "/articles/").read()
    fill_pools(site)
    site.stop_database()
    try:
        for _ in range(6):
            assert get(site, "/").status == get(site, "/articles/").status == 200
        before = time.monotonic()
        booking = get(site, "/book/")
        seconds = time.monotonic() - before
        assert booking.status == 503
        assert b"612-605-7594" in booking.read()
        assert seconds < 5
        assert get(site, "/healthz").status == 200
        assert get(site, "/readyz").status == 503
        with pytest.raises(psycopg.OperationalError):
            site.connect()
    finally:
        site.start_database()

    time.sleep(0.5)
    assert [get(site, "/book/").status for _ in range(8)] == [200] * 8  # from the first one on
    assert until(lambda: get(site, "/readyz").status == 200, 5)


def fill_pools(site):
    """Send many requests at once, so that each process holds many connections, which all die with the database."""
    with ThreadPoolExecutor(24) as readers:
        assert set(readers.map(lambda _: get(site, "/book/").status, range(96))) == {200}


ARTICLE = "/articles/cupping-for-back-pain/"
EVERYWHERE = (ARTICLE, "/articles/", "/", "/feeds/articles.atom", "/sitemap.xml", "/faq/")


@pytest.fixture
def article_row(site):
    """Change the article by raw SQL; put back afterwards."""

    def change(**columns):
        with site.connect() as database:
            for column, value in columns.items():
                database.execute(f"UPDATE articles_article SET {column} = %s", [value])

    with site.connect() as database:
        query = "SELECT stage, published_at, expires_at FROM articles_article"
        stage, published_at, expires_at = database.execute(query).fetchone()
    yield change
    change(stage=stage, published_at=published_at, expires_at=expires_at)
    time.sleep(SHOWN_WITHIN)


def answers_of_both_processes(site, path):
    """Statuses and bodies of eight requests, which the two processes share."""
    return [(answer.status, answer.read()) for answer in (get(site, path) for _ in range(8))]


def names_it(body):
    return b"cupping-for-back-pain" in body


@pytest.mark.parametrize("how", ["withdrawn", "expires"])
def test_a_withdrawn_page_is_served_by_no_process_and_named_nowhere(site, article_row, how):
    for path in EVERYWHERE:
        assert {status for status, _ in answers_of_both_processes(site, path)} == {200}
    soon = datetime.now(UTC) + timedelta(seconds=1)

    article_row(**{"expires": {"expires_at": soon}}.get(how, {"stage": "draft"}))

    time.sleep(SHOWN_WITHIN + (how == "expires"))
    assert {status for status, _ in answers_of_both_processes(site, ARTICLE)} == {404}
    for path in EVERYWHERE[1:]:
        assert not any(names_it(body) for _, body in answers_of_both_processes(site, path)), path


def test_a_page_appears_on_time_in_every_process(site, article_row):
    at = datetime.now(UTC) + timedelta(seconds=2)
    article_row(published_at=at)
    time.sleep(SHOWN_WITHIN)
    assert {status for status, _ in answers_of_both_processes(site, ARTICLE)} == {404}

    time.sleep(max(0, (at - datetime.now(UTC)).total_seconds()) + SHOWN_WITHIN)

    assert {status for status, _ in answers_of_both_processes(site, ARTICLE)} == {200}
    assert all(names_it(body) for _, body in answers_of_both_processes(site, "/sitemap.xml"))


def test_pages_seen_once_answer_at_once_while_every_query_hangs(site):
    """All tables are locked: no query ends, so only a page without a query can be answered."""
    for path in EVERYWHERE:
        get(site, path).read()
    with psycopg.connect(site.database_url) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables if not name.startswith("procrastinate"))
        database.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        for path in EVERYWHERE:
            assert {status for status, _ in answers_of_both_processes(site, path)} == {200}
        assert get(site, "/book/").status == 503  # what does ask, waits in vain
        database.rollback()
