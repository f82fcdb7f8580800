"""The article's page at the desk: one form for the article with its sections, questions and references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import models
from django.db.models import Count, QuerySet
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles import publishing, readability, revisions
from articles.models import Article, Feedback, Image, Question, Reference, Section, Stage, Topic
from booking.models import Caution, Therapist
from revival.base.desk_parts.date_columns import moment_column
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser
from revival.base.desk_parts.widgets import NATIVE
from revival.base.django_types import Context, Passed
from revival.base.words import date_words

from .forms import ArticleForm, form_choices
from .lists import fields_for_reviewers, mark_for_approval
from .prose import Prose, RefusesTexts, RichTextField
from .revisions import revisions_page
from .steps import available_steps, is_therapist, take_step

REVIEWED_FIELDS = {
    *("title", "subtitle", "description", "lead", "in_short", "image", "safety_note", "cautions", "book_with"),
}
"""Fields covered by a review, as all parts are; changing one removes "reviewed" from the page."""

SELECTED_MODELS = {"topics": Topic, "cautions": Caution}
CHOICE_KINDS: dict[type[models.Model], str] = {Therapist: "therapists", Image: "images", get_user_model(): "accounts"}
RICH_TEXTS = ("body", "answer")
KEEPERS = ("kept_by", "kept_by_backup")
CHECK = "check"
"""Query parameter: mark at each field what keeps the article from being published."""


class SharedChoices:
    """Foreign keys get their options from `form_choices`: one query, however many fields and rows have them."""

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Passed
    ) -> forms.ModelChoiceField | None:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        kind = CHOICE_KINDS.get(db_field.related_model)
        if kind and field is not None:
            empty = ("", "None" if kind == "images" else "Nobody")
            field.choices = [empty, *form_choices(request).available[kind]]
        return field


class PartInline(SharedChoices, admin.StackedInline):
    """A kind of part of an article; folded and sortable where scripts run (static/js/rows.js)."""

    extra = 0

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Passed
    ) -> forms.Field | None:
        if db_field.name in RICH_TEXTS:
            kwargs |= {"form_class": RichTextField, "widget": Prose()}
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class SectionInline(PartInline):
    model = Section
    fields = [("order", "level", "kind"), ("heading", "anchor"), "label", "body", "image"]
    prepopulated_fields = {"anchor": ["heading"]}


class QuestionInline(PartInline):
    model = Question
    fields = [("order", "topic"), ("question", "anchor"), "label", "answer", "needs_approval"]

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        return fields_for_reviewers(request)


class ReferenceInline(PartInline):
    model = Reference
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
class ArticleAdmin(RefusesTexts, SharedChoices, admin.ModelAdmin):
    list_display = ["title", "stage", "author", "review", "due", moment_column("updated_at", "Last saved")]
    show_full_result_count = False
    list_filter = ["stage", "author"]
    list_select_related = ["author", "reviewer"]
    search_fields = ["title", "lead", "in_short", "sections__heading", "sections__body"]
    date_hierarchy = "published_at"
    prepopulated_fields = {"slug": ["title"]}
    formfield_overrides = NATIVE
    readonly_fields = ["was_it_clear", "stage"]
    form = ArticleForm
    change_form_template = "admin/articles/article/change_form.html"
    inlines = [SectionInline, QuestionInline, ReferenceInline]
    fieldsets = [
        (None, {"fields": ["title", "subtitle", "slug", "description"]}),
        ("Opening", {"fields": ["lead", "in_short", "image"]}),
        ("People", {"fields": ["author", "book_with", ("reviewer", "reviewed_on"), "next_review_on", KEEPERS]}),
        ("Safety", {"fields": ["cautions", "safety_note"]}),
        ("Finding it", {"fields": ["topics", "was_it_clear"]}),
        ("Publishing", {"fields": ["stage", ("published_at", "expires_at"), "what_changed", "seen_at"]}),
    ]

    # ---- columns and fields ----

    @admin.display(description="Reviewed")
    def review(self, article: Article) -> str:
        if article.reviewer is None or article.reviewed_on is None:
            return "Not yet"
        return f"{article.reviewer}, {date_words(article.reviewed_on)}"

    @admin.display(description="Next review", ordering="next_review_on")
    def due(self, article: Article) -> str:
        return date_words(article.next_review_on) if article.next_review_on else "–"

    @admin.display(description="Was this clear?")
    def was_it_clear(self, article: Article) -> str:
        """Readers' answers in numbers, and the parts that were hard for them."""
        answers = Feedback.objects.filter(article=article).values_list("is_clear", "hard_part__heading")
        rows = list(answers.annotate(times=Count("pk")).order_by("-times"))
        yes, no = (sum(times for is_clear, _, times in rows if is_clear is answer) for answer in (True, False))
        parts = [f"{heading} ({times})" for _, heading, times in rows if heading]
        return f"{yes} yes, {no} no." + (f" Hard parts: {', '.join(parts)}." if parts else "")

    # ---- form ----

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        """Without the right to review or to publish, those fields can only be read."""
        fields = list(self.readonly_fields)
        if not request.user.has_perm("articles.review_article"):
            fields += ["reviewer", "reviewed_on", "next_review_on"]
        if not request.user.has_perm("articles.publish_article"):
            fields += ["published_at", "expires_at"]
        return fields

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Article | None:
        article = super().get_object(request, object_id, from_field)
        if article and request.method == "GET":
            selected = form_choices(request).selected
            rows = {name: [model(pk=pk) for pk, _ in selected[name]] for name, model in SELECTED_MODELS.items()}
            article._prefetched_objects_cache = rows  # saves a query for each many-to-many field
        return article

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Passed
    ) -> forms.Field | None:
        """Fields without the icons to change the chosen row, which has a list of its own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField, request: HttpRequest, **kwargs: Passed
    ) -> forms.ModelMultipleChoiceField | None:
        kwargs["widget"] = forms.CheckboxSelectMultiple
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.choices = form_choices(request).available[db_field.name]
        return field

    def render_change_form(
        self, request: HttpRequest, context: Context, *args: Passed, **kwargs: Passed
    ) -> HttpResponse:
        article = context.get("original")
        parts = {
            inline.formset.prefix: [form.instance for form in inline.formset.forms if form.instance.pk]
            for inline in context["inline_admin_formsets"]
        }
        context["still_here"] = reverse("admin:still_here")
        context["how_it_reads"] = _reading_report(context["adminform"].form.instance, chain(*parts.values()))
        context["steps"] = available_steps(request, article) if article else []
        may_review = request.user.has_perm("articles.review_article")
        context["cannot_sign"] = article and may_review and not is_therapist(request)
        if article and request.method == "GET" and CHECK in request.GET:
            article._prefetched_objects_cache.update(parts)
            context["faults"] = publishing.find_faults(article)
            context["is_fit"] = not context["faults"]
            _mark_faults(context, context["faults"])
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(
        self, objs: Sequence[Article] | QuerySet[Article], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Only the article itself: its parts go with it, and nothing else refers to it."""
        return [f"{article}, with all its parts and revisions" for article in objs], {}, set(), []

    # ---- revisions ----

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revisions_page)
        return [
            path("<int:pk>/revisions/", view, name="articles_article_revisions"),
            path("<int:pk>/revisions/<int:number>/", view, name="articles_article_revision"),
            *super().get_urls(),
        ]

    def revisions_page(self, request: StaffRequest, pk: int, number: int | None = None) -> HttpResponse:
        return revisions_page(self, request, pk, number)

    # ---- save ----

    def save_formset(self, request: HttpRequest, form: ArticleForm, formset: Passed, change: bool) -> None:
        for row in formset.forms:
            if isinstance(row.instance, Question) and row.has_changed():
                mark_for_approval(request, row.instance)
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: ArticleForm, formsets: Passed, change: bool) -> None:
        """Save the parts, then take the step of the button that was pressed, then save a revision."""
        super().save_related(request, form, formsets, change)
        article = form.instance
        article.updated_at = timezone.now()
        article.save(update_fields=["updated_at"])
        self._remove_outdated_review(request, form, formsets)
        article.refresh_from_db()
        take_step(request, article)
        self._warn_of_faults(request, article)
        note = form.cleaned_data.get("what_changed", "")
        revisions.save_revision(article, by=cast(StaffUser, request.user), note=note)

    def _remove_outdated_review(
        self, request: HttpRequest, form: ArticleForm, formsets: Iterable[forms.BaseFormSet]
    ) -> None:
        """Take "reviewed" off the page when the reviewed text changes."""
        is_changed = REVIEWED_FIELDS & set(form.changed_data) or any(formset.has_changed() for formset in formsets)
        if form.instance.reviewer is None or "reviewed_on" in form.changed_data or not is_changed:
            return
        Article.objects.filter(pk=form.instance.pk).update(reviewer=None, reviewed_on=None)
        text = "The text changed after its review, so the page no longer says “reviewed”."
        messages.warning(request, text)

    def _warn_of_faults(self, request: HttpRequest, article: Article) -> None:
        """Faults do not take a published page off the site: it leaves out what it cannot show, so name them here."""
        if article.stage == Stage.PUBLISHED:
            for fault in publishing.find_faults(article):
                messages.error(request, f"Published, but please fix this: {fault}")

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        """After a step the article stays open; after a refused "Publish" its faults are marked."""
        if "_step" not in request.POST:
            return super().response_change(request, obj)
        url = reverse("admin:articles_article_change", args=[obj.pk])
        is_refused = request.POST["_step"] == "publish" and obj.stage != Stage.PUBLISHED
        return redirect(f"{url}?{CHECK}" if is_refused else url)


def _reading_report(article: Article, parts: Iterable[models.Model]) -> SafeString:
    """Number of words, reading grade and hints, for editors only."""
    texts = [article.lead, article.in_short, *(getattr(row, name, "") for row in parts for name in RICH_TEXTS)]
    text = "\n".join(readability.plain_text(html) for html in texts if html)
    grade = f"{len(readability.words_in(text))} words, reading grade {readability.grade(text):.1f} (aim at 8 or less)."
    hints = format_html_join("", "<li>{}</li>", ((hint,) for hint in readability.hints(text)))
    return format_html("<p>{}</p>{}", grade, format_html("<ul>{}</ul>", hints) if hints else "")


def _mark_faults(context: Context, faults: list[publishing.Fault]) -> None:
    """Show each fault as an error of its field; those about the whole article at the top of the form."""
    rows = {form.instance: form for inline in context["inline_admin_formsets"] for form in inline.formset.forms}
    main = context["adminform"].form
    for fault in faults:
        form = main if fault.row in (None, main.instance) else rows.get(fault.row, main)
        name = fault.field if form is not main or fault.field in main.fields else NON_FIELD_ERRORS
        form._errors = ErrorDict() if form._errors is None else form._errors
        form._errors.setdefault(name, form.error_class()).append(str(fault))
    if (main._errors and NON_FIELD_ERRORS in main._errors) or faults:
        context["errors"] = [*map(str, faults)]
