"""Recurring absences: pages to enter one, to change it and to remove it, each with a look before it is saved."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking import actions
from booking.desk.base.row_permissions import is_theirs
from booking.models import Clinic, RecurringAbsence
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import Context, FormValues
from revival.base.words import date_words

from .in_the_way import InTheWay, visits_shown
from .recurring_form import RecurringForm, initial_of
from .recurring_list import rule_who

ADD = ("booking.view_absence", "booking.add_absence")
CHANGE = ("booking.view_absence", "booking.change_absence")
REMOVE = ("booking.view_absence", "booking.delete_absence")
FIRST_DATES, MOST_LISTED = 5, 12


@require_http_methods(["GET", "HEAD", "POST"])
def new_recurring_absence(request: StaffRequest) -> HttpResponse:
    """Query, to fill in the form: `therapist` (slug)."""
    if not request.user.has_perms(ADD):
        raise PermissionDenied
    get_object_or_404(Clinic)
    return RecurringPage(request).answer()


@require_http_methods(["GET", "HEAD", "POST"])
def change_recurring_absence(request: StaffRequest, pk: str) -> HttpResponse:
    return RecurringPage(request, _rule(request, pk, CHANGE)).answer()


@require_http_methods(["GET", "HEAD", "POST"])
def remove_recurring_absence(request: StaffRequest, pk: str) -> HttpResponse:
    """Ask once, then delete its days still to come."""
    rule = _rule(request, pk, REMOVE)
    if request.method != "POST":
        return _remove_page(request, rule)
    words = f"{rule_who(rule)}, {rule.when}"
    try:
        removed = actions.remove_recurring_absence(rule=rule, seen=request.POST.get("seen", ""))
    except actions.StateChangedError:
        return _remove_page(request, rule, has_changed=True)
    if removed:
        number = "1 day" if removed == 1 else f"{removed} days"
        django_messages.success(request, f"Removed: {words}. {number} still to come can be booked again.")
    else:
        django_messages.info(request, f"Nothing was left to remove: {words}.")
    return redirect("admin:hours")


def _rule(request: StaffRequest, pk: str, permissions: tuple[str, ...]) -> RecurringAbsence:
    """The recurring absence of this number. 404 for a colleague's, 403 for the clinic's when it is not theirs."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied
    rules = RecurringAbsence.objects.seen_by(request.user).select_related("therapist")
    rule = rules.filter(pk=int(pk)).first()
    if rule is None:
        raise Http404
    if not is_theirs(request, rule):
        raise PermissionDenied
    return rule


def _remove_page(request: StaffRequest, rule: RecurringAbsence, *, has_changed: bool = False) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Remove this recurring absence?",
        "rule": rule,
        "who": rule_who(rule),
        "coming": list(rule.absences.filter(starts_at__gt=timezone.now()).order_by("starts_at")),
        "has_been": rule.absences.filter(starts_at__lte=timezone.now()).exists(),
        "seen": actions.recurrence_stamp(rule),
        "has_changed": has_changed,
    }
    status = 409 if has_changed else 200
    return render(request, "booking/desk/hours/recurring_remove.html", context, status=status)


class RecurringPage:
    """One request to the page of a new recurring absence, or of a present one."""

    def __init__(self, request: StaffRequest, rule: RecurringAbsence | None = None) -> None:
        self.request, self.rule = request, rule
        self.today = timezone.localdate()  # the clinic’s: its zone is the active one
        self.coming = (
            list(rule.absences.filter(starts_at__gt=timezone.now()).order_by("starts_at")[:MOST_LISTED]) if rule else []
        )

    def answer(self) -> HttpResponse:
        if self.request.method != "POST":
            return self._form_page(self._form(), status=200)
        form = self._form()
        if self.request.POST.get("do") == "edit":
            return self._form_page(form, status=200)
        if not form.is_valid():
            return self._form_page(form, status=422)
        return self._save(form) if self.request.POST.get("do") == "save" else self._look(form)

    def _form(self) -> RecurringForm:
        data = self.request.POST if self.request.method == "POST" else None
        return RecurringForm(data, user=self.request.user, today=self.today, rule=self.rule, initial=self._initial())

    def _initial(self) -> FormValues:
        if self.rule is not None:
            return initial_of(self.rule, self.today) | {"seen": actions.recurrence_stamp(self.rule)}
        who = self.request.GET.get("therapist")
        return {"first_day": self.today} | ({"who": who} if who else {})

    def _look(self, form: RecurringForm) -> HttpResponse:
        if self.rule is not None and form.cleaned_data["seen"] != actions.recurrence_stamp(self.rule):
            return self._conflict_page(form)
        plan = actions.plan_recurring_absence(rule=form.filled_in())
        return self._preview(form, plan) if plan.spans else self._nothing_to_come(form)

    def _save(self, form: RecurringForm) -> HttpResponse:
        rule = form.filled_in()
        try:
            rule, plan = actions.save_recurring_absence(
                rule=rule, accepted=visits_shown(self.request), seen=form.cleaned_data["seen"]
            )
        except actions.StateChangedError:
            return self._conflict_page(form)
        except actions.NotOfferedError:
            return self._nothing_to_come(form)
        except actions.VisitsInTheWayError:
            return self._preview(form, actions.plan_recurring_absence(rule=rule), has_more=True)
        number = "1 day" if len(plan.spans) == 1 else f"{len(plan.spans)} days"
        until = f"until {date_words(rule.last_day)}"
        django_messages.success(self.request, f"Saved: {rule_who(rule)} is away {rule.when}, {until} ({number}).")
        if visits := InTheWay.of(plan.in_the_way).visits:
            number = "1 visit is" if len(visits) == 1 else f"{len(visits)} visits are"
            django_messages.warning(self.request, f"{number} booked in that time, and no e-mail was sent.")
        return redirect("admin:hours")

    # ---- pages ----

    def _nothing_to_come(self, form: RecurringForm) -> HttpResponse:
        form.add_error("last_day", "None of its days is still to come.")
        return self._form_page(form, status=422)

    def _conflict_page(self, form: RecurringForm) -> HttpResponse:
        """409: a colleague saved first. Keeps what was typed, so that pressing once more saves it over theirs."""
        data = self.request.POST.copy()
        data["seen"] = actions.recurrence_stamp(form.filled_in())
        form = RecurringForm(data, user=self.request.user, today=self.today, rule=self.rule)
        form.full_clean()
        form.add_error(
            None,
            "A colleague has changed or removed this since you opened this page. Nothing of yours is saved; what you "
            "typed is kept. Check that it is still right, then continue.",
        )
        return self._form_page(form, status=409)

    def _form_page(self, form: RecurringForm, *, status: int) -> HttpResponse:
        title = "Change a recurring absence" if self.rule else "New recurring absence"
        context = {"title": title, "may_remove": self.request.user.has_perms(REMOVE), "coming": self.coming}
        return self._render("recurring", form, context, status)

    def _preview(self, form: RecurringForm, plan: actions.RecurrencePlan, *, has_more: bool = False) -> HttpResponse:
        rule, zone = form.filled_in(), timezone.get_current_timezone()
        written = {span.start.astimezone(zone).date() for span in rule.spans(zone)}
        context = {
            "title": "See what is booked before it is saved",
            "new": rule,
            "plan": plan,
            "first_dates": plan.spans[:FIRST_DATES],
            "last": plan.spans[-1],
            "has_more_dates": len(plan.spans) > FIRST_DATES,
            "skipped": [day for day in rule.days() if day not in written and day not in rule.left_out],
            "in_the_way": InTheWay.of(plan.in_the_way),
            "has_more": has_more,
            "hidden_fields": list(self._sent_fields(form)),
        }
        return self._render("recurring_preview", form, context, 409 if has_more else 200)

    def _sent_fields(self, form: RecurringForm) -> Iterator[tuple[str, str]]:
        for name in form.fields:
            for value in self.request.POST.getlist(name):
                yield name, str(value)

    def _render(self, name: str, form: RecurringForm, context: Context, status: int) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "form": form,
            "rule": self.rule,
            "who": rule_who(self.rule or form.filled_in()) if self.rule or form.is_valid() else "",
            **context,
        }
        return render(self.request, f"booking/desk/hours/{name}.html", context, status=status)
