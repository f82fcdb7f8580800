"""The waiting list: join, see it, take or leave an offer, leave the list. GET never changes anything."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking import actions
from booking.fields import version_in
from booking.models import (
    Appointment,
    Audience,
    Clinic,
    Offer,
    Service,
    Terms,
    Therapist,
    UrgentHelp,
    WaitlistEntry,
    rules_of_the_list,
)
from booking.patients.forms.robots import StampField
from booking.patients.forms.waitlist import EarlierForm, JoinForm

from .book import asked_article, asked_place
from .robots import draw_form, first_drawn_at, refuse_busy_network, too_many
from .states.causes import closed_words
from .states.changed import Changed, offer_changed
from .states.waitlist import waitlist_state
from .visits import visit_or_404

FIRST_LINK = 1  # of a visit; a later one was sent to an address that the reader of this page may not have


def _today() -> date:
    return timezone.now().astimezone(Clinic.objects.current().zone).date()


# ---- join -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, therapist: str, service: str) -> HttpResponse:
    """Join the waiting list: for someone without a visit, so only where a visit could be booked anew."""
    chosen_service, chosen, therapists = asked_place(therapist, service)
    closed = closed_words(Terms.anew(chosen_service, Audience.OFFER), therapists, chosen)
    if closed and request.method != "POST":
        return redirect("booking:slots", therapist, service)  # that page says why
    today = _today()
    last = today + timedelta(days=chosen_service.horizon_days)
    if request.method != "POST":
        form = JoinForm.fresh(first_drawn_at(request), came_from=asked_article(request)).bound(today, last)
        return _join_page(request, chosen, chosen_service, form)
    form = JoinForm(request.POST).bound(today, last)
    if not form.can_be_taken(timezone.now()):
        if form.is_forged:
            raise SuspiciousOperation("a hidden field was changed")
        return _join_page(request, chosen, chosen_service, form, status=422)
    if closed:  # since the page was drawn
        form.add_error(None, closed)
        return _join_page(request, chosen, chosen_service, form, status=409)
    return refuse_busy_network(request) or _join(request, chosen, chosen_service, form)


def _join(request: HttpRequest, therapist: Therapist | None, service: Service, form: JoinForm) -> HttpResponse:
    key = form.cleaned_data["submission_key"]
    try:
        entry = actions.join_waitlist(therapist=therapist, service=service, submission_key=key, **form.details)
    except actions.TooManyError:
        return too_many(request)
    except actions.SubmissionReusedError:
        return render(request, "booking/patients/sent_before.html", status=422)
    return redirect(entry)


def _join_page(
    request: HttpRequest, therapist: Therapist | None, service: Service, form: JoinForm, status: int = 200
) -> HttpResponse:
    context = {
        "therapist": therapist,
        "service": service,
        "urgent_help": UrgentHelp.objects.current(),
        "cautions": service.cautions.all(),
        **rules_of_the_list(),
    }
    return draw_form(request, "booking/patients/join.html", context, form, status)


@require_http_methods(["GET", "HEAD", "POST"])
def earlier(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for an earlier time: for someone with a visit, which moves when they take an offer."""
    visit = visit_or_404(token)
    if not visit.can_be_changed_online(timezone.now()):
        return redirect(visit)
    today = _today()
    last = visit.starts_at.astimezone(Clinic.objects.current().zone).date()
    if request.method != "POST":
        initial = {"drawn_at": StampField.stamp(timezone.now()), "submission_key": uuid.uuid4()}
        form = EarlierForm(initial=initial).bound(today, last)
        return _earlier_page(request, visit, form)
    form = EarlierForm(request.POST).bound(today, last)
    if form.renew_if_old(timezone.now()) or not form.is_valid():
        if {"drawn_at", "submission_key"} & set(form.errors):
            raise SuspiciousOperation("a hidden field was changed")
        return _earlier_page(request, visit, form, status=422)
    key = form.cleaned_data["submission_key"]
    place = {"visit": visit, "therapist": visit.therapist, "service": visit.service}
    try:
        return redirect(actions.join_waitlist(submission_key=key, **place, **form.wish))
    except actions.ChangedMeanwhileError:
        raise Http404 from None  # the link was closed meanwhile


def _earlier_page(request: HttpRequest, visit: Appointment, form: EarlierForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "visit": visit, **rules_of_the_list()}
    return render(request, "booking/patients/earlier.html", context, status=status)


# ---- the entry's own page -------------------------------------------------------------------


def _entry(token: str) -> WaitlistEntry:
    entries = WaitlistEntry.objects.select_related("therapist", "service", "visit__therapist")
    entry = entries.with_token(token).first()
    if entry is None:
        raise Http404
    return entry


@require_safe
def waitlist(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, _entry(token))


def _page(
    request: HttpRequest,
    entry: WaitlistEntry,
    *,
    lost: Offer | None = None,
    refusal: actions.RefusalError | None = None,
    changed: Changed | None = None,
) -> HttpResponse:
    clinic = Clinic.objects.current()
    offers = entry.offers.select_related("therapist", "hold")
    offer = offers.open().exclude(pk__in=Offer.objects.over(timezone.now())).first()
    taken = offers.filter(state=Offer.State.TAKEN, hold__link_version=FIRST_LINK).first()
    context = {
        "clinic": clinic,
        "entry": entry,
        "state": waitlist_state(entry, clinic, offer=offer, taken=taken, lost=lost, refusal=refusal),
        "is_waiting": entry.state == WaitlistEntry.State.WAITING,
        "offer": offer,
        "lost": lost,
        "changed": changed,
        "urgent_help": UrgentHelp.objects.current() if offer else None,
        "cautions": entry.service.cautions.all() if offer else [],
        **rules_of_the_list(),
    }
    return render(request, "booking/patients/waitlist.html", context, status=409 if lost or changed else 200)


def _changed(request: HttpRequest, entry: WaitlistEntry, offer: Offer, seen: str) -> HttpResponse:
    """The page as it is now: the offer, or the visit that would move, is no longer as the page showed it."""
    present = _entry(entry.token)
    row = present.offers.select_related("therapist").get(pk=offer.pk)
    return _page(request, present, changed=offer_changed(seen, row))


def _posted_offer(request: HttpRequest, entry: WaitlistEntry) -> Offer:
    number = request.POST.get("offer", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise SuspiciousOperation("not an offer")
    return get_object_or_404(entry.offers.select_related("entry__visit"), pk=number)


@require_POST
def accept(request: HttpRequest, token: str) -> HttpResponse:
    entry = _entry(token)
    offer, seen = _posted_offer(request, entry), version_in(request.POST)
    try:
        visit = actions.accept_offer(offer=offer, seen=seen)
        if visit.link_version != FIRST_LINK:  # a later link is not for this page
            return redirect(entry)
        return redirect(f"{visit.get_absolute_url()}?moved=1" if entry.visit else visit)
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        return _page(request, entry, lost=offer, refusal=refusal)
    except actions.TooLateToChangeError:
        return render(request, "booking/patients/too_late.html", {"visit": entry.visit}, status=409)
    except actions.ChangedMeanwhileError:
        return _changed(request, entry, offer, seen)
    except actions.StateChangedError:
        return redirect(entry)
    except actions.TooManyError:
        return too_many(request)


@require_POST
def decline(request: HttpRequest, token: str) -> HttpResponse:
    entry = _entry(token)
    offer, seen = _posted_offer(request, entry), version_in(request.POST)
    try:
        actions.decline_offer(offer=offer, seen=seen)
    except actions.ChangedMeanwhileError:
        return _changed(request, entry, offer, seen)
    return redirect(entry)


@csrf_exempt  # RFC 8058: a mail program posts here by itself, and the token in the address allows it to
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    entry = _entry(token)
    if request.method != "POST":
        context = {"entry": entry, "is_waiting": entry.state == WaitlistEntry.State.WAITING}
        return render(request, "booking/patients/leave.html", context)
    try:
        actions.leave_waitlist(entry=entry)
    except actions.ChangedMeanwhileError:
        raise Http404 from None  # the link was closed meanwhile
    if "List-Unsubscribe" in request.POST:
        return HttpResponse("You have left the waiting list.\n", content_type="text/plain")
    return redirect(entry)
