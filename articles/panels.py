"""What the articles half shows on the desk's first page."""

from typing import Any

from django.urls import reverse

from articles.models import Article, Question, Stage
from booking.admin.panels import ToDo

MOST = 20


def in_hand(user: Any) -> list[ToDo]:
    """Articles not public yet, with what each waits for; none for who does not keep articles."""
    if not user.has_perm("articles.change_article"):
        return []
    return [
        ToDo(article.title, _waits_for(article), _change("article", article.pk))
        for article in Article.objects.exclude(stage=Stage.PUBLISHED).order_by("-updated_at")[:MOST]
    ]


def _waits_for(article: Article) -> str:
    if article.stage == Stage.DRAFT:
        return "Draft."
    if article.reviewer_id is None:
        return "In review: waits for a reviewer."
    return "Reviewed: waits to be published."


def not_set_up() -> list[ToDo]:
    found = [
        ToDo(f"Reviewer of “{article}”", "No page says “reviewed” before.", _change("article", article.pk))
        for article in Article.objects.published().filter(reviewer__isnull=True)
    ]
    found += [
        ToDo(question.question, "Awaiting the clinic’s approval.", _change("question", question.pk))
        for question in Question.objects.filter(needs_approval=True)
    ]
    return found


def _change(model: str, pk: int) -> str:
    return reverse(f"admin:articles_{model}_change", args=[pk])
