"""Their therapist is out: the page about all visits of one patient, opened by a private link.

GET changes nothing, so that mail scanners may follow the link. Each answer is a form of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.fields import PlaceField
from booking.models import AffectedVisit, Alternative, Clinic, OutageContact, Therapist, propose

FIRST_LINK = 1  # a later one was sent to another address than this page's


@dataclass
class Question:
    """One visit as the page shows it: what is kept for it, if anything, and what else is free."""

    line: AffectedVisit
    is_held: bool
    can_answer: bool
    others: list[Alternative] = field(default_factory=list)
    shows_link: bool = False


class AnswerForm(forms.Form):
    line = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    do = forms.ChoiceField(choices=[(verb, verb) for verb in ("take", "cancel", "surely-cancel")])
    place = PlaceField(required=False)


@require_http_methods(["GET", "HEAD", "POST"])
def instead(request: HttpRequest, token: str) -> HttpResponse:
    """404 for anything wrong, and once the times of all their visits have passed."""
    contact = OutageContact.objects.with_token(token).select_related("outage__therapist").first()
    lines = list(contact.visits.in_order()) if contact else []
    now = timezone.now()
    if contact is None or not any(line.visit.anonymised_at is None and line.visit.ends_at > now for line in lines):
        raise Http404
    if request.method != "POST":
        return _page(request, contact, lines)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise SuspiciousOperation("not an answer")
    line = next((line for line in lines if line.pk == form.cleaned_data["line"]), None)
    if line is None:
        raise Http404
    return _answer(request, contact, lines, line, form.cleaned_data)


def _answer(
    request: HttpRequest, contact: OutageContact, lines: list[AffectedVisit], line: AffectedVisit, typed: dict[str, Any]
) -> HttpResponse:
    try:
        if typed["do"] == "cancel":
            if not line.can_be_answered(timezone.now()):
                return redirect(contact)
            return render(request, "booking/patients/outage_cancel.html", {"contact": contact, "line": line})
        if typed["do"] == "surely-cancel":
            actions.cancel_affected(line=line, by=actions.Actor.PATIENT)
        else:
            _take(line, typed["place"])
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        return _page(request, contact, lines, lost=(line, typed["place"], refusal))
    except (actions.StateChangedError, actions.TooLateToChangeError) as refusal:
        fresh = list(contact.visits.in_order())
        return _page(request, contact, fresh, lost=(line, None, refusal))
    return redirect(contact)


def _take(line: AffectedVisit, place: tuple[str, datetime] | None) -> None:
    if place is None:
        raise SuspiciousOperation("no time was chosen")
    slug, starts_at = place
    therapist = get_object_or_404(Therapist, slug=slug)
    actions.take_other_time(line=line, therapist=therapist, starts_at=starts_at, by=actions.Actor.PATIENT)


def _page(
    request: HttpRequest,
    contact: OutageContact,
    lines: list[AffectedVisit],
    *,
    lost: tuple[AffectedVisit, tuple[str, datetime] | None, actions.RefusalError] | None = None,
) -> HttpResponse:
    now = timezone.now()
    context: dict[str, Any] = {"contact": contact, "outage": contact.outage, "questions": _questions(lines, now)}
    if lost is not None:
        line, place, refusal = lost
        context |= {
            "lost": line.pk,
            "lost_start": place[1] if place else None,
            "was_taken": isinstance(refusal, actions.SlotTakenError),
            "is_settled": isinstance(refusal, actions.StateChangedError),
        }
    context["is_open"] = any(question.can_answer for question in context["questions"])
    return render(request, "booking/patients/outage.html", context, status=409 if lost else 200)


def _questions(lines: list[AffectedVisit], now: datetime) -> list[Question]:
    questions = [Question(line, line.is_held(now), line.can_be_answered(now)) for line in lines]
    asked = [question for question in questions if question.can_answer]
    if asked:
        zone, out = Clinic.objects.current().zone, lines[0].outage.span
        visits = [question.line.visit for question in asked]
        found = propose(visits, out=out, first=None, among=None, now=now, zone=zone)
        for question, proposal in zip(asked, found, strict=True):
            question.others = sorted(proposal.all, key=lambda one: one.starts_at)
    for question in questions:
        visit = question.line.visit
        question.shows_link = visit.link_version == FIRST_LINK and visit.ends_at > now and visit.anonymised_at is None
    return questions
