"""Lists across all articles: questions, references and topics."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from articles.models import Question, Reference, Topic

from .forms import QuestionForm
from .prose import RefusesTexts


def fields_for_reviewers(request: HttpRequest) -> list[str]:
    """Fields of a question that this user can only read: approving takes the right to review."""
    return [] if request.user.has_perm("articles.review_article") else ["needs_approval"]


def mark_for_approval(request: HttpRequest, question: Question) -> None:
    """Mark a question that an editor has written or changed, until a reviewer approves it."""
    if fields_for_reviewers(request):
        question.needs_approval = True


class PartAdmin(admin.ModelAdmin):
    """Read-only list of parts of articles, which are edited and checked on their article's page.

    Rows that belong to no article can be edited here.
    """

    part = ""
    """Anchor of these parts on the article's page."""

    @admin.display(description="Article", ordering="article")
    def article_link(self, row: Question | Reference) -> str:
        if row.article is None:
            return "The clinic in general"
        page = reverse("admin:articles_article_change", args=[row.article.pk])
        return format_html('<a href="{}#{}">{}</a>', page, self.part, row.article)

    def has_change_permission(self, request: HttpRequest, obj: Question | Reference | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.article_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Question | Reference | None = None) -> bool:
        """Whether the user can also withdraw articles: such a row is public as soon as it is saved."""
        may = request.user.has_perm("articles.publish_article") and super().has_delete_permission(request, obj)
        return may and obj is not None and obj.article_id is None


@admin.register(Question)
class QuestionAdmin(RefusesTexts, PartAdmin):
    list_display = ["question", "topic", "article_link", "label", "needs_approval"]
    list_filter = ["topic", "label", "needs_approval"]
    list_select_related = ["article"]
    show_full_result_count = False
    search_fields = ["question", "answer"]
    form = QuestionForm
    fields = ["topic", "order", "question", "anchor", "label", "answer", "needs_approval"]
    prepopulated_fields = {"anchor": ["question"]}
    part = "questions-group"

    def get_readonly_fields(self, request: HttpRequest, obj: Question | None = None) -> list[str]:
        return fields_for_reviewers(request)

    def save_model(self, request: HttpRequest, obj: Question, form: QuestionForm, change: bool) -> None:
        mark_for_approval(request, obj)
        super().save_model(request, obj, form, change)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Question | None = None) -> dict[str, Sequence[str]]:
        return {} if obj else self.prepopulated_fields  # a saved anchor stays, since links depend on it


@admin.register(Reference)
class ReferenceAdmin(PartAdmin):
    list_display = ["key", "authors", "year", "journal", "article_link"]
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
