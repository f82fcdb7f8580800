"""Lists over all articles: their questions and references, and the topics they share."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from articles.models import Question, Reference, Topic

from .forms import QuestionForm


def for_reviewers(request: HttpRequest) -> list[str]:
    """What an editor cannot say for the clinic."""
    return [] if request.user.has_perm("articles.review_article") else ["needs_approval"]


def await_approval(request: HttpRequest, question: Question) -> None:
    """An answer that an editor wrote or changed is listed at the desk until someone approves it."""
    if for_reviewers(request):
        question.needs_approval = True


class KeptWithItsArticle(admin.ModelAdmin):
    """A list over all articles. What belongs to one is edited on its page: there it is checked and kept as a whole."""

    @admin.display(description="Article", ordering="article")
    def kept_in(self, row: Any) -> str:
        if row.article is None:
            return "The clinic in general"
        page = reverse("admin:articles_article_change", args=[row.article.pk])
        return format_html('<a href="{}#{}">{}</a>', page, self.part, row.article)

    part = ""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.article_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is public as it stands is taken away by whoever may take an article off the site."""
        may = request.user.has_perm("articles.publish_article") and super().has_delete_permission(request, obj)
        return may and obj is not None and obj.article_id is None


@admin.register(Question)
class QuestionAdmin(KeptWithItsArticle):
    list_display = ["question", "topic", "kept_in", "label", "needs_approval"]
    list_filter = ["topic", "label", "needs_approval"]
    list_select_related = ["article"]
    show_full_result_count = False
    search_fields = ["question", "answer"]
    form = QuestionForm
    fields = ["topic", "order", "question", "anchor", "label", "answer", "needs_approval"]
    prepopulated_fields = {"anchor": ["question"]}
    part = "questions-group"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return for_reviewers(request)

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: bool) -> None:
        await_approval(request, obj)
        super().save_model(request, obj, form, change)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Question | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields  # an anchor stays: links depend on it


@admin.register(Reference)
class ReferenceAdmin(KeptWithItsArticle):
    list_display = ["key", "authors", "year", "journal", "kept_in"]
    list_filter = ["article"]
    list_select_related = ["article"]
    show_full_result_count = False
    search_fields = ["key", "authors", "title", "doi"]
    part = "references-group"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
