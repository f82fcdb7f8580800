"""Editors at the desk: two tabs, revisions, preview, addresses that moved, what keeps a page from being published."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.utils import timezone

from articles import readability, revisions
from articles.models import Article, OldSlug, Revision, Section
from articles.publishing import find_faults
from articles.rich_text import cited_keys
from booking.models import Clinic, Therapist

ARTICLE = "/articles/cupping-for-back-pain/"


@pytest.fixture
def desk(article):
    """The form of the article with a few of its parts: with all of them each look at it takes four times as long."""
    article.sections.exclude(anchor__in=["what", "when", "strains"]).delete()
    article.questions.exclude(anchor="q-often").delete()
    bodies = article.sections.values_list("body", flat=True)
    answers = article.questions.values_list("answer", flat=True)
    article.references.exclude(key__in=cited_keys(article.safety_note, *bodies, *answers)).delete()
    assert find_faults(article) == []
    return form_of(article)


def form_of(article):
    return f"/admin/articles/article/{article.pk}/change/"


def typed_in(page):
    """Everything the form on this page would send as it is."""
    fields = {}
    form = page.split('id="article_form"')[1].split("</form>")[0]
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)[1]
        if (name and kind not in ("submit", "checkbox")) or (name and "checked" in tag):
            fields[name[1]] = value[1] if value else ""
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        fields[name] = text
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        fields[name] = chosen if len(chosen) > 1 else (chosen[0] if chosen else "")
    unescape = __import__("html").unescape
    return {
        key: [unescape(v) for v in value] if isinstance(value, list) else unescape(value)
        for key, value in fields.items()
    }


def save(client, desk, page=None, follow=False, **typed):
    return client.post(desk, {**typed_in(page or client.get(desk).text), "_continue": "1", **typed}, follow=follow)


# ---- two tabs ----


def test_a_stale_tab_is_refused_with_both_texts_and_saves_on_purpose(admin_client, desk, article):
    stale = admin_client.get(desk).text
    save(admin_client, desk, lead="The colleague’s lead.")

    refused = save(admin_client, desk, page=stale, lead="My lead.")

    assert "saved this article after you opened it" in refused.text
    assert "now reads: The colleague’s lead." in refused.text
    assert ">\nMy lead.</textarea>" in refused.text
    article.refresh_from_db()
    assert article.lead == "The colleague’s lead."

    save(admin_client, desk, page=refused.text)
    article.refresh_from_db()
    assert article.lead == "My lead."


def test_a_stale_tab_sees_what_changed_in_each_part(admin_client, desk, article):
    save(admin_client, desk, lead="As it was opened.")
    stale = admin_client.get(desk).text
    section = article.sections.get(anchor="strains")
    row = re.search(rf'name="(sections-[0-9]+)-id" value="{section.pk}"', stale)[1]
    save(admin_client, desk, **{f"{row}-body": "<p>Theirs.</p>"})

    refused = save(admin_client, desk, page=stale, **{f"{row}-body": "<p>Mine.</p>"})

    assert "<strong>sections: strains, body</strong> read: " in refused.text
    assert "It now reads: Theirs." in refused.text
    assert "&lt;p&gt;Mine.&lt;/p&gt;</textarea>" in refused.text


def test_a_tab_opened_before_a_restore_can_still_be_saved(admin_client, desk, article):
    save(admin_client, desk, lead="One.")
    save(admin_client, desk, lead="Two.")
    stale = admin_client.get(desk).text
    admin_client.post(f"/admin/articles/article/{article.pk}/revisions/1/")

    refused = save(admin_client, desk, page=stale, lead="Mine.")
    save(admin_client, desk, page=refused.text)

    article.refresh_from_db()
    assert article.lead == "Mine."


# ---- revisions ----


def test_each_save_keeps_the_whole_article_and_a_note(admin_client, desk, article):
    save(admin_client, desk, lead="One.", what_changed="A shorter lead")
    save(admin_client, desk)
    save(admin_client, desk, lead="Two.")

    kept = list(article.revisions.order_by("number").values_list("number", "note"))
    assert kept == [(1, "A shorter lead"), (2, "")]  # a save that changed nothing is none
    content = article.revisions.get(number=1).content
    assert (content["lead"], len(content["sections"])) == ("One.", article.sections.count())
    assert len(content["references"]) == article.references.count()


def test_two_revisions_are_compared_word_by_word(admin_client, desk, article):
    save(admin_client, desk, lead="Back pain wears on body and mind.")
    save(admin_client, desk, lead="Back pain tires body and mind.")

    page = admin_client.get(f"/admin/articles/article/{article.pk}/revisions/1/").text

    assert "<del>wears on</del>" in page
    assert "<ins>tires</ins>" in page


def test_a_revision_comes_back_whole_and_leaves_the_page_public_where_it_is(admin_client, desk, article, client):
    before = revisions.article_content(article)
    revisions.save_revision(article, by=None)
    article.sections.all().delete()
    article.references.all().delete()
    article.topics.clear()
    Article.objects.update(lead="x", slug="elsewhere")

    admin_client.post(f"/admin/articles/article/{article.pk}/revisions/1/")

    article.refresh_from_db()
    after = revisions.article_content(article)
    ignored = {"slug", "updated_at"}
    assert {k: v for k, v in after.items() if k not in ignored} == {k: v for k, v in before.items() if k not in ignored}
    assert article.slug == "elsewhere"
    assert article.revisions.first().note == "Put back from revision 1"
    assert client.get("/articles/elsewhere/").status_code == 200


def test_a_review_and_an_approval_do_not_come_back_with_a_text(admin_client, desk, article):
    reviewer = Therapist.objects.get(slug="peter-stanley")
    save(admin_client, desk, reviewer=str(reviewer.pk), reviewed_on="2026-07-20")
    kept = article.revisions.first()
    article.questions.update(needs_approval=True)
    Article.objects.update(reviewer=None, reviewed_on=None)

    restored = revisions.restore(kept, by=None)

    assert restored.reviewer is None
    assert all(article.questions.values_list("needs_approval", flat=True))
    Article.objects.update(reviewer=reviewer, reviewed_on="2026-11-20", lead="Other words.")
    assert revisions.restore(kept, by=None).reviewer is None  # nor does it stay on another text


def test_safety_cards_and_description_are_part_of_what_was_reviewed(admin_client, desk, article):
    reviewer = Therapist.objects.get(slug="peter-stanley")
    for typed in ({"cautions": []}, {"description": "Something else."}):
        save(admin_client, desk, reviewer=str(reviewer.pk), reviewed_on="2026-07-20")
        save(admin_client, desk, **typed)
        article.refresh_from_db()
        assert article.reviewer is None, typed


def test_an_answer_an_editor_writes_awaits_approval(as_a, desk, article):
    question = article.questions.first()
    article.questions.update(needs_approval=False)
    page = as_a("Editor").get(desk).text
    row = re.search(rf'name="(questions-[0-9]+)-id" value="{question.pk}"', page)[1]

    save(as_a("Editor"), desk, page=page, **{f"{row}-answer": "<p>New.</p>"})

    assert list(article.questions.filter(needs_approval=True)) == [question]


@pytest.mark.parametrize("seen_at", ["2026-13-45T00:00:00", "2026-02-30T10:00:00+00:00", "nonsense"])
def test_a_moment_that_is_none_is_as_stale_as_any(admin_client, desk, article, seen_at):
    refused = save(admin_client, desk, lead="Mine.", seen_at=seen_at)

    assert refused.status_code == 200
    assert "saved this article after you opened it" in refused.text


def test_nobody_without_the_right_puts_a_revision_back(client, article, django_user_model):
    revisions.save_revision(article, by=None)
    address = f"/admin/articles/article/{article.pk}/revisions/1/"
    client.force_login(django_user_model.objects.create_user("clerk", password="x", is_staff=True))

    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403
    assert Revision.objects.count() == 1


def test_a_text_changed_after_its_review_is_no_longer_called_reviewed(admin_client, desk, article, client):
    reviewer = Therapist.objects.get(slug="peter-stanley")
    save(admin_client, desk, reviewer=str(reviewer.pk), reviewed_on="2026-11-20")
    assert "Reviewed by Dr. Peter Stanley" in client.get(ARTICLE).text

    save(admin_client, desk, next_review_on="2027-06-01")
    assert "Reviewed by" in client.get(ARTICLE).text
    told = save(admin_client, desk, lead="Something else.", follow=True)

    assert "no longer says “reviewed”" in told.text
    assert "Reviewed by" not in client.get(ARTICLE).text


# ---- preview ----


def test_a_preview_shows_the_draft_to_whoever_has_the_link_until_it_changes(client, article):
    Article.objects.update(stage="draft")
    address = f"/articles/preview/{article.preview_token}/"

    page = client.get(address)

    assert "Preview." in page.text
    assert "Cupping for back pain" in page.text
    assert "no-store" in page["Cache-Control"]
    assert 'content="noindex"' in page.text
    assert client.get(ARTICLE).status_code == 404
    Article.objects.update(updated_at=timezone.now())
    assert client.get(address).status_code == 404


def test_a_preview_ends_after_some_days(client, article):
    address = f"/articles/preview/{article.preview_token}/"
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        ended = client.get(address)

    assert ended.status_code == 404
    assert "This preview has ended" in ended.text
    assert "612-605-7594" in ended.text


@pytest.mark.parametrize("token", ["x", "a:b:c", "WzEsMl0:1vN:x" * 20])
def test_a_made_up_preview_shows_nothing(loaded, client, token):
    assert client.get(f"/articles/preview/{token}/").status_code == 404


# ---- addresses that moved ----


def test_an_old_address_leads_to_the_new_one_in_one_step_with_its_query(client, article):
    for slug in ("second", "third"):
        Article.objects.filter(pk=article.pk).update(slug=slug)  # a bulk change, past the admin

    for old in ("cupping-for-back-pain", "second"):
        answer = client.get(f"/articles/{old}/?utm_source=x&a=b")
        assert (answer.status_code, answer["Location"]) == (301, "/articles/third/?utm_source=x&a=b")
    Article.objects.filter(pk=article.pk).update(slug="cupping-for-back-pain")
    assert client.get(ARTICLE).status_code == 200
    assert set(OldSlug.objects.values_list("slug", flat=True)) == {"second", "third"}


def test_an_old_address_of_a_hidden_page_leads_nowhere(client, article):
    Article.objects.filter(pk=article.pk).update(slug="second", stage="draft")

    assert client.get(ARTICLE).status_code == 404


# ---- what keeps a page from being published ----


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ('<p><a href="https://example.com"></a></p>', "has a link without words, to https://example.com."),
        ('<p><a href="www.example.org">x</a></p>', "links to www.example.org; write the whole address"),
        ('<p><a href="/nowhere/">there</a></p>', "links to /nowhere/, but there is no such page."),
        ('<p><a href="/articles/gone/#x">there</a></p>', "links to /articles/gone/#x, but there is no such page."),
        ('<p><a href="/therapists/nobody/">there</a></p>', "links to /therapists/nobody/, but there is no such page."),
    ],
)
def test_links_that_help_nobody_are_named(article, html, reason):
    article.sections.filter(anchor="strains").update(body=html)

    assert any(reason in str(one) for one in find_faults(article))


def test_links_that_lead_somewhere_are_left_alone(article):
    html = '<p><a href="/faq/#q-lost">a</a> <a href="/book/?therapist=x">b</a> <a href="tel:+1612">c</a></p>'
    article.sections.filter(anchor="strains").update(body=html)

    assert find_faults(article) == []


# ---- writing help ----


def test_the_grade_is_that_of_the_published_formula():
    text = "The cat sat on the mat. The dog ran to the park."  # 12 words, 2 sentences, 12 syllables

    assert readability.grade(text) == pytest.approx(0.39 * 6 + 11.8 * 1 - 15.59)
    assert readability.grade("") == 0


@pytest.mark.parametrize(
    ("word", "count"), [("cat", 1), ("table", 2), ("muscle", 2), ("therapist", 3), ("make", 1), ("evidence", 3)]
)
def test_syllables_are_counted_about_right(word, count):
    assert readability.syllables(word) == count


def test_bare_percentages_and_colors_of_skin_are_pointed_out():
    hints = readability.hints("About 30 % felt better, and the skin turned Red.")

    assert [hint.split(":")[0] for hint in hints] == ["“30 %”", "“red”"]


def test_what_ships_reads_at_grade_eight_or_lower(admin_client, article):
    page = admin_client.get(form_of(article)).text

    assert float(re.search(r"reading grade ([\d.]+)", page)[1]) <= 8


def test_dates_survive_a_revision(article):
    article.next_review_on = date(2027, 5, 24)
    article.save()
    kept = revisions.save_revision(article, by=None)
    Article.objects.update(next_review_on=None)

    assert revisions.restore(kept, by=None).next_review_on is None  # it is no part of the text
    assert kept.content["next_review_on"] == "2027-05-24"


# ---- the clinic's facts ----


def test_a_fact_of_the_clinic_is_edited_once_and_read_everywhere(article, client):
    article.sections.filter(anchor="strains").update(body="<p>Sprained? Call {phone}, ask {clinic}.</p>")
    Clinic.objects.update(phone="612-555-0100", name="A & B")

    assert "Sprained? Call 612-555-0100, ask A &amp; B." in client.get(ARTICLE).text
    faq = client.get("/faq/").text
    assert "612-555-0100" in faq.split("<main")[1].split("<footer")[0]
    assert "{phone}" not in faq
    assert "612-605-7594" not in faq
    found = client.get("/search/", {"q": "sprained"}).text
    assert "612-555-0100" in found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{address}", "asks for {address}, which is not set yet."),
        ("{fax}", "asks for {fax}, which is no fact we know."),
    ],
)
def test_a_fact_that_is_not_known_keeps_a_page_from_being_published(article, text, reason):
    Clinic.objects.update(address_line="", city="", state="", postal_code="")
    article.sections.filter(anchor="strains").update(body=f"<p>{text}</p>")

    assert any(reason in str(one) for one in find_faults(article))


def test_a_hostile_fact_stays_words(article, client):
    article.sections.filter(anchor="strains").update(body="<p>{clinic}</p>")
    Clinic.objects.update(name="<script>alert(1)</script>")

    assert "<script>alert" not in client.get(ARTICLE).text


# ---- who may do what ----


@pytest.fixture
def as_a(client, django_user_model):
    """A client signed in with one role."""

    def sign_in(role):
        user, _ = django_user_model.objects.get_or_create(username=role, is_staff=True)
        user.groups.set([Group.objects.get(name=role)])
        client.force_login(user)
        return client

    return sign_in


def test_an_editor_neither_reviews_nor_publishes_whatever_is_posted(as_a, desk, article):
    Article.objects.update(stage="in-review", published_at=None)
    reviewer = Therapist.objects.get(slug="peter-stanley")
    forged = {"stage": "published", "published_at": "2026-01-01T00:00", "reviewer": reviewer.pk}

    save(as_a("Editor"), desk, **forged, reviewed_on="2026-11-20", _step="publish")

    article.refresh_from_db()
    assert (article.stage, article.published_at, article.reviewer) == ("in-review", None, None)


@pytest.mark.parametrize(
    ("role", "stage", "offered"),
    [
        ("Editor", "draft", {"review"}),
        ("Editor", "in-review", {"draft"}),
        ("Editor", "published", set()),
        ("Reviewer", "in-review", {"draft", "sign"}),
        ("Reviewer", "published", {"sign"}),
        ("Owner", "draft", {"review"}),
        ("Owner", "in-review", {"draft", "sign", "publish"}),
        ("Owner", "published", {"sign", "withdraw"}),
    ],
)
def test_each_role_is_offered_its_steps(as_a, desk, article, role, stage, offered, django_user_model):
    Article.objects.update(stage=stage)
    client = as_a(role)
    Therapist.objects.filter(slug="peter-stanley").update(account=django_user_model.objects.get(username=role))

    assert set(re.findall(r'name="_step" value="([a-z]+)"', client.get(desk).text)) == offered


def test_a_step_somebody_took_before_is_not_taken_again(as_a, desk, article):
    Article.objects.update(stage="in-review")
    page = as_a("Editor").get(desk).text
    Article.objects.update(stage="published")

    save(as_a("Editor"), desk, page=page, _step="draft")

    article.refresh_from_db()
    assert article.stage == "published"


def test_publishing_that_is_refused_keeps_the_text_and_marks_the_field(as_a, desk, article):
    Article.objects.update(stage="in-review")
    article.sections.filter(anchor="strains").update(body="<p>See [@nobody-1999].</p>")

    page = save(as_a("Owner"), desk, follow=True, lead="Another lead.", _step="publish").text

    article.refresh_from_db()
    assert (article.stage, article.lead) == ("in-review", "Another lead.")
    at = page.rindex("cites [@nobody-1999], but no reference has that key.")  # the first stands at the top
    assert page.rfind('id="sections-', 0, at) > page.rfind('id="sections-group"', 0, at)


def test_a_moment_to_come_publishes_then_and_a_moment_to_end_ends(as_a, desk, article, client):
    Article.objects.update(stage="in-review", published_at=None)
    now = timezone.localtime(timezone.now(), Clinic.objects.current().zone)
    starts, ends = now + timedelta(hours=2), now + timedelta(hours=4)
    moments = {"published_at": f"{starts:%Y-%m-%dT%H:%M}", "expires_at": f"{ends:%Y-%m-%dT%H:%M}"}

    save(as_a("Owner"), desk, **moments, _step="publish")
    client.logout()

    seen = []
    for hours in (1, 3, 5):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            seen.append([client.get(ARTICLE).status_code, "/cupping" in client.get("/sitemap.xml").text])
    assert seen == [[404, False], [200, True], [404, False]]


def test_an_owner_deletes_an_article_with_its_parts(as_a, desk, article):
    assert as_a("Editor").post(desk.replace("change", "delete"), {"post": "yes"}).status_code == 403

    as_a("Owner").post(desk.replace("change", "delete"), {"post": "yes"})

    assert not Article.objects.filter(pk=article.pk).exists()


# ---- the lists of questions and references ----


def test_what_belongs_to_an_article_is_edited_there(as_a, article):
    question, reference = article.questions.first(), article.references.first()
    client = as_a("Owner")

    for model, row in (("question", question), ("reference", reference)):
        address = f"/admin/articles/{model}/{row.pk}/change/"
        assert 'name="_save"' not in client.get(address).text
        assert client.post(address, {"answer": "x", "finding": "x"}).status_code == 403
        assert client.post(address.replace("change", "delete"), {"post": "yes"}).status_code == 403
        in_article = f'href="/admin/articles/article/{article.pk}/change/#{model}s-group"'
        assert in_article in client.get(f"/admin/articles/{model}/").text


def test_a_question_about_the_clinic_is_refused_at_the_field_before_it_is_public(as_a, loaded, client):
    typed = {"topic": "Visits", "order": "9", "question": "Why?", "anchor": "q-why", "label": "low", "answer": "x"}

    page = as_a("Editor").post("/admin/articles/question/add/", typed).text
    assert "The answer is labeled as studied, but cites no reference." in page

    as_a("Editor").post("/admin/articles/question/add/", typed | {"label": "", "answer": "<h1>Call</h1><p>{fax}</p>"})
    assert "Why?" not in client.get("/faq/").text

    as_a("Editor").post("/admin/articles/question/add/", typed | {"label": "", "answer": "<p>Call {phone}.</p>"})
    assert "Call 612-605-7594." in client.get("/faq/").text


# ---- few queries ----


@pytest.mark.parametrize("sections", [0, 30])
def test_every_page_of_articles_asks_little_however_long_they_are(
    as_a, desk, article, sections, django_assert_max_num_queries
):
    Section.objects.bulk_create(
        Section(article=article, order=50 + n, heading=f"More {n}", anchor=f"more-{n}", body="<p>x</p>")
        for n in range(sections)
    )
    revisions.save_revision(article, by=None)
    pages = [
        *(f"article/{article.pk}/{view}" for view in ("change/", "change/?check", "history/", "revisions/", "delete/")),
        *(f"article/{article.pk}/revisions/1/", "article/", "article/add/", "article/?q=cupping"),
        *("question/", "question/add/", f"question/{article.questions.first().pk}/change/"),
        *("reference/", f"reference/{article.references.first().pk}/change/", "topic/", "topic/add/"),
    ]
    client = as_a("Owner")
    client.get(desk)  # that somebody is there is written once a minute
    for page in pages:
        with django_assert_max_num_queries(12):
            assert client.get(f"/admin/articles/{page}").status_code == 200, page
