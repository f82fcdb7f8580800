"""The page about all visits of one patient whose therapist is out, opened by a private link.

GET changes nothing, so that mail scanners may follow the link. Each answer is a form of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.fields import PlaceField
from booking.models import AffectedVisit, Alternative, Clinic, OutageContact, State, Therapist, propose

from .robots import too_many
from .states.outage import answerable_card, outage_state, refused_answer, settled_card
from .states.page_state import PageState

FIRST_LINK = 1  # a later one was sent to another address than this page's


@dataclass
class VisitCard:
    """One visit on the page: its texts, the time held for it, if any, and the other free times."""

    line: AffectedVisit
    state: PageState
    is_held: bool
    can_answer: bool
    is_request: bool
    shows_link: bool
    others: list[Alternative] = field(default_factory=list)
    refusal: SafeString | str = ""


@dataclass
class RefusedAnswer:
    """An answer that could not be carried out, with the time that was chosen, if any."""

    line: AffectedVisit
    start: datetime | None
    error: actions.RefusalError


class OutageAnswerForm(forms.Form):
    line = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    do = forms.ChoiceField(choices=[(verb, verb) for verb in ("take", "cancel", "surely-cancel")])
    place = PlaceField(required=False)


@require_http_methods(["GET", "HEAD", "POST"])
def outage(request: HttpRequest, token: str) -> HttpResponse:
    """404 for anything wrong, and once the times of all their visits have passed."""
    contact = OutageContact.objects.with_token(token).select_related("outage__therapist").first()
    lines = list(contact.visits.in_order()) if contact else []
    now = timezone.now()
    if contact is None or not any(line.visit.anonymised_at is None and line.visit.ends_at > now for line in lines):
        raise Http404
    if request.method != "POST":
        return _page(request, contact, lines)
    form = OutageAnswerForm(request.POST)
    if not form.is_valid():
        raise SuspiciousOperation("not an answer")
    line = next((line for line in lines if line.pk == form.cleaned_data["line"]), None)
    if line is None:
        raise Http404
    return _answer(request, contact, lines, line, do=form.cleaned_data["do"], place=form.cleaned_data["place"])


def _answer(
    request: HttpRequest,
    contact: OutageContact,
    lines: list[AffectedVisit],
    line: AffectedVisit,
    *,
    do: str,
    place: tuple[str, datetime] | None,
) -> HttpResponse:
    try:
        if do == "cancel":
            if not line.can_be_answered(timezone.now()):
                return redirect(contact)
            return render(request, "booking/patients/outage_cancel.html", {"contact": contact, "line": line})
        if do == "surely-cancel":
            actions.cancel_affected(line=line, by=actions.Actor.PATIENT)
        else:
            _take(line, place)
    except (actions.SlotTakenError, actions.NotOfferedError) as error:
        return _page(request, contact, lines, RefusedAnswer(line, place[1] if place else None, error))
    except (actions.StateChangedError, actions.TooLateToChangeError) as error:
        return _page(request, contact, list(contact.visits.in_order()), RefusedAnswer(line, None, error))
    except actions.TooManyError:
        return too_many(request)
    return redirect(contact)


def _take(line: AffectedVisit, place: tuple[str, datetime] | None) -> None:
    if place is None:
        raise SuspiciousOperation("no time was chosen")
    slug, starts_at = place
    therapist = get_object_or_404(Therapist, slug=slug)
    actions.take_other_time(line=line, therapist=therapist, starts_at=starts_at, by=actions.Actor.PATIENT)


def _page(
    request: HttpRequest, contact: OutageContact, lines: list[AffectedVisit], refused: RefusedAnswer | None = None
) -> HttpResponse:
    now, clinic = timezone.now(), Clinic.objects.current()
    cards = [_card(line, clinic, now) for line in lines]
    _add_other_times([card for card in cards if card.can_answer], clinic, now)
    for card in cards:
        if refused is not None and card.line.pk == refused.line.pk:
            card.refusal = refused_answer(refused.error, refused.start, is_held=card.is_held)
    is_open = any(card.can_answer for card in cards)
    context = {
        "clinic": clinic,
        "contact": contact,
        "state": outage_state(contact.outage, is_open=is_open, visits=len(cards)),
        "cards": cards,
        "is_open": is_open,
    }
    return render(request, "booking/patients/outage.html", context, status=409 if refused else 200)


def _card(line: AffectedVisit, clinic: Clinic, now: datetime) -> VisitCard:
    visit, is_held, can_answer = line.visit, line.is_held(now), line.can_be_answered(now)
    has_address = visit.link_version == FIRST_LINK and visit.ends_at > now and visit.anonymised_at is None
    is_settled = not line.is_open and line.state != AffectedVisit.State.CANCELLED
    shows_link = has_address and is_settled and visit.is_coming
    state = answerable_card(line, is_held=is_held) if can_answer else settled_card(line, clinic, shows_link=shows_link)
    return VisitCard(
        line=line,
        state=state,
        is_held=is_held,
        can_answer=can_answer,
        is_request=visit.state == State.REQUESTED,
        shows_link=shows_link,
    )


def _add_other_times(cards: list[VisitCard], clinic: Clinic, now: datetime) -> None:
    """Other free times for visits that wait for an answer, looked up for all of them together."""
    if not cards:
        return
    visits = [card.line.visit for card in cards]
    proposals = propose(visits, out=cards[0].line.outage.span, first=None, among=None, now=now, zone=clinic.zone)
    for card, proposal in zip(cards, proposals, strict=True):
        card.others = sorted(proposal.all, key=lambda alternative: alternative.starts_at)
