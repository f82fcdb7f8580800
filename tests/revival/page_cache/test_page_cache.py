"""The page cache of a running site, whose content changes and whose database goes away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest
from psycopg import sql

from revival.page_cache import revision
from tests.waiting import PATIENCE, wait_for


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
NOT_READ |= {"ArticleChange", "Word"}
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
        with_trigger = {row[0] for row in cursor.fetchall()}
    assert tables <= with_trigger
    assert {"booking_clinic", "booking_openinghours", "booking_therapist", "booking_service"} <= with_trigger


def test_a_change_is_looked_for_often_enough_to_show_within_a_second():
    assert revision.SECONDS_BETWEEN_READS <= 0.5


# ---- a running site ----


def get(site, path, **headers):
    try:
        return urlopen(Request(site.url + path, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        return error


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
    wait_for(lambda: all(before.encode() in body for _, body in answers_of_both_processes(site, "/")))


def test_a_change_shows_within_a_second_in_every_process(site, opening_line):
    for _ in range(4):
        assert b"Changed just now" not in get(site, "/").read()

    opening_line("Changed just now.")

    wait_for(lambda: all(b"Changed just now." in body for _, body in answers_of_both_processes(site, "/")))


def test_pages_seen_once_answer_with_the_database_gone_and_heal_after(site):
    wait_for(lambda: get(site, "/").headers["ETag"])
    get(site, "/articles/").read()
    fill_pools(site)
    site.stop_database()
    try:
        for _ in range(6):
            assert get(site, "/").status == get(site, "/articles/").status == 200
        booking = get(site, "/book/")
        assert booking.status == 503
        assert b"612-605-7594" in booking.read()
        assert get(site, "/healthz").status == 200
        assert get(site, "/readyz").status == 503
        with pytest.raises(psycopg.OperationalError):
            site.connect()
    finally:
        site.start_database()

    wait_for(lambda: statuses_of_both_processes(site, "/readyz") == {200})
    assert statuses_of_both_processes(site, "/book/") == {200}  # with the first connection of the pool already


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
            to = ", ".join(f"{column} = %s" for column in columns)  # at once: one change of the revision
            database.execute(f"UPDATE articles_article SET {to}", list(columns.values()))

    with site.connect() as database:
        query = "SELECT stage, published_at, expires_at FROM articles_article"
        stage, published_at, expires_at = database.execute(query).fetchone()
    yield change
    change(stage=stage, published_at=published_at, expires_at=expires_at)
    wait_for(lambda: statuses_of_both_processes(site, ARTICLE) == {200})


def answers_of_both_processes(site, path):
    """Statuses and bodies of eight requests, which the two processes share."""
    return [(answer.status, answer.read()) for answer in (get(site, path) for _ in range(8))]


def statuses_of_both_processes(site, path):
    return {status for status, _ in answers_of_both_processes(site, path)}


def names_it(body):
    return b"cupping-for-back-pain" in body


@pytest.mark.parametrize("how", ["withdrawn", "expires"])
def test_a_withdrawn_page_is_served_by_no_process_and_named_nowhere(site, article_row, how):
    for path in EVERYWHERE:
        assert statuses_of_both_processes(site, path) == {200}
    soon = datetime.now(UTC) + timedelta(seconds=1)

    article_row(**{"expires": {"expires_at": soon}}.get(how, {"stage": "draft"}))

    wait_for(lambda: statuses_of_both_processes(site, ARTICLE) == {404})
    for path in EVERYWHERE[1:]:
        assert not any(names_it(body) for _, body in answers_of_both_processes(site, path)), path


def test_a_page_appears_on_time_in_every_process(site, article_row):
    article_row(published_at=datetime.now(UTC) + timedelta(hours=1))
    wait_for(lambda: statuses_of_both_processes(site, ARTICLE) == {404})

    article_row(published_at=datetime.now(UTC) + timedelta(seconds=2))  # nothing is written when that has come

    wait_for(lambda: statuses_of_both_processes(site, ARTICLE) == {200})
    assert all(names_it(body) for _, body in answers_of_both_processes(site, "/sitemap.xml"))


def test_pages_seen_once_answer_at_once_while_every_query_hangs(site, article_row):
    """All tables are locked: no query ends, so only a page without a query can be answered."""
    article_row(title="Cupping as both know it")  # both processes know the newest revision once both show this
    shown = b"Cupping as both know it"
    wait_for(lambda: all(shown in body for _ in range(2) for _, body in answers_of_both_processes(site, ARTICLE)))
    for path in EVERYWHERE:  # a page that is kept has a tag
        wait_for(lambda path=path: all(get(site, path).headers["ETag"] for _ in range(16)))
    with psycopg.connect(site.database_url) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables if not name.startswith("procrastinate"))
        database.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        for path in EVERYWHERE:
            assert statuses_of_both_processes(site, path) == {200}
        assert get(site, "/book/").status == 503  # what does ask, waits in vain
        database.rollback()
