"""What on the public pages needs somebody's eye: reviews, approvals, citations, links. Reads; says; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from html import unescape
from typing import Any

from django.conf import settings
from django.urls import resolve, reverse
from django.utils import timezone

from articles.link_check import check_all
from articles.models import MAX_ADDRESS_LENGTH, Article, Outcome, OutsideLink, Question, Reference
from articles.publishing import anchors_of, is_of_the_page, leads_somewhere
from articles.reminders import clinic_zone, falling_due
from articles.rich_text import clean, unknown_keys

HREF = re.compile(r'<a\b[^>]*\bhref="([^"]*)"')


@dataclass(frozen=True)
class Line:
    """One thing to look at, with the address of its form at the desk."""

    what: str
    why: str
    url: str
    is_dead: bool = False


@dataclass(frozen=True)
class Part:
    title: str
    lines: list[Line] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A piece of rich text that readers see, and where it is edited."""

    where: str
    html: str
    article: Article | None
    url: str

    @property
    def links(self) -> list[str]:
        return [unescape(address) for address in HREF.findall(clean(self.html))]


def content_report(now: datetime) -> list[Part]:
    with timezone.override(clinic_zone()):
        return _parts(now, timezone.localdate(now))


def _parts(now: datetime, day: date) -> list[Part]:
    texts, references = list(live_texts(now)), list(_live_references(now))
    return [
        *_reviews(day),
        Part("Never reviewed", [_line(one, "No page says “reviewed” before.") for one in _unreviewed(now)]),
        Part(
            "Questions awaiting approval", [_line(one, "The clinic has not approved it yet.") for one in _unapproved()]
        ),
        Part("Unknown citations", list(_unknown_citations(texts))),
        Part("References without a link", [_line(one, _in(one)) for one in references if not one.links]),
        Part("Dead links inside the site", list(_dead_inside(texts))),
        _outside(texts, references),
    ]


def is_anything_dead(parts: Iterable[Part]) -> bool:
    return any(line.is_dead for part in parts for line in part.lines)


# ---- what readers see -----------------------------------------------------------------------


def live_texts(now: datetime) -> Iterator[Text]:
    for article in Article.objects.published(now).prefetch_related("sections"):
        url = _desk(article)
        yield Text(f"The note under the safety cards of “{article}”", article.safety_note, article, url)
        for one in article.sections.all():
            yield Text(f"“{one.heading}” in “{article}”", one.body, article, url)
    for question in Question.objects.public(now).select_related("article"):
        yield Text(f"The question “{question}”", question.answer, question.article, _desk(question))


def _live_references(now: datetime) -> Iterable[Reference]:
    return Reference.objects.filter(article__in=Article.objects.published(now)).select_related("article")


def _unreviewed(now: datetime) -> Iterable[Article]:
    return Article.objects.published(now).filter(reviewer__isnull=True)


def _unapproved() -> Iterable[Question]:
    return Question.objects.filter(needs_approval=True)


def _desk(row: Any) -> str:
    return reverse(f"admin:articles_{row._meta.model_name}_change", args=[row.pk])


def _line(row: Any, why: str, **facts: Any) -> Line:
    return Line(str(row), why, _desk(row), **facts)


def _in(reference: Reference) -> str:
    return f"In “{reference.article}”: no DOI and no PubMed or Bookshelf number."


# ---- reviews and citations ------------------------------------------------------------------


def _reviews(day: date) -> list[Part]:
    due = [(one, one.next_review_on) for one in falling_due(day) if one.next_review_on]
    return [
        Part("Review overdue", [_line(one, f"Since {_date(on)}.") for one, on in due if on < day]),
        Part("Review due within 30 days", [_line(one, f"On {_date(on)}.") for one, on in due if on >= day]),
    ]


def _date(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def _unknown_citations(texts: list[Text]) -> Iterator[Line]:
    known = _keys_by_article({one.article.pk for one in texts if one.article})
    for text in texts:
        for key in unknown_keys([text.html], known.get(text.article.pk, set()) if text.article else ()):
            yield Line(
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


def _dead_inside(texts: list[Text]) -> Iterator[Line]:
    for text in texts:
        for address in filter(_is_ours, text.links):
            if not _opens(address.removeprefix(settings.SITE_URL) or "/", text):
                yield Line(text.where, f"Links to {address}, which is not there.", text.url, is_dead=True)


def _opens(address: str, text: Text) -> bool:
    """A page of ours, and the place on it that a # names."""
    path, _, anchor = address.partition("#")
    if not path:
        return _has(text.article, anchor)
    if not leads_somewhere(path):
        return False
    page = resolve(path.partition("?")[0])
    if page.view_name == "articles:faq" and anchor:
        return is_of_the_page(anchor) or Question.objects.public().filter(anchor=anchor).exists()
    if page.view_name == "articles:detail" and anchor:
        return _has(Article.objects.published().filter(slug=page.kwargs["slug"]).first(), anchor)
    return True


def _has(article: Article | None, anchor: str) -> bool:
    return is_of_the_page(anchor) or (article is not None and anchor in anchors_of(article))


def outside_links(texts: Iterable[Text], references: Iterable[Reference]) -> dict[str, tuple[str, str]]:
    """Address to where it stands first, in words and as the address of a form at the desk."""
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        for address in text.links:
            if address.startswith(("http://", "https://")) and not _is_ours(address):
                found.setdefault(address, (text.where, text.url))
    for one in references:
        for address, _ in one.links:
            found.setdefault(address, (f"The reference {one} of “{one.article}”", _desk(one)))
    return {address: where for address, where in found.items() if len(address) <= MAX_ADDRESS_LENGTH}


def _outside(texts: list[Text], references: list[Reference]) -> Part:
    links = outside_links(texts, references)
    last = OutsideLink.objects.in_bulk(list(links), field_name="address")
    lines = [
        Line(
            links[address][0],
            f"{address}: {row.said} ({_date(timezone.localdate(row.checked_at))}).",
            links[address][1],
            is_dead,
        )
        for address, row in sorted(last.items())
        if (is_dead := row.outcome == Outcome.DEAD) or row.outcome == Outcome.UNSURE
    ]
    return Part("Links to other sites", lines, _when_checked(links, last))


def _when_checked(links: Iterable[str], last: dict[str, OutsideLink]) -> str:
    total, checked = len(list(links)), [row.checked_at for row in last.values()]
    if not checked:
        return f"None of {total} was looked at yet; `manage.py content_report --network` does."
    return f"{len(checked)} of {total} looked at, last on {_date(timezone.localdate(max(checked)))}."


def look_outside(now: datetime) -> None:
    """Ask each outside address, keep what was found, forget those that no page has any more."""
    links = outside_links(live_texts(now), _live_references(now))
    for address, found in check_all(links).items():
        facts = {"checked_at": now, "status": found.status, "outcome": found.outcome, "said": found.said}
        OutsideLink.objects.update_or_create(address=address, defaults=facts)
    OutsideLink.objects.exclude(address__in=list(links)).delete()
