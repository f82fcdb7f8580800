import re
from base64 import b64encode
from hashlib import sha256

import pytest

PAGES = ["/", "/articles/", "/articles/cupping-for-back-pain/", "/faq/", "/therapists/", "/therapists/peter-stanley/"]

QUERIES = {
    "/": 8,
    "/articles/": 6,
    "/articles/cupping-for-back-pain/": 11,
    "/faq/": 5,
    "/therapists/": 3,
    "/therapists/peter-stanley/": 7,
}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_the_same_for_everyone(loaded, client, path):
    response = client.get(path)

    assert response.status_code == 200
    assert not response.cookies
    assert "csrfmiddlewaretoken" not in response.text
    assert 'class="times__one"' not in response.text  # free times are filled in by a script
    assert "Call today 612-605-7594" in response.text
    assert "Content-Security-Policy" in response
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_the_one_script_in_a_page_is_the_one_that_the_policy_names(loaded, client, path):
    response = client.get(path)

    inline = re.findall(r"<script(?: type=\"module\")?>(.*?)</script>", response.text, re.DOTALL)
    assert len(inline) == ("data-next-times" in response.text)
    for script in inline:
        digest = b64encode(sha256(script.encode()).digest()).decode()
        policy = response["Content-Security-Policy"].split("; ")
        assert f"script-src 'self' 'sha256-{digest}'" in policy


@pytest.mark.parametrize(("path", "most"), QUERIES.items(), ids=QUERIES)
def test_pages_read_the_database_a_fixed_number_of_times(loaded, client, path, most, django_assert_max_num_queries):
    with django_assert_max_num_queries(most):
        client.get(path)


def test_the_invitation_is_a_plain_link_that_names_the_article(html):
    assert 'href="/book/?therapist=peter-stanley&amp;article=cupping-for-back-pain"' in html
    assert 'data-next-times="/therapists/peter-stanley/next/"' in html


def test_faq_groups_by_topic_and_shows_urgent_help(loaded, client):
    html = client.get("/faq/").text

    assert html.index("Booking and visits") < html.index('id="q-account"') < html.index('id="q-often"')
    assert 'id="urgent-help"' in html
    assert "90 days" in html


@pytest.mark.parametrize(
    "fact",
    [
        "usually not for the first 90 days",
        "section 148.75",
        "in the first year of their license works with a more experienced one",
        "we send you to someone who can",
        "insurer may still ask for a referral",
    ],
)
def test_the_answer_on_referrals_names_each_condition(loaded, client, fact):
    assert fact in client.get("/faq/").text


def test_a_therapist_page_says_only_what_is_known(loaded, client):
    html = client.get("/therapists/benjamin-britton/").text

    assert "Physical therapist" not in re.sub(r"Physical Therapy", "", html.split("<main")[1])
    assert "Cupping for back pain" in html


@pytest.mark.parametrize("path", ["/", "/therapists/", "/therapists/benjamin-britton/"])
def test_whose_role_is_not_known_is_said_to_be_at_the_clinic(loaded, client, path):
    after_the_name = re.split(r"Dr\. Benjamin Britton(?:</a>)?</h\d>", client.get(path).text)[1]

    words = re.sub(r"<[^>]+>", " ", after_the_name).split()
    assert " ".join(words).startswith("At Revival Physical Therapy and Wellness")


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/articles/", 'href="/articles/" aria-current="page"'),
        ("/articles/cupping-for-back-pain/", 'href="/articles/" aria-current="true"'),
        ("/therapists/", 'href="/therapists/" aria-current="page"'),
        ("/therapists/peter-stanley/", 'href="/therapists/" aria-current="true"'),
        ("/faq/", 'href="/faq/" aria-current="page"'),
    ],
)
def test_the_header_says_where_one_is(loaded, client, path, current):
    header = client.get(path).text.split("</header>")[0]

    assert re.findall(r'href="[^"]*" aria-current="\w+"', header) == [current]


def test_the_page_of_questions_has_one_name(loaded, client):
    html = client.get("/faq/").text

    assert "<h1>Questions</h1>" in html
    assert html.count(">Questions</a>") == 2  # header and footer
    assert '<li aria-current="page">Questions</li>' in html


def test_what_to_read_next_comes_before_the_references(html):
    assert html.index("Was this clear?") < html.index('id="references"') < html.index('id="author"')


@pytest.mark.parametrize("path", ["/articles/nothing/", "/therapists/nobody/", "/nowhere/"])
def test_unknown_pages_give_the_phone(loaded, client, path):
    response = client.get(path)

    assert response.status_code == 404
    main = response.text.split("<main")[1].split("</main>")[0]
    assert "612-605-7594" in main
    for way_on in ("/", "/search/", "/book/", "/visits/find/"):
        assert f'<li><a href="{way_on}">' in main


def test_no_link_leads_to_a_place_that_is_not_there(loaded, client):
    """Also across pages: each address with a # is opened and has that id."""
    links = {(path, link) for path in PAGES for link in re.findall(r'href="(/[^"#]*#[^"]+)"', client.get(path).text)}
    found = [(path, link) for path, link in links if not link.startswith("/static/")]  # those are parts of drawings
    assert found

    for path, link in found:
        address, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in client.get(address).text, f"{path} → {link}"


def test_every_link_of_ours_leads_somewhere(loaded, client):
    links = {link for path in PAGES for link in re.findall(r'href="(/[^"#]*)[#"]', client.get(path).text)}

    broken = {link: client.get(link.replace("&amp;", "&")).status_code for link in links if "/static/" not in link}
    assert {link: status for link, status in broken.items() if status not in (200, 302)} == {}
