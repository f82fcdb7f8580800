"""The patient's way: therapist and service → day and time → details → done."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.models import Appointment, Clinic, Service, Therapist, UrgentHelp, free_times
from booking.patients.forms.visits import DetailsForm, StartForm

from .robots import too_many, visitors_network
from .week import DAYS_ON_A_PAGE, week_of_free_times

ANY = "any"  # as therapist in an address: whoever is free first
HOLD_COOKIE_SECONDS = 24 * 60 * 60


# ---- choose ---------------------------------------------------------------------------------


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    bookable = set(Therapist.objects.bookable().values_list("pk", flat=True))
    wanted = request.GET.get("therapist", "")
    offers = [
        (service, [therapist for therapist in service.therapists.all() if therapist.pk in bookable])
        for service in Service.objects.on_offer().prefetch_related("therapists")
    ]
    mine = [(service, one) for service, therapists in offers for one in therapists if one.slug == wanted]
    if len(mine) == 1:  # the one service of a named therapist: nothing is left to choose here
        service, therapist = mine[0]
        slots_url = reverse("booking:slots", args=[therapist.slug, service.slug], query=_origin(request))
        return redirect(slots_url)
    context = {"offers": [offer for offer in offers if offer[1]], "article": asked_article(request)}
    return render(request, "booking/patients/choose.html", context)


def asked_article(request: HttpRequest) -> str:
    """The slug of the article that sent the reader here; first-party, and dropped when it is not one."""
    slug = request.GET.get("article", "")
    return slug if re.fullmatch(r"[-a-z0-9_]{1,80}", slug) else ""


def _origin(request: HttpRequest) -> dict[str, str] | None:
    article = asked_article(request)
    return {"article": article} if article else None


# ---- slots ----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def slots(request: HttpRequest, therapist: str, service: str) -> HttpResponse:
    """Free times by day; `any` as therapist means whoever is free first."""
    chosen_service = get_object_or_404(Service.objects.on_offer(), slug=service)
    givers = Therapist.objects.giving(chosen_service)
    chosen = None if therapist == ANY else get_object_or_404(givers, slug=therapist)
    if request.method == "POST":
        return _take(request, chosen, chosen_service)
    return _week(request, chosen, chosen_service)


def _take(request: HttpRequest, therapist: Therapist | None, service: Service) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        if form.is_empty:
            return _week(request, therapist, service, form=form)
        raise SuspiciousOperation("not a start")
    start, present, network = form.cleaned_data["start"], _present_hold(request), visitors_network(request)
    is_new = present is None
    try:
        if is_new:
            actions.count_hold(network=network)
        hold = actions.take_hold(therapist=therapist, service=service, starts_at=start, present=present)
    except actions.TooManyError:
        return too_many(request)
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        if is_new:
            actions.uncount_hold(network=network)
        return _other_times(request, refusal, therapist=therapist, service=service, start=start)
    response = redirect(reverse("booking:details", args=[hold.token], query=_origin(request)))
    _remember(response, hold)
    return response


def _present_hold(request: HttpRequest) -> Appointment | None:
    """The hold this browser has, named by its signed cookie."""
    try:
        name = request.get_signed_cookie(settings.HOLD_COOKIE_NAME, None, max_age=HOLD_COOKIE_SECONDS)
    except signing.BadSignature:
        return None
    hold = Appointment.objects.filter(public_id=name).first() if name else None
    return hold if hold is not None and hold.is_hold else None  # what became a visit is its own


def _remember(response: HttpResponse, hold: Appointment) -> None:
    response.set_signed_cookie(
        settings.HOLD_COOKIE_NAME,
        str(hold.public_id),
        max_age=HOLD_COOKIE_SECONDS,
        secure=settings.IS_PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def _week(
    request: HttpRequest, therapist: Therapist | None, service: Service, form: StartForm | None = None
) -> HttpResponse:
    bookable = Therapist.objects.giving(service).bookable()
    shown = list(bookable.filter(pk=therapist.pk) if therapist else bookable)
    week = week_of_free_times(request, shown, service, besides=_present_hold(request))
    context = {"therapist": therapist, "service": service, "is_bookable": bool(shown), "form": form, **week}
    return render(request, "booking/patients/slots.html", context, status=422 if form else 200)


# ---- details --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest, token: str) -> HttpResponse:
    found = Appointment.objects.with_token(token).select_related("therapist", "service").first()
    if found is None:
        raise Http404
    if request.method == "POST":
        return _book(request, found)
    if not found.is_hold:
        return redirect(found)
    return _details_page(request, found, _fresh_form(request, found))


def _fresh_form(request: HttpRequest, hold: Appointment) -> DetailsForm:
    return DetailsForm.fresh(
        timezone.now(),
        start=hold.starts_at.isoformat(timespec="minutes"),
        therapist=hold.therapist.slug,
        service=hold.service.slug,
        came_from=asked_article(request),
    )


def _details_page(request: HttpRequest, hold: Appointment, form: DetailsForm, status: int = 200) -> HttpResponse:
    """The time and therapist shown are those the form will send: another tab may have moved the hold."""
    shown = form.cleaned_data if form.is_bound else {}
    service: Service = shown.get("service") or hold.service
    left = (hold.held_until - timezone.now()).total_seconds() if hold.held_until else 0
    context = {
        "form": form,
        "hold": hold,
        "start": shown.get("start") or hold.starts_at,
        "therapist": shown.get("therapist") or hold.therapist,
        "service": service,
        "held_seconds": max(0, ceil(left)),
        "urgent_help": UrgentHelp.objects.current(),
        "cautions": service.cautions.all(),
    }
    return render(request, "booking/patients/details.html", context, status=status)


def _book(request: HttpRequest, hold: Appointment) -> HttpResponse:
    form = DetailsForm(request.POST)
    if not form.is_valid():
        if form.is_forged:
            raise SuspiciousOperation("a hidden field was changed")
        return _details_page(request, hold, form, status=422) if hold.is_hold else redirect(hold)
    typed = form.cleaned_data
    if form.is_robot(timezone.now()):
        return too_many(request)
    start, therapist, service = typed["start"], typed["therapist"], typed["service"]
    is_new, network = hold.is_hold, visitors_network(request)  # a repeat is not a second booking
    try:
        if is_new:
            actions.count_booking(network=network)
        visit = actions.book_appointment(
            hold=hold,
            therapist=therapist,
            service=service,
            starts_at=start,
            details=form.details,
            submission_key=typed["submission_key"],
        )
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        if is_new:
            actions.uncount_booking(network=network)
        return _other_times(request, refusal, therapist=therapist, service=service, start=start, kept=form.as_kept())
    except actions.TooManyError:
        return too_many(request)
    except actions.SubmissionReusedError:
        return render(request, "booking/patients/sent_before.html", {"visit": hold}, status=422)
    return redirect(visit)


# ---- a time that is gone --------------------------------------------------------------------


def _other_times(
    request: HttpRequest,
    refusal: actions.RefusalError,
    *,
    therapist: Therapist | None,
    service: Service,
    start: datetime,
    kept: list[tuple[str, str]] | None = None,
) -> HttpResponse:
    """409: what happened, what is kept, other times next to it, and the phone number."""
    now, zone = timezone.now(), Clinic.objects.current().zone
    day = min(max(start, now), now + timedelta(days=service.horizon_days)).astimezone(zone).date()
    near = free_times(
        therapists=(givers := list(Therapist.objects.giving(service))),
        service=service,
        first=day - timedelta(days=DAYS_ON_A_PAGE),
        last=day + timedelta(days=DAYS_ON_A_PAGE),
        now=now,
        zone=zone,
        besides=_present_hold(request),
    )
    closest = {
        giver: sorted(sorted(near[giver.pk], key=lambda free: abs(free - start))[: 4 if giver == therapist else 2])
        for giver in sorted(givers, key=lambda giver: giver != therapist)
    }
    context = {
        "was_taken": isinstance(refusal, actions.SlotTakenError),
        "therapist": therapist,
        "service": service,
        "start": start,
        "whole_week": reverse("booking:slots", args=[therapist.slug if therapist else ANY, service.slug]),
        "closest": [(giver, starts) for giver, starts in closest.items() if starts],
        "kept": kept or [],
        "is_booking": kept is not None,
    }
    return render(request, "booking/patients/taken.html", context, status=409)
