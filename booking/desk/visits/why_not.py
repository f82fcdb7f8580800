"""The page "Why is a time not offered?": the causes that keep patients from booking a start online."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.desk.base.causes import Sentence, sentences
from booking.models import Clinic, Service, Terms, Therapist, ask
from revival.base.desk_parts.staff_request import StaffRequest

from .forms import PlaceForm


@require_safe
def why_page(request: StaffRequest) -> HttpResponse:
    """The question stands in the address, because it names no patient."""
    if not request.user.has_perm("booking.view_shift"):
        raise PermissionDenied
    form = PlaceForm(request.GET if "starts_at" in request.GET else None, user=request.user)
    is_answer = form.is_valid()
    context = {
        **admin.site.each_context(request),
        "title": "Why is a time not offered?",
        "form": form,
        "is_answer": is_answer,
        "sentences": explain(**form.cleaned_data, now=timezone.now()) if is_answer else [],
        "asked": form.cleaned_data if is_answer else None,
    }
    return render(request, "booking/desk/visits/why_not.html", context, status=422 if form.errors else 200)


def explain(*, therapist: Therapist, service: Service, starts_at: datetime, now: datetime) -> list[Sentence]:
    """What keeps patients from booking this start anew; nothing when they can."""
    asked, zone = Therapist.objects.for_service(service).get(pk=therapist.pk), Clinic.objects.current().zone
    day = starts_at.astimezone(zone).date()
    answer = ask(Terms.anew(service), [asked], first=day, last=day, now=now, zone=zone)
    return sentences([answer.why_not(asked, starts_at)], now=now)[0]
