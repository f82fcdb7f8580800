"""Weekly hours: what holds now and what comes, and a page to set them, with a look at what it would do before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from booking import actions
from booking.models import SEE_EVERY_PATIENT, Absence, Clinic, Override, Shift, Therapist, Weekday
from booking.time.weekly_hours import DayShift, WeekPattern, patterns
from revival.base.words import date_words

from .in_the_way import InTheWay, shown_before
from .week_form import CopyForm, WeekForm, with_day_copied, with_week

CHANGE = ("booking.view_shift", "booking.add_shift", "booking.change_shift")
MOST = 30
"""Coming absences and other days that the overview lists."""


@dataclass(frozen=True)
class Hours:
    """The weeks of one therapist, as they stand around a day."""

    therapist: Therapist
    before: list[WeekPattern]
    now: WeekPattern | None
    coming: list[WeekPattern]
    is_example: bool

    @classmethod
    def of(cls, therapist: Therapist, shifts: Iterable[Shift], today: date) -> Hours:
        rows = list(shifts)
        weeks = patterns(row.hours for row in rows)
        return cls(
            therapist,
            before=[week for week in weeks if week.last and week.last < today and week.shifts],
            now=next((week for week in weeks if week.holds_on(today)), None),
            coming=[week for week in weeks if week.first and week.first > today],
            is_example=any(row.is_example and (row.valid_until is None or row.valid_until >= today) for row in rows),
        )


@require_safe
def hours_page(request: HttpRequest) -> HttpResponse:
    """The weekly hours of everyone whom this person sees: six queries, however many they are."""
    if not request.user.has_perm("booking.view_shift"):
        raise PermissionDenied
    today = _today()
    everyone = list(Therapist.objects.seen_by(request.user))
    shifts: dict[int, list[Shift]] = {one.pk: [] for one in everyone}
    for shift in Shift.objects.filter(therapist__in=everyone):
        shifts[shift.therapist_id].append(shift)
    context = {
        **admin.site.each_context(request),
        "title": "Hours",
        "hours": [Hours.of(one, shifts[one.pk], today) for one in everyone],
        "may_change": request.user.has_perms(CHANGE),
        "coming": _coming_exceptions(request, today),
        "other_days": _coming_other_days(request, today),
        "may_block": request.user.has_perm("booking.add_absence"),
        "may_close": request.user.has_perms(["booking.add_absence", SEE_EVERY_PATIENT]),
    }
    return render(request, "booking/desk/hours/hours.html", context)


def _coming_exceptions(request: HttpRequest, today: date) -> list[Absence]:
    rows = Absence.objects.seen_by(request.user).filter(ends_at__gt=timezone.now())
    return list(rows.select_related("therapist").order_by("starts_at")[:MOST])


def _coming_other_days(request: HttpRequest, today: date) -> list[Override]:
    rows = Override.objects.seen_by(request.user).filter(day__gte=today)
    return list(rows.select_related("therapist").order_by("day", "opens")[:MOST])


def _today() -> date:
    return timezone.localdate()  # the clinic’s: its zone is the active one


@require_http_methods(["GET", "HEAD", "POST"])
def week_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Type a week, look at what it would do, save it. Nothing is saved before the look."""
    if not request.user.has_perms(CHANGE):
        raise PermissionDenied
    get_object_or_404(Clinic)
    therapist = Therapist.objects.seen_by(request.user).filter(slug=slug).first()
    if therapist is None:
        raise Http404
    page = WeekPage(request, therapist)
    if request.method != "POST":
        return page.typing(page.fresh())
    match request.POST.get("do"):
        case "copy-day":
            return page.copy_day()
        case "copy-week":
            return page.copy_week()
        case "edit":
            return page.typing(page.bound(), status=200)
        case "save":
            return page.save()
    return page.look()


class WeekPage:
    """One request to the page of one therapist's week."""

    def __init__(self, request: HttpRequest, therapist: Therapist) -> None:
        self.request, self.therapist, self.today = request, therapist, _today()
        self.hours = Hours.of(therapist, Shift.objects.filter(therapist=therapist), self.today)
        self.colleagues = Therapist.objects.seen_by(request.user).exclude(pk=therapist.pk)

    # ---- forms ----

    def fresh(self) -> WeekForm:
        now = self.hours.now
        initial = {"first": self.today, "seen": actions.hours_stamp(self.therapist)}
        return WeekForm(today=self.today, shifts=now.shifts if now else (), initial=initial)

    def bound(self, data: Any = None) -> WeekForm:
        return WeekForm(self.request.POST if data is None else data, today=self.today)

    def unchecked(self, data: dict[str, Any]) -> WeekForm:
        """What was typed with other times in it: to be looked through, so nothing is wrong with it yet."""
        kept = QueryDict(mutable=True)
        kept.update(data)
        form = self.bound(kept)
        form.is_bound, form.initial = False, data
        return form

    # ---- what the buttons do ----

    def copy_day(self) -> HttpResponse:
        copy = CopyForm(self.request.POST, colleagues=self.colleagues)
        if copy.is_valid() and copy.cleaned_data["day"] != "":
            day, to = copy.cleaned_data["day"], copy.cleaned_data["to"]
            said = f"{Weekday(day).label} is copied; nothing is saved yet." if to else "Choose the days to copy it to."
            form = self.unchecked(with_day_copied(self.request.POST, day, to))
            return self.typing(form, copied=said, copy=copy)
        return self.typing(self.bound(), copied="Choose a day to copy.", status=422)

    def copy_week(self) -> HttpResponse:
        copy = CopyForm(self.request.POST, colleagues=self.colleagues)
        colleague = copy.cleaned_data["colleague"] if copy.is_valid() else None
        if colleague is None:
            return self.typing(self.bound(), copied="Choose whose week to copy.", status=422)
        theirs = Hours.of(colleague, Shift.objects.filter(therapist=colleague), self.today)
        form = self.unchecked(with_week(self.request.POST, theirs.now))
        return self.typing(form, copied=f"The week of {colleague.short_name} as it is now; nothing is saved yet.")

    def look(self) -> HttpResponse:
        form = self.bound()
        if not form.is_valid():
            return self.typing(form, status=422)
        if form.cleaned_data["seen"] != actions.hours_stamp(self.therapist):
            return self._told_of_a_colleague()
        return self._preview(form)

    def save(self) -> HttpResponse:
        form = self.bound()
        if not form.is_valid():
            return self.typing(form, status=422)
        typed = form.cleaned_data
        try:
            outside = actions.set_weekly_hours(
                therapist=self.therapist,
                shifts=typed["shifts"],
                first=typed["first"],
                last=typed["last"],
                seen=typed["seen"],
                accepted=shown_before(self.request),
            )
        except actions.StateChangedError:
            return self._told_of_a_colleague()
        except actions.VisitsInTheWayError:
            return self._preview(form, has_more=True, status=409)
        except actions.NotOfferedError:
            form.add_error("first", "That day has gone by.")
            return self.typing(form, status=409)
        since = f"from {date_words(typed['first'])}" + (f" to {date_words(typed['last'])}" if typed["last"] else "")
        messages.success(self.request, f"Saved: the hours of {self.therapist.short_name} {since}.")
        if outside:
            messages.warning(self.request, _of_those_outside(len(outside), self.therapist))
        return redirect("admin:hours")

    # ---- pages ----

    def typing(
        self, form: WeekForm, *, copied: str = "", copy: CopyForm | None = None, status: int = 0
    ) -> HttpResponse:
        context = {
            "title": f"Weekly hours of {self.therapist.short_name}",
            "form": form,
            "copy": copy or CopyForm(colleagues=self.colleagues),
            "has_colleagues": self.colleagues.exists(),
            "copied": copied,
        }
        return self._page("week", context, status or (422 if form.errors else 200))

    def _preview(self, form: WeekForm, *, has_more: bool = False, status: int = 200) -> HttpResponse:
        typed = form.cleaned_data
        first, last = typed["first"], typed["last"]
        found = actions.visits_outside_week(therapist=self.therapist, shifts=typed["shifts"], first=first, last=last)
        new = WeekPattern(first, last, tuple(typed["shifts"]))
        context = {
            "title": "See what changes",
            "form": form,
            "new": new,
            "old": next((week for week in self._weeks() if week.holds_on(first)), None),
            "changed": _changed_days(self._weeks(), new),
            "given_up": [week for week in self.hours.coming if week.shifts and _is_within(week, new)],
            "in_the_way": InTheWay.of(found),
            "has_more": has_more,
            "typed": [(name, value) for name, value in _typed_times(self.request.POST)],
        }
        return self._page("week_look", context, status)

    def _weeks(self) -> list[WeekPattern]:
        return [*self.hours.before, *([self.hours.now] if self.hours.now else []), *self.hours.coming]

    def _told_of_a_colleague(self) -> HttpResponse:
        """409: the hours as they are by now, what was typed kept, and one more press saves it over them."""
        data = self.request.POST.copy()
        data["seen"] = actions.hours_stamp(self.therapist)
        form = self.bound(data)
        form.full_clean()
        form.add_error(
            None,
            "A colleague has changed these hours since you opened this page. Nothing of yours is saved; what you typed "
            "is kept. Below are the hours now. Check that yours are still right, then continue.",
        )
        return self.typing(form, status=409)

    def _page(self, name: str, context: dict[str, Any], status: int) -> HttpResponse:
        facts = {
            **admin.site.each_context(self.request),
            "therapist": self.therapist,
            "hours": self.hours,
            **context,
        }
        return render(self.request, f"booking/desk/hours/{name}.html", facts, status=status)


def _typed_times(data: QueryDict) -> Iterable[tuple[str, str]]:
    for name, value in data.items():
        if name.startswith(("opens-", "closes-")) or name in ("first", "last", "seen"):
            yield name, str(value)


def _is_within(week: WeekPattern, new: WeekPattern) -> bool:
    """Whether a week that was still to come is given up, whole or in part."""
    return new.last is None or (week.first is not None and week.first <= new.last)


def _changed_days(weeks: list[WeekPattern], new: WeekPattern) -> list[tuple[str, list[DayShift], list[DayShift], bool]]:
    """Each weekday: its shifts before, its shifts after, and whether they differ."""
    assert new.first is not None  # noqa: S101 - for the types; the form demands it
    old = next((week for week in weeks if week.holds_on(new.first)), None)
    return [
        (name, old.on(day) if old else [], new.on(day), (old.on(day) if old else []) != new.on(day))
        for day, name in Weekday.choices
    ]


def _of_those_outside(number: int, therapist: Therapist) -> str:
    calendar = reverse("admin:calendar")
    visits = "1 visit is" if number == 1 else f"{number} visits are"
    return format_html(
        '{} now outside working hours, and no e-mail was sent: <a href="{}?therapist={}">the calendar</a>.',
        visits,
        calendar,
        therapist.slug,
    )
