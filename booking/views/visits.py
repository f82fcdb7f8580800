"""The visit page, opened by its private link. GET never changes anything."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.models import Appointment


def _visit(token: str) -> Appointment:
    """404 for anything wrong, and once the time of the visit has passed."""
    visit = Appointment.objects.visits().with_token(token).select_related("therapist", "service").first()
    if visit is None or visit.ends_at <= timezone.now():
        raise Http404
    return visit


@require_safe
def visit(request: HttpRequest, token: str) -> HttpResponse:
    found = _visit(token)
    context = {"visit": found, "can_change": found.can_be_changed_online(timezone.now())}
    return render(request, "booking/visit.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    found = _visit(token)
    if request.method != "POST":
        if not found.is_coming:
            return redirect(found)
        can_change = found.can_be_changed_online(timezone.now())
        return render(request, "booking/cancel.html", {"visit": found, "can_change": can_change})
    try:
        actions.cancel_appointment(appointment=found, by=actions.Actor.PATIENT)
    except actions.TooLateToCancelError:
        return render(request, "booking/cancel.html", {"visit": found, "can_change": False}, status=409)
    except actions.StateChangedError:
        return redirect(found)
    return redirect(found)
