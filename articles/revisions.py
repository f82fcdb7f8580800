"""The whole article with its parts as one revision: taken at each save, compared, put back."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from articles.models import Article, Question, Reference, Revision, Section
from articles.readability import plain

PARTS: dict[str, type[models.Model]] = {"sections": Section, "questions": Question, "references": Reference}
NOT_KEPT = {"id", "article"}
NOT_PUT_BACK = {"stage", "published_at", "expires_at", "slug", "updated_at", "kept_by", "kept_by_backup"}
NOT_PUT_BACK |= {"reviewer", "reviewed_on", "next_review_on"}
"""What a page's visibility hangs on stays as it is: going back to an older text neither hides nor shows a page.
Nor does it give the page back to whoever kept it then, or say that somebody reviewed it."""

Content = dict[str, Any]


def content_of(article: Article) -> Content:
    """Every field of the article and of its parts, as JSON can hold it."""
    parts = {
        name: [_fields(one) for one in model._default_manager.filter(article=article)] for name, model in PARTS.items()
    }
    many: dict[str, list[int]] = {field.name: [] for field in article._meta.many_to_many}
    for name, pk in sorted(_chosen(article)):
        many[name].append(pk)
    return {**_fields(article), **many, **parts}


def _chosen(article: Article) -> models.QuerySet[Any]:
    """The name of each many-to-many field with each id in it, in order; one query for all of them."""
    fields: list[Any] = list(article._meta.many_to_many)
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
        if field.name not in NOT_KEPT
    }


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def keep(article: Article, *, by: Any, note: str = "") -> Revision | None:
    """Take a revision; None when nothing has changed since the last one."""
    with transaction.atomic():
        Article.objects.select_for_update().get(pk=article.pk)
        last = article.revisions.order_by("-number").first()
        content = content_of(article)
        if last and _without_stamp(last.content) == _without_stamp(content) and not note:
            return None
        number = last.number + 1 if last else 1
        return Revision.objects.create(article=article, number=number, content=content, made_by=by, note=note)


def _without_stamp(content: Content) -> Content:
    return {name: value for name, value in content.items() if name != "updated_at"}


def restore(revision: Revision, *, by: Any) -> Article:
    """Put the text of a revision back, as a new one. Its address and whether it is public stay as they are."""
    with transaction.atomic():
        article = Article.objects.select_for_update().get(pk=revision.article_id)
        before = _words_of(content_of(article))
        for name, value in _put_back(Article, revision.content, NOT_PUT_BACK).items():
            setattr(article, name, value)
        article.updated_at = timezone.now()
        article.save()
        for field in article._meta.many_to_many:
            there = field.related_model._default_manager.filter(pk__in=revision.content.get(field.name, []))
            getattr(article, field.name).set(there)
        for name, model in PARTS.items():
            _put_back_parts(model, article, revision.content[name])
        if _words_of(content_of(article)) != before:  # a review is of a text
            article.reviewer, article.reviewed_on = None, None
            article.save(update_fields=["reviewer", "reviewed_on"])
        keep(article, by=by, note=f"Put back from revision {revision.number}")
    return article


def _words_of(content: Content) -> Content:
    return {name: value for name, value in content.items() if name not in NOT_PUT_BACK}


def _put_back_parts(model: type[models.Model], article: Article, contents: list[Content]) -> None:
    """Row by row under the same name: a tab opened before can still be saved, and answers stay with their part."""
    name = "key" if model is Reference else "anchor"
    present = {getattr(row, name): row for row in model._default_manager.filter(article=article)}
    kept = {one[name] for one in contents}
    model._default_manager.filter(pk__in=[row.pk for key, row in present.items() if key not in kept]).delete()
    for one in contents:
        row = present.get(one[name]) or model(article=article)
        for column, value in _put_back(model, one, ("needs_approval",)).items():
            setattr(row, column, value)
        if isinstance(row, Question) and row._state.adding:
            row.needs_approval = True
        row.save()


def _put_back(model: type[models.Model], content: Content, but: Collection[str] = ()) -> Content:
    """The columns of a row as the revision has them; what it pointed to and is gone since is left empty."""
    fields = [one for one in model._meta.concrete_fields if one.name in content and one.name not in {*but, *NOT_KEPT}]
    return {field.attname: _still_there(field, _from_json(field, content[field.name])) for field in fields}


def _still_there(field: models.Field[Any, Any], value: Any) -> Any:
    """An image that no page showed any more may have been deleted since."""
    if value is None or not field.null or not isinstance(field, models.ForeignKey):
        return value
    return value if field.related_model._default_manager.filter(pk=value).exists() else None


def _from_json(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, models.DateTimeField):
        return parse_datetime(value) if value else None
    return parse_date(value) if isinstance(field, models.DateField) and value else value


# ---- compare --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One changed piece: where it stands, how it read, how it reads."""

    where: str
    before: list[tuple[bool, str]]
    after: list[tuple[bool, str]]


def compare(before: Content, after: Content) -> list[Line]:
    """What differs, piece by piece, with the words that were taken out and put in."""
    old, new = dict(_pieces(before)), dict(_pieces(after))
    return [
        _line(where, old.get(where, ""), new.get(where, ""))
        for where in [*new, *(old.keys() - new.keys())]
        if old.get(where, "") != new.get(where, "")
    ]


def _pieces(content: Content) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if name in PARTS:
            for one in value:
                title = one.get("anchor") or one.get("key")
                for field, text in one.items():
                    yield f"{name}: {title}, {field.replace('_', ' ')}", plain(str("" if text is None else text))
        elif name != "updated_at":
            yield name.replace("_", " "), plain(str("" if value is None else value))


def _line(where: str, before: str, after: str) -> Line:
    old, new = before.split(), after.split()
    steps = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    left = [(kind != "equal", " ".join(old[a:b])) for kind, a, b, _, _ in steps if a < b]
    right = [(kind != "equal", " ".join(new[c:d])) for kind, _, _, c, d in steps if c < d]
    return Line(where, left, right)
