"""How pages are found and shared: feed, sitemap, robots, previews, structured data; and "Was this clear?"."""

import json
import re
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from articles.models import Article, Feedback, Question, Reference, Section, Topic
from booking.models import Clinic, Message, Service, Therapist
from tests.factories import an_appointment, asks, in_days, joins

ARTICLE = "/articles/cupping-for-back-pain/"
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HOSTILE = "</script><script>alert(1)</script>&<b>"

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture(autouse=True)
def _address(settings):
    settings.SITE_URL = "https://clinic.example"


def data(client, path):
    scripts = re.findall(r'<script type="application/ld\+json">(.*?)</script>', client.get(path).text, re.DOTALL)
    assert len(scripts) == 1
    return json.loads(scripts[0])["@graph"]


def node(graph, kind):
    found = [one for one in graph if one["@type"] == kind]
    return found[0] if found else None


# ---- feed, sitemap, robots ----


def test_the_feed_is_atom_with_absolute_addresses_and_moments_with_a_zone(client):
    answer = client.get("/feeds/articles.atom", headers={"host": "other.example"})
    feed = ElementTree.fromstring(answer.content)

    assert answer["Content-Type"].startswith("application/atom+xml")
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.find(f"{ATOM}title").text.startswith("Cupping for back pain")
    assert entry.find(f"{ATOM}link").get("href") == f"https://clinic.example{ARTICLE}"
    assert entry.find(f"{ATOM}author/{ATOM}name").text == "Dr. Benjamin Britton"
    assert datetime.fromisoformat(entry.find(f"{ATOM}updated").text).tzinfo
    assert {link.get("href") for link in feed.findall(f"{ATOM}link")} == {
        "https://clinic.example/articles/",
        "https://clinic.example/feeds/articles.atom",
    }


def test_the_sitemap_names_each_public_page_and_when_articles_changed(client):
    found = ElementTree.fromstring(client.get("/sitemap.xml", headers={"host": "other.example"}).content)

    urls = {one.find(f"{MAP}loc").text: one.find(f"{MAP}lastmod") for one in found}
    assert set(urls) == {
        f"https://clinic.example{path}"
        for path in (
            *("/", "/articles/", ARTICLE, "/faq/", "/therapists/", "/privacy/"),
            *("/therapists/peter-stanley/", "/therapists/benjamin-britton/"),
        )
    }
    assert urls[f"https://clinic.example{ARTICLE}"].text == date.today().isoformat()  # noqa: DTZ011 - what it prints


def test_robots_are_told_of_the_sitemap_and_kept_out_of_private_places(client):
    text = client.get("/robots.txt").text

    assert "Sitemap: https://clinic.example/sitemap.xml" in text
    for place in ("/admin/", "/book/", "/visits/", "/waitlist/"):
        assert f"Disallow: {place}\n" in text


@pytest.mark.parametrize("change", ["draft", "in-review", "expired", "not yet"])
def test_what_is_not_public_is_in_none_of_them(client, change):
    now, day = timezone.now(), timedelta(days=1)
    Article.objects.update(
        **{
            "draft": {"stage": "draft"},
            "in-review": {"stage": "in-review"},
            "expired": {"published_at": now - day, "expires_at": now},
            "not yet": {"published_at": now + day},
        }[change]
    )

    for path in ("/feeds/articles.atom", "/sitemap.xml", "/articles/", "/", "/faq/", "/therapists/peter-stanley/"):
        assert ARTICLE not in client.get(path).text
    for path in (ARTICLE, f"{ARTICLE}clear/", f"{ARTICLE}clear/thanks/"):
        assert client.get(path).status_code == 404


# ---- previews ----


@pytest.mark.parametrize("path", ["/", "/articles/", ARTICLE, "/faq/", "/therapists/", "/therapists/peter-stanley/"])
def test_each_page_says_its_one_address_and_what_a_shared_link_shows(client, path):
    page = client.get(path).text

    assert page.count('rel="canonical"') == 1
    assert f'<link rel="canonical" href="https://clinic.example{path}">' in page
    assert f'<meta property="og:url" content="https://clinic.example{path}">' in page
    for name in ("og:title", "og:description", "og:image", "og:image:alt", "og:type", "og:site_name"):
        assert re.search(f'<meta property="{name}" content="[^"]+">', page), name


# ---- structured data ----


def test_the_article_is_one_graph_that_says_what_the_page_shows(client):
    graph = data(client, ARTICLE)
    page, article = node(graph, "MedicalWebPage"), node(graph, "Article")

    assert page["mainEntity"]["@id"] == article["@id"]
    assert article["author"]["@id"] == "https://clinic.example/therapists/benjamin-britton/#person"
    assert datetime.fromisoformat(article["datePublished"]).utcoffset() == timedelta(hours=-6)
    assert len(article["citation"]) == client.get(ARTICLE).text.count('<li id="ref-')
    assert [step["position"] for step in node(graph, "BreadcrumbList")["itemListElement"]] == [1, 2, 3]
    assert len(node(graph, "FAQPage")["mainEntity"]) == Question.objects.filter(article__isnull=False).count()
    assert "Physician" not in {one["@type"] for one in graph}
    assert "reviewedBy" not in page
    assert "lastReviewed" not in page


def test_every_id_that_is_pointed_to_is_in_the_graph(client):
    for path in (ARTICLE, "/therapists/peter-stanley/", "/"):
        graph = data(client, path)
        known = {one["@id"] for one in graph}

        pointed = set(re.findall(r'\{"@id": "([^"]+)"\}', json.dumps(graph)))
        assert pointed <= known, path


def test_a_review_is_said_once_it_is_true(client):
    reviewer = Therapist.objects.get(slug="peter-stanley")
    Article.objects.update(reviewer=reviewer, reviewed_on=date(2026, 11, 1))

    page = node(data(client, ARTICLE), "MedicalWebPage")

    assert page["lastReviewed"] == "2026-11-01"
    assert page["reviewedBy"]["@id"].endswith("/therapists/peter-stanley/#person")


def test_the_clinic_is_a_clinic_once_it_has_an_address(client):
    Clinic.objects.update(address_line="", city="", state="", postal_code="")
    assert node(data(client, "/"), "MedicalClinic") is None
    Clinic.objects.update(address_line="1 Example Street\nMinneapolis, MN")

    clinic = node(data(client, "/"), "MedicalClinic")

    assert clinic["address"] == "1 Example Street Minneapolis, MN"
    assert clinic["telephone"] == "+16126057594"


def test_the_address_has_parts_once_all_of_them_are_set(client):
    Clinic.objects.update(address_line="1 Main Street\nSuite 4", city="Minneapolis", state="MN", postal_code="55401")

    assert node(data(client, "/"), "MedicalClinic")["address"] == {
        "@type": "PostalAddress",
        "streetAddress": "1 Main Street Suite 4",
        "addressLocality": "Minneapolis",
        "addressRegion": "MN",
        "postalCode": "55401",
        "addressCountry": "US",
    }

    Clinic.objects.update(postal_code="")
    assert node(data(client, "/"), "MedicalClinic")["address"] == "1 Main Street Suite 4 Minneapolis, MN"


def test_questions_answer_in_plain_words(client):
    for one in node(data(client, "/faq/"), "FAQPage")["mainEntity"]:
        assert "<" not in one["acceptedAnswer"]["text"]
        assert "[@" not in one["acceptedAnswer"]["text"]


def test_hostile_words_stay_words_in_pages_feed_and_data(client):
    Article.objects.update(title=HOSTILE[:120], lead=HOSTILE, in_short=HOSTILE, description=HOSTILE)
    Question.objects.update(question=HOSTILE, topic=HOSTILE)
    Reference.objects.update(title=HOSTILE, authors=HOSTILE, journal=HOSTILE, finding=HOSTILE)
    Topic.objects.filter(slug="back-pain").update(name=HOSTILE[:50])
    Therapist.objects.update(
        name=HOSTILE, short_name=HOSTILE, role=HOSTILE, about=HOSTILE, degree=HOSTILE, focus=HOSTILE
    )
    Clinic.objects.update(name=HOSTILE, opening_line=HOSTILE, address_line=HOSTILE, opening_hours=HOSTILE)

    for path in ("/", "/articles/", ARTICLE, "/faq/", "/therapists/", "/therapists/peter-stanley/", f"{ARTICLE}clear/"):
        page = client.get(path).text
        assert "<script>alert" not in page, path
        if path != f"{ARTICLE}clear/":
            data(client, path)  # still one script, still JSON
    ElementTree.fromstring(client.get("/feeds/articles.atom").content)
    ElementTree.fromstring(client.get("/sitemap.xml").content)
    assert "<script" not in client.get("/search/", {"q": "alert"}).text  # what is found is marked inside


def test_hostile_words_stay_words_at_the_desk(admin_client):
    Article.objects.update(title=HOSTILE[:120], lead=HOSTILE, in_short=HOSTILE, description=HOSTILE)
    Section.objects.update(heading=HOSTILE, body=HOSTILE)
    Question.objects.update(question=HOSTILE, topic=HOSTILE, answer=HOSTILE)
    Reference.objects.update(title=HOSTILE, authors=HOSTILE, journal=HOSTILE, finding=HOSTILE)
    Topic.objects.filter(slug="back-pain").update(name=HOSTILE[:50])
    Therapist.objects.update(name=HOSTILE, short_name=HOSTILE)
    therapist, service = Therapist.objects.first(), Service.objects.first()
    visit = an_appointment(therapist, service, in_days(3), name=HOSTILE, note=HOSTILE, cancel_reason=HOSTILE)
    entry = joins(service, name=HOSTILE, came_from=HOSTILE)
    asked = asks(name=HOSTILE, note=HOSTILE, phone=HOSTILE[:40], therapist=therapist)
    rows = [Article.objects.first(), Question.objects.first(), Reference.objects.first(), Topic.objects.first()]
    rows += [therapist, service, visit, entry, asked, Message.objects.first()]

    addresses = ["/admin/", f"/admin/booking/appointment/{visit.pk}/cancel/"]
    addresses += [f"/admin/booking/message/{Message.objects.first().pk}/resend/"]
    for row in rows:
        model = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        addresses += [model, f"{model}{row.pk}/change/", f"{model}{row.pk}/history/"]
    for address in addresses:
        page = admin_client.get(address)
        assert page.status_code == 200, address
        assert "<script>alert" not in page.text, address


# ---- topics, time to read ----


def test_articles_that_share_a_topic_lead_to_each_other(client):
    first = Article.objects.get()
    second = Article.objects.create(
        title="Exercise for back pain",
        slug="exercise-for-back-pain",
        description="d",
        lead="l",
        in_short="s",
        author=first.author,
        stage="published",
        published_at=timezone.now(),
    )
    assert "Read next" not in client.get(ARTICLE).text
    second.topics.add(Topic.objects.get(slug="back-pain"))

    assert 'href="/articles/exercise-for-back-pain/"' in client.get(ARTICLE).text
    page = client.get("/articles/").text
    assert 'id="back-pain"' in page
    Article.objects.filter(pk=second.pk).update(stage="draft")
    assert "exercise-for-back-pain" not in client.get(ARTICLE).text + client.get("/articles/").text


def test_the_article_says_how_long_it_takes_to_read(client):
    minutes = int(re.search(r"(\d+) minutes to read", client.get(ARTICLE).text)[1])

    assert 5 <= minutes <= 25


# ---- was this clear? ----


def test_an_answer_is_kept_without_anyone_and_seen_beside_the_article(client, admin_client, article):
    path = f"{ARTICLE}clear/"
    assert f'href="{path}"' in client.get(ARTICLE).text
    hard = article.sections.filter(level=2, kind="text").first()

    answer = client.post(path, {"is_clear": "no", "hard_part": hard.pk})

    assert "Thank you" in client.get(answer["Location"]).text
    kept = Feedback.objects.values().get()
    assert set(kept) == {"id", "article_id", "is_clear", "hard_part_id", "given_on"}
    desk = admin_client.get(f"/admin/articles/article/{article.pk}/change/").text
    assert f"0 yes, 1 no. Hard parts: {hard.heading} (1)." in desk


@pytest.mark.parametrize("typed", [{}, {"is_clear": "perhaps"}, {"is_clear": "no", "hard_part": "999999"}])
def test_a_strange_answer_is_asked_again_and_not_kept(client, typed):
    answer = client.post(f"{ARTICLE}clear/", typed)

    assert answer.status_code == 422
    assert not Feedback.objects.exists()


def test_one_network_answers_so_often_a_day(client, settings):
    settings.BOOKING_ASKS_A_DAY = 2
    for _ in range(4):
        assert client.post(f"{ARTICLE}clear/", {"is_clear": "yes"}).status_code == 302

    assert Feedback.objects.count() == 2
