"""Export or erase what is kept of people: find them, tick whose rows they are, then act. For staff with that right."""

from __future__ import annotations

import json

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.models import AccessLog, FoundPerson, Look
from revival.base.desk_parts.staff_request import StaffRequest

from .forms import ChosenPeopleForm, LookupForm, sent_as

PERMISSION = "booking.export_and_erase"
NOBODY = "Nothing is kept of anyone with that e-mail address, phone or name."
CHANGED = "Something of theirs changed meanwhile. This is what is kept now: look again, then tick anew."
REFUSALS: dict[type[Exception], str] = {
    actions.UnknownPersonError: NOBODY,
    actions.ChangedMeanwhileError: CHANGED,
    actions.StillComingError: "A visit is still to come. Tell them, then tick the box that cancels it.",
    actions.NamesThePersonError: "The reason is kept in the log for years: give it without naming the person.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def one_person(request: StaffRequest) -> HttpResponse:
    """Find people by their whole e-mail address, phone or name; download or erase the data of those who are ticked.

    A POST without `do` finds and lists them; the access log notes the search. Names and addresses stay out of the URL.
    """
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = LookupForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, form, status=422 if form.is_bound else 200)
    people = form.lookup.people()
    if "do" not in request.POST:
        AccessLog.objects.note(request.user, Look.SEARCH)
    if not people:
        form.add_error(None, NOBODY)
        return _page(request, form, status=422)
    choice = ChosenPeopleForm(request.POST if "do" in request.POST else None, people=people)
    if not choice.is_valid():
        return _page(request, form, choice, status=422 if choice.is_bound else 200)
    try:
        if not choice.is_erasure:
            return _export(request, form, choice)
        return _page(request, LookupForm(), erased=_erase(request, form, choice))
    except tuple(REFUSALS) as refusal:
        is_stale = isinstance(refusal, actions.ChangedMeanwhileError)
        choice.people = form.lookup.people() if is_stale else people
        choice.add_error(None, REFUSALS[type(refusal)])
        return _page(request, form, choice, status=409 if is_stale else 422)


def _page(
    request: StaffRequest,
    form: LookupForm,
    choice: ChosenPeopleForm | None = None,
    *,
    erased: int | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "One person’s data",
        "form": form,
        "choice": choice,
        "people": [(sent_as(person), person, _counts(person)) for person in choice.people] if choice else [],
        "ticked": choice.data.getlist("chosen") if choice and choice.is_bound else [],  # type: ignore[attr-defined]
        "erased": erased,
    }
    return render(request, "booking/desk/people/one_person.html", context, status=status)


def _counts(person: FoundPerson) -> list[tuple[int, str, str]]:
    """How many rows of each kind, with the words for one and for several."""
    counts = [
        (len(person.visits), "visit", "visits"),
        (len(person.entries), "waiting-list entry", "waiting-list entries"),
        (len(person.contact_requests), "contact request", "contact requests"),
    ]
    return [line for line in counts if line[0]]


def _erase(request: StaffRequest, form: LookupForm, choice: ChosenPeopleForm) -> int:
    """Number of rows that were erased."""
    data = choice.cleaned_data
    return actions.erase_people(
        lookup=form.lookup,
        chosen=choice.seen,
        reason=data["reason"],
        by=request.user,
        cancel_visits=data["cancel_visits"],
    )


def _export(request: StaffRequest, form: LookupForm, choice: ChosenPeopleForm) -> HttpResponse:
    data = actions.export_people(
        lookup=form.lookup, chosen=choice.seen, reason=choice.cleaned_data["reason"], by=request.user
    )
    text = json.dumps(data, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="kept.json"'  # no name in the list of downloads
    return response
