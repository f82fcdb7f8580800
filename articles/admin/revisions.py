"""Revisions of an article at the desk: list them, compare two, restore one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from articles import revisions
from articles.models import Article, Revision
from revival.base.desk_parts.staff_request import StaffRequest


def revisions_page(
    admin: ModelAdmin[Article], request: StaffRequest, pk: int, number: int | None = None
) -> HttpResponse:
    """All revisions, and two of them compared: `number` or `?before=` with `?after=` (default: the present text).

    POST restores the first of the two. Raises PermissionDenied, and Http404 for an unknown revision.
    """
    article = get_object_or_404(Article, pk=pk)
    if not admin.has_view_permission(request, article):
        raise PermissionDenied
    before = _find_revision(article, number or request.GET.get("before"))
    after = _find_revision(article, request.GET.get("after"))
    may_change = admin.has_change_permission(request, article)
    if request.method == "POST" and before:
        if not may_change:
            raise PermissionDenied
        return _restore(request, before)
    present = after.content if after else revisions.article_content(article)
    context = {
        **admin.admin_site.each_context(request),
        "title": f"Revisions of “{article}”",
        "article": article,
        "before": before,
        "after": after,
        "changes": revisions.compare(before.content, present) if before else [],
        "revisions": article.revisions.select_related("made_by").defer("content"),
        "may_change": may_change,
        "opts": admin.opts,
    }
    return render(request, "admin/articles/article/revisions.html", context)


def _restore(request: StaffRequest, revision: Revision) -> HttpResponse:
    try:
        revisions.restore(revision, by=request.user)
    except IntegrityError:
        text = "It cannot be put back: a question elsewhere has one of its anchors now. Rename that one first."
        messages.error(request, text)
        return redirect("admin:articles_article_revisions", revision.article_id)
    messages.success(request, f"Revision {revision.number} is back.")
    return redirect("admin:articles_article_change", revision.article_id)


def _find_revision(article: Article, number: int | str | None) -> Revision | None:
    """The revision of that number; None for the present text. Raises Http404."""
    if number in (None, "", "now"):
        return None
    if not str(number).isdecimal() or len(str(number)) > 9:
        raise Http404
    return get_object_or_404(article.revisions, number=number)
