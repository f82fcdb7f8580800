"""Search over articles and questions: PostgreSQL full text, and trigrams for what was mistyped.

A hit is a place on a page: the article itself, one of its sections, or a question. Only what is
published now is searched, and only its words are used to mend a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, SearchVector
from django.db import connection
from django.db.models import Func, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from articles.models import Article, Question, Section, SectionKind
from articles.rich_text import fill
from booking.models import Caution, Clinic, UrgentHelp

LONGEST_QUERY = 100  # characters
MOST_HITS = 20
LEAST_ALIKE = 0.25  # trigram similarity from which a word of ours is taken for the one meant
START, STOP = "\ue000", "\ue001"  # private characters: nobody types them, and they are no markup
CONFIG = "english"
MOST_SENTENCES = 2
TOKEN = re.compile(r"\{[^{}]*\}")  # such as {phone}: a mark inside would keep the number out
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")


@dataclass(frozen=True)
class Hit:
    title: str
    place: str
    url: str
    excerpt: SafeString
    rank: float


@dataclass(frozen=True)
class Results:
    hits: list[Hit]
    mended: str
    """The query as it was searched in place of the one typed, else empty."""
    urgent_help: UrgentHelp | None
    cautions: list[Caution]


def search(typed: str) -> Results:
    """What answers `typed` best, safety first. An empty or unanswered query gives no hits."""
    now, clinic = timezone.now(), Clinic.objects.first()
    facts = clinic.facts if clinic else {}
    hits, mended, said = _hits(typed, now, facts), "", typed
    if not hits and (guess := _mend(typed)) != typed:
        hits, said = _hits(guess, now, facts), f"{typed} {guess}"
        mended = guess if hits else ""
    return Results(
        hits=hits,
        mended=mended,
        urgent_help=UrgentHelp.objects.called_by(said).first(),
        cautions=list(Caution.objects.called_by(said)),
    )


def _hits(typed: str, now: datetime, facts: Mapping[str, str]) -> list[Hit]:
    query = SearchQuery(typed, config=CONFIG, search_type="websearch")
    found = [*_articles(query, now), *_sections(query, now, facts), *_questions(query, now, facts)]
    return sorted(found, key=lambda hit: -hit.rank)[:MOST_HITS]


def _plain(field: str) -> Func:
    """Rich text without its tags and citation marks, each paragraph or item on a line of its own."""
    lines = Func(field, Value("</(p|li|div)>"), Value("\n"), Value("g"), function="regexp_replace")
    untagged = Func(lines, Value("<[^>]*>"), Value(" "), Value("g"), function="regexp_replace")
    return Func(
        untagged, Value(r"\[@[a-z0-9-]+\]"), Value(""), Value("g"), function="regexp_replace", output_field=TextField()
    )


def _ranked(rows: QuerySet[Any], query: SearchQuery, text: Any, vector: Any) -> QuerySet[Any]:
    excerpt = SearchHeadline(text, query, config=CONFIG, start_sel=START, stop_sel=STOP, highlight_all=True)
    return rows.annotate(vector=vector, rank=SearchRank(vector, query), excerpt=excerpt).filter(vector=query)


def _articles(query: SearchQuery, now: datetime) -> list[Hit]:
    text = Concat("lead", Value(" "), "in_short", output_field=TextField())
    vector = SearchVector("title", "subtitle", weight="A", config=CONFIG) + SearchVector(
        "description", "lead", "in_short", weight="B", config=CONFIG
    )
    rows = _ranked(Article.objects.published(now), query, text, vector)
    return [Hit(one.full_title, "Article", one.get_absolute_url(), _marked(one.excerpt), one.rank) for one in rows]


def _sections(query: SearchQuery, now: datetime, facts: Mapping[str, str]) -> list[Hit]:
    vector = SearchVector("heading", weight="A", config=CONFIG) + SearchVector(
        _plain("body"), weight="C", config=CONFIG
    )
    public = Section.objects.filter(article__in=Article.objects.published(now), kind=SectionKind.TEXT)
    rows = _ranked(public.select_related("article"), query, _plain("body"), vector)
    return [
        Hit(
            one.heading,
            one.article.title,
            f"{one.article.get_absolute_url()}#{one.anchor}",
            _marked(one.excerpt, facts),
            one.rank,
        )
        for one in rows
    ]


def _questions(query: SearchQuery, now: datetime, facts: Mapping[str, str]) -> list[Hit]:
    vector = SearchVector("question", weight="A", config=CONFIG) + SearchVector(
        _plain("answer"), weight="B", config=CONFIG
    )
    rows = _ranked(Question.objects.public(now), query, _plain("answer"), vector)
    return [
        Hit(one.question, "Question", one.get_absolute_url(), _marked(one.excerpt, facts), one.rank) for one in rows
    ]


def _marked(text: str, facts: Mapping[str, str] | None = None) -> SafeString:
    """The first sentences in which something was found, escaped and marked.

    Always whole sentences: a piece of one may say the opposite ("who should … have it").
    """
    sentences = [one.strip() for one in SENTENCE_END.split(text) if one.strip()]
    found = [one for one in sentences if START in one] or sentences
    plain = " ".join(re.sub(r"\s+", " ", one) for one in found[:MOST_SENTENCES])
    plain = TOKEN.sub(lambda token: token[0].replace(START, "").replace(STOP, ""), plain)
    # S308: escaped one call further in.
    return mark_safe(fill(escape(unescape(plain)), facts or {}).replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S308


# ---- mistyped words -------------------------------------------------------------------------

PUBLIC = "stage = ''published'' AND published_at <= now() AND (expires_at IS NULL OR expires_at > now())"
# S608: put together of the constants of this file; what was typed is a parameter.
VOCABULARY = f"""
SELECT word, ndoc FROM ts_stat('
    SELECT to_tsvector(''simple'', concat_ws('' '', title, subtitle, description, lead, in_short))
    FROM articles_article WHERE {PUBLIC}
    UNION ALL SELECT to_tsvector(''simple'', heading || '' '' || body) FROM articles_section
    WHERE article_id IN (SELECT id FROM articles_article WHERE {PUBLIC})
    UNION ALL SELECT to_tsvector(''simple'', question || '' '' || answer) FROM articles_question
    WHERE article_id IS NULL OR article_id IN (SELECT id FROM articles_article WHERE {PUBLIC})
    UNION ALL SELECT to_tsvector(''simple'', concat_ws('' '', call_911, call_doctor, search_words))
    FROM booking_urgenthelp
    UNION ALL SELECT to_tsvector(''simple'', concat_ws('' '', avoid, ask_first, search_words))
    FROM booking_caution
')
"""  # noqa: S608
CLOSEST = f"""
WITH vocabulary AS ({VOCABULARY}), typed AS (SELECT * FROM unnest(%s::text[]) WITH ORDINALITY AS one (word, nth))
SELECT typed.word, coalesce(
    CASE WHEN numnode(meant) = 0 OR EXISTS (
        SELECT FROM vocabulary WHERE plainto_tsquery('english', vocabulary.word) = meant
    ) THEN typed.word END,
    (SELECT vocabulary.word FROM vocabulary WHERE similarity(vocabulary.word, typed.word) >= %s
     ORDER BY similarity(vocabulary.word, typed.word) DESC, ndoc DESC, vocabulary.word LIMIT 1),
    typed.word
) FROM typed, plainto_tsquery('english', typed.word) AS meant ORDER BY nth
"""  # noqa: S608


def _mend(typed: str) -> str:
    """The query with each word nobody here uses replaced by the most similar one that is used."""
    words = re.findall(r"[^\W_]+", typed.lower())
    if not words:
        return typed
    with connection.cursor() as cursor:
        cursor.execute(CLOSEST, [words, LEAST_ALIKE])
        closest = [word for _, word in cursor.fetchall()]
    return typed if closest == words else " ".join(closest)
