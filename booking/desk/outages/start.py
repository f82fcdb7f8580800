"""Start an outage: choose therapist and span, see who is affected, then hold times and write to patients."""

from __future__ import annotations

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.causes import cause_words
from booking.desk.base.wording import count_visits
from booking.models import Appointment, Bucket, Clinic, FirstChoice, Look, Outage, Therapist
from booking.time.availability import Cause
from revival.base.bidi import isolate
from revival.base.clock import Span
from revival.base.desk_parts.staff_request import StaffRequest

from .access import TO_ACT, note_look, require_permissions
from .forms import SpanForm, StartForm
from .proposal import ProposalRow, plans_of, proposal_rows, restore_choices


@require_http_methods(["GET", "HEAD", "POST"])
def start_outage(request: StaffRequest) -> HttpResponse:
    """GET chooses the span and shows who is affected, and changes nothing; POST starts the outage."""
    require_permissions(request, *TO_ACT)
    now, clinic = timezone.now(), get_object_or_404(Clinic)
    if request.method == "POST":
        return _start(request, now, clinic.zone)
    is_sent = "when" in request.GET
    form = SpanForm(
        request.GET if is_sent else None,
        user=request.user,
        now=now,
        zone=clinic.zone,
        initial={"therapist": request.GET.get("therapist", "")},
    )
    if form.is_valid():
        return _propose(request, form, now, clinic.zone)
    context = {**admin.site.each_context(request), "title": "A therapist is out", "form": form}
    return render(request, "booking/desk/outages/span.html", context, status=422 if is_sent else 200)


def _propose(request: StaffRequest, span_form: SpanForm, now: datetime, zone: ZoneInfo) -> HttpResponse:
    therapist, span = span_form.cleaned_data["therapist"], span_form.cleaned_data["span"]
    first = FirstChoice(span_form.cleaned_data["first"])
    rows = proposal_rows(request.user, therapist, span, first, now, zone)
    initial = {
        "therapist": therapist.slug,
        "starts_at": span.start.isoformat(),
        "ends_at": span.end.isoformat(),
        "first": first,
        "submission_key": uuid.uuid4(),
        "answer_by": actions.usual_answer_by(now),
    }
    form = StartForm(user=request.user, now=now, initial=initial)
    return _preview(request, form, rows, therapist, span)


def _start(request: StaffRequest, now: datetime, zone: ZoneInfo) -> HttpResponse:
    form = StartForm(request.POST, user=request.user, now=now)
    if not form.is_valid() and form.is_forged:
        raise SuspiciousOperation("a hidden field was changed")
    gone: list[Appointment] = []
    plans, status = plans_of(request), 422
    if form.is_valid():
        try:
            outage = _call_action(request, form, plans)
        except actions.AlreadyOutError:
            django_messages.warning(request, "A colleague has already started this. No e-mail was sent a second time.")
            return redirect("admin:outages")
        except (actions.SlotTakenError, actions.SubmissionReusedError, actions.ChangedMeanwhileError) as refusal:
            gone, status = getattr(refusal, "visits", []), 409
            form.add_error(None, _refusal_words(refusal))
        else:
            django_messages.success(request, _started_words(outage, now))
            return redirect("admin:outage", outage.pk)
    therapist, first = form.cleaned_data["therapist"], FirstChoice(form.cleaned_data["first"])
    span = form.cleaned_data.get("span") or Span(form.cleaned_data["starts_at"], form.cleaned_data["ends_at"])
    rows = proposal_rows(request.user, therapist, span, first, now, zone)
    restore_choices(rows, plans, {visit.pk for visit in gone})
    return _preview(request, form, rows, therapist, span, status=status)


def _call_action(request: StaffRequest, form: StartForm, plans: dict[int, actions.OutagePlan]) -> Outage:
    return actions.start_outage(
        therapist=form.cleaned_data["therapist"],
        span=form.cleaned_data["span"],
        answer_by=form.cleaned_data["answer_by"],
        plans=plans,
        reason=form.cleaned_data["reason"],
        by=request.user,
        submission_key=form.cleaned_data["submission_key"],
    )


def _started_words(outage: Outage, now: datetime) -> str:
    lines = list(outage.visits.select_related("hold", "visit").with_delivery())
    mails = len({line.visit.email_key for line in lines if line.bucket(now) == Bucket.WAITING})
    to_phone = sum(line.bucket(now) == Bucket.TO_PHONE for line in lines)
    leaving = "1 e-mail leaves now" if mails == 1 else f"{mails} e-mails leave now" if mails else "No e-mail is sent"
    calls = f"{count_visits(to_phone, 'needs', 'need')} a call" if to_phone else "nobody is left to call"
    return f"{isolate(outage.therapist.short_name)} is out. {leaving}; {calls}."


def _refusal_words(refusal: actions.RefusalError) -> str:
    if isinstance(refusal, actions.AlternativesGoneError):
        number = len(refusal.visits)
        nothing = "No e-mail was sent, and nothing is held yet."
        if all(why.causes == {Cause.TAKEN} for why in refusal.why):
            times = "One time has" if number == 1 else f"{number} times have"
            return f"{times} been taken meanwhile, or chosen twice: see below. {nothing}"
        times = "One time" if number == 1 else f"{number} times"
        return format_html("{} cannot be booked any more: {} {}", times, cause_words(refusal.why), nothing)
    if isinstance(refusal, actions.ChangedMeanwhileError):
        return (
            "A colleague or the patient was quicker: a visit is no longer as your page showed it, see below. "
            "No e-mail was sent, and nothing is held yet. If you still want this, press the button once more."
        )
    if isinstance(refusal, actions.SubmissionReusedError):
        return "This page has already started an outage. Please open it again."
    return "One of the times has been taken meanwhile. No e-mail was sent, and nothing is held yet."


def _preview(
    request: StaffRequest, form: StartForm, rows: list[ProposalRow], therapist: Therapist, span: Span, status: int = 200
) -> HttpResponse:
    note_look(request, Look.LIST)
    context = {
        **admin.site.each_context(request),
        "title": "Who is affected",
        "form": form,
        "rows": rows,
        "therapist": therapist,
        "span": span,
        "mails": len({row.visit.email_key for row in rows if not row.by_phone}),
    }
    return render(request, "booking/desk/outages/start.html", context, status=status)
