"""Patients change their own phone, note and e-mail address. The pages show none of the old ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.fields import DecisionForm
from booking.models import Appointment, EmailChange
from booking.patients.forms.own_details import NewEmailForm, PhoneOrNoteForm
from revival.base.network import visitors_network

from .robots import too_many
from .states.changed import Changed, visit_words
from .visits import visit_or_404


@require_http_methods(["GET", "HEAD", "POST"])
def own_details(request: HttpRequest, token: str) -> HttpResponse:
    """Another phone or note, typed anew."""
    visit = visit_or_404(token)
    form = PhoneOrNoteForm(request.POST if request.method == "POST" else None, initial={"version": visit.version})

    def act(seen: str) -> None:
        phone, note = form.cleaned_data["phone"], form.new_note
        actions.change_phone_or_note(appointment=visit, seen=seen, phone=phone, note=note)

    return _page(request, visit, form, act, page="own_details")


@require_http_methods(["GET", "HEAD", "POST"])
def new_email(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for another e-mail address, which the old one or staff confirm."""
    visit = visit_or_404(token)
    form = NewEmailForm(request.POST if request.method == "POST" else None, initial={"version": visit.version})

    def act(seen: str) -> None:
        actions.ask_for_new_email(appointment=visit, seen=seen, email=form.cleaned_data["email"])

    return _page(request, visit, form, act, page="new_email")


def _page(
    request: HttpRequest, visit: Appointment, form: DecisionForm, act: Callable[[str], None], *, page: str
) -> HttpResponse:
    if not visit.is_coming and not form.is_bound:
        return redirect(visit)
    if not form.is_valid():
        context = {"visit": visit, "form": form}
        return render(request, f"booking/patients/{page}.html", context, status=422 if form.is_bound else 200)
    seen = form.cleaned_data["version"]
    try:
        actions.count_ask(network=visitors_network(request))
        act(seen)
    except actions.TooManyError:
        return too_many(request)
    except actions.ChangedMeanwhileError:
        return _changed(request, visit, form, seen, page)
    except actions.StateChangedError:
        return redirect(visit)  # it has ended: its page says so
    return redirect(f"{visit.get_absolute_url()}?saved={page}")  # the page says so; it changes nothing


def _changed(request: HttpRequest, visit: Appointment, form: DecisionForm, seen: str, page: str) -> HttpResponse:
    """Say what the page showed and what is so now; what was typed is kept, and can be sent once more."""
    present = visit_or_404(visit.token)
    form.show_version(present.version)
    changed = Changed(visit_words(seen), visit_words(present.version), is_still_possible=present.is_coming)
    context = {"visit": present, "form": form, "changed": changed}
    return render(request, f"booking/patients/{page if present.is_coming else 'changed'}.html", context, status=409)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Opened from the mail to the old address. GET shows one button, since mail programs follow links; POST confirms.

    The page shows neither address: whoever reads the old mailbox may be a stranger.
    """
    now = timezone.now()
    change = EmailChange.objects.with_token(token).select_related("visit").first()
    if change is None or EmailChange.objects.over(now).filter(pk=change.pk).exists() or change.visit.ends_at <= now:
        raise Http404
    if request.method == "POST":
        with suppress(actions.StateChangedError):  # pressed twice, or staff were quicker: the page says so
            actions.confirm_new_email(change=change, seen=change.version, by=actions.Actor.PATIENT)
        return redirect(change)
    return render(request, "booking/patients/confirm_email.html", {"change": change})
