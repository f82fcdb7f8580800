"""The other visits of a series: shown on the page of each visit, and cancelled together."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.changed import Changed, visit_words
from booking.desk.base.wording import told_or_to_phone
from booking.fields import DecisionForm
from booking.models import MOST_VISITS, AccessLog, Appointment, Look, Message
from booking.models.versions import Together
from revival.base.desk_parts.staff_request import StaffRequest, StaffUser


@dataclass(frozen=True)
class SeriesPlace:
    """A visit's place in its series: `number` of `total`, in order of time.

    `others` are the numbered visits that the user may see, `messages` those about several visits of the series.
    """

    number: int
    total: int
    others: list[tuple[int, Appointment]]
    messages: list[Message]
    has_rest: bool


def series_place(visit: Appointment, user: StaffUser) -> SeriesPlace | None:
    """None for a visit that is in no series."""
    if visit.series_id is None:
        return None
    series = Appointment.objects.filter(series=visit.series_id).order_by("starts_at", "pk")
    numbers = {pk: number for number, pk in enumerate(series.values_list("pk", flat=True), start=1)}
    seen = series.select_related("therapist").seen_by(user)
    others = [(numbers[other.pk], other) for other in seen if other.pk != visit.pk]
    rest = Appointment.objects.seen_by(user).rest_of(visit, timezone.now())
    messages = list(visit.told_together.order_by("pk"))
    return SeriesPlace(numbers[visit.pk], len(numbers), others, messages, rest.exists())


@require_http_methods(["GET", "HEAD", "POST"])
def cancel_rest(request: StaffRequest, pk: str) -> HttpResponse:
    """GET lists what would be cancelled; POST cancels it, if it is still what was listed."""
    if not request.user.has_perms(["booking.view_appointment", "booking.change_appointment"]):
        raise PermissionDenied
    visits = Appointment.objects.seen_by(request.user).filter(pk=pk, series__isnull=False)
    visit = visits.select_related("therapist", "service").first()
    if visit is None:
        raise Http404
    back = reverse("admin:booking_appointment_change", args=[visit.pk])
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _cancel(request, visit, form.cleaned_data["version"]):
        return redirect(back)
    rest = list(Appointment.objects.seen_by(request.user).rest_of(visit, timezone.now()).in_order())
    if not rest and not form.is_bound:
        return redirect(back)
    AccessLog.objects.note(request.user, Look.OPENED, about="appointment", number=visit.pk)
    context = {
        **admin.site.each_context(request),
        "title": "Cancel the rest of this series?",
        "visit": visit,
        "rest": rest,
        "version": Together(rest).version,
        "changed": _changed(form.cleaned_data["version"], rest) if form.is_bound else None,
        "back": back,
    }
    return render(request, "booking/desk/visits/series_rest.html", context, status=409 if form.is_bound else 200)


def _cancel(request: StaffRequest, visit: Appointment, seen: str) -> bool:
    """Call the action. False when the series is no longer as the page listed it."""
    try:
        actions.cancel_rest(appointment=visit, seen=seen, by=request.user)
    except actions.StateChangedError:
        return False
    django_messages.success(request, f"Cancelled, and the times are free again. {told_or_to_phone(visit.email)}")
    return True


def _changed(seen: str, rest: list[Appointment]) -> Changed:
    """Of the visits that were listed, those that are no longer so; the page lists the present ones."""
    listed, present = seen.split()[:MOST_VISITS], {visit.version for visit in rest}
    gone = [version for version in listed if version not in present]
    words = filter(None, map(visit_words, gone or listed))
    now = "as listed below" if rest else "none of these visits is still to come"
    return Changed("; ".join(words), now, is_still_possible=bool(rest))
