"""Forms for articles and questions; the article's form refuses to overwrite a colleague's later save.

Therapists, topics, cautions, pictures and colleagues are read by one query, a union, however many sections the form
has. With a query for each field and section the page would get slower with each section. A test allows the whole page
twelve queries. Alternatives weighed on 2026-11-24.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple, cast

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.http import HttpRequest, QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles import publishing, revisions
from articles.models import Article, Image, Question, Topic
from booking.models import Caution, Therapist
from revival.base.bidi import bdi
from revival.base.django_types import FormValues, Passed, Rows

from .prose import Prose, RichTextField, check_text

Choices = dict[str, list[tuple[int, str]]]
ALL_ROWS = Q()


class FormChoices(NamedTuple):
    """Options of the article's form, by kind; `selected["therapists"]` is the therapist who is signed in."""

    available: Choices
    selected: Choices


def form_choices(request: HttpRequest) -> FormChoices:
    """Options of the article's form that `request` opens, read once for all its fields and rows."""
    if not hasattr(request, "article_form_choices"):
        match = request.resolver_match
        pk = str(match.kwargs.get("object_id", "")) if match else ""
        choices = _read_choices(int(pk) if pk.isdecimal() else None, request.user.pk)
        request.article_form_choices = choices  # type: ignore[attr-defined]
    return request.article_form_choices  # type: ignore[attr-defined]


def _read_choices(article_pk: int | None, user_pk: int | None) -> FormChoices:
    """All kinds of options in one query."""
    of_article = Q(articles=article_pk)
    kinds = [
        _options("therapists", Therapist, "name", is_selected=Q(account=user_pk), place=F("order")),
        _options("topics", Topic, "name", is_selected=of_article),
        _options("cautions", Caution, "title", is_selected=of_article),
        _options("images", Image, "title"),
        _options("accounts", get_user_model(), "username", only=Q(is_staff=True, is_active=True)),
    ]
    available, selected = defaultdict(list), defaultdict(list)
    for kind, pk, label, is_selected, _ in kinds[0].union(*kinds[1:], all=True).order_by("kind", "place", "label"):
        available[kind].append((pk, label))
        if is_selected:
            selected[kind].append((pk, label))
    return FormChoices(available, selected)


def _options(
    kind: str,
    model: type[models.Model],
    label: str,
    *,
    only: Q = ALL_ROWS,
    is_selected: Q | None = None,
    place: F | None = None,
) -> Rows:
    rows = model._default_manager
    selected = Exists(rows.filter(is_selected, pk=OuterRef("pk"))) if is_selected else Value(False)
    return (
        rows.filter(only)
        .order_by()
        .annotate(kind=Value(kind), label=F(label), is_selected=selected, place=place or Value(0))
        .values_list("kind", "pk", "label", "is_selected", "place")
    )


class QuestionForm(forms.ModelForm):
    """Question about the clinic in general; it is public once saved, so its faults are form errors."""

    class Meta:
        model = Question
        fields = "__all__"  # noqa: DJ007 - the admin says which
        field_classes = {"answer": RichTextField}
        widgets = {"answer": Prose}

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        answer = cleaned_data.get("answer", "")
        for fault in publishing.question_faults(Question(label=cleaned_data.get("label", ""), answer=answer)):
            self.add_error("answer", str(fault))
        return cleaned_data


class ArticleForm(forms.ModelForm):
    """Article's form; `seen_at` is the moment of the save that the page was opened on."""

    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)
    what_changed = forms.CharField(
        required=False, max_length=200, help_text="One line for your colleagues; kept with this revision."
    )

    class Meta:
        model = Article
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets say which

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_at"].initial = self.instance.updated_at.isoformat() if self.instance.pk else ""

    def clean_safety_note(self) -> str:
        check_text(self.cleaned_data["safety_note"])
        return self.cleaned_data["safety_note"]

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        if self.instance.pk is None or not cleaned_data.get("seen_at"):
            return cleaned_data
        seen_at = _parse_moment(cleaned_data["seen_at"])
        saved = Article.objects.select_for_update().get(pk=self.instance.pk)  # the second of two saves waits here
        if saved.updated_at == seen_at:
            return cleaned_data
        data = cast(QueryDict, self.data).copy()
        data[self.add_prefix("seen_at")] = saved.updated_at.isoformat()  # saving again then overwrites on purpose
        self.data = data
        raise ValidationError(self._conflict_message(saved, seen_at))

    def _conflict_message(self, saved: Article, seen_at: datetime | None) -> SafeString:
        """Who saved in the meantime and what they changed; the user's own text stays in the form."""
        last = saved.revisions.select_related("made_by").first()
        who = last.made_by if last and last.made_by else "Someone"
        return format_html(
            "{} saved this article after you opened it. Nothing you typed is lost: it is below, not saved yet. "
            "Compare, then save again to replace their text with yours.<ul>{}</ul>",
            bdi(who),
            self._colleagues_changes(saved, seen_at),
        )

    def _colleagues_changes(self, saved: Article, seen_at: datetime | None) -> SafeString:
        """Changes since the page was opened; without a revision of that moment, since this form's initial values."""
        moment = seen_at.isoformat() if seen_at else ""
        opened = saved.revisions.filter(content__updated_at=moment).first()
        if opened is None:
            current = [
                (self.fields[name].label, getattr(saved, name))
                for name in self.changed_data
                if hasattr(saved, name) and not hasattr(getattr(saved, name), "all")
            ]
            return format_html_join("", "<li><strong>{}</strong> now reads: {}</li>", current)
        changes = revisions.compare(opened.content, revisions.article_content(saved))
        rows = ((change.where, _text(change.before), _text(change.after)) for change in changes)
        return format_html_join("", "<li><strong>{}</strong> read: {}. It now reads: {}</li>", rows)


def _parse_moment(text: str) -> datetime | None:
    """None for a value that is no valid moment; the form then treats the page as stale."""
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _text(pieces: list[tuple[bool, str]]) -> str:
    return " ".join(words for _, words in pieces) or "nothing"
