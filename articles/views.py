"""Pages for readers. All but `clear` are the same for everyone, so they hold no form and can be cached."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from articles.forms import ClearForm
from articles.models import (
    EVIDENCE_MEANING,
    PREVIEW_DAYS,
    Article,
    ArticleQuerySet,
    Evidence,
    Feedback,
    Question,
    Section,
    SectionKind,
    Topic,
)
from articles.readability import plain_text
from articles.rich_text import Citations
from articles.search import MAX_QUERY_LENGTH, search
from articles.structured_data import article_graph, breadcrumbs_node, faq_node, graph
from booking import actions
from booking.models import Clinic, UrgentHelp
from revival.base.network import visitors_network
from revival.base.passed_on_query import passed_on_query

MAX_RELATED = 3
WORDS_PER_MINUTE = 200  # slow, since worried people read slowly


@dataclass
class PagePart:
    """A level-2 section with the level-3 sections below it (`ideas`), all with their HTML."""

    section: Section
    html: SafeString
    safety_note: SafeString
    questions: list[tuple[Question, SafeString]]
    ideas: list[tuple[Section, SafeString]] = field(default_factory=list)


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    published = Article.objects.published()
    context = {
        "articles": published.select_related("author"),
        "topics": Topic.objects.filter(articles__in=published)
        .distinct()
        .prefetch_related(Prefetch("articles", queryset=published, to_attr="public")),
        "data": graph(breadcrumbs_node(("Articles", request.path))),
        "section": "articles",
    }
    return render(request, "articles/list.html", context)


@require_safe
def article_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Page of a published article; a former slug redirects to the present one with a 301."""
    article = _with_parts(Article.objects.published()).filter(slug=slug).first()
    if article is not None:
        return _article_page(request, article)
    moved = get_object_or_404(Article.objects.published(), old_slugs__slug=slug)
    return redirect(moved.get_absolute_url() + passed_on_query(request), permanent=True)


@never_cache
@require_safe
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """Page of an article that need not be published, for people without an account who have the link."""
    article = _with_parts(Article.objects.previewed(token)).first()
    if article is None:
        return render(request, "articles/preview_over.html", {"days": PREVIEW_DAYS}, status=404)
    return _article_page(request, article, is_preview=True)


def _with_parts(articles: ArticleQuerySet) -> ArticleQuerySet:
    """Fetch all rows that the page shows, in a fixed number of queries."""
    images = (
        *("image__renditions", "sections__image__renditions"),
        *("author__portrait__renditions", "book_with__portrait__renditions"),
    )
    return articles.select_related("author__portrait", "book_with__portrait", "reviewer", "image").prefetch_related(
        "sections", "questions", "references", "cautions", *images
    )


def _article_page(request: HttpRequest, article: Article, *, is_preview: bool = False) -> HttpResponse:
    clinic = Clinic.objects.current()
    by_key = {reference.key: reference for reference in article.references.all()}
    citations = Citations(by_key, clinic.facts)
    parts = _parts(article, citations)  # before `uses` is read: it fills them
    references = [(by_key[key], places) for key, places in citations.uses.items()]
    data = article_graph(article, clinic=clinic, cited=[reference for reference, _ in references])
    context = {
        "article": article,
        "parts": parts,
        "cautions": article.cautions.all(),
        "urgent_help": UrgentHelp.objects.current(),
        "references": references,
        "labels": _labels_used(article),
        "is_due": article.is_due_for_review(timezone.now().astimezone(clinic.zone).date()),
        "minutes": _minutes_to_read(article),
        "topics": article.topics.all(),
        "related": Article.objects.published().related_to(article)[:MAX_RELATED],
        "data": "" if is_preview else data,
        "is_preview": is_preview,
        "section": "articles",
    }
    return render(request, "articles/detail.html", context)


def _minutes_to_read(article: Article) -> int:
    texts = [article.lead, article.in_short, *(section.body for section in article.sections.all())]
    texts += [question.answer for question in article.questions.all()]
    words = sum(len(plain_text(text).split()) for text in texts)
    return max(1, round(words / WORDS_PER_MINUTE))


def _today() -> date:
    return timezone.now().astimezone(Clinic.objects.current().zone).date()


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308 - cleaned by Citations.link


def _parts(article: Article, citations: Citations) -> list[PagePart]:
    """Parts in the order of the page, which numbers the references in the order they are cited."""
    parts: list[PagePart] = []
    for section in article.sections.all():
        html = _safe(citations.link(section.body))
        if section.level != 2 and parts:
            parts[-1].ideas.append((section, html))
            continue
        note = _safe(citations.link(article.safety_note) if section.kind == SectionKind.SAFETY else "")
        questions = article.questions.all() if section.kind == SectionKind.QUESTIONS else ()
        parts.append(PagePart(section, html, note, _with_answers(questions, citations)))
    return parts


def _with_answers(questions: Iterable[Question], citations: Citations) -> list[tuple[Question, SafeString]]:
    return [(question, _safe(citations.link(question.answer))) for question in questions]


def _labels_used(article: Article) -> list[tuple[Evidence, str]]:
    """Evidence labels on the page, each with its meaning."""
    used = {section.label for section in article.sections.all()}
    used |= {question.label for question in article.questions.all()}
    return [(label, EVIDENCE_MEANING[label]) for label in Evidence if label in used]


@require_safe
def faq(request: HttpRequest) -> HttpResponse:
    now, clinic = timezone.now(), Clinic.objects.current_if_any()
    clinic_facts = clinic.facts if clinic else {}
    published = Article.objects.published(now)
    questions = list(Question.objects.public(now))
    topics = [
        (topic, _with_answers(group, Citations((), clinic_facts)))
        for topic, group in groupby(questions, key=lambda question: question.topic)
    ]
    context = {
        "topics": topics,
        "articles": published,
        "urgent_help": UrgentHelp.objects.current(),
        "data": graph(faq_node(request.path, questions, clinic_facts), breadcrumbs_node(("Questions", request.path))),
        "section": "faq",
    }
    return render(request, "articles/faq.html", context)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    query = " ".join(request.GET.get("q", "").split())
    is_too_long = len(query) > MAX_QUERY_LENGTH
    context = {
        "query": query[:MAX_QUERY_LENGTH],
        "is_too_long": is_too_long,
        "results": search(query) if query and not is_too_long else None,
        "section": "search",
    }
    return render(request, "articles/search.html", context, status=422 if is_too_long else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def clear(request: HttpRequest, slug: str) -> HttpResponse:
    """Feedback form "Was this clear?", on a page of its own (see `articles.forms`)."""
    article = get_object_or_404(Article.objects.published(), slug=slug)
    form = ClearForm(article, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with suppress(actions.TooManyError):
            actions.count_feedback(network=visitors_network(request))
            Feedback.objects.create(article=article, given_on=_today(), **form.cleaned_data)
        return redirect("articles:thanks", slug=slug)
    context = {"article": article, "form": form, "section": "articles"}
    return render(request, "articles/clear.html", context, status=422 if form.errors else 200)


@require_safe
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    article = get_object_or_404(Article.objects.published(), slug=slug)
    return render(request, "articles/thanks.html", {"article": article, "section": "articles"})
