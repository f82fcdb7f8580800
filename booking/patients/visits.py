"""The visit page, opened by its private link. GET never changes anything."""

from datetime import datetime

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.mail.calendar_files import Method, calendar_file, last_agreed
from booking.models import Appointment, Clinic, State
from booking.patients.forms.person import FindForm
from booking.patients.forms.visits import CancelForm, MoveForm

from .robots import too_many, visitors_network
from .week import week_of_free_times


def visit_or_404(token: str) -> Appointment:
    """404 for anything wrong, and once the time of the visit has passed."""
    visit = Appointment.objects.visits().with_token(token).select_related("therapist", "service").first()
    if visit is None or visit.ends_at <= timezone.now():
        raise Http404
    return visit


@require_safe
def visit(request: HttpRequest, token: str) -> HttpResponse:
    found = visit_or_404(token)
    context = {
        "visit": found,
        "can_change": found.can_be_changed_online(timezone.now()),
        "out": found.outage,
        "waiting": found.waitlist_entries.waiting().first(),
        "was_moved": found.is_coming and "moved" in request.GET,
    }
    return render(request, "booking/patients/visit.html", context)


@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The visit as a file for any calendar; only what is agreed belongs there."""
    found = visit_or_404(token)
    if found.state != State.CONFIRMED or found.confirmed_at is None or found.outage is not None:
        raise Http404
    content = calendar_file(
        found,
        clinic=Clinic.objects.current(),
        method=Method.PUBLISH,
        sequence=found.calendar_sequence,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        stamp=last_agreed(found),
    )
    headers = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Choose another time → look at both once more → moved. No hold: the old time is kept until then."""
    found = visit_or_404(token)
    if not found.is_coming:
        return redirect(found)
    if not found.can_be_changed_online(timezone.now()):
        return render(request, "booking/patients/too_late.html", {"visit": found}, status=409 if request.POST else 200)
    if request.method != "POST":
        return _choose_another(request, found)
    form = MoveForm(request.POST)
    if form.is_empty:
        return _choose_another(request, found, form=form)
    if not form.is_valid():
        raise SuspiciousOperation("not a start")
    start, seen = form.cleaned_data["start"], form.cleaned_data["seen"]
    if start == found.starts_at:  # the time it has already
        return redirect(found)
    if seen is None:
        return render(request, "booking/patients/move_confirm.html", {"visit": found, "start": start})
    try:
        moved = actions.move_appointment(appointment=found, seen=seen, starts_at=start, by=actions.Actor.PATIENT)
    except (actions.SlotTakenError, actions.NotOfferedError, actions.StateChangedError) as refusal:
        found.refresh_from_db()
        return _choose_another(request, found, refusal=refusal, start=start)
    except actions.TooLateToChangeError:
        return render(request, "booking/patients/too_late.html", {"visit": found}, status=409)
    return redirect(f"{moved.get_absolute_url()}?moved=1")  # the page says so; it changes nothing


def _choose_another(
    request: HttpRequest,
    visit: Appointment,
    *,
    refusal: actions.RefusalError | None = None,
    start: datetime | None = None,
    form: MoveForm | None = None,
) -> HttpResponse:
    context = {
        "visit": visit,
        "form": form,
        "start": start,
        "was_taken": isinstance(refusal, actions.SlotTakenError),
        "was_moved": isinstance(refusal, actions.StateChangedError),
        **week_of_free_times(request, [visit.therapist], visit.service, besides=visit),
    }
    status = 409 if refusal else 422 if form else 200
    return render(request, "booking/patients/move.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The link is lost: the same answer, and the same work, whether or not we know the address."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.count_ask(network=visitors_network(request))
        except actions.TooManyError:
            return too_many(request)
        actions.ask_for_links(email=form.cleaned_data["email"])
        return render(request, "booking/patients/find_sent.html")
    return render(request, "booking/patients/find.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    found = visit_or_404(token)
    form = CancelForm(request.POST or None)
    if request.method != "POST":
        if not found.is_coming:
            return redirect(found)
        page = "cancel" if found.can_be_changed_online(timezone.now()) else "too_late"
        return render(request, f"booking/patients/{page}.html", {"visit": found, "form": form})
    if form.errors:
        return render(request, "booking/patients/cancel.html", {"visit": found, "form": form}, status=422)
    reason = form.cleaned_data["reason"] if form.is_bound else ""
    try:
        actions.cancel_appointment(appointment=found, by=actions.Actor.PATIENT, reason=reason)
    except actions.TooLateToChangeError:
        return render(request, "booking/patients/too_late.html", {"visit": found}, status=409)
    except actions.StateChangedError:
        return redirect(found)
    return redirect(found)
