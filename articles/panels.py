"""Panels of the articles half for the desk's first page: articles in progress, to-do lines, reviews due."""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from articles import reminders
from articles.models import Article, Question, ReviewReminder, Stage
from booking.models import Therapist
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.desk_parts.todo import ToDo

MAX_ARTICLES = 20
ADD_IMAGE = "articles.add_image"


def articles_in_progress(user: StaffUser | AnonymousUser) -> list[ToDo]:
    """Articles that are not published, with their state; empty for users who cannot change articles."""
    if not user.has_perm("articles.change_article"):
        return []
    return [
        ToDo(article.title, _progress(article), _form_url("article", article.pk))
        for article in Article.objects.exclude(stage=Stage.PUBLISHED).order_by("-updated_at")[:MAX_ARTICLES]
    ]


def _progress(article: Article) -> str:
    if article.stage == Stage.DRAFT:
        return "Draft."
    if article.reviewer_id is None:
        return "In review: waits for a reviewer."
    return "Reviewed: waits to be published."


def titles() -> dict[str, str]:
    """Titles of all articles by slug."""
    return dict(Article.objects.values_list("slug", "title"))


def not_set_up() -> list[ToDo]:
    """To-do lines: articles without a reviewer, therapists without a photo, questions without approval."""
    add_image = reverse("admin:articles_image_add")
    todo = [
        ToDo(f"Reviewer of “{article}”", "The page does not say “reviewed” yet.", _form_url("article", article.pk))
        for article in Article.objects.published().filter(reviewer__isnull=True)
    ]
    todo += [
        ToDo(
            f"Photo of {isolate(therapist)}",
            "A drawing is shown instead.",
            f"{add_image}?portrait_of={therapist.pk}",
            ADD_IMAGE,
        )
        for therapist in Therapist.objects.filter(portrait__isnull=True)
    ]
    todo += [
        ToDo(question.question, "Awaiting the clinic’s approval.", _form_url("question", question.pk))
        for question in Question.objects.filter(needs_approval=True)
    ]
    return todo


@dataclass(frozen=True)
class Review:
    """An article whose review is overdue or due within 30 days; `trouble` is empty if its reminders work."""

    title: str
    due_on: date
    is_overdue: bool
    kept_by: str
    trouble: str
    url: str


def reviews() -> list[Review]:
    """Reviews that are overdue or due soon, the most urgent first."""
    day, clinic_address = reminders.today(), reminders.clinic_address()
    due = reminders.articles_due(day).prefetch_related("review_reminders")
    return [
        Review(
            title=str(article),
            due_on=due_on,
            is_overdue=due_on < day,
            kept_by=str(article.kept_by or article.kept_by_backup or ""),
            trouble=_trouble(article, due_on, clinic_address),
            url=_form_url("article", article.pk),
        )
        for article in due
        if (due_on := article.next_review_on)
    ]


def _trouble(article: Article, due_on: date, clinic_address: str) -> str:
    """Why no reminder of this review reaches anyone; empty if one does."""
    written = [reminder for reminder in article.review_reminders.all() if reminder.due_on == due_on]
    refused = next((row for row in written if row.delivery == ReviewReminder.Delivery.REFUSED), None)
    if refused is not None:
        return f"The mail server refused {isolate(refused.recipient)} ({refused.last_answer})."
    has_recipient = bool(written or reminders.keeper_address(article) or clinic_address)
    return "" if has_recipient else "Nobody gets an e-mail: choose who keeps the page."


def _form_url(model: str, pk: int) -> str:
    return reverse(f"admin:articles_{model}_change", args=[pk])
