"""Content report: due reviews, missing approvals, unknown citations and dead links on the public pages.

It only reads, except `check_outside_links`, which stores the results of the link checker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.urls import resolve, reverse
from django.utils import timezone

from articles.link_check import check_all
from articles.models import MAX_ADDRESS_LENGTH, Article, Outcome, OutsideLink, Question, Reference
from articles.publishing import article_anchors, is_reachable, is_reserved_anchor
from articles.reminders import articles_due, clinic_zone
from articles.rich_text import links_in, unknown_keys
from revival.base.words import date_words


@dataclass(frozen=True)
class ReportLine:
    """One thing to look at, with the URL of its form at the desk."""

    subject: str
    reason: str
    url: str
    is_dead: bool = False


@dataclass(frozen=True)
class ReportPart:
    title: str
    lines: list[ReportLine] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class PublicText:
    """A rich text that readers see: its place in words, and the URL of its form at the desk."""

    where: str
    html: str
    article: Article | None
    url: str

    @property
    def links(self) -> list[str]:
        return [link.address for link in links_in(self.html)]


def content_report(now: datetime) -> list[ReportPart]:
    with timezone.override(clinic_zone()):
        return _parts(now, timezone.localdate(now))


def _parts(now: datetime, day: date) -> list[ReportPart]:
    texts, references = list(public_texts(now)), list(_public_references(now))
    unlinked = [reference for reference in references if not reference.links]
    return [
        *_reviews(day),
        ReportPart("Never reviewed", [_line(row, "The page does not say “reviewed” yet.") for row in _unreviewed(now)]),
        ReportPart(
            "Questions awaiting approval", [_line(row, "The clinic has not approved it yet.") for row in _unapproved()]
        ),
        ReportPart("Unknown citations", list(_unknown_citations(texts))),
        ReportPart("References without a link", [_line(reference, _no_link(reference)) for reference in unlinked]),
        ReportPart("Dead links inside the site", list(_dead_inside_links(texts))),
        _outside_part(texts, references),
    ]


def has_dead_links(parts: Iterable[ReportPart]) -> bool:
    return any(line.is_dead for part in parts for line in part.lines)


# ---- texts and rows to check ----------------------------------------------------------------


def public_texts(now: datetime) -> Iterator[PublicText]:
    """Rich texts that readers can see at `now`."""
    for article in Article.objects.published(now).prefetch_related("sections"):
        url = _form_url(article)
        yield PublicText(f"The note under the safety cards of “{article}”", article.safety_note, article, url)
        for section in article.sections.all():
            yield PublicText(f"“{section.heading}” in “{article}”", section.body, article, url)
    for question in Question.objects.public(now).select_related("article"):
        yield PublicText(f"The question “{question}”", question.answer, question.article, _form_url(question))


def _public_references(now: datetime) -> QuerySet[Reference]:
    return Reference.objects.filter(article__in=Article.objects.published(now)).select_related("article")


def _unreviewed(now: datetime) -> QuerySet[Article]:
    return Article.objects.published(now).filter(reviewer__isnull=True)


def _unapproved() -> QuerySet[Question]:
    return Question.objects.filter(needs_approval=True)


def _form_url(row: models.Model) -> str:
    return reverse(f"admin:articles_{row._meta.model_name}_change", args=[row.pk])


def _line(row: models.Model, reason: str) -> ReportLine:
    return ReportLine(str(row), reason, _form_url(row))


def _no_link(reference: Reference) -> str:
    return f"In “{reference.article}”: no DOI and no PubMed or Bookshelf number."


# ---- reviews and citations ------------------------------------------------------------------


def _reviews(day: date) -> list[ReportPart]:
    due = [(article, article.next_review_on) for article in articles_due(day) if article.next_review_on]
    return [
        ReportPart("Review overdue", [_line(article, f"Since {date_words(on)}.") for article, on in due if on < day]),
        ReportPart(
            "Review due within 30 days", [_line(article, f"On {date_words(on)}.") for article, on in due if on >= day]
        ),
    ]


def _unknown_citations(texts: list[PublicText]) -> Iterator[ReportLine]:
    known = _keys_by_article({text.article.pk for text in texts if text.article})
    for text in texts:
        for key in unknown_keys([text.html], known.get(text.article.pk, set()) if text.article else ()):
            yield ReportLine(
                text.where, f"Cites [@{key}], but no reference has that key; readers see nothing there.", text.url
            )


def _keys_by_article(ids: set[int]) -> dict[int, set[str]]:
    keys: dict[int, set[str]] = {}
    for article, key in Reference.objects.filter(article__in=ids).values_list("article", "key"):
        keys.setdefault(article, set()).add(key)
    return keys


# ---- links ----------------------------------------------------------------------------------


def _is_ours(address: str) -> bool:
    return address.startswith(("/", "#", settings.SITE_URL + "/")) or address == settings.SITE_URL


def _dead_inside_links(texts: list[PublicText]) -> Iterator[ReportLine]:
    for text in texts:
        for address in filter(_is_ours, text.links):
            if not _opens(address.removeprefix(settings.SITE_URL) or "/", text):
                yield ReportLine(text.where, f"Links to {address}, which is not there.", text.url, is_dead=True)


def _opens(address: str, text: PublicText) -> bool:
    """Whether the page exists and, for an article or the FAQ, has the anchor of the address."""
    path, _, anchor = address.partition("#")
    if not path:
        return _has_anchor(text.article, anchor)
    if not is_reachable(path):
        return False
    page = resolve(path.partition("?")[0])
    if page.view_name == "articles:faq" and anchor:
        return is_reserved_anchor(anchor) or Question.objects.public().filter(anchor=anchor).exists()
    if page.view_name == "articles:detail" and anchor:
        return _has_anchor(Article.objects.published().filter(slug=page.kwargs["slug"]).first(), anchor)
    return True


def _has_anchor(article: Article | None, anchor: str) -> bool:
    return is_reserved_anchor(anchor) or (article is not None and anchor in article_anchors(article))


def outside_links(texts: Iterable[PublicText], references: Iterable[Reference]) -> dict[str, tuple[str, str]]:
    """Addresses on other sites, each with its first place in words and the URL of that form at the desk."""
    places: dict[str, tuple[str, str]] = {}
    for text in texts:
        for address in text.links:
            if address.startswith(("http://", "https://")) and not _is_ours(address):
                places.setdefault(address, (text.where, text.url))
    for reference in references:
        for address, _ in reference.links:
            where = f"The reference {reference} of “{reference.article}”"
            places.setdefault(address, (where, _form_url(reference)))
    return {address: place for address, place in places.items() if len(address) <= MAX_ADDRESS_LENGTH}


def _outside_part(texts: list[PublicText], references: list[Reference]) -> ReportPart:
    links = outside_links(texts, references)
    checked = OutsideLink.objects.in_bulk(list(links), field_name="address")
    lines = [
        ReportLine(
            links[address][0],
            f"{address}: {row.said} ({date_words(timezone.localdate(row.checked_at))}).",
            links[address][1],
            is_dead,
        )
        for address, row in sorted(checked.items())
        if (is_dead := row.outcome == Outcome.DEAD) or row.outcome == Outcome.UNSURE
    ]
    return ReportPart("Links to other sites", lines, _when_checked(len(links), checked.values()))


def _when_checked(total: int, rows: Iterable[OutsideLink]) -> str:
    moments = [row.checked_at for row in rows]
    if not moments:
        return f"None of {total} has been checked yet. To check them, run `manage.py content_report --network`."
    return f"{len(moments)} of {total} checked, last on {date_words(timezone.localdate(max(moments)))}."


def check_outside_links(now: datetime) -> None:
    """Check each address on other sites and store the results; delete those of addresses no page has any more."""
    links = outside_links(public_texts(now), _public_references(now))
    for address, result in check_all(links).items():
        values = {"checked_at": now, "status": result.status, "outcome": result.outcome, "said": result.explanation}
        OutsideLink.objects.update_or_create(address=address, defaults=values)
    OutsideLink.objects.exclude(address__in=list(links)).delete()
