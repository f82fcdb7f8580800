"""The page that sets one therapist's weekly hours, with a preview before it saves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.models import Appointment, Clinic, Shift, Therapist, Weekday
from booking.time.weekly_hours import WeekPattern
from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import Context
from revival.base.words import date_words

from .in_the_way import InTheWay, visits_shown
from .overview import CHANGE_HOURS, Hours
from .rhythm import ShownShift, shown_shifts, weeks_words
from .week_form import CopyForm, WeekForm, with_day_copied, with_week


@require_http_methods(["GET", "HEAD", "POST"])
def week_page(request: StaffRequest, slug: str) -> HttpResponse:
    """Type a week, see what it would change, save it. `do` in the POST names the button that was pressed."""
    if not request.user.has_perms(CHANGE_HOURS):
        raise PermissionDenied
    get_object_or_404(Clinic)
    therapist = Therapist.objects.seen_by(request.user).filter(slug=slug).first()
    if therapist is None:
        raise Http404
    page = WeekPage(request, therapist)
    if request.method != "POST":
        return page.form_page(page.new_form())
    match request.POST.get("do"):
        case "copy-day":
            return page.copy_day()
        case "copy-week":
            return page.copy_week()
        case "edit":
            return page.form_page(page.bound_form(), status=200)
        case "save":
            return page.save()
    return page.preview()


class WeekPage:
    """One request to the page of one therapist's week."""

    def __init__(self, request: StaffRequest, therapist: Therapist) -> None:
        self.request, self.therapist = request, therapist
        self.today = timezone.localdate()  # the clinic’s: its zone is the active one
        self.hours = Hours.of(therapist, Shift.objects.filter(therapist=therapist), self.today)
        self.colleagues = Therapist.objects.seen_by(request.user).exclude(pk=therapist.pk)

    # ---- forms ----

    def new_form(self) -> WeekForm:
        now = self.hours.now
        initial = {"first": self.today, "seen": actions.hours_stamp(self.therapist)}
        return WeekForm(today=self.today, shifts=now.shifts if now else (), initial=initial)

    def bound_form(self, data: QueryDict | None = None) -> WeekForm:
        return WeekForm(self.request.POST if data is None else data, today=self.today)

    def unchecked_form(self, values: dict[str, str]) -> WeekForm:
        """A form with copied times in it, without errors: staff have not looked at them yet."""
        data = QueryDict(mutable=True)
        data.update(values)
        form = self.bound_form(data)
        form.is_bound, form.initial = False, values
        return form

    # ---- what the buttons do ----

    def copy_day(self) -> HttpResponse:
        copy = CopyForm(self.request.POST, colleagues=self.colleagues)
        if not copy.is_valid() or copy.cleaned_data["day"] == "":
            return self.form_page(self.bound_form(), copied="Choose a day to copy.", status=422)
        day, targets = copy.cleaned_data["day"], copy.cleaned_data["to"]
        form = self.unchecked_form(with_day_copied(self.request.POST, day, targets))
        copied = f"{Weekday(day).label} is copied; nothing is saved yet." if targets else "Choose the days to copy to."
        return self.form_page(form, copied=copied, copy=copy)

    def copy_week(self) -> HttpResponse:
        copy = CopyForm(self.request.POST, colleagues=self.colleagues)
        colleague = copy.cleaned_data["colleague"] if copy.is_valid() else None
        if colleague is None:
            return self.form_page(self.bound_form(), copied="Choose whose week to copy.", status=422)
        hours = Hours.of(colleague, Shift.objects.filter(therapist=colleague), self.today)
        form = self.unchecked_form(with_week(self.request.POST, hours.now))
        copied = f"The week of {isolate(colleague.short_name)}, as it is now, is copied; nothing is saved yet."
        return self.form_page(form, copied=copied)

    def preview(self) -> HttpResponse:
        form = self.bound_form()
        if not form.is_valid():
            return self.form_page(form, status=422)
        if form.cleaned_data["seen"] != actions.hours_stamp(self.therapist):
            return self._conflict_page()
        return self._preview_page(form)

    def save(self) -> HttpResponse:
        form = self.bound_form()
        if not form.is_valid():
            return self.form_page(form, status=422)
        try:
            outside = self._set_hours(form)
        except actions.StateChangedError:
            return self._conflict_page()
        except actions.VisitsInTheWayError:
            return self._preview_page(form, has_more=True, status=409)
        except actions.NotOfferedError:
            form.add_error("first", "That day has gone by.")
            return self.form_page(form, status=409)
        django_messages.success(self.request, self._saved_message(form))
        if outside:
            django_messages.warning(self.request, _outside_message(len(outside), self.therapist))
        return redirect("admin:hours")

    def _set_hours(self, form: WeekForm) -> list[Appointment]:
        data = form.cleaned_data
        return actions.set_weekly_hours(
            therapist=self.therapist,
            shifts=data["shifts"],
            first=data["first"],
            last=data["last"],
            seen=data["seen"],
            accepted=visits_shown(self.request),
        )

    def _saved_message(self, form: WeekForm) -> str:
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        until = f" to {date_words(last)}" if last else ""
        return f"Saved: the hours of {isolate(self.therapist.short_name)} from {date_words(first)}{until}."

    # ---- pages ----

    def form_page(
        self, form: WeekForm, *, copied: str = "", copy: CopyForm | None = None, status: int = 0
    ) -> HttpResponse:
        """`copied` says what a copying button did. `status` 0: 422 if the form has errors, else 200."""
        context = {
            "title": f"Weekly hours of {isolate(self.therapist.short_name)}",
            "form": form,
            "copy": copy or CopyForm(colleagues=self.colleagues),
            "has_colleagues": self.colleagues.exists(),
            "copied": copied,
            "weeks_words": weeks_words(self.today),
        }
        return self._render("week", context, status or (422 if form.errors else 200))

    def _preview_page(self, form: WeekForm, *, has_more: bool = False, status: int = 200) -> HttpResponse:
        shifts, first, last = (form.cleaned_data[name] for name in ("shifts", "first", "last"))
        visits = actions.visits_outside_week(therapist=self.therapist, shifts=shifts, first=first, last=last)
        new = WeekPattern(first, last, tuple(shifts))
        old = next((week for week in self._weeks() if week.holds_on(first)), None)
        context = {
            "title": "See what changes",
            "form": form,
            "new": new,
            "changes": _changes(old, new, self.today),
            "replaced": [week for week in self.hours.coming if week.shifts and _is_replaced(week, new)],
            "in_the_way": InTheWay.of(visits),
            "has_more": has_more,
            "hidden_fields": list(_hidden_fields(self.request.POST)),
        }
        return self._render("week_preview", context, status)

    def _weeks(self) -> list[WeekPattern]:
        return [*self.hours.before, *([self.hours.now] if self.hours.now else []), *self.hours.coming]

    def _conflict_page(self) -> HttpResponse:
        """409: a colleague saved first. Keeps what was typed, so that pressing once more saves it over theirs."""
        data = self.request.POST.copy()
        data["seen"] = actions.hours_stamp(self.therapist)
        form = self.bound_form(data)
        form.full_clean()
        form.add_error(
            None,
            "A colleague has changed these hours since you opened this page. Nothing of yours is saved; what you typed "
            "is kept. Below are the hours now. Check that yours are still right, then continue.",
        )
        return self.form_page(form, status=409)

    def _render(self, name: str, context: Context, status: int) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "therapist": self.therapist,
            "hours": self.hours,
            **context,
        }
        return render(self.request, f"booking/desk/hours/{name}.html", context, status=status)


def _hidden_fields(data: QueryDict) -> Iterator[tuple[str, str]]:
    """The typed week, for the preview to send again."""
    for name, value in data.items():
        if name.startswith(("opens-", "closes-", "weeks-")) or name in ("first", "last", "seen"):
            yield name, str(value)


def _is_replaced(week: WeekPattern, new: WeekPattern) -> bool:
    """Whether the new hours replace a week still to come, whole or in part."""
    return new.last is None or (week.first is not None and week.first <= new.last)


def _changes(
    old: WeekPattern | None, new: WeekPattern, today: date
) -> list[tuple[str, list[ShownShift], list[ShownShift], bool]]:
    """Each weekday's name, its shifts before and after, and whether they differ."""
    before = old or WeekPattern(None, None, ())
    return [
        (name, shown_shifts(before, day, today), shown_shifts(new, day), before.on(day) != new.on(day))
        for day, name in Weekday.choices
    ]


def _outside_message(number: int, therapist: Therapist) -> str:
    return format_html(
        '{} now outside working hours, and no e-mail was sent: <a href="{}?therapist={}">the calendar</a>.',
        "1 visit is" if number == 1 else f"{number} visits are",
        reverse("admin:calendar"),
        therapist.slug,
    )
