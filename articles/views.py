"""Pages for readers: the same for everyone, so they can be kept (no form, no token, no free times)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from articles.models import MEANING, Article, Evidence, Question, Reference, Section, SectionKind
from articles.rich_text import Citations
from articles.search import LONGEST_QUERY, search
from booking.models import Clinic, UrgentHelp


@dataclass
class Part:
    """A level-2 section with the level-3 sections under it, their text ready to show."""

    section: Section
    html: SafeString
    safety_note: SafeString
    questions: list[tuple[Question, SafeString]]
    ideas: list[tuple[Section, SafeString]] = field(default_factory=list)


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    articles = Article.objects.published().select_related("author")
    return render(request, "articles/list.html", {"articles": articles, "section": "articles"})


@require_safe
def article_detail(request: HttpRequest, slug: str) -> HttpResponse:
    articles = Article.objects.published().select_related("author", "book_with", "reviewer")
    article = get_object_or_404(articles.prefetch_related("sections", "questions", "references", "cautions"), slug=slug)
    citations = Citations({reference.key: reference for reference in article.references.all()})
    parts = _parts(article, citations)
    context = {
        "article": article,
        "parts": parts,
        "cautions": article.cautions.all(),
        "urgent_help": UrgentHelp.objects.current(),
        "references": _references(citations),
        "labels": _labels_used(article),
        "is_due": article.is_due_for_review(_today()),
        "section": "articles",
    }
    return render(request, "articles/detail.html", context)


def _today() -> date:
    return timezone.now().astimezone(Clinic.objects.current().zone).date()


def _safe(html: str) -> SafeString:
    return mark_safe(html)


def _parts(article: Article, citations: Citations) -> list[Part]:
    """Linked in the order of the page, so that references are numbered as they are met."""
    parts: list[Part] = []
    for section in article.sections.all():
        html = _safe(citations.link(section.body))
        if section.level != 2 and parts:
            parts[-1].ideas.append((section, html))
            continue
        is_safety, asks = section.kind == SectionKind.SAFETY, section.kind == SectionKind.QUESTIONS
        note = _safe(citations.link(article.safety_note)) if is_safety else _safe("")
        questions = _answers(article.questions.all(), citations) if asks else []
        parts.append(Part(section, html, note, questions))
    return parts


def _answers(questions: Iterable[Question], citations: Citations) -> list[tuple[Question, SafeString]]:
    return [(one, _safe(citations.link(one.answer))) for one in questions]


def _references(citations: Citations) -> list[tuple[Reference, list[str]]]:
    return [(citations.known[key], places) for key, places in citations.uses.items()]


def _labels_used(article: Article) -> list[tuple[Evidence, str]]:
    used = {one.label for one in article.sections.all()} | {one.label for one in article.questions.all()}
    return [(label, MEANING[label]) for label in Evidence if label in used]


@require_safe
def faq(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    published = Article.objects.published(now)
    questions = Question.objects.public(now)
    topics = [
        (topic, _answers(entries, Citations({}))) for topic, entries in groupby(questions, key=lambda one: one.topic)
    ]
    context = {
        "topics": topics,
        "articles": published,
        "urgent_help": UrgentHelp.objects.current(),
        "section": "faq",
    }
    return render(request, "articles/faq.html", context)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    query = " ".join(request.GET.get("q", "").split())
    is_too_long = len(query) > LONGEST_QUERY
    context = {
        "query": query[:LONGEST_QUERY],
        "is_too_long": is_too_long,
        "results": search(query) if query and not is_too_long else None,
        "section": "search",
    }
    return render(request, "articles/search.html", context, status=422 if is_too_long else 200)
