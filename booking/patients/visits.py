"""The visit page, opened by its private link. GET never changes anything."""

from datetime import datetime

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.mail.calendar_files import Method, calendar_file, last_agreed
from booking.models import (
    AffectedVisit,
    Appointment,
    Audience,
    Clinic,
    Message,
    State,
    Terms,
    Therapist,
    before_you_come,
)
from booking.patients.forms.person import FindForm
from booking.patients.forms.visits import CancelForm, MoveForm

from .robots import too_many, visitors_network
from .states.causes import closed_words
from .states.changed import Changed, visit_words
from .states.chosen_time import moving_state
from .states.visit import visit_state
from .week import week_of_free_times


def visit_or_404(token: str) -> Appointment:
    """404 for anything wrong, and once the time of the visit has passed."""
    visit = Appointment.objects.visits().with_token(token).select_related("therapist", "service").first()
    if visit is None or visit.ends_at <= timezone.now():
        raise Http404
    return visit


@require_safe
def visit(request: HttpRequest, token: str) -> HttpResponse:
    visit = visit_or_404(token)
    clinic, line = Clinic.objects.current(), visit.outage
    was_moved = visit.is_coming and "moved" in request.GET
    context = {
        "clinic": clinic,
        "visit": visit,
        "state": visit_state(
            visit, clinic, line=line, was_moved=was_moved, is_by_phone=Message.objects.is_last_by_phone(visit)
        ),
        "line": line,
        "before": before_you_come(clinic, [visit.service], is_booked=True) if visit.is_coming else [],
        "was_moved": was_moved,
        "has_calendar_file": _has_calendar_file(visit, line),
        "can_change": visit.can_be_changed_online(timezone.now()),
        "saved": request.GET.get("saved", "") if visit.is_coming else "",
        "waiting": visit.waitlist_entries.waiting().first(),
    }
    return render(request, "booking/patients/visit.html", context)


def _has_calendar_file(visit: Appointment, line: AffectedVisit | None) -> bool:
    """Only what is agreed belongs in a calendar; `line` is there while the therapist is out."""
    return visit.state == State.CONFIRMED and visit.confirmed_at is not None and line is None


@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The visit as a file for any calendar."""
    visit = visit_or_404(token)
    if not _has_calendar_file(visit, visit.outage):
        raise Http404
    content = calendar_file(
        visit,
        clinic=Clinic.objects.current(),
        method=Method.PUBLISH,
        sequence=visit.calendar_sequence,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        stamp=last_agreed(visit),
    )
    headers = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Choose another time → look at both once more → moved. No hold: the old time is kept until then."""
    visit = visit_or_404(token)
    form = MoveForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_decided:
        return _move(request, visit, form)
    if not visit.is_coming:
        return redirect(visit)
    if not visit.can_be_changed_online(timezone.now()):
        return render(request, "booking/patients/too_late.html", {"visit": visit}, status=409 if request.POST else 200)
    if not form.is_bound:
        return _choose_another(request, visit)
    if form.is_empty:
        return _choose_another(request, visit, form=form)
    if not form.is_valid():
        raise SuspiciousOperation("not a start")
    if form.cleaned_data["start"] == visit.starts_at:
        return redirect(visit)
    return _confirm_move(request, visit, form.cleaned_data["start"])


def _confirm_move(request: HttpRequest, visit: Appointment, start: datetime) -> HttpResponse:
    context = {"visit": visit, "start": start, "is_request": visit.state == State.REQUESTED}
    return render(request, "booking/patients/move_confirm.html", context)


def _move(request: HttpRequest, visit: Appointment, form: MoveForm) -> HttpResponse:
    if not form.is_valid():
        raise SuspiciousOperation("not a start")
    start, seen = form.cleaned_data["start"], form.cleaned_data["version"]
    if visit.is_coming and start == visit.starts_at:
        return redirect(visit)
    try:
        moved = actions.move_appointment(appointment=visit, seen=seen, starts_at=start, by=actions.Actor.PATIENT)
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        visit.refresh_from_db()
        return _choose_another(request, visit, refusal=refusal, start=start)
    except actions.TooLateToChangeError:
        return render(request, "booking/patients/too_late.html", {"visit": visit}, status=409)
    except actions.TooManyError:
        return too_many(request)
    except actions.ChangedMeanwhileError:
        return _changed(request, visit, seen, page="move_confirm", start=start)
    except actions.StateChangedError:
        return redirect(visit)
    return redirect(f"{moved.get_absolute_url()}?moved=1")  # the page says so; it changes nothing


def _changed(
    request: HttpRequest,
    visit: Appointment,
    seen: str,
    *,
    page: str,
    form: CancelForm | None = None,
    start: datetime | None = None,
) -> HttpResponse:
    """Say what the page showed and what is so now; `page` offers the decision anew, if it still can be made online."""
    present = visit_or_404(visit.token)
    can_change = present.can_be_changed_online(timezone.now())
    if form is not None:
        form.show_version(present.version)
    context = {
        "visit": present,
        "form": form,
        "start": start,
        "is_request": present.state == State.REQUESTED,
        "changed": Changed(visit_words(seen), visit_words(present.version), can_change),
    }
    return render(request, f"booking/patients/{page if can_change else 'changed'}.html", context, status=409)


def _choose_another(
    request: HttpRequest,
    visit: Appointment,
    *,
    refusal: actions.RefusalError | None = None,
    start: datetime | None = None,
    form: MoveForm | None = None,
) -> HttpResponse:
    terms = Terms.of_visit(visit, Audience.VISIT)
    therapists = list(Therapist.objects.for_service(visit.service).among([visit.therapist]))
    context = {
        "visit": visit,
        "form": form,
        "state": moving_state(refusal, start),
        "closed": closed_words(terms, therapists, visit.therapist),
        **week_of_free_times(request, terms, therapists, besides=visit, refused=start),
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
    visit = visit_or_404(token)
    form = CancelForm(request.POST if request.method == "POST" else None, initial={"version": visit.version})
    if request.method != "POST":
        if not visit.is_coming:
            return redirect(visit)
        page = "cancel" if visit.can_be_changed_online(timezone.now()) else "too_late"
        return render(request, f"booking/patients/{page}.html", {"visit": visit, "form": form})
    if not form.is_valid():
        return render(request, "booking/patients/cancel.html", {"visit": visit, "form": form}, status=422)
    reason, seen = form.cleaned_data["reason"], form.cleaned_data["version"]
    try:
        actions.cancel_appointment(appointment=visit, seen=seen, by=actions.Actor.PATIENT, reason=reason)
    except actions.TooLateToChangeError:
        return render(request, "booking/patients/too_late.html", {"visit": visit}, status=409)
    except actions.ChangedMeanwhileError:
        return _changed(request, visit, seen, page="cancel", form=form)
    except actions.StateChangedError:
        pass  # it has ended: its page says so
    return redirect(visit)
