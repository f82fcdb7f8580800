"""Where editors keep the articles: everything of one article on one page."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from articles import publishing, readability, revisions
from articles.admin_forms import ArticleForm
from articles.image_admin import ChoosesAnImage
from articles.models import Article, Feedback, Question, Reference, Section, Stage, Topic

KEEPERS = ("kept_by", "kept_by_backup")


class SectionInline(ChoosesAnImage, admin.StackedInline):
    model = Section
    extra = 0
    fields = [("order", "level", "kind"), ("heading", "anchor"), "label", "body", "image"]


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
class ArticleAdmin(ChoosesAnImage, admin.ModelAdmin):
    list_display = ["title", "stage", "author", "review", "next_review_on", "updated_at"]
    list_filter = ["stage", "author"]
    list_select_related = ["author", "reviewer"]
    search_fields = ["title", "lead", "in_short", "sections__heading", "sections__body"]
    date_hierarchy = "published_at"
    prepopulated_fields = {"slug": ["title"]}
    filter_horizontal = ["cautions", "topics"]
    readonly_fields = ["was_it_clear", "how_it_reads"]
    form = ArticleForm
    change_form_template = "admin/articles/article/change_form.html"
    inlines = [SectionInline, QuestionInline, ReferenceInline]
    fieldsets = [
        (None, {"fields": ["title", "subtitle", "slug", "description"]}),
        ("Opening", {"fields": ["lead", "in_short", "image"]}),
        ("People", {"fields": ["author", "book_with", ("reviewer", "reviewed_on"), "next_review_on", KEEPERS]}),
        ("Safety", {"fields": ["cautions", "safety_note"]}),
        ("Finding it", {"fields": ["topics", "was_it_clear"]}),
        ("Writing help", {"fields": ["how_it_reads"]}),
        ("Publishing", {"fields": ["stage", "published_at", "expires_at", "what_changed", "seen_at"]}),
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

    @admin.display(description="How it reads")
    def how_it_reads(self, article: Article) -> str:
        """For whoever writes it; readers never see it."""
        texts = [article.lead, article.in_short, *(one.body for one in article.sections.all())]
        texts += [one.answer for one in article.questions.all()]
        text = "\n".join(readability.plain(one) for one in texts)
        said = (
            f"{len(readability.words_in(text))} words, reading grade {readability.grade(text):.1f} (aim at 8 or less)."
        )
        return format_html("{}{}", said, format_html_join("", "<br>{}", ((one,) for one in readability.hints(text))))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revisions)
        return [
            path("<int:pk>/revisions/", view, name="articles_article_revisions"),
            path("<int:pk>/revisions/<int:number>/", view, name="articles_article_revision"),
            *super().get_urls(),
        ]

    def revisions(self, request: HttpRequest, pk: int, number: int | None = None) -> HttpResponse:
        """All revisions; with a number, that one beside what is there now. POST puts it back."""
        article = get_object_or_404(Article, pk=pk)
        if not self.has_view_permission(request, article):
            raise PermissionDenied
        revision = get_object_or_404(article.revisions, number=number) if number else None
        may_change = self.has_change_permission(request, article)
        if request.method == "POST" and revision:
            if not may_change:
                raise PermissionDenied
            revisions.restore(revision, by=request.user)
            self.message_user(request, f"Revision {revision.number} is back.", messages.SUCCESS)
            return redirect("admin:articles_article_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revisions of “{article}”",
            "article": article,
            "revision": revision,
            "lines": revisions.compare(revision.content, revisions.content_of(article)) if revision else [],
            "revisions": article.revisions.select_related("made_by").defer("content"),
            "may_change": may_change,
            "opts": self.opts,
        }
        return render(request, "admin/articles/article/revisions.html", context)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Once all parts are written: what is published must be fit for it, or it goes back to review."""
        super().save_related(request, form, formsets, change)
        article = form.instance
        article.updated_at = timezone.now()
        article.save(update_fields=["updated_at"])
        self._drop_review(request, form, formsets)
        if article.stage == Stage.PUBLISHED:
            self._demand_fit(request, form, article)
        article.refresh_from_db()
        revisions.keep(article, by=request.user, note=form.cleaned_data.get("what_changed", ""))

    def _drop_review(self, request: HttpRequest, form: Any, formsets: Any) -> None:
        """A review is of a text: when the text changes, the page says "reviewed" no more."""
        texts = {"title", "subtitle", "lead", "in_short", "safety_note"} & set(form.changed_data)
        parts = any(formset.has_changed() for formset in formsets)
        if form.instance.reviewer is None or "reviewed_on" in form.changed_data or not (texts or parts):
            return
        Article.objects.filter(pk=form.instance.pk).update(reviewer=None, reviewed_on=None)
        self.message_user(
            request, "The text changed after its review, so the page no longer says “reviewed”.", messages.WARNING
        )

    def _demand_fit(self, request: HttpRequest, form: Any, article: Article) -> None:
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
