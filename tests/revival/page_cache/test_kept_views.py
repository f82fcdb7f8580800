"""Whatever is added to the address of a kept page, and whoever asks: the same page, from memory, without a query."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from articles.models import Article
from revival.page_cache import middleware, store
from revival.page_cache.kept_views import KEPT_VIEWS, find_kept_view
from revival.page_cache.store import Pages
from tests.attacks.conftest import CANARY
from tests.exhaustive import EXHAUSTIVE

PATHS = {
    "home": "/",
    "articles:list": "/articles/",
    "articles:detail": "/articles/cupping-for-back-pain/",
    "articles:faq": "/faq/",
    "articles:feed": "/feeds/articles.atom",
    "therapists:list": "/therapists/",
    "therapists:detail": "/therapists/peter-stanley/",
    "sitemap": "/sitemap.xml",
}
NAMES = some.sampled_from(["utm_source", "page", "p", "q", "topic", "from", "fbclid", "_", "preview", "next", "edit"])
QUERIES = some.lists(some.tuples(NAMES, some.text(max_size=8).map(lambda text: text + CANARY)), min_size=1, max_size=4)
COOKIES = some.dictionaries(
    some.sampled_from(["sessionid", "csrftoken", "messages", "hold", "form", "_ga", "known-browser"]),
    some.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=32).map(lambda text: text + CANARY),
    max_size=4,
)
TRIES = settings(
    max_examples=100 if EXHAUSTIVE else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def cache(loaded, settings, monkeypatch):
    """All middleware in its order, and a revision that the test sets. `forget` makes every page be rendered anew."""
    settings.PAGE_CACHE = True
    revision = SimpleNamespace(stamp="1", watch=lambda: None)
    monkeypatch.setattr(middleware, "revision", revision)
    monkeypatch.setattr(store, "revision", revision)

    def forget():
        monkeypatch.setattr(middleware, "pages", Pages())

    forget()
    return SimpleNamespace(forget=forget)


def test_each_kept_view_is_tried():
    assert {name: find_kept_view(path) for name, path in PATHS.items()} == {name: name for name in KEPT_VIEWS}


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("is_first", [True, False], ids=["first reader", "later reader"])
def test_queries_and_cookies_make_no_difference(cache, path, is_first):
    plain = Client().get(path)
    assert plain.status_code == 200

    @TRIES
    @given(query=QUERIES, cookies=COOKIES)
    def try_one(query, cookies):
        if is_first:
            cache.forget()
        browser = Client()
        browser.cookies.load(cookies)
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(path, query)
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, plain.content, plain["ETag"])
        assert CANARY not in f"{answer.text}{answer.headers}"
        assert "Set-Cookie" not in answer.headers
        assert is_first or len(asked) == 0

    try_one()


def test_a_colleague_who_is_signed_in_reads_the_same_and_stays_signed_in(cache, admin_client):
    plain = Client().get("/articles/")

    with CaptureQueriesContext(connection) as asked:
        read = admin_client.get("/articles/?utm_source=x")

    assert (read.content, read["ETag"], len(asked)) == (plain.content, plain["ETag"], 0)
    assert not read.cookies
    assert admin_client.get("/admin/").status_code == 200


def test_a_draft_is_shown_to_who_has_its_link_and_to_nobody_else(cache, admin_client, article):
    Article.objects.filter(pk=article.pk).update(stage="draft")
    cache.forget()
    draft = Article.objects.get(pk=article.pk)

    preview = Client().get(reverse("articles:preview", args=[draft.preview_token]))
    assert preview.status_code == 200
    assert "ETag" not in preview.headers
    assert admin_client.get(draft.get_absolute_url()).status_code == 404
    assert admin_client.get(f"{draft.get_absolute_url()}?preview=1").status_code == 404


def test_a_search_reads_its_query_each_time(cache, client):
    assert "cupping" in client.get("/search/?q=cupping").text
    assert "sleep" in client.get("/search/?q=sleep").text
    assert "ETag" not in client.get("/search/?q=cupping").headers


def test_the_redirect_of_an_article_that_moved_passes_the_query_on(cache, client, article):
    article.old_slugs.create(slug="former")

    moved = client.get("/articles/former/?utm_source=x&a=b")

    assert (moved.status_code, moved["Location"]) == (301, f"{article.get_absolute_url()}?utm_source=x&a=b")


def test_the_canonical_address_has_no_query(cache, client):
    page = client.get(f"{reverse('articles:list')}?utm_source=x").text

    assert 'rel="canonical" href="http://localhost:8000/articles/"' in page
    assert "utm_source" not in page


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_nothing_but_reading(cache, client, path, method):
    answer = getattr(client, method)(path)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert "612-605-7594" in answer.text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
