"""What keeps an article from being published, in words, and the act itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from django.db import models, transaction
from django.db.models import Q
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.html import strip_tags

from articles.models import STUDIED, Article, Question, Section, SectionKind, Stage
from articles.rich_text import cited_keys, tokens_in, unknown_keys
from booking.models import Clinic, Therapist

PAGE_IDS = {"top", "main", "call-or-book", "short", "contents", "key", "urgent-help", "invite", "references", "author"}
PAGE_ID_STARTS = ("ask-first-", "ref-", "cite-")
"""Ids that the article's page gives out itself, so that no section or question may have them."""

LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
WHOLE = ("/", "#", "https://", "http://", "mailto:", "tel:")
INNER_LINK = re.compile(r'\bhref="#([^"]*)"')


def is_public(slug: str) -> bool:
    """Whether readers can open an article at this address now."""
    return Article.objects.published().filter(slug=slug).exists()


@dataclass(frozen=True)
class Fault:
    """What keeps an article from being published: a sentence for editors, and the row and field it is about."""

    sentence: str
    row: models.Model | None = None
    field: str = ""

    def __str__(self) -> str:
        return self.sentence


class NotReadyError(Exception):
    """The article cannot be published; `faults` says why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


class WrongStageError(Exception):
    """Somebody was quicker: from the stage the article is in now, this step is not open."""


@dataclass(frozen=True)
class Piece:
    """One rich text of an article, with the row and field it stands in."""

    row: models.Model
    field: str
    where: str
    text: str
    label: str = ""

    def faults(self, *sentences: str) -> list[Fault]:
        return [Fault(f"{self.where} {sentence}", self.row, self.field) for sentence in sentences]


def what_is_missing(article: Article) -> list[Fault]:
    """What stands in the way of publishing; nothing when the article may be."""
    sections = list(article.sections.all())
    models.prefetch_related_objects([article, *sections], "image")
    questions = list(article.questions.all())
    known = {reference.key for reference in article.references.all()}
    facts = Clinic.objects.current().facts
    pieces = [Piece(one, "body", f"The section “{one.heading}”", one.body, one.label) for one in sections]
    pieces += [Piece(one, "answer", f"The question “{one.question}”", one.answer, one.label) for one in questions]
    pieces.append(Piece(article, "safety_note", "The note under the safety cards", article.safety_note))
    faults = [fault for piece in pieces for fault in _faults_of(piece, known, facts)]
    faults += _image_faults(article, sections) + _anchor_faults(sections, questions)
    return faults + _order_faults(article, sections)


def faults_of_question(question: Question) -> list[Fault]:
    """Of one about the clinic in general: it is public as it stands, and has no references to cite."""
    piece = Piece(question, "answer", "The answer", question.answer, question.label)
    return _faults_of(piece, set(), Clinic.objects.current().facts)


def _faults_of(piece: Piece, known: set[str], facts: Mapping[str, str]) -> list[Fault]:
    unknown = [f"cites [@{key}], but no reference has that key." for key in unknown_keys([piece.text], known)]
    unset = [
        f"asks for {{{token}}}, " + ("which is not set yet." if token in facts else "which is no fact we know.")
        for token in tokens_in(piece.text)
        if not facts.get(token)
    ]
    bare = ["is labeled as studied, but cites no reference."]
    is_bare = piece.label in STUDIED and not cited_keys(piece.text)
    return piece.faults(*unknown, *(bare if is_bare else []), *_link_trouble(piece.text), *unset)


def _link_trouble(text: str) -> list[str]:
    """Links without words, and links of ours that lead nowhere."""
    reasons = []
    for address, words in LINK.findall(text):
        if not strip_tags(words).strip():
            reasons.append(f"has a link without words, to {address}.")
        if not address.startswith(WHOLE):
            reasons.append(f"links to {address}; write the whole address, starting with https:// or with /.")
        if address.startswith("/") and not leads_somewhere(address):
            reasons.append(f"links to {address}, but there is no such page.")
    return reasons


def _order_faults(article: Article, sections: list[Section]) -> list[Fault]:
    """Headings go down one step at a time: the page's own is level 1, a section's 2, a part's 3."""
    if not sections:
        return [Fault("There is no section yet.")]
    faults = []
    if sections[0].level != 2:
        said = "The first section is a part of nothing: make it a section of its own."
        faults.append(Fault(said, sections[0], "level"))
    for above, one in pairwise(sections):
        if one.level == 3 and above.kind != SectionKind.TEXT:
            said = f"“{one.heading}” would be a part of “{above.heading}”, which holds cards or questions, not parts."
            faults.append(Fault(said, one, "level"))
    return faults


def _image_faults(article: Article, sections: list[Section]) -> list[Fault]:
    """Pictures that say nothing to whoever cannot see them."""
    shown: list[tuple[str, Article | Section]] = [("at the top", article)]
    shown += [(f"of the section “{one.heading}”", one) for one in sections]
    return [
        Fault(
            f"The image {where}, “{row.image}”, has no alternative text and is not ticked as decorative.", row, "image"
        )
        for where, row in shown
        if row.image is not None and not row.image.has_text_alternative
    ]


def leads_somewhere(address: str) -> bool:
    """Whether a path of ours is one that readers can open."""
    try:
        found = resolve(address.partition("#")[0].partition("?")[0])
    except Resolver404:
        return False
    if found.view_name == "articles:detail":
        slug = found.kwargs["slug"]
        return Article.objects.published().filter(Q(slug=slug) | Q(old_slugs__slug=slug)).exists()
    if found.view_name == "therapists:detail":
        return Therapist.objects.filter(slug=found.kwargs["slug"]).exists()
    return True


def _anchor_faults(sections: list[Section], questions: list[Question]) -> list[Fault]:
    """Anchors that would stand twice on the page, and links inside it that lead nowhere."""
    named: list[tuple[str, Section | Question]] = [(f"The section “{one.heading}”", one) for one in sections]
    named += [(f"The question “{one.question}”", one) for one in questions]
    times = Counter(row.anchor for _, row in named)
    faults = [
        Fault(f"{where} has the anchor “{row.anchor}”, which the page itself uses.", row, "anchor")
        for where, row in named
        if is_of_the_page(row.anchor)
    ]
    faults += [
        Fault(f"The anchor “{row.anchor}” is used twice.", row, "anchor")
        for row in {row.anchor: row for _, row in named if times[row.anchor] > 1}.values()
    ]
    faults += [
        Fault(f"The section “{one.heading}” links to #{anchor}, but nothing on the page has that anchor.", one, "body")
        for one in sections
        for anchor in INNER_LINK.findall(one.body)
        if anchor not in times and not is_of_the_page(anchor)
    ]
    return faults + [
        Fault(
            f"The question “{one.question}” links to #{anchor}; write the whole address, "
            "since the answer is also shown among all questions.",
            one,
            "answer",
        )
        for one in questions
        for anchor in INNER_LINK.findall(one.answer)
    ]


def anchors_of(article: Article) -> set[str]:
    """Where links inside its page may lead, beside the page's own parts."""
    return {one.anchor for one in article.sections.all()} | {one.anchor for one in article.questions.all()}


def is_of_the_page(anchor: str) -> bool:
    return anchor in PAGE_IDS or anchor.startswith(PAGE_ID_STARTS)


def publish(article: Article, now: datetime | None = None) -> None:
    """Make an article visible, from its own moment or from now on. Raises NotReadyError."""
    if faults := what_is_missing(article):
        raise NotReadyError(faults)
    with transaction.atomic():
        article.stage = Stage.PUBLISHED
        article.published_at = article.published_at or now or timezone.now()
        article.save(update_fields=["stage", "published_at"])


def move(article: Article, *, to: Stage, out_of: Iterable[Stage]) -> None:
    """From one stage to another, whoever else tries at the same moment. Raises WrongStageError."""
    moved = Article.objects.filter(pk=article.pk, stage__in=list(out_of)).update(stage=to)
    if not moved:
        raise WrongStageError
    article.stage = to


def sign(article: Article, *, reviewer: Therapist, on: date) -> None:
    """The page says who reviewed it, and when."""
    Article.objects.filter(pk=article.pk).update(reviewer=reviewer, reviewed_on=on)
    article.reviewer, article.reviewed_on = reviewer, on
