"""What keeps an article from being published, in words, and the act itself."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from articles.models import STUDIED, Article, Stage
from articles.rich_text import cited_keys, unknown_keys


class NotReadyError(Exception):
    """The article cannot be published; `reasons` says why, in sentences for editors."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def what_is_missing(article: Article) -> list[str]:
    """Sentences that say what stands in the way; none when the article may be published."""
    sections = list(article.sections.all())
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
    if sections and sections[0].level != 2:
        reasons.append("The first section is a part of nothing: make it a section of its own.")
    if not sections:
        reasons.append("There is no section yet.")
    return reasons


def publish(article: Article, now: datetime | None = None) -> None:
    """Make an article visible from now on. Raises NotReadyError."""
    if reasons := what_is_missing(article):
        raise NotReadyError(reasons)
    with transaction.atomic():
        article.stage = Stage.PUBLISHED
        article.published_at = article.published_at or now or timezone.now()
        article.save(update_fields=["stage", "published_at"])
