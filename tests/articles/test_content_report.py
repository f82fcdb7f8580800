"""The content report: what it finds on the pages, and how links to other sites are looked at, over real HTTP."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone

from articles import link_check
from articles.content_report import check_outside_links, content_report, has_dead_links
from articles.link_check import check, check_all, is_public_ip
from articles.models import Article, OldSlug, Outcome, OutsideLink, Question, Reference, Stage
from booking.models import Therapist
from tests.waiting import PATIENCE

REPORT = "/admin/content-report/"


NO_ADDRESSES = {"brackets": "http://[bad", "slashes": "//[", "blank": "http://a b/"}


class Answers(BaseHTTPRequestHandler):
    """A site with a page for each way of answering."""

    def answer(self):
        self.server.asked[self.command, self.path] += 1
        self.server.agents.add(self.headers["User-Agent"])
        self._answer()

    do_HEAD = do_GET = answer  # noqa: N815 - the names http.server asks for

    def _answer(self):
        name = self.path.partition("?")[0].strip("/")
        if name == "hangs":
            self.server.over.wait(PATIENCE)
        elif name == "drips":
            self._drip()
        elif name == "hangs-up":
            self.close_connection = True
        elif name == "slow":
            self._count(1)
            time.sleep(0.2)
            self._count(-1)  # before it answers: whoever gets the answer asks for the next at once
            self.say(200)
        elif name == "no-head":
            self.say(405 if self.command == "HEAD" else 200)
        elif name == "wrong-head":
            self.say(404 if self.command == "HEAD" else 200)
        elif name == "moved":
            self.say(301, "/fine")
        elif name == "moved-to-gone":
            self.say(302, "gone")
        elif name in NO_ADDRESSES:
            self.say(301, NO_ADDRESSES[name])
        elif name == "loop":
            self.say(301, "/loop")
        elif name.startswith("to-"):
            self.say(301, self.server.targets[name])
        else:
            self.say({"fine": 200, "gone": 404, "robots": 403, "broken": 500}.get(name, 404))

    def _count(self, change):
        with self.server.lock:
            self.server.now += change
            self.server.most = max(self.server.most, self.server.now)

    def _drip(self):
        """A byte now and then, so that no single wait is long."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.over.wait(0.1):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def say(self, status, location=""):
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def outside(settings):
    settings.LINK_CHECK_MAY_LOOK_INSIDE = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    server.asked, server.agents, server.targets = Counter(), set(), {}
    server.over, server.lock, server.now, server.most = threading.Event(), threading.Lock(), 0, 0
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(link_check, "SECONDS", 0.5)


# ---- one look at one address ----


@pytest.mark.parametrize(
    ("name", "outcome", "said", "status"),
    [
        ("fine", Outcome.WORKS, "Opens", 200),
        ("gone", Outcome.DEAD, "Gone", 404),
        ("moved", Outcome.WORKS, "Opens", 200),
        ("moved-to-gone", Outcome.DEAD, "Gone", 404),
        ("brackets", Outcome.DEAD, "Leads to what is no address", None),
        ("slashes", Outcome.DEAD, "Leads to what is no address", None),
        ("blank", Outcome.DEAD, "Is no address", None),
        ("loop", Outcome.DEAD, "Leads on and on, and never arrives", None),
        ("no-head", Outcome.WORKS, "Opens", 200),
        ("wrong-head", Outcome.WORKS, "Opens", 200),
        ("robots", Outcome.UNSURE, "Refuses automatic checks: open it yourself", 403),
        ("broken", Outcome.DEAD, "Answers with an error (500)", 500),
        ("hangs-up", Outcome.DEAD, "Cannot be reached", None),
        ("hangs", Outcome.DEAD, "No answer in 0.5 seconds", None),
        ("drips", Outcome.DEAD, "No answer in 0.5 seconds", None),
        ("fine?q=ü x", Outcome.WORKS, "Opens", 200),
    ],
)
def test_what_an_answer_means(outside, request, name, outcome, said, status):
    if said.startswith("No answer"):  # what does answer may take its time
        request.getfixturevalue("impatient")

    found = check(f"{outside.url}/{name}")

    assert (found.outcome, found.explanation, found.status) == (outcome, said, status)


def test_it_asks_with_head_says_who_it_is_and_reads_no_page(outside, settings):
    settings.SITE_URL = "https://clinic.example"

    check(f"{outside.url}/fine")

    assert set(outside.asked) == {("HEAD", "/fine")}
    assert outside.agents == {"Revival-link-check (+https://clinic.example/)"}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://no-such-host.invalid/", "There is no such site"),
        ("http://[nonsense/", "Is no address"),
        ("http://example.com:99999/", "Is no address"),
        ("ftp://example.com/", "Is no web address"),
        ("http:///x", "Is no web address"),
        ("http://127.0.0.1:1/", "Cannot be reached"),
    ],
)
def test_what_cannot_be_asked_is_dead_in_words(address, said, settings):
    settings.LINK_CHECK_MAY_LOOK_INSIDE = True

    assert (check(address).outcome, check(address).explanation) == (Outcome.DEAD, said)


def test_a_site_without_a_valid_certificate(outside):
    assert check(outside.url.replace("http:", "https:") + "/fine").outcome == Outcome.DEAD


def test_four_at_once_and_each_address_once(outside):
    addresses = [f"{outside.url}/slow?{number}" for number in range(8)]

    found = check_all(addresses * 2)

    assert list(found) == addresses
    assert outside.most == 4
    assert set(outside.asked.values()) == {1}


# ---- never into our own network ----


@pytest.mark.parametrize(
    ("place", "outside"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # where clouds tell machines their secrets
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("::127.0.0.1", False),
        ("::93.184.216.34", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("3fff::1", False),
        ("4000::1", False),
        # NAT64, 6to4 and Teredo: ways into IPv4, wherever they lead
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", False),
        ("64:ff9b:1::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2002:5db8:d822::1", False),
        ("2001:0:5db8:d822::1", False),
        ("192.88.99.1", False),
        # where clouds tell machines their secrets
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
        ("100.100.100.200", False),
        ("169.254.170.2", False),
        ("192.0.0.192", False),
        ("fd00:ec2::254", False),
        ("fd20:ce::254", False),
        # for documents, measurements and nobody
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("2001:db8::1", False),
    ],
)
def test_which_numbers_are_outside(place, outside):
    assert is_public_ip(place) is outside


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "0"])
def test_an_address_inside_is_never_asked(outside, settings, host):
    settings.LINK_CHECK_MAY_LOOK_INSIDE = False

    found = check(f"http://{host}:{outside.server_address[1]}/fine")

    assert (found.outcome, found.explanation) == (Outcome.DEAD, "Leads into a private network")
    assert not outside.asked


@pytest.mark.parametrize("address", ["https://{}:8443/", "http://{}:22/", "http://{}:5432/", "http://{}:0/"])
def test_only_ports_of_web_pages_are_asked(address, monkeypatch):
    """At a port that is not one of them nothing is said either way: the page may well be there."""
    monkeypatch.setattr(link_check, "_resolve", lambda host, port: ["93.184.216.34"])
    monkeypatch.setattr(link_check._Pinned, "connect", lambda self: pytest.fail("it was asked"))

    found = check(address.format("clinic.example"))

    assert (found.outcome, found.status) == (Outcome.UNSURE, None)
    assert "which is not checked: open it yourself" in found.explanation


def test_nor_is_one_that_a_redirect_leads_to(outside, settings, monkeypatch):
    """The first hop is let through, as if it were outside; the second leads inside by another name."""
    monkeypatch.setattr(link_check, "PORTS", {outside.server_address[1]})
    port = outside.server_address[1]
    outside.targets["to-inside"] = f"http://localhost:{port}/fine"
    real, settings.LINK_CHECK_MAY_LOOK_INSIDE = link_check.is_public_ip, False
    monkeypatch.setattr(link_check, "is_public_ip", lambda place: place == "127.0.0.2" or real(place))

    found = check(f"http://127.0.0.2:{port}/to-inside")  # nothing listens there: the server is on 127.0.0.1
    assert found.explanation == "Cannot be reached"
    monkeypatch.setattr(link_check, "_resolve", _first_to_the_server(link_check._resolve))
    found = check(f"http://first.example:{port}/to-inside")

    assert found.explanation == "Leads into a private network"
    assert set(outside.asked) == {("HEAD", "/to-inside")}


def _first_to_the_server(real):
    return lambda host, port: ["127.0.0.1"] if host == "first.example" else real(host, port)


def test_other_kinds_of_addresses_are_not_followed(outside):
    outside.targets["to-file"] = "file:///etc/passwd"

    assert check(f"{outside.url}/to-file").explanation == "Is no web address"


# ---- the report ----


def lines(title, now=None):
    part = next(one for one in content_report(now or timezone.now()) if one.title.startswith(title))
    return [f"{line.subject}. {line.reason}" for line in part.lines]


def write(article, html, anchor="strains"):
    article.sections.filter(anchor=anchor).update(body=html)


@pytest.fixture
def quiet(article):
    """What ships, without the addresses of its references: those are outside."""
    Reference.objects.update(doi="", pmid="", pmcid="", bookshelf_id="")
    return article


def test_what_ships_has_no_dead_link_and_no_unknown_citation(article):
    assert not has_dead_links(content_report(timezone.now()))
    assert lines("Unknown citations") == []


@pytest.mark.parametrize(
    ("days", "overdue", "soon"), [(-1, 1, 0), (0, 0, 1), (30, 0, 1), (31, 0, 0)], ids=lambda number: str(number)
)
def test_reviews_overdue_and_due_soon(article, days, overdue, soon):
    now = datetime(2027, 3, 10, 18, tzinfo=timezone.get_current_timezone())
    Article.objects.update(next_review_on=date(2027, 3, 10) + timedelta(days=days))

    with time_machine.travel(now, tick=False):
        assert (len(lines("Review overdue", now)), len(lines("Review due", now))) == (overdue, soon)


def test_never_reviewed_and_awaiting_approval(article):
    Question.objects.filter(anchor="q-often").update(needs_approval=True)
    assert lines("Never reviewed") == [f"{article}. The page does not say “reviewed” yet."]
    assert any("How often" in one for one in lines("Questions awaiting"))

    Article.objects.update(reviewer=Therapist.objects.first(), reviewed_on=date(2026, 11, 1))
    assert lines("Never reviewed") == []


def test_unknown_citations_are_named_where_they_stand(article):
    write(article, "<p>As shown [@nobody-1999]</p>")
    general = Question.objects.filter(article__isnull=True).first()
    Question.objects.filter(pk=general.pk).update(answer="<p>So it is [@wang-x-2020]</p>")

    found = lines("Unknown citations")

    assert any(
        one.startswith("“Strains and sprains” in “Cupping for back pain”. Cites [@nobody-1999]") for one in found
    )
    assert any(one.startswith(f"The question “{general}”. Cites [@wang-x-2020]") for one in found)


def test_references_without_a_link(quiet):
    assert len(lines("References without")) == quiet.references.count()


@pytest.mark.parametrize(
    ("address", "is_dead"),
    [
        ("/faq/", False),
        ("/faq/#q-often", False),
        ("/faq/#q-nothing", True),
        ("/nowhere/", True),
        ("/articles/gone/", True),
        ("/articles/cupping-for-back-pain/#what", False),
        ("/articles/cupping-for-back-pain/#lost", True),
        ("/articles/an-old-name/", False),
        ("#what", False),
        ("#lost", True),
        ("https://clinic.example/nowhere/", True),
        ("https://clinic.example/faq/", False),
        ("https://clinic.example", False),
        ("//elsewhere.example/", True),
        ("mailto:desk@clinic.example", False),
        ("tel:+16126057594", False),
    ],
)
def test_links_inside_the_site(article, settings, address, is_dead):
    settings.SITE_URL = "https://clinic.example"
    OldSlug.objects.create(slug="an-old-name", article=article)
    write(article, f'<p><a href="{address}">there</a></p>')

    found = lines("Dead links")

    assert bool(found) is is_dead
    assert has_dead_links(content_report(timezone.now())) is is_dead


def test_what_readers_do_not_see_is_not_reported(article):
    write(article, '<p>[@nobody-1999] <a href="/nowhere/">x</a></p>')
    Article.objects.update(stage=Stage.DRAFT, next_review_on=date(2020, 1, 1))

    assert lines("Dead links") == lines("Unknown") == lines("Review overdue") == lines("Never reviewed") == []


# ---- the command and the desk ----


def run(*arguments):
    """Exit code and what was said."""
    out = StringIO()
    try:
        call_command("content_report", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_all_of_it_and_fails_only_when_a_link_is_dead(quiet):
    code, said = run()

    assert code == 0
    for title in (
        "Review overdue",
        "Never reviewed",
        "Questions awaiting",
        "Unknown citations",
        "Links to other sites",
    ):
        assert title in said
    write(quiet, '<p><a href="/nowhere/">x</a></p>')
    code, said = run()
    assert code == 1
    assert "“Strains and sprains” in “Cupping for back pain”. Links to /nowhere/, which is not there." in said
    assert "At least one link is dead." in said


def test_without_the_network_nothing_outside_is_asked(quiet, outside):
    write(quiet, f'<p><a href="{outside.url}/gone">x</a></p>')

    code, said = run()

    assert (code, len(outside.asked)) == (0, 0)
    assert "None of 1 has been checked yet" in said


def test_with_the_network_each_is_asked_and_what_was_found_is_kept(quiet, outside):
    pages = ("fine", "gone", "moved", "no-head", "robots")
    write(quiet, "".join(f'<p><a href="{outside.url}/{page}?a=1&amp;b=2">x</a></p>' for page in pages))

    code, said = run("--network")

    assert code == 1
    kept = {row.address.removeprefix(outside.url + "/").partition("?")[0]: row for row in OutsideLink.objects.all()}
    assert {page: row.outcome for page, row in kept.items()} == {
        "fine": "works",
        "gone": "dead",
        "moved": "works",
        "no-head": "works",
        "robots": "unsure",
    }
    assert kept["gone"].status == 404
    assert kept["fine"].address.endswith("?a=1&b=2")
    assert f"{outside.url}/gone?a=1&b=2: Gone" in said
    assert f"{outside.url}/robots?a=1&b=2: Refuses automatic checks" in said
    assert f"{outside.url}/fine" not in said


def test_what_was_mended_is_forgotten(quiet, outside):
    write(quiet, f'<p><a href="{outside.url}/gone">x</a></p>')
    assert run("--network")[0] == 1

    write(quiet, f'<p><a href="{outside.url}/fine">x</a></p>')
    assert run("--network")[0] == 0

    assert [row.address for row in OutsideLink.objects.all()] == [f"{outside.url}/fine"]


def test_addresses_of_references_are_asked_too(quiet, outside, monkeypatch):
    asked = []
    monkeypatch.setattr("articles.content_report.check_all", lambda addresses: asked.extend(addresses) or {})
    Reference.objects.filter(key=quiet.references.first().key).update(doi="10.1000/182")

    check_outside_links(timezone.now())

    assert asked == ["https://doi.org/10.1000/182"]


def test_the_desk_shows_the_last_look_with_its_day(quiet, outside, client, admin_user):
    write(quiet, f'<p><a href="{outside.url}/gone">x</a></p>')
    with time_machine.travel("2027-02-03 04:00:00+00:00", tick=False):  # the evening before in Minneapolis
        check_outside_links(timezone.now())

    client.force_login(admin_user)
    page = client.get(REPORT).text

    assert f"{outside.url}/gone: Gone (February 2, 2027)." in page
    assert "1 of 1 checked, last on February 2, 2027." in page
    assert "todo--dead" in page
    assert REPORT in client.get("/admin/").text


@pytest.mark.parametrize(("role", "status"), [("Editor", 200), ("Reviewer", 200), ("Owner", 200), ("Front desk", 403)])
def test_the_desk_page_is_for_who_may_see_articles(article, client, django_user_model, role, status):
    person = django_user_model.objects.create_user("p", password="x", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)

    assert client.get(REPORT).status_code == status
    assert client.get("/admin/").status_code == 200


def test_strangers_do_not_see_it(article, client):
    assert client.get(REPORT).status_code == 302


def test_the_report_asks_the_database_a_bounded_number_of_times(article, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        content_report(timezone.now())
