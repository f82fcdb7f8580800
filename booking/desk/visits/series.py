"""A series of visits: the pattern, what it comes to visit by visit, then all of it booked, or none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.forms import MomentField, SeriesForm
from booking.fields import StartField
from booking.models import MOST_VISITS, AccessLog, Appointment, Clinic, Look, Message, Service, Therapist, free_times
from booking.time.recurrence import MOST_DAYS_AWAY, meeting, near, wished_starts
from revival.base.clock import ONE_DAY
from revival.base.words import clock, day_words

from .why_not import about_people, explain_times

BOOK, PROPOSE, CHECK, BEGIN = "book", "propose", "check", "begin"
"""What the buttons say in `do`; BEGIN comes from the page that books one visit, with what was typed there."""
OUT = "out"
PART_OF_PLAN = re.compile(r"(wish|visit|other)-[0-9]{1,2}")


@dataclass
class Visit:
    """One line of the plan. `wish` is what the pattern asks for, `start` what is chosen; None is left out."""

    number: int
    wish: datetime
    start: datetime | None
    typed: str = ""  # another time, as it was typed
    trouble: list[str] = field(default_factory=list)
    options: list[datetime] = field(default_factory=list)

    @property
    def is_chosen(self) -> bool:
        return self.start is not None and not self.trouble

    @property
    def is_changed(self) -> bool:
        return self.start != self.wish

    @property
    def asked(self) -> datetime:
        return self.start or self.wish


@dataclass
class Plan:
    visits: list[Visit]

    @property
    def starts(self) -> list[datetime]:
        return [visit.start for visit in self.visits if visit.start is not None]

    @property
    def in_trouble(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.trouble]


@require_http_methods(["GET", "HEAD", "POST"])
def book_series(request: HttpRequest) -> HttpResponse:
    """`?like=<number>` fills in the patient and place of a visit, `therapist=`, `service=` and `from=` the place alone.

    Nothing is stored before the button that books, and every answer holds all that was typed.
    """
    if not request.user.has_perm("booking.change_appointment"):
        raise PermissionDenied
    do = request.POST.get("do", "")
    sent = request.POST if request.method == "POST" and do != BEGIN else None
    form = SeriesForm(sent, user=request.user, is_booking=do == BOOK, initial={} if sent else _known(request))
    is_refused = bool(form.errors)
    plan, notes = None, []
    if form.has_pattern:
        plan, is_new = _plan(form, do)
        notes = [one.text for one in about_people(form.cleaned_data["therapist"], form.cleaned_data["service"])]
        if do == BOOK and is_new:
            form.add_error(None, "These are the visits of this pattern. Look at them, then book.")
        elif do == BOOK and not is_refused and not notes:
            if series := _book(form, plan):
                _say(request, series)
                return redirect("admin:booking_appointment_change", series.visits.earliest("starts_at").pk)
            plan, _ = _plan(form, CHECK)  # whoever was quicker is in it now
    context = {
        **admin.site.each_context(request),
        "title": "Book a series of visits",
        "form": form,
        "plan": plan,
        "notes": notes,
        "kept": [] if plan or sent is None else _as_sent(sent),
        "OUT": OUT,
    }
    status = 422 if is_refused else 409 if do == BOOK else 200
    return render(request, "booking/desk/visits/series.html", context, status=status)


# ---- what is known before anyone typed ------------------------------------------------------


def _known(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"first_day": timezone.localdate() + ONE_DAY, "part": ""}
    if request.method == "POST":  # from the page that books one visit
        found |= {name: value for name, value in request.POST.items() if value and name != "submission_key"}
        return found | _from_then(_moment(request.POST.get("starts_at", "")))
    found |= {name: request.GET[name] for name in ("therapist", "service") if request.GET.get(name)}
    if request.GET.get("like"):
        return found | _like(request)
    return found | _from_then(_moment(request.GET.get("from", "")))


def _like(request: HttpRequest) -> dict[str, Any]:
    """More visits like one that this person may see; the look at its patient is noted."""
    number = request.GET["like"]
    visits = Appointment.objects.seen_by(request.user).visits().filter(anonymised_at__isnull=True)
    visit = visits.select_related("therapist", "service").filter(pk=number).first() if number.isdecimal() else None
    if visit is None:
        raise Http404
    AccessLog.objects.note(request.user, Look.OPENED, about="appointment", number=visit.pk)
    then = timezone.localtime(visit.starts_at)
    return {
        **{name: getattr(visit, name) for name in ("name", "phone", "email", "patient_name")},
        "therapist": visit.therapist.slug,
        "service": visit.service.slug,
        "is_new_patient": "no",
        "first_day": max(then.date(), timezone.localdate()) + ONE_DAY,
        "clock": then.time(),
    }


def _from_then(moment: datetime | None) -> dict[str, Any]:
    """The day to begin on, not before tomorrow, and the time on the clock."""
    if moment is None:
        return {}
    local = timezone.localtime(moment)
    return {"first_day": max(local.date(), timezone.localdate() + ONE_DAY), "clock": local.time()}


def _moment(text: str) -> datetime | None:
    """An instant, or a wall-clock time at the clinic; None for anything else."""
    for field_ in (StartField(required=False), MomentField(required=False)):
        try:
            if moment := field_.clean(text):
                return moment
        except (ValidationError, OverflowError):
            continue
    return None


# ---- the plan -------------------------------------------------------------------------------


def _plan(form: SeriesForm, do: str) -> tuple[Plan, bool]:
    """The visits as they are chosen, each with what keeps it from being booked; and whether they are new.

    They are proposed anew when that is asked for, or when the pattern is no longer the one they were proposed for.
    """
    typed, now, zone = form.cleaned_data, timezone.now(), Clinic.objects.current().zone
    therapist, service = typed["therapist"], typed["service"].for_staff()
    pattern = form.pattern
    visits = [] if do == PROPOSE or form.data.get("planned") != form.pattern_typed else _chosen(form.data)
    is_new = not visits
    days = {pattern.first, pattern.last, *(visit.asked.astimezone(zone).date() for visit in visits)}
    first, last = min(days) - MOST_DAYS_AWAY * ONE_DAY, max(days) + MOST_DAYS_AWAY * ONE_DAY
    found = free_times(therapists=[therapist], service=service, first=first, last=last, now=now, zone=zone)
    free = found[therapist.pk]
    if is_new:
        starts = wished_starts(pattern, free, suits=form.suits, zone=zone)
        visits = [Visit(number, start, start) for number, start in enumerate(starts, start=1)]
    plan = Plan(visits)
    _find_trouble(plan, therapist, service, set(free), now)
    busy, able = service.length + service.turnaround, set(free)
    for visit in plan.visits:
        besides = [other.start for other in plan.visits if other is not visit and other.is_chosen and other.start]
        others = near(visit.wish, free, besides=besides, busy=busy, suits=form.suits, zone=zone)
        own = {start for start in (visit.wish, visit.start) if start in able and start not in besides}
        visit.options = sorted({*others, *own})
    return plan, is_new


def _chosen(data: Mapping[str, Any]) -> list[Visit]:
    """What the page sent back, line by line; nothing when it is not what our page writes."""
    visits = []
    for number in range(1, MOST_VISITS + 1):
        if f"wish-{number}" not in data:
            break
        wish, picked = _moment(data[f"wish-{number}"]), data.get(f"visit-{number}", "")
        if wish is None:
            return []
        visit = Visit(number, wish, _moment(picked), data.get(f"other-{number}", "").strip())
        if visit.typed:
            visit.start = _moment(visit.typed)
            if visit.start is None:
                visit.start, visit.trouble = wish, [f"“{visit.typed}” is not a time on the clinic’s clock."]
            else:
                visit.typed = ""
        elif not picked:
            visit.start, visit.trouble = wish, ["Choose a time for it, or leave it out."]
        elif visit.start is None and picked != OUT:
            return []
        visits.append(visit)
    return visits


def _as_sent(data: Any) -> list[tuple[str, str]]:
    """The plan as pairs for hidden fields, for while the pattern has to be mended."""
    return [(name, value) for name, value in data.items() if name == "planned" or PART_OF_PLAN.fullmatch(name)]


def _find_trouble(plan: Plan, therapist: Therapist, service: Service, free: set[datetime], now: datetime) -> None:
    """Say of each chosen visit why it cannot be booked, and of those that meet each other which."""
    not_free = [start for start in plan.starts if start not in free or start <= now]
    said = explain_times(therapist=therapist, service=service, starts=not_free, now=now)
    rest = [start for start in plan.starts if start not in said]
    together = meeting(rest, busy=service.length + service.turnaround)
    seen: set[datetime] = set()
    for visit in plan.visits:
        start = visit.start
        if start is None:
            continue
        if start in said:
            visit.trouble += [one.text for one in said[start]] or ["That time has gone by."]
        if start in together and (start in seen or rest.count(start) == 1):
            visit.trouble.append("It overlaps another visit in this series.")
        seen.add(start)


# ---- book -----------------------------------------------------------------------------------


def _book(form: SeriesForm, plan: Plan) -> Any:
    """The series; or None, with the reason on the page and everything typed kept."""
    if plan.in_trouble:
        form.add_error(None, "Nothing is booked yet: choose another time for the visits marked, or leave them out.")
        return None
    if not plan.starts:
        form.add_error(None, "Nothing is booked: every visit is left out.")
        return None
    typed = form.cleaned_data
    try:
        return actions.book_series(
            therapist=typed["therapist"],
            service=typed["service"],
            starts=plan.starts,
            details=form.details,
            submission_key=typed["submission_key"],
        )
    except actions.SubmissionReusedError:
        data = form.data.copy()  # type: ignore[attr-defined]
        data["submission_key"] = str(uuid.uuid4())
        form.data = data
        form.add_error(None, "This page has booked a series before. If this is another one, press Book once more.")
    except (actions.NotAllFreeError, actions.SlotTakenError):
        form.add_error(None, "Nothing is booked: somebody was quicker. Choose another time for the visits marked.")
    return None


def _say(request: HttpRequest, series: Any) -> None:
    visits = series.visits.order_by("starts_at")
    first, last = visits.first(), visits.last()
    number = "1 visit" if first == last else f"{len(series.starts)} visits"
    until = "" if first == last else f" to {day_words(last.starts_at)}"
    told = "They get one e-mail." if first.email else "They have no e-mail address, so no e-mail is sent."
    when = f"{day_words(first.starts_at)}, {clock(first.starts_at)}{until}"
    messages.success(request, f"Booked: {number} with {series.therapist.short_name}, {when}. {told}")


# ---- a series as its visits show it ---------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Which visit of a series one is: `number` by time, of `total`; `others` are those this person may see."""

    number: int
    total: int
    others: list[tuple[int, Appointment]]
    told: list[Message]
    has_rest: bool


def place_of(visit: Appointment, user: Any) -> Place | None:
    if visit.series_id is None:
        return None
    everyone = list(Appointment.objects.filter(series=visit.series_id).order_by("starts_at", "pk").values_list("pk"))
    numbers = {pk: number for number, (pk,) in enumerate(everyone, start=1)}
    mine = Appointment.objects.filter(series=visit.series_id).seen_by(user).order_by("starts_at", "pk")
    others = [(numbers[other.pk], other) for other in mine if other.pk != visit.pk]
    rest = Appointment.objects.seen_by(user).rest_of(visit, timezone.now())
    told = list(visit.told_together.order_by("pk"))
    return Place(numbers[visit.pk], len(numbers), others, told, rest.exists())


@require_http_methods(["GET", "HEAD", "POST"])
def cancel_rest(request: HttpRequest, pk: str) -> HttpResponse:
    """GET lists what would be cancelled, and who is told; POST cancels it, if it is still what was listed."""
    if not request.user.has_perms(["booking.view_appointment", "booking.change_appointment"]):
        raise PermissionDenied
    visits = Appointment.objects.seen_by(request.user).filter(pk=pk, series__isnull=False)
    visit = visits.select_related("therapist", "service").first()
    if visit is None:
        raise Http404
    back = reverse("admin:booking_appointment_change", args=[visit.pk])
    rest = Appointment.objects.seen_by(request.user).rest_of(visit, timezone.now()).in_order()
    if request.method == "POST":
        _cancel(request, visit, _seen(request))
        return redirect(back)
    if not rest:
        return redirect(back)
    AccessLog.objects.note(request.user, Look.OPENED, about="appointment", number=visit.pk)
    context = {
        **admin.site.each_context(request),
        "title": "Cancel the rest of this series?",
        "visit": visit,
        "rest": rest,
        "back": back,
    }
    return render(request, "booking/desk/visits/series_rest.html", context)


def _seen(request: HttpRequest) -> list[datetime]:
    moments = [_moment(text) for text in request.POST.getlist("seen")[:MOST_VISITS]]
    return [moment for moment in moments if moment is not None]


def _cancel(request: HttpRequest, visit: Appointment, seen: list[datetime]) -> None:
    try:
        actions.cancel_rest(appointment=visit, seen=seen, by=request.user)
    except actions.StateChangedError:
        messages.warning(request, "Nothing was cancelled: a colleague or the patient was quicker; see below.")
        return
    told = (
        "The patient gets one e-mail about all of them."
        if visit.email
        else ("They have no e-mail address: please phone them. The message waits for you under Undelivered messages.")
    )
    messages.success(request, f"Cancelled, and the times are free again. {told}")
