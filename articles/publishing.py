"""What keeps an article from being published, in words, and the act itself."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.html import strip_tags

from articles.models import STUDIED, Article, Image, Question, Section, Stage
from articles.rich_text import cited_keys, tokens_in, unknown_keys
from booking.models import Clinic, Therapist

PAGE_IDS = {"top", "main", "short", "contents", "key", "urgent-help", "invite", "references", "author"}
PAGE_ID_STARTS = ("ask-first-", "ref-", "cite-")
"""Ids that the article's page gives out itself, so that no section or question may have them."""

LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
INNER_LINK = re.compile(r'\bhref="#([^"]*)"')


class NotReadyError(Exception):
    """The article cannot be published; `reasons` says why, in sentences for editors."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def what_is_missing(article: Article) -> list[str]:
    """Sentences that say what stands in the way; none when the article may be published."""
    sections = list(article.sections.select_related("image"))
    questions = list(article.questions.all())
    known = {reference.key for reference in article.references.all()}
    pieces = [(f"The section “{one.heading}”", one.body, one.label) for one in sections]
    pieces += [(f"The question “{one.question}”", one.answer, one.label) for one in questions]
    pieces.append(("The note under the safety cards", article.safety_note, ""))

    reasons = [
        f"{where} cites [@{key}], but no reference has that key."
        for where, text, _ in pieces
        for key in unknown_keys([text], known)
    ]
    reasons += [
        f"{where} is labelled as studied, but cites no reference."
        for where, text, label in pieces
        if label in STUDIED and not cited_keys(text)
    ]
    reasons += [reason for where, text, _ in pieces for reason in _link_trouble(where, text)]
    facts = Clinic.objects.current().facts
    reasons += [
        f"{where} asks for {{{token}}}, " + ("which is not set yet." if token in facts else "which is no fact we know.")
        for where, text, _ in pieces
        for token in tokens_in(text)
        if not facts.get(token)
    ]
    reasons += _image_trouble(article, sections)
    reasons += _anchor_trouble(sections, questions)
    if sections and sections[0].level != 2:
        reasons.append("The first section is a part of nothing: make it a section of its own.")
    if not sections:
        reasons.append("There is no section yet.")
    return reasons


def _image_trouble(article: Article, sections: list[Section]) -> list[str]:
    """Pictures that say nothing to whoever cannot see them."""
    shown: list[tuple[str, Image | None]] = [("at the top", article.image)]
    shown += [(f"of the section “{one.heading}”", one.image) for one in sections]
    return [
        f"The image {where}, “{image}”, has no alternative text and is not ticked as decorative."
        for where, image in shown
        if image is not None and not image.has_its_words
    ]


def _link_trouble(where: str, text: str) -> list[str]:
    """Links without words, and links of ours that lead nowhere."""
    reasons = []
    for address, words in LINK.findall(text):
        if not strip_tags(words).strip():
            reasons.append(f"{where} has a link without words, to {address}.")
        if address.startswith("/") and not leads_somewhere(address):
            reasons.append(f"{where} links to {address}, but there is no such page.")
    return reasons


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


def _anchor_trouble(sections: list[Section], questions: list[Question]) -> list[str]:
    """Anchors that would stand twice on the page, and links inside it that lead nowhere."""
    named = [(f"The section “{one.heading}”", one.anchor) for one in sections]
    named += [(f"The question “{one.question}”", one.anchor) for one in questions]
    times = Counter(anchor for _, anchor in named)
    reasons = [
        f"{where} has the anchor “{anchor}”, which the page itself uses."
        for where, anchor in named
        if is_of_the_page(anchor)
    ]
    reasons += [f"The anchor “{anchor}” is used twice." for anchor, number in times.items() if number > 1]
    reasons += [
        f"The section “{one.heading}” links to #{anchor}, but nothing on the page has that anchor."
        for one in sections
        for anchor in INNER_LINK.findall(one.body)
        if anchor not in times and not is_of_the_page(anchor)
    ]
    reasons += [
        f"The question “{one.question}” links to #{anchor}; write the whole address, "
        "since the answer is also shown among all questions."
        for one in questions
        for anchor in INNER_LINK.findall(one.answer)
    ]
    return reasons


def anchors_of(article: Article) -> set[str]:
    """Where links inside its page may lead, beside the page's own parts."""
    return {one.anchor for one in article.sections.all()} | {one.anchor for one in article.questions.all()}


def is_of_the_page(anchor: str) -> bool:
    return anchor in PAGE_IDS or anchor.startswith(PAGE_ID_STARTS)


def publish(article: Article, now: datetime | None = None) -> None:
    """Make an article visible from now on. Raises NotReadyError."""
    if reasons := what_is_missing(article):
        raise NotReadyError(reasons)
    with transaction.atomic():
        article.stage = Stage.PUBLISHED
        article.published_at = article.published_at or now or timezone.now()
        article.save(update_fields=["stage", "published_at"])
