"""Admin for rows that staff read and never type into, with buttons that call actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages as django_messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, re_path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from booking.actions import ChangedMeanwhileError, NotOfferedError, SlotTakenError, StateChangedError
from booking.fields import DecisionForm, version_in
from booking.models import Kind, Look
from booking.models.people import PersonKeys
from revival.base.bidi import bdi
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import Context, FormValues, Passed

from .back_to_index import is_from_today
from .causes import refusal_words
from .changed import Changed
from .free_times_panel import is_looking, picked_start
from .row_permissions import ShowsPatients

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Button(Generic[Row]):
    """One thing staff can do with a row, in their words. `act(row, request, cleaned_data)` calls the action.

    `cleaned_data["version"]` is the version of the row that the page showed.
    """

    verb: str
    label: str
    question: str
    done: str
    act: Callable[[Row, StaffRequest, FormValues], object]
    states: tuple[str, ...]
    is_stop: bool = False
    form: type[DecisionForm] = DecisionForm
    is_open: Callable[[Row], bool] = lambda row: True
    sends: Kind | None = None  # the message that the patient gets


class ReadOnlyWithButtons(ShowsPatients, Generic[Row]):
    """A read-only row with buttons. GET of a button's page asks once more, POST acts."""

    buttons: ClassVar[tuple[Button[Any], ...]] = ()  # Any: a class variable cannot be of the type `Row`
    state_field: ClassVar[str] = "state"
    change_form_template = "booking/desk/base/with_buttons.html"
    answer_template = "booking/desk/base/answer.html"
    view_on_site = False  # a patient's page is the patient's; its address is private

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # read-only; the buttons check the permission themselves

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        permissions = [f"{self.opts.app_label}.{verb}_{self.opts.model_name}" for verb in ("view", "change")]
        return request.user.has_perms(permissions)  # the page that asks once more also shows the row

    def buttons_for(self, row: Row) -> list[Button[Row]]:
        state = getattr(row, self.state_field)
        return [button for button in self.buttons if state in button.states and button.is_open(row)]

    def get_urls(self) -> list[URLPattern]:
        verbs = "|".join(button.verb for button in self.buttons)
        view = self.admin_site.admin_view(self.answer)
        name = f"{self.opts.app_label}_{self.opts.model_name}_answer"
        return [re_path(rf"^(?P<pk>\d{{1,18}})/(?P<verb>{verbs})/$", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Context, *args: Passed, **kwargs: Passed
    ) -> HttpResponse:
        row = context.get("original")
        context["buttons"] = self.buttons_for(row) if row and self.may_act(request) else []
        context["answer_url"] = f"admin:{self.opts.app_label}_{self.opts.model_name}_answer"
        if row:
            title = self.row_title(row)
            context |= {"heading": self.heading(row), "row_title": title, "subtitle": title}
            context["correct_url"] = correct_url(row) if self.may_act(request) else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def row_title(self, row: Row) -> str:
        """Title of a row. It names no person, because browsers and logs keep titles."""
        return str(row)

    def heading(self, row: Row) -> SafeString:
        """Heading of the row's own page, with the person's name."""
        person = _person_of(row)
        return _in_one_line(self.row_title(row), person.name if person else "")

    def contact_line(self, row: Row) -> SafeString:
        """Name, phone and e-mail address of the person, for the page that asks once more."""
        person = _person_of(row)
        return _in_one_line(person.name, person.phone, person.email) if person else SafeString("")

    def success_message(self, button: Button[Row], row: Row) -> str:
        return button.done

    def conflict_message(self, row: Row) -> str:
        """Message when a colleague or the patient was quicker: nothing was changed, and the present state."""
        row.refresh_from_db()
        state = getattr(row, f"get_{self.state_field}_display")().lower()
        return f"A colleague or the patient was quicker, so nothing was changed. It is {state} now; see below."

    def initial(self, row: Row) -> FormValues:
        """Initial values of a button's form."""
        return {"version": self.version(row)}

    def version(self, row: Row) -> str:
        return row.version  # type: ignore[attr-defined]  # a property of each model that has buttons

    def version_words(self, version: str) -> str:
        """What a version says, in words; empty for anything else."""
        states = dict(self.model._meta.get_field(self.state_field).flatchoices)
        return str(states.get(version.partition(".")[0], ""))

    def form_for(self, button: Button[Row], row: Row, request: HttpRequest) -> DecisionForm:
        """The button's form, bound on POST. A free time that was only picked is put into an unbound one."""
        options = self.form_options(button, row, request)
        if is_looking(request):
            start = picked_start(request) or self.initial(row).get("starts_at")
            return button.form(initial={**self.initial(row), **request.POST.dict(), "starts_at": start}, **options)
        data = request.POST if request.method == "POST" else None
        return button.form(data, initial=self.initial(row), **options)

    def form_options(self, button: Button[Row], row: Row, request: HttpRequest) -> FormValues:
        """What the button's form needs beside the row's version."""
        return {}

    def extra_context(self, button: Button[Row], row: Row, form: DecisionForm) -> dict[str, object]:
        """More context for the page that asks once more."""
        return {}

    def answer(self, request: StaffRequest, pk: str, verb: str) -> HttpResponse:
        if not self.may_act(request):
            raise PermissionDenied
        button = next((button for button in self.buttons if button.verb == verb), None)
        rows: QuerySet[Row] = self.get_queryset(request)
        row = rows.filter(pk=pk).first()
        if button is None or row is None:
            raise Http404
        change = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])
        back = reverse("admin:index") if is_from_today(request) else change
        form, changed = self.form_for(button, row, request), None
        if request.method != "POST" and button not in self.buttons_for(row):
            return redirect(back)
        if request.method == "POST":
            if not is_looking(request) and self._act(request, button, row, form):
                return redirect(back)
            row = get_object_or_404(rows, pk=pk)
            if changed := self._changed(request, button, row):
                form = self.form_for(button, row, request)
                form.show_version(self.version(row))
        self.note_look(request, Look.OPENED, row.pk)
        context = self._answer_context(request, button, row, form)
        context |= {"back": back, "change": change, "changed": changed}
        status = 422 if form.errors else 200
        return render(request, self.answer_template, context, status=409 if changed and form.is_bound else status)

    def _changed(self, request: HttpRequest, button: Button[Row], row: Row) -> Changed | None:
        """The change since the page was drawn; None without one."""
        seen, now = version_in(request.POST), self.version(row)
        if seen == now:
            return None
        is_still_possible = button in self.buttons_for(row)
        return Changed(self.version_words(seen), self.version_words(now), is_still_possible)

    def _answer_context(
        self, request: HttpRequest, button: Button[Row], row: Row, form: DecisionForm
    ) -> dict[str, object]:
        return {
            **self.admin_site.each_context(request),
            "title": button.question,
            "button": button,
            "row": row,
            "row_title": self.row_title(row),
            "contact_line": self.contact_line(row),
            "form": form,
            **self.extra_context(button, row, form),
            "opts": self.opts,
            "now": timezone.now(),
        }

    def _act(self, request: StaffRequest, button: Button[Row], row: Row, form: DecisionForm) -> bool:
        """Call the action. False when the page is to be shown again: with errors, or with what is so now."""
        if not form.is_valid():
            return False
        try:
            button.act(row, request, form.cleaned_data)
        except ChangedMeanwhileError:
            return False
        except StateChangedError:
            self.message_user(request, self.conflict_message(row), django_messages.WARNING)
        except (SlotTakenError, NotOfferedError) as refusal:
            if "starts_at" not in form.fields:
                self.message_user(request, "Something else is booked at that time now.", django_messages.ERROR)
                return True
            form.add_error("starts_at", refusal_words(refusal))
            return False
        else:
            self.message_user(request, self.success_message(button, row), django_messages.SUCCESS)
        return True


def _in_one_line(*parts: str) -> SafeString:
    """HTML, so that a name copied from the page has no marks in it."""
    return format_html_join(", ", "{}", ((bdi(part),) for part in parts if part))


def correct_url(row: Model) -> str:
    """Where to correct name, e-mail address and phone: for an entry with a visit, there. Empty when it names nobody."""
    person = _person_of(row) if isinstance(row, PersonKeys) else None
    return reverse("admin:correct_person", args=[person._meta.model_name, person.pk]) if person and person.name else ""


def _person_of(row: Model) -> Any:  # Any: of several models, which the desk knows by their fields
    """The row that holds name, phone and e-mail address; None for a message to the clinic's own staff."""
    return row.person  # type: ignore[attr-defined]  # a property of each model that has buttons
