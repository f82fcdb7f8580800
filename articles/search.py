"""Search over articles and questions: PostgreSQL full text, with trigrams to correct mistyped words.

A hit is an article, one of its sections, or a question. Only public texts are searched, and corrections use
only their words. Editors say which words show the urgent-help or a caution block, which then stands first.

Alternatives weighed on 2026-11-24: a search server, one more thing that can fail; stored search vectors, which gain
nothing below thousands of pages. The words to correct by are a table, which a trigger renews (`Word`), because
collecting them at each search took longer with each article and each typed word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, SearchVector
from django.db import connection
from django.db.models import Expression, Func, TextField, Value
from django.db.models.functions import Concat, Left
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from articles.models import Article, Question, Section, SectionKind
from articles.rich_text import MAX_LENGTH, fill
from booking.models import Caution, Clinic, UrgentHelp
from revival.base.django_types import Rows

MAX_QUERY_LENGTH = 100  # characters
MAX_WORDS = 12
"""Words of a query that are searched for; the page says so when there are more."""
MAX_MENDED = 6
"""Words of a query that are looked up to correct them."""
MAX_HITS = 20
MIN_SIMILARITY = 0.25  # trigram similarity a word of ours needs to replace a mistyped one
START, STOP = "\ue000", "\ue001"  # private-use characters: nobody types them, and escaping leaves them alone
CONFIG = "english"
MAX_SENTENCES = 2
TOKEN = re.compile(r"\{[^{}]*\}")  # such as {phone}; a mark inside would keep it from being filled in
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
    corrected_query: str
    """The query that was searched instead of the one typed; empty if it was not corrected."""
    words_searched: int
    """How many of the typed words were searched for, if not all; else 0."""
    urgent_help: UrgentHelp | None
    cautions: list[Caution]


def search(query: str) -> Results:
    """Hits for a query, best first, with the safety information that its words call for.

    Without hits, the query is searched again with mistyped words corrected. Only the first MAX_WORDS are searched for;
    the safety information heeds them all.
    """
    words = query.split()
    searched = " ".join(words[:MAX_WORDS])
    now, clinic = timezone.now(), Clinic.objects.current_if_any()
    clinic_facts = clinic.facts if clinic else {}
    hits, corrected_query, all_words = _hits(searched, now, clinic_facts), "", query
    if not hits and (guess := _correct_spelling(searched, now)) != searched:
        hits, all_words = _hits(guess, now, clinic_facts), f"{query} {guess}"
        corrected_query = guess if hits else ""
    return Results(
        hits=hits,
        corrected_query=corrected_query,
        words_searched=MAX_WORDS if len(words) > MAX_WORDS else 0,
        urgent_help=UrgentHelp.objects.called_by(all_words).first(),
        cautions=list(Caution.objects.called_by(all_words)),
    )


def _hits(text: str, now: datetime, clinic_facts: Mapping[str, str]) -> list[Hit]:
    query = SearchQuery(text, config=CONFIG, search_type="websearch")
    hits = [*_articles(query, now), *_sections(query, now, clinic_facts), *_questions(query, now, clinic_facts)]
    return sorted(hits, key=lambda hit: -hit.rank)[:MAX_HITS]


def _plain(field: str) -> Func:
    """SQL expression: rich text without tags and citations, each paragraph or item on a line of its own."""
    bounded = Left(field, MAX_LENGTH)  # PostgreSQL takes no more than a megabyte of words
    lines = Func(bounded, Value("</(p|li|div)>"), Value("\n"), Value("g"), function="regexp_replace")
    untagged = Func(lines, Value("<[^>]*>"), Value(" "), Value("g"), function="regexp_replace")
    return Func(
        untagged, Value(r"\[@[a-z0-9-]+\]"), Value(""), Value("g"), function="regexp_replace", output_field=TextField()
    )


def _ranked(rows: Rows, query: SearchQuery, text: Expression, vector: Expression) -> Rows:
    """The best rows that match, annotated with `rank` and an `excerpt` with marks."""
    excerpt = SearchHeadline(text, query, config=CONFIG, start_sel=START, stop_sel=STOP, highlight_all=True)
    rows = rows.annotate(vector=vector, rank=SearchRank(vector, query), excerpt=excerpt).filter(vector=query)
    return rows.order_by("-rank", *rows.model._meta.ordering)[:MAX_HITS]


def _articles(query: SearchQuery, now: datetime) -> list[Hit]:
    text = Concat(Left("lead", MAX_LENGTH), Value(" "), Left("in_short", MAX_LENGTH), output_field=TextField())
    vector = SearchVector("title", "subtitle", weight="A", config=CONFIG) + SearchVector(
        "description", text, weight="B", config=CONFIG
    )
    rows = _ranked(Article.objects.published(now), query, text, vector)
    return [Hit(row.full_title, "Article", row.get_absolute_url(), _marked(row.excerpt, {}), row.rank) for row in rows]


def _sections(query: SearchQuery, now: datetime, clinic_facts: Mapping[str, str]) -> list[Hit]:
    vector = SearchVector("heading", weight="A", config=CONFIG) + SearchVector(
        _plain("body"), weight="C", config=CONFIG
    )
    public = Section.objects.filter(article__in=Article.objects.published(now), kind=SectionKind.TEXT)
    rows = _ranked(public.select_related("article"), query, _plain("body"), vector)
    return [
        Hit(
            row.heading,
            row.article.title,
            f"{row.article.get_absolute_url()}#{row.anchor}",
            _marked(row.excerpt, clinic_facts),
            row.rank,
        )
        for row in rows
    ]


def _questions(query: SearchQuery, now: datetime, clinic_facts: Mapping[str, str]) -> list[Hit]:
    vector = SearchVector("question", weight="A", config=CONFIG) + SearchVector(
        _plain("answer"), weight="B", config=CONFIG
    )
    rows = _ranked(Question.objects.public(now), query, _plain("answer"), vector)
    return [
        Hit(row.question, "Question", row.get_absolute_url(), _marked(row.excerpt, clinic_facts), row.rank)
        for row in rows
    ]


def _marked(text: str, clinic_facts: Mapping[str, str]) -> SafeString:
    """HTML of the first two sentences with a match, the matches in <mark>.

    Always whole sentences, because a part may say the opposite ("who should … have it").
    """
    sentences = [sentence.strip() for sentence in SENTENCE_END.split(text) if sentence.strip()]
    matching = [sentence for sentence in sentences if START in sentence] or sentences
    plain = " ".join(re.sub(r"\s+", " ", sentence) for sentence in matching[:MAX_SENTENCES])
    plain = TOKEN.sub(lambda token: token[0].replace(START, "").replace(STOP, ""), plain)
    html = fill(escape(unescape(plain)), clinic_facts)
    return mark_safe(html.replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S308 - escaped one line above


# ---- mistyped words -------------------------------------------------------------------------

# A word stays when a public text has it in any form. Else the most similar word takes its place; of equally similar
# ones, the one in most texts. `%%` finds similar words by the index; how similar they must be is a setting, which this
# statement sets for itself alone.
CLOSEST = """
WITH setting AS MATERIALIZED (SELECT set_config('pg_trgm.similarity_threshold', %(similarity)s::text, true)),
typed AS (SELECT * FROM unnest(%(words)s::text[]) WITH ORDINALITY AS one (word, nth))
SELECT coalesce(
    CASE WHEN numnode(meant) = 0 OR EXISTS (
        SELECT FROM articles_word WHERE stem = meant::text
        AND (public_from IS NULL OR public_from <= %(now)s) AND (public_until IS NULL OR public_until > %(now)s)
    ) THEN typed.word END,
    (
        SELECT ours.word FROM articles_word AS ours WHERE ours.word %% typed.word
        AND (public_from IS NULL OR public_from <= %(now)s) AND (public_until IS NULL OR public_until > %(now)s)
        ORDER BY similarity(ours.word, typed.word) DESC, texts DESC, ours.word LIMIT 1
    ),
    typed.word
) FROM setting, typed, plainto_tsquery('english', typed.word) AS meant ORDER BY nth
"""


def _correct_spelling(query: str, now: datetime) -> str:
    """The query with words that no public text uses, up to MAX_MENDED, replaced by the most similar that one does."""
    words = re.findall(r"[^\W_]+", query.lower())
    if not words:
        return query
    with connection.cursor() as cursor:
        cursor.execute(
            CLOSEST,
            {"words": words[:MAX_MENDED], "similarity": MIN_SIMILARITY, "now": now},
        )
        closest = [word for (word,) in cursor.fetchall()] + words[MAX_MENDED:]
    return query if closest == words else " ".join(closest)
