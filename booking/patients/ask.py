"""Page for when no time suits: ask the clinic to call or write."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.models import Therapist, UrgentHelp
from booking.patients.forms.ask import AskForm

from .book import ANY, asked_article
from .robots import draw_form, first_drawn_at, refuse_busy_network


def _therapist(slug: str) -> Therapist | None:
    return None if slug == ANY else get_object_or_404(Therapist, slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, therapist: str) -> HttpResponse:
    chosen = _therapist(therapist)
    if request.method != "POST":
        form = AskForm.fresh(first_drawn_at(request), came_from=asked_article(request))
        return _page(request, chosen, form)
    form = AskForm(request.POST)
    if not form.can_be_taken(timezone.now()):
        if form.is_forged:
            raise SuspiciousOperation("a hidden field was changed")
        return _page(request, chosen, form, status=422)
    if refusal := refuse_busy_network(request):
        return refusal
    key = form.cleaned_data["submission_key"]
    try:
        actions.ask_for_contact(therapist=chosen, submission_key=key, **form.details)
    except actions.SubmissionReusedError:
        return render(request, "booking/patients/sent_before.html", status=422)
    return redirect("booking:asked", therapist=therapist)


def _page(request: HttpRequest, therapist: Therapist | None, form: AskForm, status: int = 200) -> HttpResponse:
    context = {"therapist": therapist, "urgent_help": UrgentHelp.objects.current()}
    return draw_form(request, "booking/patients/ask.html", context, form, status)


@require_safe
def asked(request: HttpRequest, therapist: str) -> HttpResponse:
    return render(request, "booking/patients/asked.html", {"therapist": _therapist(therapist)})
