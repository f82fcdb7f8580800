"""Close the clinic on public holidays; block a stretch of time. The visits that stand there are shown before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.forms import MomentField
from booking.fields import ONE_LINE
from booking.models import SEE_EVERY_PATIENT, Absence, Appointment, Clinic, Therapist
from booking.time.holidays import public_days
from revival.base.clock import Span, bounds_of_days, is_in_era
from revival.base.words import clock, date_words, day_words

from .in_the_way import InTheWay, shown_before

# ---- public holidays ------------------------------------------------------------------------


@dataclass(frozen=True)
class Holiday:
    """A day that is proposed, the absence that closes it already, and the visits that stand on it."""

    day: date
    name: str
    closed: Absence | None
    visits: list[Appointment]


@require_http_methods(["GET", "HEAD", "POST"])
def holidays_page(request: HttpRequest) -> HttpResponse:
    """Choose the days on which the whole clinic is closed; the same day twice closes it once."""
    if not request.user.has_perms(["booking.view_absence", "booking.add_absence", SEE_EVERY_PATIENT]):
        raise PermissionDenied
    days, is_known = _proposed()
    if request.method != "POST":
        return _holidays(request, days, is_known=is_known)
    ticked = [one for one in days if one.day.isoformat() in request.POST.getlist("day")]
    to_close = {one.day: one.name for one in ticked if one.closed is None}
    if len(ticked) != len(set(request.POST.getlist("day"))):
        return _holidays(request, days, said="One of these days has gone by, or is no public holiday.", status=422)
    if not to_close:
        return _holidays(request, days, said="Choose a day that is still open. Nothing was changed.", status=422)
    if request.POST.get("do") == "save":
        try:
            closed = actions.close_clinic(days=to_close, accepted=shown_before(request))
        except actions.VisitsInTheWayError:
            return _look(request, ticked, has_more=True, status=409)
        except actions.NotOfferedError:
            return _holidays(request, days, said="One of these days has gone by.", status=409)
        messages.success(request, _said_of_closed(closed))
        return redirect("admin:holidays")
    return _look(request, ticked)


def _proposed() -> tuple[list[Holiday], bool]:
    """What is still to come of this year and the next; and whether the place of the clinic is known."""
    today, zone = timezone.localdate(), timezone.get_current_timezone()  # the clinic’s
    try:
        found = public_days(settings.CLINIC_HOLIDAYS, [today.year, today.year + 1])
    except LookupError:
        return [], False
    named: dict[date, str] = {day: name for day, name in found if day >= today}
    spans = {day: bounds_of_days(day, day, zone) for day in named}
    if not spans:
        return [], True
    reach = Span(min(span.start for span in spans.values()), max(span.end for span in spans.values()))
    closings = list(Absence.objects.filter(therapist__isnull=True).touching(reach))
    visits = actions.visits_within(therapists=Therapist.objects.all(), spans=spans.values())
    return [
        Holiday(
            day,
            named[day],
            next((one for one in closings if one.span.contains(span)), None),
            [visit for visit in visits if visit.span.overlaps(span)],
        )
        for day, span in spans.items()
    ], True


def _holidays(
    request: HttpRequest, days: list[Holiday], *, is_known: bool = True, said: str = "", status: int = 200
) -> HttpResponse:
    years = sorted({one.day.year for one in days})
    context = {
        **admin.site.each_context(request),
        "title": "Public holidays",
        "years": [(year, [one for one in days if one.day.year == year]) for year in years],
        "place": settings.CLINIC_HOLIDAYS,
        "is_known": is_known,
        "ticked": request.POST.getlist("day"),
        "said": said,
    }
    return render(request, "booking/desk/hours/holidays.html", context, status=status)


def _look(request: HttpRequest, ticked: list[Holiday], *, has_more: bool = False, status: int = 200) -> HttpResponse:
    chosen = [one for one in ticked if one.closed is None]
    visits = [visit for one in chosen for visit in one.visits]
    context = {
        **admin.site.each_context(request),
        "title": "See what is booked before the clinic is closed",
        "chosen": chosen,
        "in_the_way": InTheWay.of(visits),
        "has_more": has_more,
    }
    return render(request, "booking/desk/hours/holidays_look.html", context, status=status)


def _said_of_closed(closed: list[Absence]) -> str:
    if not closed:
        return "These days were closed already; nothing was changed."
    days = ", ".join(f"{absence.reason} ({date_words(timezone.localdate(absence.starts_at))})" for absence in closed)
    return f"The whole clinic is closed on {days}."


# ---- block time -----------------------------------------------------------------------------

EVERYONE = "whole-clinic"  # no therapist’s address: theirs are names
AN_HOUR = timedelta(hours=1)


class BlockForm(forms.Form):
    """Whose time, from when to when. The whole clinic is a choice of its own, never what is left when nothing is."""

    who = forms.ChoiceField(
        label="Who is away?", widget=forms.RadioSelect, error_messages={"required": "Choose who is away."}
    )
    starts_at = MomentField(label="From")
    ends_at = MomentField(label="Until")
    reason = forms.CharField(
        label="Reason (optional)",
        max_length=120,
        required=False,
        validators=ONE_LINE,
        help_text="For staff only; patients never see it. No names of patients.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.therapists = {one.slug: one for one in Therapist.objects.seen_by(user)}
        choices = [(slug, one.name) for slug, one in self.therapists.items()]
        if user.has_perm(SEE_EVERY_PATIENT):
            choices.append((EVERYONE, "The whole clinic"))
        who: Any = self.fields["who"]
        who.choices = choices
        if len(choices) == 1:
            who.initial = choices[0][0]

    def clean_ends_at(self) -> datetime:
        moment: datetime = self.cleaned_data["ends_at"]
        if moment <= timezone.now():
            raise ValidationError("That time has gone by.")
        return moment

    def clean(self) -> dict[str, Any]:
        kept: dict[str, Any] = super().clean() or {}
        starts, ends = kept.get("starts_at"), kept.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It ends before it begins.")
        return kept

    @property
    def therapist(self) -> Therapist | None:
        """Whose time it is; None for the whole clinic."""
        who = self.cleaned_data["who"]
        return None if who == EVERYONE else self.therapists[who]

    @property
    def span(self) -> Span:
        return Span(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])


@require_http_methods(["GET", "HEAD", "POST"])
def block_page(request: HttpRequest) -> HttpResponse:
    """`?therapist=` and `from=` (an ISO instant, or a date) fill in the place; with visits in it, it asks once more."""
    if not request.user.has_perms(["booking.view_absence", "booking.add_absence"]):
        raise PermissionDenied
    get_object_or_404(Clinic)
    form = BlockForm(request.POST if request.method == "POST" else None, user=request.user, initial=_place(request))
    if request.method != "POST" or request.POST.get("do") == "edit" or not form.is_valid():
        is_wrong = request.method == "POST" and request.POST.get("do") != "edit"
        return _block(request, form, status=422 if is_wrong else 200)
    try:
        absence, visits = actions.block_time(
            therapist=form.therapist,
            span=form.span,
            reason=form.cleaned_data["reason"],
            accepted=shown_before(request),
        )
    except actions.VisitsInTheWayError as refusal:
        is_second = request.POST.get("do") == "save"
        return _block_look(request, form, InTheWay.of(refusal.visits), has_more=is_second)
    messages.success(request, _said_of_blocked(absence))
    if visits:
        number = "1 visit is" if len(visits) == 1 else f"{len(visits)} visits are"
        messages.warning(request, f"{number} booked in that time, and no e-mail was sent.")
    day = timezone.localdate(max(absence.starts_at, timezone.now()))
    return redirect(reverse("admin:calendar", query={"view": "day", "from": f"{day}"}))


def _place(request: HttpRequest) -> dict[str, Any]:
    """What the link that led here chose; what is no moment is left out."""
    found: dict[str, Any] = {"who": request.GET["therapist"]} if request.GET.get("therapist") else {}
    try:
        moment = datetime.fromisoformat(request.GET.get("from", ""))
        if not is_in_era(moment):
            raise ValueError
    except (ValueError, OverflowError):
        return found
    start = moment if moment.tzinfo else _to_come(timezone.make_aware(moment))
    return found | {"starts_at": start, "ends_at": start + AN_HOUR}


def _to_come(start: datetime) -> datetime:
    """The time on the clock of a day that has not gone by; when that has gone by today, the next full hour."""
    now = timezone.localtime()
    if start > now:
        return start
    today = start.replace(year=now.year, month=now.month, day=now.day)
    return today if today > now else now.replace(minute=0, second=0, microsecond=0) + AN_HOUR


def _block(request: HttpRequest, form: BlockForm, status: int) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Block time", "form": form}
    return render(request, "booking/desk/hours/block.html", context, status=status)


def _block_look(request: HttpRequest, form: BlockForm, in_the_way: InTheWay, *, has_more: bool) -> HttpResponse:
    names = ("who", "starts_at", "ends_at", "reason")
    context = {
        **admin.site.each_context(request),
        "title": "See what is booked before the time is blocked",
        "form": form,
        "who": form.therapist.name if form.therapist else "The whole clinic",
        "span": form.span,
        "typed": [(name, request.POST.get(name, "")) for name in names],
        "in_the_way": in_the_way,
        "has_more": has_more,
    }
    return render(request, "booking/desk/hours/block_look.html", context, status=409 if has_more else 200)


def _said_of_blocked(absence: Absence) -> str:
    who = absence.therapist.short_name if absence.therapist else "The whole clinic"
    first, last = timezone.localtime(absence.starts_at), timezone.localtime(absence.ends_at)
    ends = clock(last) if first.date() == last.date() else f"{day_words(last)}, {clock(last)}"
    return f"Blocked: {who}, {day_words(first)}, {clock(first)} to {ends}."
