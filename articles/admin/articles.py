"""Where editors keep the articles: everything of one article on one page."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import IntegrityError
from django.db.models import Count
from django.forms import CheckboxSelectMultiple
from django.forms.utils import ErrorDict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles import publishing, readability, revisions
from articles.models import Article, Feedback, Image, Question, Reference, Revision, Section, Stage, Topic
from booking.models import Caution, Therapist
from revival.base.date_columns import moment_column
from revival.base.widgets import NATIVE
from revival.base.words import date_words

from .forms import ArticleForm, Choices, Prose, choices_of_the_form
from .lists import await_approval, for_reviewers

OF_A_REVIEW = {"title", "subtitle", "description", "lead", "in_short", "image", "safety_note", "cautions", "book_with"}
"""What, beside the parts, a review is of: when one of these changes, the page says "reviewed" no more."""
CHOSEN = {"topics": Topic, "cautions": Caution}
KINDS: dict[Any, str] = {Therapist: "therapists", Image: "images", get_user_model(): "accounts"}
RICH_TEXTS = ("body", "answer")
CHECK = "check"
"""In the address: show at each field what would keep the article from being published."""

KEEPERS = ("kept_by", "kept_by_backup")


class ChoosesFromOneList:
    """What can be chosen on the article's page is read once, however many fields and rows ask for it."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        kind = KINDS.get(db_field.related_model)
        if kind and field is not None:
            field.choices = [("", "None" if kind == "images" else "Nobody"), *_choices(request)[0][kind]]
        return field


class PartInline(ChoosesFromOneList, admin.StackedInline):
    """A part of an article, drawn folded and sortable where scripts run (static/js/rows.js)."""

    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in RICH_TEXTS:
            kwargs["widget"] = Prose()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class SectionInline(PartInline):
    model = Section
    fields = [("order", "level", "kind"), ("heading", "anchor"), "label", "body", "image"]
    prepopulated_fields = {"anchor": ["heading"]}


class QuestionInline(PartInline):
    model = Question
    fields = [("order", "topic"), ("question", "anchor"), "label", "answer", "needs_approval"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return for_reviewers(request)


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


@dataclass(frozen=True)
class Step:
    """One way an article goes on, as a button beside "Save": the text is saved first, whatever comes of the step."""

    verb: str
    label: str
    out_of: tuple[Stage, ...]
    right: str
    done: str
    is_stop: bool = False


STEPS = (
    Step("review", "Send to review", (Stage.DRAFT,), "articles.change_article", "Sent to review."),
    Step(
        "sign",
        "I reviewed it today",
        (Stage.IN_REVIEW, Stage.PUBLISHED),
        "articles.review_article",
        "The page now says that you reviewed it today.",
    ),
    Step("publish", "Publish", (Stage.IN_REVIEW,), "articles.publish_article", "Published."),
    Step("draft", "Back to draft", (Stage.IN_REVIEW,), "articles.change_article", "Back among the drafts."),
    Step(
        "withdraw",
        "Take off the site",
        (Stage.PUBLISHED,),
        "articles.publish_article",
        "Off the site, and back in review.",
        is_stop=True,
    ),
)


@admin.register(Article)
class ArticleAdmin(ChoosesFromOneList, admin.ModelAdmin):
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
        """What readers answered, and which parts were hard for them."""
        said = Feedback.objects.filter(article=article).values_list("is_clear", "hard_part__heading")
        rows = list(said.annotate(times=Count("pk")).order_by("-times"))
        yes, no = (sum(times for clear, _, times in rows if clear is answer) for answer in (True, False))
        parts = [f"{heading} ({times})" for _, heading, times in rows if heading]
        return f"{yes} yes, {no} no." + (f" Hard parts: {', '.join(parts)}." if parts else "")

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        """Who may not review or publish sees what others said, and cannot say it for them."""
        kept = [] if request.user.has_perm("articles.review_article") else ["reviewer", "reviewed_on", "next_review_on"]
        kept += [] if request.user.has_perm("articles.publish_article") else ["published_at", "expires_at"]
        return [*self.readonly_fields, *kept]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Article | None:
        article = super().get_object(request, object_id, from_field)
        if article and request.method == "GET":
            _, chosen = _choices(request)
            found = {name: [model(pk=pk) for pk, _ in chosen[name]] for name, model in CHOSEN.items()}
            article._prefetched_objects_cache = found  # as if they had been prefetched
        return article

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the icons to change what is chosen: that is kept in its own list."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = CheckboxSelectMultiple
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.choices = _choices(request)[0][db_field.name]
        return field

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        article = context.get("original")
        parts = {
            inline.formset.prefix: [form.instance for form in inline.formset.forms if form.instance.pk]
            for inline in context["inline_admin_formsets"]
        }
        context["still_here"] = reverse("admin:still_here")
        context["how_it_reads"] = _how_it_reads(context["adminform"].form.instance, [*chain(*parts.values())])
        context["steps"] = self._steps(request, article) if article else []
        may_sign = request.user.has_perm("articles.review_article")
        context["cannot_sign"] = article and may_sign and not _choices(request)[1]["therapists"]
        if article and request.method == "GET" and CHECK in request.GET:
            article._prefetched_objects_cache.update(parts)
            context["faults"] = publishing.what_is_missing(article)
            context["is_fit"] = not context["faults"]
            _show_faults(context, context["faults"])
        return super().render_change_form(request, context, *args, **kwargs)

    def _steps(self, request: HttpRequest, article: Article) -> list[Step]:
        return [
            step
            for step in STEPS
            if article.stage in step.out_of
            and request.user.has_perm(step.right)
            and (step.verb != "sign" or _choices(request)[1]["therapists"])
        ]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """An article goes with its parts, which have no life of their own; nothing else hangs on it."""
        return [f"{article}, with all its parts and revisions" for article in objs], {}, set(), []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revisions)
        return [
            path("<int:pk>/revisions/", view, name="articles_article_revisions"),
            path("<int:pk>/revisions/<int:number>/", view, name="articles_article_revision"),
            *super().get_urls(),
        ]

    def revisions(self, request: HttpRequest, pk: int, number: int | None = None) -> HttpResponse:
        """All revisions; two side by side (`before`, `after`), or one with what is there now. POST puts it back."""
        article = get_object_or_404(Article, pk=pk)
        if not self.has_view_permission(request, article):
            raise PermissionDenied
        before = _picked(article, number or request.GET.get("before"))
        after = _picked(article, request.GET.get("after"))
        may_change = self.has_change_permission(request, article)
        if request.method == "POST" and before:
            if not may_change:
                raise PermissionDenied
            try:
                revisions.restore(before, by=request.user)
            except IntegrityError:
                said = "It cannot be put back: a question elsewhere has one of its anchors now. Rename that one first."
                self.message_user(request, said, messages.ERROR)
                return redirect("admin:articles_article_revisions", pk)
            self.message_user(request, f"Revision {before.number} is back.", messages.SUCCESS)
            return redirect("admin:articles_article_change", pk)
        now = after.content if after else revisions.content_of(article)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revisions of “{article}”",
            "article": article,
            "before": before,
            "after": after,
            "lines": revisions.compare(before.content, now) if before else [],
            "revisions": article.revisions.select_related("made_by").defer("content"),
            "may_change": may_change,
            "opts": self.opts,
        }
        return render(request, "admin/articles/article/revisions.html", context)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for one in formset.forms:
            if isinstance(one.instance, Question) and one.has_changed():
                await_approval(request, one.instance)
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Once all parts are written: the revision, then the step that was asked for."""
        super().save_related(request, form, formsets, change)
        article = form.instance
        article.updated_at = timezone.now()
        article.save(update_fields=["updated_at"])
        self._drop_review(request, form, formsets)
        article.refresh_from_db()
        self._take_step(request, article)
        self._warn_of_faults(request, article)
        revisions.keep(article, by=request.user, note=form.cleaned_data.get("what_changed", ""))

    def _drop_review(self, request: HttpRequest, form: Any, formsets: Any) -> None:
        """A review is of a text: when the text changes, the page says "reviewed" no more."""
        texts = OF_A_REVIEW & set(form.changed_data)
        parts = any(formset.has_changed() for formset in formsets)
        if form.instance.reviewer is None or "reviewed_on" in form.changed_data or not (texts or parts):
            return
        Article.objects.filter(pk=form.instance.pk).update(reviewer=None, reviewed_on=None)
        self.message_user(
            request, "The text changed after its review, so the page no longer says “reviewed”.", messages.WARNING
        )

    def _take_step(self, request: HttpRequest, article: Article) -> None:
        step = next((step for step in self._steps(request, article) if step.verb == request.POST.get("_step")), None)
        if step is None:
            return
        try:
            _act(step, request, article)
        except publishing.NotReadyError as error:
            said = f"Not published yet. To fix first, marked below: {len(error.faults)}. The text is saved."
            self.message_user(request, said, messages.ERROR)
        except publishing.WrongStageError:
            self.message_user(
                request, "A colleague was quicker; see its stage below. The text is saved.", messages.WARNING
            )
        else:
            self.message_user(request, step.done, messages.SUCCESS)

    def _warn_of_faults(self, request: HttpRequest, article: Article) -> None:
        """A slip of the pen takes no page from readers: what cannot be cited is left out there, and named here."""
        if article.stage == Stage.PUBLISHED:
            for fault in publishing.what_is_missing(article):
                self.message_user(request, f"Published, but please fix this: {fault}", messages.ERROR)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        """After a step the article stays open, with what is to be fixed marked at its fields."""
        if "_step" not in request.POST:
            return super().response_change(request, obj)
        page = reverse("admin:articles_article_change", args=[obj.pk])
        wants_check = request.POST["_step"] == "publish" and obj.stage != Stage.PUBLISHED
        return redirect(f"{page}?{CHECK}" if wants_check else page)


def _act(step: Step, request: Any, article: Article) -> None:
    if step.verb == "publish":
        publishing.publish(article)
    elif step.verb == "sign":
        publishing.sign(article, reviewer=request.user.therapist, on=timezone.localdate())
    else:
        to = Stage.DRAFT if step.verb == "draft" else Stage.IN_REVIEW
        publishing.move(article, to=to, out_of=step.out_of)


def _picked(article: Article, number: Any) -> Revision | None:
    """The revision of that number; None for what is there now."""
    if number in (None, "", "now"):
        return None
    if not str(number).isdecimal() or len(str(number)) > 9:
        raise Http404
    return get_object_or_404(article.revisions, number=number)


def _choices(request: Any) -> tuple[Choices, Choices]:
    if not hasattr(request, "choices_of_the_form"):
        pk = request.resolver_match.kwargs.get("object_id", "")
        request.choices_of_the_form = choices_of_the_form(int(pk) if pk.isdecimal() else None, request.user)
    return request.choices_of_the_form


def _how_it_reads(article: Article, rows: list[Any]) -> SafeString:
    """For whoever writes it; readers never see it."""
    texts = [article.lead, article.in_short, *(getattr(row, name, "") for row in rows for name in RICH_TEXTS)]
    text = "\n".join(readability.plain(one) for one in texts if one)
    said = f"{len(readability.words_in(text))} words, reading grade {readability.grade(text):.1f} (aim at 8 or less)."
    hints = format_html_join("", "<li>{}</li>", ((one,) for one in readability.hints(text)))
    return format_html("<p>{}</p>{}", said, format_html("<ul>{}</ul>", hints) if hints else "")


def _show_faults(context: Any, faults: list[publishing.Fault]) -> None:
    """Each at its field, as if the form had refused it; those about the whole at the top."""
    forms = {form.instance: form for inline in context["inline_admin_formsets"] for form in inline.formset.forms}
    main = context["adminform"].form
    for fault in faults:
        form = main if fault.row in (None, main.instance) else forms.get(fault.row, main)
        name = fault.field if form is not main or fault.field in main.fields else NON_FIELD_ERRORS
        form._errors = ErrorDict() if form._errors is None else form._errors
        form._errors.setdefault(name, form.error_class()).append(str(fault))
    if (main._errors and NON_FIELD_ERRORS in main._errors) or faults:
        context["errors"] = [*map(str, faults)]
