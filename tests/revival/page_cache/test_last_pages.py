"""Copies of pages that nginx shows while gunicorn is gone: those that were read, and none that was withdrawn."""

import os
import signal
import subprocess
from types import SimpleNamespace
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from django.http import HttpResponse

from deploy import nginx
from revival.page_cache import last_pages
from tests.running import free_port, running_site
from tests.waiting import PATIENCE, wait_for

ARTICLE, LIST, FAQ = "/articles/cupping-for-back-pain/", "/articles/", "/faq/"


@pytest.fixture
def folder(settings, tmp_path):
    settings.LAST_PAGES_DIR = str(tmp_path / "last")
    return tmp_path / "last"


def shown(folder, path="articles/x"):
    file = folder / "now" / path / "index.html"
    return file.read_text() if file.exists() else None


def test_a_page_is_shown_until_the_content_changes(folder):
    last_pages.turn_to("one")
    last_pages.keep("/articles/x/", "one", HttpResponse("as it was"))
    assert shown(folder) == "as it was"

    last_pages.turn_to("two")
    assert shown(folder) is None
    assert sorted(file.name for file in folder.iterdir()) == ["now", "two"]

    last_pages.keep("/articles/x/", "one", HttpResponse("drawn before the change, written after it"))
    assert shown(folder) is None


def test_nothing_is_shown_when_nobody_knows_what_is_newest(folder):
    last_pages.turn_to("one")
    last_pages.keep("/", "one", HttpResponse("home"))
    assert shown(folder, "") == "home"

    last_pages.turn_to(None)

    assert shown(folder, "") is None


def test_a_process_that_begins_anew_leaves_what_is_still_true(folder):
    last_pages.turn_to("one")
    last_pages.keep("/", "one", HttpResponse("home"))
    last_pages.turn_to("one")

    assert shown(folder, "") == "home"


def test_nginx_may_read_it_whatever_our_umask_is(folder):
    before = os.umask(0o077)
    try:
        last_pages.turn_to("one")
        last_pages.keep("/articles/x/", "one", HttpResponse("page"))
    finally:
        os.umask(before)

    page = folder / "one" / "articles" / "x" / "index.html"
    assert page.stat().st_mode & 0o777 == 0o644
    assert {parent.stat().st_mode & 0o777 for parent in (*list(page.parents)[:3], folder)} == {0o755}


@pytest.mark.parametrize("path", ["/feeds/articles", "/articles/../../x/"])
def test_only_pages_are_left_there_and_only_inside(folder, path):
    last_pages.turn_to("one")
    last_pages.keep(path, "one", HttpResponse("x"))

    assert not list(folder.parent.rglob("index.html"))


def test_a_folder_that_cannot_be_written_costs_no_reader_anything(settings, tmp_path):
    settings.LAST_PAGES_DIR = str(tmp_path / "file")
    (tmp_path / "file").write_text("not a folder")

    last_pages.turn_to("one")
    last_pages.keep("/", "one", HttpResponse("home"))

    assert (tmp_path / "file").read_text() == "not a folder"


def get(url, method="GET"):
    """Status and text; 0 while nobody is there."""
    try:
        answer = urlopen(Request(url, method=method, data=b"x" if method == "POST" else None), timeout=PATIENCE)
    except HTTPError as error:
        answer = error
    except URLError:
        return SimpleNamespace(status=0, text="", headers={})
    return SimpleNamespace(status=answer.status, text=answer.read().decode(), headers=answer.headers)


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory):
    """A site of its own that may be killed, and the address of nginx in front of it."""
    folder = tmp_path_factory.mktemp("last")
    with running_site("revival_last", folder, {"LAST_PAGES_DIR": str(folder / "last")}) as site:
        site.manage("write_public_files", str(folder / "public"))
        port, conf = free_port(), folder / "nginx.conf"
        (folder / "run").mkdir()
        folders = {name: str(folder / name) for name in ("public", "last", "run", "log")}
        whole = nginx.settings(listen=f"127.0.0.1:{port}", site=site.url.removeprefix("http://"), **folders)
        conf.write_text(("user root;\n" if os.geteuid() == 0 else "") + whole)
        server = subprocess.Popen(["nginx", "-c", str(conf), "-g", "daemon off;"])
        try:
            wait_for(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200)
            yield site, f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def is_left(site, path):
    return (site.folder / "last" / "now" / path.strip("/") / "index.html").exists()


def kill_all_of_gunicorn(site):
    site.web.send_signal(signal.SIGSTOP)  # so that it starts no other
    subprocess.run(["pkill", "-KILL", "-P", str(site.web.pid)], check=True)
    site.web.kill()
    site.web.wait()


@pytest.mark.needs("nginx")
def test_nothing_is_left_that_ends_by_itself_while_nobody_is_there(behind_nginx):
    site, url = behind_nginx
    wait_for(lambda: is_left(site, LIST) or not get(url + LIST))

    with site.connect() as database:
        database.execute("UPDATE articles_article SET expires_at = now() + interval '1 day'")
    wait_for(lambda: not (site.folder / "last" / "now").exists())
    assert get(url + LIST).status == 200
    assert not is_left(site, LIST)

    with site.connect() as database:
        database.execute("UPDATE articles_article SET expires_at = NULL")
    wait_for(lambda: is_left(site, LIST) or not get(url + LIST))


@pytest.mark.needs("nginx")
def test_with_gunicorn_gone_the_last_pages_are_there_and_nothing_that_was_withdrawn(behind_nginx):
    site, url = behind_nginx
    assert get(url + ARTICLE).status == 200
    wait_for(lambda: is_left(site, ARTICLE) or not get(url + ARTICLE))

    with site.connect() as database:
        database.execute("UPDATE articles_article SET stage = 'draft'")
    wait_for(lambda: get(url + ARTICLE).status == 404)
    wait_for(lambda: "There is no article yet" in get(url + LIST).text)
    page = get(url + LIST).text
    wait_for(lambda: is_left(site, LIST) or not get(url + LIST))
    kill_all_of_gunicorn(site)

    last = get(url + LIST)
    assert (last.status, last.text) == (200, page)
    assert last.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in last.headers["Content-Security-Policy"]
    assert get(f"{url}{LIST}?utm_source=x").text == page
    for path, method in ((ARTICLE, "GET"), (FAQ, "GET"), ("/search/?q=x", "GET"), (LIST, "POST"), ("/book/", "GET")):
        answer = get(url + path, method)
        assert answer.status == 503, path
        assert "612-605-7594" in answer.text
