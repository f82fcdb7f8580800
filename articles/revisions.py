"""Revisions: snapshots of a whole article with its parts, taken at each save, compared, restored.

Editors compare and restore articles, not rows, so a revision holds all fields and parts as JSON; revisions grow with
the article. Alternatives weighed on 2026-11-24: django-reversion and django-simple-history, which keep rows and miss
bulk changes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from articles.models import Article, Question, Reference, Revision, Section
from articles.readability import plain_text
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Rows

PARTS: dict[str, type[models.Model]] = {"sections": Section, "questions": Question, "references": Reference}
FIELDS_LEFT_OUT = {"id", "article"}
FIELDS_NOT_RESTORED = {
    *("stage", "published_at", "expires_at", "slug", "updated_at", "kept_by", "kept_by_backup"),
    *("reviewer", "reviewed_on", "next_review_on"),
}
"""Restoring an older text must not publish or hide the page, move it, change who keeps it, or claim a review."""

Content = dict[str, Any]  # Any: JSON
"""Field names to values as JSON; each kind of part to a list of such dictionaries."""


def article_content(article: Article) -> Content:
    """All fields of the article and of its parts, ready for JSON."""
    parts = {
        name: [_fields(row) for row in model._default_manager.filter(article=article)] for name, model in PARTS.items()
    }
    related: dict[str, list[int]] = {field.name: [] for field in article._meta.many_to_many}
    for name, pk in sorted(_related_ids(article)):
        related[name].append(pk)
    return {**_fields(article), **related, **parts}


def _related_ids(article: Article) -> Rows:
    """Pairs of a many-to-many field's name and an id in it, in one query for all fields."""
    fields: list[Any] = list(article._meta.many_to_many)  # the stubs do not know `remote_field.through`
    rows = [
        field.remote_field.through._default_manager.filter(article=article)
        .annotate(kind=models.Value(field.name))
        .values_list("kind", field.m2m_reverse_field_name())
        for field in fields
    ]
    return rows[0].union(*rows[1:], all=True)


def _fields(row: models.Model) -> Content:
    return {
        field.name: _as_json(field.value_from_object(row))
        for field in row._meta.concrete_fields
        if field.name not in FIELDS_LEFT_OUT
    }


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def save_revision(article: Article, *, by: StaffUser | None, note: str = "") -> Revision | None:
    """Save a revision; None if there is no note and nothing has changed since the last one."""
    with transaction.atomic():
        Article.objects.select_for_update().get(pk=article.pk)
        last = article.revisions.order_by("-number").first()
        content = article_content(article)
        if last and _without_timestamp(last.content) == _without_timestamp(content) and not note:
            return None
        number = last.number + 1 if last else 1
        return Revision.objects.create(article=article, number=number, content=content, made_by=by, note=note)


def _without_timestamp(content: Content) -> Content:
    return {name: value for name, value in content.items() if name != "updated_at"}


def restore(revision: Revision, *, by: StaffUser | None) -> Article:
    """Put the text of a revision back, as a new revision; FIELDS_NOT_RESTORED stay as they are."""
    with transaction.atomic():
        article = Article.objects.select_for_update().get(pk=revision.article_id)
        before = _text_content(article)
        _restore_fields(article, revision.content)
        for name, model in PARTS.items():
            _restore_parts(model, article, revision.content[name])
        if _text_content(article) != before:  # the review was of the text before
            article.reviewer, article.reviewed_on = None, None
            article.save(update_fields=["reviewer", "reviewed_on"])
        save_revision(article, by=by, note=f"Put back from revision {revision.number}")
    return article


def _text_content(article: Article) -> Content:
    content = article_content(article)
    return {name: value for name, value in content.items() if name not in FIELDS_NOT_RESTORED}


def _restore_fields(article: Article, content: Content) -> None:
    for name, value in _columns(Article, content, FIELDS_NOT_RESTORED).items():
        setattr(article, name, value)
    article.updated_at = timezone.now()
    article.save()
    for field in article._meta.many_to_many:
        remaining = field.related_model._default_manager.filter(pk__in=content.get(field.name, []))
        getattr(article, field.name).set(remaining)


def _restore_parts(model: type[models.Model], article: Article, contents: list[Content]) -> None:
    """Update parts that are still there in place: forms opened earlier and readers' feedback refer to their ids."""
    name = "key" if model is Reference else "anchor"
    present = {getattr(row, name): row for row in model._default_manager.filter(article=article)}
    restored = {content[name] for content in contents}
    model._default_manager.filter(pk__in=[row.pk for key, row in present.items() if key not in restored]).delete()
    for content in contents:
        row = present.get(content[name]) or model(article=article)
        for column, value in _columns(model, content, {"needs_approval"}).items():
            setattr(row, column, value)
        if isinstance(row, Question) and row._state.adding:
            row.needs_approval = True
        row.save()


def _columns(model: type[models.Model], content: Content, left_out: set[str]) -> Content:
    """Columns of a row with their values in the revision; references to rows deleted since become None."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if field.name in content and field.name not in left_out | FIELDS_LEFT_OUT
    ]
    return {field.attname: _existing(field, _from_json(field, content[field.name])) for field in fields}


def _existing(field: models.Field, value: object) -> object:
    """The value, or None if the field refers to a row that was deleted, such as an image no page showed."""
    if value is None or not field.null or not isinstance(field, models.ForeignKey):
        return value
    return value if field.related_model._default_manager.filter(pk=value).exists() else None


def _from_json(field: models.Field, value: Any) -> object:  # Any: JSON
    if isinstance(field, models.DateTimeField):
        return parse_datetime(value) if value else None
    return parse_date(value) if isinstance(field, models.DateField) and value else value


# ---- compare --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A field with another text: its place in words, and both texts in pieces of (is changed, words)."""

    where: str
    before: list[tuple[bool, str]]
    after: list[tuple[bool, str]]


def compare(before: Content, after: Content) -> list[Change]:
    """Fields that differ between two revisions, with the words that were removed and added."""
    old, new = dict(_texts(before)), dict(_texts(after))
    return [
        _change(where, old.get(where, ""), new.get(where, ""))
        for where in [*new, *(old.keys() - new.keys())]
        if old.get(where, "") != new.get(where, "")
    ]


def _texts(content: Content) -> Iterator[tuple[str, str]]:
    """Place in words and plain text of each field."""
    for name, value in content.items():
        if name in PARTS:
            for part in value:
                title = part.get("anchor") or part.get("key")
                for field, text in part.items():
                    yield f"{name}: {title}, {field.replace('_', ' ')}", _plain(text)
        elif name != "updated_at":
            yield name.replace("_", " "), _plain(value)


def _plain(value: object) -> str:
    return plain_text("" if value is None else str(value))


def _change(where: str, before: str, after: str) -> Change:
    old, new = before.split(), after.split()
    spans = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    removed = [(kind != "equal", " ".join(old[a:b])) for kind, a, b, _, _ in spans if a < b]
    added = [(kind != "equal", " ".join(new[c:d])) for kind, _, _, c, d in spans if c < d]
    return Change(where, removed, added)
