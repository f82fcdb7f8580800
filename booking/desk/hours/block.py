"""Block a stretch of time for one therapist or the whole clinic."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.fields import MomentField
from booking.models import Absence, Clinic
from revival.base.bidi import isolate
from revival.base.clock import Span, is_in_era
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import FormValues
from revival.base.words import clock, day_words

from .away_form import AwayForm
from .in_the_way import InTheWay, visits_shown

AN_HOUR = timedelta(hours=1)


class BlockForm(AwayForm):
    """Who is away, from when to when."""

    starts_at = MomentField(label="From")
    ends_at = MomentField(label="Until")
    field_order = ("who", "starts_at", "ends_at", "reason")

    def clean_ends_at(self) -> datetime:
        moment: datetime = self.cleaned_data["ends_at"]
        if moment <= timezone.now():
            raise ValidationError("That time has gone by.")
        return moment

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        starts, ends = cleaned_data.get("starts_at"), cleaned_data.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It ends before it begins.")
        return cleaned_data

    @property
    def span(self) -> Span:
        return Span(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])


@require_http_methods(["GET", "HEAD", "POST"])
def block_page(request: StaffRequest) -> HttpResponse:
    """Block time at once, or after a preview when visits are booked in it.

    Query, to fill in the form: `therapist` (slug) and `from` (an ISO instant, or a date).
    """
    if not request.user.has_perms(["booking.view_absence", "booking.add_absence"]):
        raise PermissionDenied
    get_object_or_404(Clinic)
    form = BlockForm(request.POST if request.method == "POST" else None, user=request.user, initial=_initial(request))
    if request.method != "POST" or request.POST.get("do") == "edit":
        return _form_page(request, form, status=200)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    return _save(request, form)


def _save(request: StaffRequest, form: BlockForm) -> HttpResponse:
    try:
        absence, visits = actions.block_time(
            therapist=form.therapist,
            span=form.span,
            reason=form.cleaned_data["reason"],
            accepted=visits_shown(request),
        )
    except actions.VisitsInTheWayError as refusal:
        return _preview(request, form, InTheWay.of(refusal.visits), has_more=request.POST.get("do") == "save")
    django_messages.success(request, _blocked_message(absence))
    if visits:
        number = "1 visit is" if len(visits) == 1 else f"{len(visits)} visits are"
        django_messages.warning(request, f"{number} booked in that time, and no e-mail was sent.")
    day = timezone.localdate(max(absence.starts_at, timezone.now()))
    return redirect(reverse("admin:calendar", query={"view": "day", "from": f"{day}"}))


def _initial(request: StaffRequest) -> dict[str, object]:
    """Therapist and time from the query; an unreadable time is left out."""
    initial: dict[str, object] = {"who": request.GET["therapist"]} if request.GET.get("therapist") else {}
    try:
        moment = datetime.fromisoformat(request.GET.get("from", ""))
        if not is_in_era(moment):
            raise ValueError
    except (ValueError, OverflowError):
        return initial
    start = moment if moment.tzinfo else _still_to_come(timezone.make_aware(moment))
    return initial | {"starts_at": start, "ends_at": start + AN_HOUR}


def _still_to_come(start: datetime) -> datetime:
    """`start`, or the same time today if it has passed, or else the next full hour."""
    now = timezone.localtime()
    if start > now:
        return start
    today = start.replace(year=now.year, month=now.month, day=now.day)
    return today if today > now else now.replace(minute=0, second=0, microsecond=0) + AN_HOUR


def _form_page(request: StaffRequest, form: BlockForm, *, status: int) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Block time", "form": form}
    return render(request, "booking/desk/hours/block.html", context, status=status)


def _preview(request: StaffRequest, form: BlockForm, in_the_way: InTheWay, *, has_more: bool) -> HttpResponse:
    names = ("who", "starts_at", "ends_at", "reason")
    context = {
        **admin.site.each_context(request),
        "title": "See what is booked before the time is blocked",
        "form": form,
        "who": form.therapist.name if form.therapist else "The whole clinic",
        "span": form.span,
        "hidden_fields": [(name, request.POST.get(name, "")) for name in names],
        "in_the_way": in_the_way,
        "has_more": has_more,
    }
    return render(request, "booking/desk/hours/block_preview.html", context, status=409 if has_more else 200)


def _blocked_message(absence: Absence) -> str:
    name = isolate(absence.therapist.short_name) if absence.therapist else "The whole clinic"
    first, last = timezone.localtime(absence.starts_at), timezone.localtime(absence.ends_at)
    ends = clock(last) if first.date() == last.date() else f"{day_words(last)}, {clock(last)}"
    return f"Blocked: {name}, {day_words(first)}, {clock(first)} to {ends}."
