"""Where editors keep the articles: everything of one article on one page."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone

from articles import publishing
from articles.models import Article, Feedback, Question, Reference, Section, Stage, Topic


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
    filter_horizontal = ["cautions", "topics"]
    readonly_fields = ["was_it_clear"]
    inlines = [SectionInline, QuestionInline, ReferenceInline]
    fieldsets = [
        (None, {"fields": ["title", "subtitle", "slug", "description"]}),
        ("Opening", {"fields": ["lead", "in_short"]}),
        ("People", {"fields": ["author", "book_with", ("reviewer", "reviewed_on"), "next_review_on"]}),
        ("Safety", {"fields": ["cautions", "safety_note"]}),
        ("Finding it", {"fields": ["topics", "was_it_clear"]}),
        ("Publishing", {"fields": ["stage", "published_at", "expires_at"]}),
    ]

    @admin.display(description="Reviewed")
    def review(self, article: Article) -> str:
        return f"{article.reviewer}, {article.reviewed_on}" if article.reviewer else "Not yet"

    @admin.display(description="Was this clear?")
    def was_it_clear(self, article: Article) -> str:
        """What readers answered, and which parts were hard for them."""
        said = Feedback.objects.filter(article=article)
        yes, no = said.filter(is_clear=True).count(), said.filter(is_clear=False).count()
        hard = said.filter(hard_part__isnull=False).values_list("hard_part__heading")
        parts = [f"{heading} ({count})" for heading, count in hard.annotate(times=Count("pk")).order_by("-times")]
        return f"{yes} yes, {no} no." + (f" Hard parts: {', '.join(parts)}." if parts else "")

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


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
