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
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.fields import DecisionForm, PlaceField
from booking.models import AffectedVisit, Alternative, Clinic, OutageContact, State, Therapist, propose

from .robots import too_many
from .states.changed import Changed, visit_words
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
    changed: Changed | None = None
    chosen: tuple[str, datetime] | None = None


@dataclass
class RefusedAnswer:
    """An answer that could not be carried out, with the version that the page showed and the time that was chosen."""

    line: AffectedVisit
    seen: str
    place: tuple[str, datetime] | None
    error: actions.RefusalError

    @property
    def start(self) -> datetime | None:
        return self.place[1] if self.place else None


class OutageAnswerForm(DecisionForm):
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
    if form.cleaned_data["do"] == "cancel":
        return _confirm_cancel(request, contact, line) if line.can_be_answered(now) else redirect(contact)
    return _answer(request, contact, line, form)


def _answer(request: HttpRequest, contact: OutageContact, line: AffectedVisit, form: OutageAnswerForm) -> HttpResponse:
    seen, place = form.cleaned_data["version"], form.cleaned_data["place"]
    is_cancelling = form.cleaned_data["do"] == "surely-cancel"
    try:
        if is_cancelling:
            actions.cancel_affected(line=line, seen=seen, by=actions.Actor.PATIENT)
        else:
            _take(line, seen, place)
    except (actions.SlotTakenError, actions.NotOfferedError) as error:
        refused = RefusedAnswer(line, seen, place, error)
    except (actions.StateChangedError, actions.TooLateToChangeError) as error:
        refused = RefusedAnswer(line, seen, None if isinstance(error, actions.TooLateToChangeError) else place, error)
    except actions.TooManyError:
        return too_many(request)
    else:
        return redirect(contact)
    lines = list(contact.visits.in_order())
    present = next(other for other in lines if other.pk == line.pk)
    is_anew = isinstance(refused.error, actions.ChangedMeanwhileError) and present.can_be_answered(timezone.now())
    if is_cancelling and is_anew:
        return _confirm_cancel(request, contact, present, seen=seen)
    return _page(request, contact, lines, refused)


def _confirm_cancel(
    request: HttpRequest, contact: OutageContact, line: AffectedVisit, *, seen: str | None = None
) -> HttpResponse:
    """Ask once more. With `seen`, the version that was shown, it was refused because of a change."""
    changed = None if seen is None else Changed(visit_words(seen), visit_words(line.version), is_still_possible=True)
    context = {"contact": contact, "line": line, "changed": changed}
    return render(request, "booking/patients/outage_cancel.html", context, status=409 if changed else 200)


def _take(line: AffectedVisit, seen: str, place: tuple[str, datetime] | None) -> None:
    if place is None:
        raise SuspiciousOperation("no time was chosen")
    slug, starts_at = place
    therapist = get_object_or_404(Therapist, slug=slug)
    actions.take_other_time(line=line, seen=seen, therapist=therapist, starts_at=starts_at, by=actions.Actor.PATIENT)


def _page(
    request: HttpRequest, contact: OutageContact, lines: list[AffectedVisit], refused: RefusedAnswer | None = None
) -> HttpResponse:
    now, clinic = timezone.now(), Clinic.objects.current()
    cards = [_card(line, clinic, now) for line in lines]
    _add_other_times([card for card in cards if card.can_answer], clinic, now)
    for card in cards:
        if refused is not None and card.line.pk == refused.line.pk:
            _refuse(card, refused)
    is_open = any(card.can_answer for card in cards)
    context = {
        "clinic": clinic,
        "contact": contact,
        "state": outage_state(contact.outage, is_open=is_open, visits=len(cards)),
        "cards": cards,
        "is_open": is_open,
    }
    return render(request, "booking/patients/outage.html", context, status=409 if refused else 200)


def _refuse(card: VisitCard, refused: RefusedAnswer) -> None:
    """Say on the card why the answer was refused; a new time only to whom the card may show it."""
    card.chosen = refused.place
    if not isinstance(refused.error, actions.ChangedMeanwhileError):
        card.refusal = refused_answer(refused.error, refused.start, is_held=card.is_held)
        return
    words = [card.state.tag if not card.can_answer else "", visit_words(card.line.version)]
    now = words if card.can_answer or card.shows_link else words[:1]
    parts = format_html_join(": ", "{}", [(part,) for part in now if part])
    card.changed = Changed(visit_words(refused.seen), parts, is_still_possible=card.can_answer)


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
