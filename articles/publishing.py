"""Publishing articles: find faults that prevent it, change an article's stage, record a review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from django.db import models, transaction
from django.db.models import Q
from django.urls import Resolver404, resolve
from django.utils import timezone

from articles.models import STUDIED, Article, Question, Section, SectionKind, Stage
from articles.rich_text import cited_keys, links_in, reasons_to_refuse, tokens_in, unknown_keys
from booking.models import Clinic, Therapist

PAGE_IDS = {"top", "main", "call-or-book", "short", "contents", "key", "urgent-help", "invite", "references", "author"}
PAGE_ID_STARTS = ("ask-first-", "ref-", "cite-")
"""Ids that the article's page itself uses, so that no section or question may have them."""

ADDRESS_STARTS = ("/", "#", "https://", "http://", "mailto:", "tel:")


def is_public(slug: str) -> bool:
    """Whether readers can open an article at this address now."""
    return Article.objects.published().filter(slug=slug).exists()


@dataclass(frozen=True)
class Fault:
    """Reason why an article cannot be published: a sentence for editors, with the row and field to correct."""

    sentence: str
    row: models.Model | None = None
    field: str = ""

    def __str__(self) -> str:
        return self.sentence


class NotReadyError(Exception):
    """The article cannot be published because of its `faults`."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


class WrongStageError(Exception):
    """The article is no longer in a stage that this change starts from."""


@dataclass(frozen=True)
class RichText:
    """One rich text of an article, with its row and field, and its place in words (`where`)."""

    row: models.Model
    field: str
    where: str
    html: str
    label: str = ""

    def faults(self, *sentences: str) -> list[Fault]:
        return [Fault(f"{self.where} {sentence}", self.row, self.field) for sentence in sentences]


def find_faults(article: Article) -> list[Fault]:
    """All reasons why the article cannot be published; empty if it can."""
    sections = list(article.sections.all())
    models.prefetch_related_objects([article, *sections], "image")
    questions = list(article.questions.all())
    keys = {reference.key for reference in article.references.all()}
    clinic_facts = Clinic.objects.current().facts
    faults = [
        fault for text in _rich_texts(article, sections, questions) for fault in _text_faults(text, keys, clinic_facts)
    ]
    faults += _image_faults(article, sections) + _anchor_faults(sections, questions)
    return faults + _order_faults(sections)


def _rich_texts(article: Article, sections: list[Section], questions: list[Question]) -> Iterator[RichText]:
    for section in sections:
        yield RichText(section, "body", f"The section “{section.heading}”", section.body, section.label)
    for question in questions:
        yield RichText(question, "answer", f"The question “{question.question}”", question.answer, question.label)
    yield RichText(article, "safety_note", "The note under the safety cards", article.safety_note)


def question_faults(question: Question) -> list[Fault]:
    """Faults of a question about the clinic in general, which has no references to cite."""
    text = RichText(question, "answer", "The answer", question.answer, question.label)
    return _text_faults(text, set(), Clinic.objects.current().facts)


def _text_faults(text: RichText, keys: set[str], clinic_facts: Mapping[str, str]) -> list[Fault]:
    unknown = [f"cites [@{key}], but no reference has that key." for key in unknown_keys([text.html], keys)]
    unset = [
        f"asks for {{{token}}}, " + ("which is not set yet." if token in clinic_facts else "which is no fact we know.")
        for token in tokens_in(text.html)
        if not clinic_facts.get(token)
    ]
    uncited = ["is labeled as studied, but cites no reference."]
    is_uncited = text.label in STUDIED and not cited_keys(text.html)
    return text.faults(*unknown, *(uncited if is_uncited else []), *_link_faults(text.html), *unset)


def _link_faults(html: str) -> list[str]:
    """Links without words, addresses that no link may have, incomplete ones, and pages of ours that do not exist."""
    reasons = reasons_to_refuse(html)
    for link in links_in(html):
        address = link.address
        if not link.words.strip():
            reasons.append(f"has a link without words, to {address}.")
        if not address.startswith(ADDRESS_STARTS):
            reasons.append(f"links to {address}; write the whole address, starting with https:// or with /.")
        if address.startswith("/") and not is_reachable(address):
            reasons.append(f"links to {address}, but there is no such page.")
    return reasons


def _order_faults(sections: list[Section]) -> list[Fault]:
    """Heading levels that are skipped: the page's heading is level 1, a section's 2, a part's 3."""
    if not sections:
        return [Fault("There is no section yet.")]
    faults = []
    if sections[0].level != 2:
        sentence = "The first section is a part, but there is no section above it: make it a section of its own."
        faults.append(Fault(sentence, sections[0], "level"))
    for above, section in pairwise(sections):
        if section.level == 3 and above.kind != SectionKind.TEXT:
            where = f"“{section.heading}” would be a part of “{above.heading}”"
            faults.append(Fault(f"{where}, which holds cards or questions, not parts.", section, "level"))
    return faults


def _image_faults(article: Article, sections: list[Section]) -> list[Fault]:
    """Images that are neither described nor marked as decorative."""
    places: list[tuple[str, Article | Section]] = [("at the top", article)]
    places += [(f"of the section “{section.heading}”", section) for section in sections]
    return [
        Fault(
            f"The image {where}, “{row.image}”, has no alternative text and is not ticked as decorative.", row, "image"
        )
        for where, row in places
        if row.image is not None and not row.image.has_text_alternative
    ]


def is_reachable(address: str) -> bool:
    """Whether readers can open this path of our site; its query and fragment are ignored."""
    try:
        page = resolve(address.partition("#")[0].partition("?")[0])
    except Resolver404:
        return False
    if page.view_name == "articles:detail":
        slug = page.kwargs["slug"]
        return Article.objects.published().filter(Q(slug=slug) | Q(old_slugs__slug=slug)).exists()
    if page.view_name == "therapists:detail":
        return Therapist.objects.filter(slug=page.kwargs["slug"]).exists()
    return True


def _anchor_faults(sections: list[Section], questions: list[Question]) -> list[Fault]:
    """Anchors that are reserved or used twice, and links inside the page to anchors that do not exist."""
    places: list[tuple[str, Section | Question]] = [(f"The section “{row.heading}”", row) for row in sections]
    places += [(f"The question “{row.question}”", row) for row in questions]
    times = Counter(row.anchor for _, row in places)
    faults = [
        Fault(f"{where} has the anchor “{row.anchor}”, which the page itself uses.", row, "anchor")
        for where, row in places
        if is_reserved_anchor(row.anchor)
    ]
    faults += [
        Fault(f"The anchor “{row.anchor}” is used twice.", row, "anchor")
        for row in {row.anchor: row for _, row in places if times[row.anchor] > 1}.values()
    ]
    return faults + _inner_link_faults(sections, questions, set(times))


def _inner_link_faults(sections: list[Section], questions: list[Question], anchors: set[str]) -> list[Fault]:
    faults = [
        Fault(f"The section “{row.heading}” links to #{anchor}, but nothing on the page has that anchor.", row, "body")
        for row in sections
        for anchor in _inner_links(row.body)
        if anchor not in anchors and not is_reserved_anchor(anchor)
    ]
    return faults + [
        Fault(
            f"The question “{row.question}” links to #{anchor}; write the whole address, "
            "since the answer is also shown among all questions.",
            row,
            "answer",
        )
        for row in questions
        for anchor in _inner_links(row.answer)
    ]


def _inner_links(html: str) -> list[str]:
    """Anchors that the text links to on its own page."""
    return [link.address[1:] for link in links_in(html) if link.address.startswith("#")]


def article_anchors(article: Article) -> set[str]:
    """Anchors of the article's sections and questions, without those that the page itself uses."""
    return {row.anchor for row in article.sections.all()} | {row.anchor for row in article.questions.all()}


def is_reserved_anchor(anchor: str) -> bool:
    """Whether the article's page itself uses this anchor."""
    return anchor in PAGE_IDS or anchor.startswith(PAGE_ID_STARTS)


def publish(article: Article, now: datetime | None = None) -> None:
    """Publish an article at its `published_at`, or at `now` if it has none. Raises NotReadyError."""
    if faults := find_faults(article):
        raise NotReadyError(faults)
    with transaction.atomic():
        article.stage = Stage.PUBLISHED
        article.published_at = article.published_at or now or timezone.now()
        article.save(update_fields=["stage", "published_at"])


def change_stage(article: Article, *, to: Stage, from_stages: Iterable[Stage]) -> None:
    """Move an article to another stage, in one UPDATE. Raises WrongStageError if it has left `from_stages`."""
    if not Article.objects.filter(pk=article.pk, stage__in=list(from_stages)).update(stage=to):
        raise WrongStageError
    article.stage = to


def record_review(article: Article, *, reviewer: Therapist, on: date) -> None:
    """Record who reviewed the article and on which day; the page shows both."""
    Article.objects.filter(pk=article.pk).update(reviewer=reviewer, reviewed_on=on)
    article.reviewer, article.reviewed_on = reviewer, on
