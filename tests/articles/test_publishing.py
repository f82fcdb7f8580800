import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from articles.models import Article, Question, Section, Stage
from articles.publishing import NotReadyError, find_faults, is_reserved_anchor, publish


def test_what_ships_is_fit_to_publish(article):
    assert find_faults(article) == []


def test_an_unknown_key_a_studied_claim_without_source_and_a_lost_part_are_named(article):
    article.sections.filter(anchor="muscles").update(body="<p>No source [@nobody-1999]</p>")
    article.sections.filter(anchor="sports").update(body="<p>No source</p>")

    reasons = " ".join(map(str, find_faults(article)))

    assert "“Looser muscles” cites [@nobody-1999]" in reasons
    assert "“Sports injuries” is labeled as studied, but cites no reference" in reasons
    with pytest.raises(NotReadyError):
        publish(article)


def test_an_anchor_that_would_stand_twice_is_named(article):
    article.sections.filter(anchor="strains").update(anchor="references")
    article.sections.filter(anchor="posture").update(anchor="q-often")
    article.sections.filter(anchor="sports").update(anchor="ref-swain-2020")

    reasons = " ".join(map(str, find_faults(article)))

    assert "“Strains and sprains” has the anchor “references”, which the page itself uses" in reasons
    assert "The anchor “q-often” is used twice" in reasons
    assert "“Sports injuries” has the anchor “ref-swain-2020”, which the page itself uses" in reasons


def test_a_link_inside_the_page_that_leads_nowhere_is_named(article):
    article.sections.filter(anchor="work").update(anchor="does-it-work")
    article.questions.filter(anchor="q-hurt").update(answer='<p><a href="#risks">More</a></p>')

    reasons = " ".join(map(str, find_faults(article)))

    assert "“Back or neck pain that lasts” links to #work, but nothing on the page has that anchor" in reasons
    assert "links to #risks; write the whole address, since the answer is also shown among all questions" in reasons


def test_the_anchors_that_the_page_itself_uses_are_all_known(article, html):
    own = {one.anchor for one in [*article.sections.all(), *article.questions.all()]}

    assert {
        name for name in re.findall(r'\bid="([^"]+)"', html) if name not in own and not is_reserved_anchor(name)
    } == set()


def test_only_published_articles_are_seen(article, client):
    now = timezone.now()
    for hidden in (
        {"stage": Stage.DRAFT},
        {"stage": Stage.IN_REVIEW},
        {"stage": Stage.PUBLISHED, "published_at": now + timedelta(hours=1)},
        {"stage": Stage.PUBLISHED, "expires_at": now - timedelta(hours=1), "published_at": now - timedelta(days=2)},
    ):
        Article.objects.filter(pk=article.pk).update(**hidden)
        assert client.get(article.get_absolute_url()).status_code == 404
        for path in ("/", "/articles/", "/faq/", "/therapists/peter-stanley/"):
            html = client.get(path).text
            assert article.get_absolute_url() not in html
            assert "How often can I have cupping?" not in html


def refused_by(constraint, write):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert caught.value.__cause__.diag.constraint_name == constraint


def test_the_database_refuses_what_makes_no_sense(article):
    row, section = Article.objects.filter(pk=article.pk), article.sections.filter(anchor="what")
    now = timezone.now()
    cases = [
        ("articles_article_stage_is_known", lambda: row.update(stage="perhaps")),
        ("articles_article_published_says_when", lambda: row.update(published_at=None)),
        ("articles_article_expires_after_it_appears", lambda: row.update(expires_at=article.published_at)),
        ("articles_article_review_names_the_reviewer", lambda: row.update(reviewed_on=now.date())),
        ("articles_section_level_is_two_or_three", lambda: section.update(level=4)),
        ("articles_section_label_is_known", lambda: section.update(label="proven")),
        ("articles_section_kind_is_known", lambda: section.update(kind="advert")),
        ("articles_section_anchor_is_its_own", lambda: section.update(anchor="history")),
        ("articles_question_label_is_known", lambda: Question.objects.update(label="proven")),
        (
            "articles_reference_key_is_its_own",
            lambda: article.references.filter(key="xu-2025").update(key="wood-2020"),
        ),
    ]
    for constraint, write in cases:
        refused_by(constraint, write)


def test_a_review_is_shown_only_when_it_is_true_and_overdue_says_so(article, client):
    today = timezone.now().date()
    Article.objects.filter(pk=article.pk).update(
        reviewer=article.book_with, reviewed_on=today, next_review_on=today - timedelta(days=40)
    )

    html = client.get(article.get_absolute_url()).text

    assert "Reviewed by Dr. Peter Stanley" in html
    assert "Due for review since" in html


def test_section_needs_its_article(article):
    assert str(Section.objects.get(anchor="what")) == "What cupping is"
