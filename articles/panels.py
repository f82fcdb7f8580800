"""What the articles half shows on the desk's first page."""

from django.urls import reverse

from articles.models import Article, Question
from booking.admin.panels import ToDo


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
