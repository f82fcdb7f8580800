"""End an outage early: the therapist is back, or was never away."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.contrib import admin
from django.contrib import messages as django_messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.changed import Changed
from booking.desk.base.wording import count_visits
from booking.models import Outage
from revival.base.clock import Span, is_in_era
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import span_words

from .access import TO_ACT, get_outage, require_permissions
from .forms import EndForm


@require_http_methods(["GET", "HEAD", "POST"])
def end_outage(request: StaffRequest, pk: int) -> HttpResponse:
    """GET asks once more, POST ends the outage."""
    require_permissions(request, *TO_ACT)
    outage, now = get_outage(request, pk), timezone.now()
    if outage.is_over(now):
        django_messages.warning(request, "It is already over.")
        return redirect(outage)
    form = EndForm(request.POST if request.method == "POST" else None, initial={"version": outage.version})
    changed = None
    if request.method == "POST":
        if form.is_valid() and _end(request, outage, form):
            return redirect(outage)
        outage = get_outage(request, pk)
        if (seen := form.cleaned_data["version"]) != outage.version:
            changed = Changed(_words(seen), _words(outage.version), is_still_possible=not outage.is_over(now))
            form.show_version(outage.version)
    context = {
        **admin.site.each_context(request),
        "title": "They are back earlier",
        "outage": outage,
        "form": form,
        "changed": changed,
        "number": outage.visits.open().filter(Q(visit__starts_at__gt=now)).count(),
    }
    status = 409 if changed else 422 if form.errors else 200
    return render(request, "booking/desk/outages/end.html", context, status=status)


def _words(version: str) -> str:
    """When they are out, as a version of an outage says it; empty for anything else."""
    match = re.fullmatch(r"[a-z]+\.([0-9]{1,11})\.([0-9]{1,11})", version, re.ASCII)
    if match is None:
        return ""
    start, end = (datetime.fromtimestamp(int(seconds), UTC) for seconds in match.groups())
    return f"out {span_words(Span(start, end))}" if is_in_era(start) and is_in_era(end) else ""


def _end(request: StaffRequest, outage: Outage, form: EndForm) -> bool:
    """Call the action. False when the page is to be shown again: with errors, or with what is so now."""
    seen, ends_at = form.cleaned_data["version"], form.cleaned_data["ends_at"]
    try:
        number = actions.end_outage(outage=outage, seen=seen, ends_at=ends_at, by=request.user)
    except actions.ChangedMeanwhileError:
        return False
    except actions.NotOfferedError:
        form.add_error("ends_at", "That is not earlier than planned. For a longer absence, start another one.")
        return False
    except actions.StateChangedError:
        django_messages.warning(request, "A colleague was quicker; see below.")
    else:
        visits = count_visits(number, "takes", "take")
        mails = "Patients who had been told otherwise get an e-mail."
        django_messages.success(request, f"{visits} place as planned. {mails}")
    return True
