"""Where editors keep the articles: everything of one article on one page."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from articles import publishing
from articles.models import Article, Question, Reference, Section, Stage


class SectionInline(admin.StackedInline):
    model = Section
    extra = 0
    fields = [("order", "level", "kind"), ("heading", "anchor"), "label", "body"]


class QuestionInline(admin.StackedInline):
    model = Question
    extra = 0
    fields = [("order", "topic"), ("question", "anchor"), "label", "answer", "needs_approval"]


class ReferenceInline(admin.StackedInline):
    model = Reference
    extra = 0
    fields = [
        ("key", "year"),
        "authors",
        "title",
        ("journal", "volume", "pages"),
        ("doi", "pmid", "pmcid"),
        ("bookshelf_id", "isbn"),
        "finding",
    ]


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "stage", "author", "review", "next_review_on", "updated_at"]
    list_filter = ["stage", "author"]
    list_select_related = ["author", "reviewer"]
    search_fields = ["title", "lead", "in_short", "sections__heading", "sections__body"]
    date_hierarchy = "published_at"
    prepopulated_fields = {"slug": ["title"]}
    filter_horizontal = ["cautions"]
    inlines = [SectionInline, QuestionInline, ReferenceInline]
    fieldsets = [
        (None, {"fields": ["title", "subtitle", "slug", "description"]}),
        ("Opening", {"fields": ["lead", "in_short"]}),
        ("People", {"fields": ["author", "book_with", ("reviewer", "reviewed_on"), "next_review_on"]}),
        ("Safety", {"fields": ["cautions", "safety_note"]}),
        ("Publishing", {"fields": ["stage", "published_at", "expires_at"]}),
    ]

    @admin.display(description="Reviewed")
    def review(self, article: Article) -> str:
        return f"{article.reviewer}, {article.reviewed_on}" if article.reviewer else "Not yet"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Once all parts are written: what is published must be fit for it, or it goes back to review."""
        super().save_related(request, form, formsets, change)
        article = form.instance
        article.updated_at = timezone.now()
        article.save(update_fields=["updated_at"])
        if article.stage != Stage.PUBLISHED:
            return
        was_public = form.initial.get("stage") == Stage.PUBLISHED
        for reason in publishing.what_is_missing(article):
            if was_public:  # a slip of the pen takes no page from readers; what cannot be cited is left out
                self.message_user(request, f"Still public, but please mend this: {reason}", messages.ERROR)
                continue
            Article.objects.filter(pk=article.pk).update(stage=Stage.IN_REVIEW)
            self.message_user(request, f"Not published: {reason}", messages.ERROR)


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    list_display = ["question", "topic", "article", "label", "needs_approval"]
    list_filter = ["topic", "label", "needs_approval"]
    list_select_related = ["article"]
    search_fields = ["question", "answer"]


@admin.register(Reference)
class ReferenceAdmin(admin.ModelAdmin):
    list_display = ["key", "authors", "year", "journal", "article"]
    list_filter = ["article"]
    list_select_related = ["article"]
    search_fields = ["key", "authors", "title", "doi"]
