"""Export or erase one person's data, for staff with that right."""

from __future__ import annotations

import json

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from booking import actions
from revival.base.desk_parts.staff_request import StaffRequest

from .forms import OnePersonForm

PERMISSION = "booking.export_and_erase"
REFUSALS: dict[type[Exception], str] = {
    actions.UnknownPersonError: "Nothing is kept of anyone with that e-mail address or phone.",
    actions.StillComingError: "A visit is still to come. Tell them, then tick the box that cancels it.",
    actions.NamesThePersonError: "The reason is kept in the log for years: give it without naming the person.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def one_person(request: StaffRequest) -> HttpResponse:
    """Download one person's data as a file, or erase it. Names and addresses stay out of the URL."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = OnePersonForm(request.POST if request.method == "POST" else None)
    erased: int | None = None
    if form.is_valid():
        try:
            if not form.is_erasure:
                return _export(request, form)
            erased = _erase(request, form)
        except tuple(REFUSALS) as refusal:
            form.add_error(None, REFUSALS[type(refusal)])
    context = {
        **admin.site.each_context(request),
        "title": "One person’s data",
        "form": form if erased is None else OnePersonForm(),
        "erased": erased,
    }
    return render(request, "booking/desk/people/one_person.html", context, status=422 if form.errors else 200)


def _erase(request: StaffRequest, form: OnePersonForm) -> int:
    """Number of rows that were erased."""
    data = form.cleaned_data
    return actions.erase_person(
        person=form.person, reason=data["reason"], by=request.user, cancel_visits=data["cancel_visits"]
    )


def _export(request: StaffRequest, form: OnePersonForm) -> HttpResponse:
    data = actions.export_person(person=form.person, reason=form.cleaned_data["reason"], by=request.user)
    text = json.dumps(data, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="kept.json"'  # no name in the list of downloads
    return response
