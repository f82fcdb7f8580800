"""Pages for booking a visit: therapist and service → day and time → details → done."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import datetime
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
from booking.models import Appointment, Clinic, Service, Terms, Therapist, UrgentHelp, before_you_come
from booking.patients.forms.visits import DetailsForm, StartForm

from .robots import draw_form, first_drawn_at, too_many, visitors_network
from .states.causes import closed_words
from .states.chosen_time import booking_state
from .week import closest_times, week_of_free_times

ANY = "any"  # as therapist in an address: the one who is free first
HOLD_COOKIE_SECONDS = 24 * 60 * 60


# ---- choose ---------------------------------------------------------------------------------


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    offers = _offers()
    slug = request.GET.get("therapist", "")
    services = [(service, giver) for service, givers in offers for giver in givers if giver.slug == slug]
    if len(services) == 1:  # the one service of a named therapist: nothing is left to choose here
        service, therapist = services[0]
        slots_url = reverse("booking:slots", args=[therapist.slug, service.slug], query=_origin(request))
        return redirect(slots_url)
    clinic = Clinic.objects.current_if_any()
    before = before_you_come(clinic) if clinic else []  # without the services: each has its facts at its own heading
    context = {"offers": offers, "before": before, "article": asked_article(request)}
    return render(request, "booking/patients/choose.html", context)


def _offers() -> list[tuple[Service, list[Therapist]]]:
    """Each service on offer, with the therapists who can be booked for it; without any, it is left out."""
    bookable = set(Therapist.objects.bookable().values_list("pk", flat=True))
    offers = [
        (service, [therapist for therapist in service.therapists.all() if therapist.pk in bookable])
        for service in Service.objects.on_offer().prefetch_related("therapists")
    ]
    return [(service, therapists) for service, therapists in offers if therapists]


def asked_article(request: HttpRequest) -> str:
    """The slug of the article from which the patient came (`?article=`), or nothing if it is no slug."""
    slug = request.GET.get("article", "")
    return slug if re.fullmatch(r"[-a-z0-9_]{1,80}", slug) else ""


def _origin(request: HttpRequest) -> dict[str, str] | None:
    article = asked_article(request)
    return {"article": article} if article else None


# ---- slots ----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def slots(request: HttpRequest, therapist: str, service: str) -> HttpResponse:
    """Free times by day; `any` as therapist means the one who is free first."""
    chosen_service, chosen, therapists = asked_place(therapist, service)
    if request.method == "POST":
        return _take(request, chosen, chosen_service, therapists)
    return _week(request, chosen, chosen_service, therapists)


def asked_place(therapist: str, service: str) -> tuple[Service, Therapist | None, list[Therapist]]:
    """The service and therapist of an address, and all who can be asked for: the one chosen, or who gives the service.

    Whether they can be booked is for the rule to say, and for the page to tell. Raises Http404 for what does not
    exist. Two queries.
    """
    chosen_service = get_object_or_404(Service.objects.real(), slug=service)
    if therapist == ANY:
        return chosen_service, None, list(Therapist.objects.giving(chosen_service))
    chosen = get_object_or_404(Therapist.objects.for_service(chosen_service), slug=therapist)
    return chosen_service, chosen, [chosen]


def _take(
    request: HttpRequest, therapist: Therapist | None, service: Service, therapists: list[Therapist]
) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        if form.is_empty:
            return _week(request, therapist, service, therapists, form=form)
        raise SuspiciousOperation("not a start")
    start, present, network = form.cleaned_data["start"], _present_hold(request), visitors_network(request)
    try:
        with actions.counting_hold(network=network) if present is None else nullcontext():
            hold = actions.take_hold(therapist=therapist, service=service, starts_at=start, present=present)
    except actions.TooManyError:
        return too_many(request)
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        return _other_times(request, refusal, therapist=therapist, service=service, start=start, besides=present)
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
    return hold if hold is not None and hold.is_hold else None


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
    request: HttpRequest,
    therapist: Therapist | None,
    service: Service,
    therapists: list[Therapist],
    form: StartForm | None = None,
) -> HttpResponse:
    terms = Terms.anew(service)
    week = week_of_free_times(request, terms, therapists, besides=_present_hold(request))
    closed = closed_words(terms, therapists, therapist)
    context = {"therapist": therapist, "service": service, "closed": closed, "form": form, **week}
    return render(request, "booking/patients/slots.html", context, status=422 if form else 200)


# ---- details --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest, token: str) -> HttpResponse:
    hold = Appointment.objects.with_token(token).select_related("therapist", "service").first()
    if hold is None:
        raise Http404
    if request.method == "POST":
        return _book(request, hold)
    if not hold.is_hold:
        return redirect(hold)
    return _details_page(request, hold, _fresh_form(request, hold))


def _fresh_form(request: HttpRequest, hold: Appointment) -> DetailsForm:
    return DetailsForm.fresh(
        first_drawn_at(request),
        start=hold.starts_at.isoformat(timespec="minutes"),
        therapist=hold.therapist.slug,
        service=hold.service.slug,
        came_from=asked_article(request),
    )


def _details_page(request: HttpRequest, hold: Appointment, form: DetailsForm, status: int = 200) -> HttpResponse:
    """The details form, with the time and therapist that the form will send: another tab may have moved the hold."""
    cleaned_data = form.cleaned_data if form.is_bound else {}
    service: Service = cleaned_data.get("service") or hold.service
    start, therapist = cleaned_data.get("start") or hold.starts_at, cleaned_data.get("therapist") or hold.therapist
    is_hold = (service, therapist, start) == (hold.service, hold.therapist, hold.starts_at)
    held_for = (hold.held_until - timezone.now()).total_seconds() if hold.held_until else 0
    context = {
        "hold": hold,
        "start": start,
        "therapist": therapist,
        "service": service,
        "minutes": hold.minutes if is_hold else service.minutes,
        "held_seconds": max(0, ceil(held_for)),
        "urgent_help": UrgentHelp.objects.current(),
        "cautions": service.cautions.all(),
        "before": before_you_come(Clinic.objects.current(), [service]),
    }
    return draw_form(request, "booking/patients/details.html", context, form, status)


def _book(request: HttpRequest, hold: Appointment) -> HttpResponse:
    form = DetailsForm(request.POST, hold=hold)
    if not form.can_be_taken(timezone.now()):
        if form.is_forged:
            raise SuspiciousOperation("a hidden field was changed")
        return _details_page(request, hold, form, status=422) if hold.is_hold else redirect(hold)
    network, is_repeat = visitors_network(request), not hold.is_hold  # a repeat is not a second booking
    try:
        with nullcontext() if is_repeat else actions.counting_booking(network=network):
            return redirect(_booked_visit(hold, form))
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        return _other_times(
            request,
            refusal,
            therapist=form.cleaned_data["therapist"],
            service=form.cleaned_data["service"],
            start=form.cleaned_data["start"],
            besides=hold,
            hidden_fields=form.as_hidden_fields(),
        )
    except actions.TooManyError:
        return too_many(request)
    except actions.SubmissionReusedError:
        return render(request, "booking/patients/sent_before.html", {"visit": hold}, status=422)


def _booked_visit(hold: Appointment, form: DetailsForm) -> Appointment:
    cleaned_data = form.cleaned_data
    return actions.book_appointment(
        hold=hold,
        therapist=cleaned_data["therapist"],
        service=cleaned_data["service"],
        starts_at=cleaned_data["start"],
        details=form.details,
        submission_key=cleaned_data["submission_key"],
    )


# ---- a time that cannot be had --------------------------------------------------------------


def _other_times(
    request: HttpRequest,
    refusal: actions.SlotTakenError | actions.NotOfferedError,
    *,
    therapist: Therapist | None,
    service: Service,
    start: datetime,
    besides: Appointment | None,
    hidden_fields: list[tuple[str, str]] | None = None,
) -> HttpResponse:
    """409: what happened, what was typed as `hidden_fields`, the closest free times, and the phone number."""
    clinic = Clinic.objects.current()
    therapist_slug, has_details = therapist.slug if therapist else ANY, hidden_fields is not None
    path = reverse("booking:slots", args=[therapist_slug, service.slug])
    terms, giving = Terms.anew(service), list(Therapist.objects.giving(service))
    state = booking_state(refusal, start=start, zone=clinic.zone_name, therapist=therapist, has_details=has_details)
    context = {
        "clinic": clinic,
        "state": state,
        "therapist": therapist,
        "service": service,
        "start": start,
        "whole_week": f"{path}?from={start.astimezone(clinic.zone).date()}",
        "closest": closest_times(terms, giving, therapist, start, zone=clinic.zone, besides=besides),
        "can_wait": not closed_words(terms, [one for one in giving if therapist in (None, one)], therapist),
        "hidden_fields": hidden_fields or [],
        "is_booking": has_details,
    }
    return render(request, "booking/patients/taken.html", context, status=409)
