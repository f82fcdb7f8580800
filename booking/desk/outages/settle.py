"""Settle one visit of an outage: what staff and the patient agreed on the phone."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.contrib import messages as django_messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.causes import refusal_words
from booking.desk.base.changed import Changed, visit_words
from booking.desk.base.free_times_panel import free_times_context, is_looking, picked_start
from booking.desk.base.other_visits import OtherVisits, other_visits
from booking.desk.base.wording import time_with, told_by_email_or_phone
from booking.models import AffectedVisit, Appointment, Audience, Clinic, Look, Outage, Terms, propose
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.words import clock, day_short

from .access import TO_ACT, get_outage, note_look, require_permissions, therapists_to_offer
from .forms import SettleForm
from .proposal import place_value

VERB = "Move it"
TOO_LATE = "A colleague or the patient was quicker: it is settled already; see below."


@require_http_methods(["GET", "HEAD", "POST"])
def settle_outage(request: StaffRequest, pk: int, line: int) -> HttpResponse:
    """One patient on the phone: what was agreed?"""
    require_permissions(request, *TO_ACT)
    outage = get_outage(request, pk)
    affected = _get_line(request, outage, line)
    if not affected.is_open and request.method != "POST":
        return redirect(outage)
    form, changed = _form(request, affected), None
    others = _other_visits(request, affected, form)
    if form.is_bound:
        is_ready = form.is_valid() and not (others and others.refuse(form, VERB))
        if is_ready and _settle(request, affected, form):
            return redirect(outage)
        affected = _get_line(request, outage, line)
        if (seen := form.cleaned_data["version"]) != affected.version:
            changed = Changed(_words(seen), _words(affected.version), is_still_possible=affected.is_open)
            form.show_version(affected.version)
    note_look(request, Look.OPENED, outage.pk)
    context = _context(request, outage, affected, form, timezone.now()) | {"changed": changed}
    context |= {"other_visits": others, "verb": VERB}
    return render(request, "booking/desk/outages/settle.html", context, status=409 if form.is_bound else 200)


def _words(version: str) -> str:
    """Not settled, confirmed, Monday, December 7 …; empty for what is no version of a line."""
    visit, settled = visit_words(version), dict(AffectedVisit.State.choices).get(version.partition(".")[0])
    return f"{settled or 'Not settled'}: {visit[0].lower()}{visit[1:]}" if visit else ""


def _form(request: StaffRequest, line: AffectedVisit) -> SettleForm:
    """The form as sent; a free time that was only picked is put into an unbound one, as another time."""
    initial: dict[str, object] = {"version": line.version, "therapist": line.visit.therapist.slug}
    if not is_looking(request):
        return SettleForm(request.POST if request.method == "POST" else None, user=request.user, initial=initial)
    initial |= {name: value for name, value in request.POST.items() if value}
    initial |= {"starts_at": picked_start(request), "agreed": SettleForm.ELSEWHERE}
    return SettleForm(user=request.user, initial=initial)


def _other_visits(request: StaffRequest, line: AffectedVisit, form: SettleForm) -> OtherVisits | None:
    """Other visits of the same patient at the other time that is chosen, if one is."""
    therapist, start = form.other_place
    return other_visits(
        line.visit,
        terms=Terms.of_visit(line.visit, Audience.STAFF),
        starts=[start],
        therapist=therapist,
        user=request.user,
        sent=request.POST,
        besides=Q(pk=line.visit_id),
    )


def _get_line(request: StaffRequest, outage: Outage, pk: int) -> AffectedVisit:
    """Raises Http404 also when the visit is a colleague's by now."""
    line: AffectedVisit = get_object_or_404(outage.visits.in_order(), pk=pk)
    if not Appointment.objects.seen_by(request.user).filter(pk=line.visit_id).exists():
        raise Http404
    return line


def _context(
    request: StaffRequest, outage: Outage, line: AffectedVisit, form: SettleForm, now: datetime
) -> dict[str, object]:
    return {
        **admin.site.each_context(request),
        "title": "What was agreed?",
        "outage": outage,
        "line": line,
        "choices": _choices(request, outage, line, now) if line.is_open else [],
        "form": form,
        "agreed": form["agreed"].value() or "",
        **_free_times(line, form),
    }


def _choices(request: StaffRequest, outage: Outage, line: AffectedVisit, now: datetime) -> list[tuple[str, str]]:
    return [*_held_time(line, now), *_other_times(request, outage, line, now), *SettleForm.WITHOUT_TIME]


def _free_times(line: AffectedVisit, form: SettleForm) -> dict[str, object]:
    """The free times of the therapist in the form, from the start in it; by the rules for staff, as when it is sent."""
    therapist = form.therapists.filter(slug=form["therapist"].value() or "").first()
    if therapist is None:
        return {}
    start = form.cleaned_data.get("starts_at") if form.is_bound else form.initial.get("starts_at")
    start = start if isinstance(start, datetime) else None
    context = free_times_context(therapist, Terms.of_visit(line.visit, Audience.STAFF), start)
    return context | {"is_picked": start is not None and not form.is_bound}


def _held_time(line: AffectedVisit, now: datetime) -> list[tuple[str, str]]:
    """The time that is held for them, if it still is, as a choice: its value and its words."""
    if not (line.is_held(now) and line.therapist and line.starts_at and line.until):
        return []
    until = f"held for them until {day_short(line.until)}, {clock(line.until)}"
    return [(place_value(line.therapist, line.starts_at), f"{time_with(line.therapist, line.starts_at)} ({until})")]


def _other_times(request: StaffRequest, outage: Outage, line: AffectedVisit, now: datetime) -> list[tuple[str, str]]:
    zone, among = Clinic.objects.current().zone, therapists_to_offer(request.user)
    [proposal] = propose(
        [line.visit], out=outage.span, first=None, among=among, now=now, zone=zone, audience=Audience.STAFF
    )
    others = sorted(proposal.all, key=lambda other: other.starts_at)
    return [
        (place_value(other.therapist, other.starts_at), time_with(other.therapist, other.starts_at)) for other in others
    ]


def _settle(request: StaffRequest, line: AffectedVisit, form: SettleForm) -> bool:
    """Call the action. False when the page is to be shown again: with errors, or with what is so now."""
    try:
        success = _call_action(request, line, form)
    except actions.ChangedMeanwhileError:
        return False
    except actions.StateChangedError:
        django_messages.warning(request, TOO_LATE)
    except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
        field = "starts_at" if form.cleaned_data["agreed"] == SettleForm.ELSEWHERE else "agreed"
        form.add_error(field, format_html("{} Nothing was changed; choose another time.", refusal_words(refusal)))
        return False
    else:
        django_messages.success(request, success)
    return True


def _call_action(request: StaffRequest, line: AffectedVisit, form: SettleForm) -> str:
    """The message for staff about what was done."""
    staff, told = actions.Actor.STAFF, told_by_email_or_phone(line.visit.email)
    seen = form.cleaned_data["version"]
    match form.cleaned_data["agreed"]:
        case SettleForm.CANCEL:
            actions.cancel_affected(line=line, seen=seen, by=staff, who=request.user)
            return f"Cancelled, and the time that was held is free again. {told}"
        case SettleForm.KEEP:
            actions.keep_affected(line=line, seen=seen, who=request.user)
            return "Saved: the visit takes place as planned."
        case SettleForm.REACHED:
            actions.note_reached(line=line, seen=seen, who=request.user)
            return "Saved: they know. The visit stays on the board until it is settled."
    therapist, starts_at = form.cleaned_data["therapist"], form.cleaned_data["starts_at"]
    moved = actions.take_other_time(
        line=line, seen=seen, therapist=therapist, starts_at=starts_at, by=staff, who=request.user
    )
    return f"Moved to {time_with(moved.therapist, moved.starts_at)}. {told}"
