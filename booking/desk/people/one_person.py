"""Someone asks what we keep of them, or to have it erased: for the owner, by forms that stay out of addresses."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from booking import actions

from .forms import OnePersonForm

RIGHT = "booking.export_and_erase"
WHY_NOT: dict[type[Exception], str] = {
    actions.UnknownPersonError: "Nothing is kept of anyone with that e-mail address or phone.",
    actions.StillComingError: "A visit is still to come. Tell them, then tick the box that cancels it.",
    actions.NamesThePersonError: "The reason is kept in the log for years: say it without naming the person.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def one_person(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    form = OnePersonForm(request.POST if request.method == "POST" else None)
    erased: int | None = None
    if form.is_valid():
        try:
            if not form.is_erasure:
                return _file(actions.export_person(**form.whom(), by=request.user))
            erased = actions.erase_person(
                **form.whom(), by=request.user, cancel_visits=form.cleaned_data["cancel_visits"]
            )
        except tuple(WHY_NOT) as refusal:
            form.add_error(None, WHY_NOT[type(refusal)])
    facts = {"title": "One person’s data", "form": form if erased is None else OnePersonForm(), "erased": erased}
    context = {**admin.site.each_context(request), **facts}
    return render(request, "booking/desk/people/one_person.html", context, status=422 if form.errors else 200)


def _file(kept: dict[str, Any]) -> HttpResponse:
    text = json.dumps(kept, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
    file = HttpResponse(text, content_type="application/json; charset=utf-8")
    file["Content-Disposition"] = 'attachment; filename="kept.json"'  # names nobody in a list of downloads
    return file
