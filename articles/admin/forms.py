"""The article's form at the desk: a stale second tab is refused, with both texts shown and nothing typed lost."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.forms.widgets import Script
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles import publishing, revisions
from articles.models import Article, Image, Question, Topic
from articles.rich_text import clean
from booking.models import Caution, Therapist

Choices = dict[str, list[tuple[int, str]]]
EVERY = Q()


def choices_of_the_form(article_pk: int | None, user: Any) -> tuple[Choices, Choices]:
    """What can be chosen on the article's form, by kind, and what of it is; one query however many kinds.

    Of the therapists, "chosen" is who signed in.
    """
    article = Q(articles=article_pk)
    kinds = [
        _kind("therapists", Therapist, "name", is_chosen=Q(account=user.pk), place=F("order")),
        _kind("topics", Topic, "name", is_chosen=article),
        _kind("cautions", Caution, "title", is_chosen=article),
        _kind("images", Image, "title"),
        _kind("accounts", get_user_model(), "username", only=Q(is_staff=True, is_active=True)),
    ]
    every, chosen = defaultdict(list), defaultdict(list)
    for kind, pk, label, is_chosen, _ in kinds[0].union(*kinds[1:], all=True).order_by("kind", "place", "label"):
        every[kind].append((pk, label))
        if is_chosen:
            chosen[kind].append((pk, label))
    return every, chosen


def _kind(
    kind: str, model: Any, label: str, *, only: Q = EVERY, is_chosen: Q | None = None, place: Any = None
) -> QuerySet[Any]:
    has = Exists(model.objects.filter(is_chosen, pk=OuterRef("pk"))) if is_chosen else Value(False)
    return (
        model.objects.filter(only)
        .order_by()
        .annotate(kind=Value(kind), label=F(label), is_chosen=has, place=place or Value(0))
        .values_list("kind", "pk", "label", "is_chosen", "place")
    )


class Prose(forms.Textarea):
    """Rich text: an editor where scripts run (static/js/prose.js), the HTML itself where none do."""

    class Media:
        css = {"all": ["django_prose_editor/editor.css"]}
        js = [Script("js/prose.js", type="module")]

    def __init__(self) -> None:
        super().__init__({"class": "vLargeTextField", "rows": 8, "data-prose": ""})

    def format_value(self, value: Any) -> Any:
        return clean(value) if value else value  # rows of an import may never have been cleaned

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        typed = super().value_from_datadict(data, files, name)
        return (
            clean(typed.replace("\r\n", "\n")) if typed else typed
        )  # as it is stored, so that "changed" means changed

    def use_required_attribute(self, initial: Any) -> bool:
        return False  # the field itself is out of sight, so the browser could not show its complaint


class QuestionForm(forms.ModelForm):
    """A question about the clinic in general: it is public once saved, so what is wrong with it is said before."""

    class Meta:
        model = Question
        fields = "__all__"  # noqa: DJ007 - the admin says which
        widgets = {"answer": Prose}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        said = Question(label=cleaned.get("label", ""), answer=clean(cleaned.get("answer", "")))
        for fault in publishing.faults_of_question(said):
            self.add_error("answer", str(fault))
        return cleaned


class ArticleForm(forms.ModelForm):
    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)
    what_changed = forms.CharField(
        required=False, max_length=200, help_text="One line for your colleagues; kept with this revision."
    )

    class Meta:
        model = Article
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets say which

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_at"].initial = self.instance.updated_at.isoformat() if self.instance.pk else ""

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        if self.instance.pk is None or not clean.get("seen_at"):
            return clean
        seen_at = _moment(clean["seen_at"])
        present = Article.objects.select_for_update().get(pk=self.instance.pk)  # of two at once one is second
        if present.updated_at == seen_at:
            return clean
        typed = cast(QueryDict, self.data).copy()
        typed[self.add_prefix("seen_at")] = present.updated_at.isoformat()  # saving again is then on purpose
        self.data = typed
        raise ValidationError(self._told(present, seen_at))

    def _told(self, present: Article, seen_at: datetime | None) -> Any:
        """Who was quicker, how each text read and now reads; what was typed stands in the form below."""
        last = present.revisions.select_related("made_by").first()
        who = last.made_by if last and last.made_by else "Someone"
        return format_html(
            "{} saved this article after you opened it. Nothing you typed is lost: it stands below, not saved yet. "
            "Compare, then save again to put yours in place of theirs.<ul>{}</ul>",
            who,
            self._their_changes(present, seen_at),
        )

    def _their_changes(self, present: Article, seen_at: datetime | None) -> SafeString:
        """What differs from what this tab was opened with; without a revision of that, what differs from its form."""
        moment = seen_at.isoformat() if seen_at else ""
        opened = present.revisions.filter(content__updated_at=moment).first()
        if opened is None:
            differing = [
                (self.fields[name].label, getattr(present, name))
                for name in self.changed_data
                if hasattr(present, name) and not hasattr(getattr(present, name), "all")
            ]
            return format_html_join("", "<li><strong>{}</strong> now reads: {}</li>", differing)
        lines = revisions.compare(opened.content, revisions.content_of(present))
        read = ((line.where, _words(line.before), _words(line.after)) for line in lines)
        return format_html_join("", "<li><strong>{}</strong> read: {}. It now reads: {}</li>", read)


def _moment(text: str) -> datetime | None:
    """None for what only looks like a moment: a page that we did not draw is as stale as any."""
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _words(pieces: list[tuple[bool, str]]) -> str:
    return " ".join(words for _, words in pieces) or "nothing"
