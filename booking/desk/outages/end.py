"""End an outage early: the therapist is back, or was never away."""

from __future__ import annotations

from django.contrib import admin
from django.contrib import messages as django_messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.wording import count_visits
from booking.models import Outage
from revival.base.desk_parts.staff_request import StaffRequest

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
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _end(request, outage, form):
        return redirect(outage)
    context = {
        **admin.site.each_context(request),
        "title": "They are back earlier",
        "outage": outage,
        "form": form,
        "number": outage.visits.open().filter(Q(visit__starts_at__gt=now)).count(),
    }
    return render(request, "booking/desk/outages/end.html", context, status=422 if form.errors else 200)


def _end(request: StaffRequest, outage: Outage, form: EndForm) -> bool:
    """Call the action. False when the form now shows why it was refused."""
    try:
        number = actions.end_outage(outage=outage, ends_at=form.cleaned_data["ends_at"], by=request.user)
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
