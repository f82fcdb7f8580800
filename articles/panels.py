"""What the articles half shows on the desk's first page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from articles import reminders
from articles.models import Article, Question, ReviewReminder, Stage
from booking.models import Therapist
from revival.base.todo import ToDo

MOST = 20
ADD_IMAGE = "articles.add_image"


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


def titles() -> dict[str, str]:
    """What each article is called, by its slug."""
    return dict(Article.objects.values_list("slug", "title"))


def not_set_up() -> list[ToDo]:
    photo = reverse("admin:articles_image_add")
    found = [
        ToDo(f"Reviewer of “{article}”", "No page says “reviewed” before.", _change("article", article.pk))
        for article in Article.objects.published().filter(reviewer__isnull=True)
    ]
    found += [
        ToDo(
            f"Photo of {therapist}", "A drawing stands in its place.", f"{photo}?portrait_of={therapist.pk}", ADD_IMAGE
        )
        for therapist in Therapist.objects.filter(portrait__isnull=True)
    ]
    found += [
        ToDo(question.question, "Awaiting the clinic’s approval.", _change("question", question.pk))
        for question in Question.objects.filter(needs_approval=True)
    ]
    return found


@dataclass(frozen=True)
class Review:
    """One article whose review is overdue or due within 30 days."""

    what: str
    due_on: date
    is_overdue: bool
    kept_by: str
    trouble: str
    url: str


def reviews() -> list[Review]:
    day, notices_to = reminders.today(), reminders.notices_to()
    due = reminders.falling_due(day).prefetch_related("review_reminders")
    return [
        Review(
            what=str(article),
            due_on=due_on,
            is_overdue=due_on < day,
            kept_by=str(article.kept_by or article.kept_by_backup or ""),
            trouble=_trouble(article, due_on, notices_to),
            url=_change("article", article.pk),
        )
        for article in due
        if (due_on := article.next_review_on)
    ]


def _trouble(article: Article, due_on: date, notices_to: str) -> str:
    """Why nobody may know of it from an e-mail."""
    written = [one for one in article.review_reminders.all() if one.due_on == due_on]
    refused = next((one for one in written if one.delivery == ReviewReminder.Delivery.REFUSED), None)
    if refused is not None:
        return f"The mail server refused {refused.recipient} ({refused.last_answer})."
    is_told = bool(written) or bool(reminders.keeper_of(article) or notices_to)
    return "" if is_told else "Nobody gets an e-mail: choose who keeps the page."


def _change(model: str, pk: int) -> str:
    return reverse(f"admin:articles_{model}_change", args=[pk])
