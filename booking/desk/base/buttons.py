"""Rows that staff read and never type into, with buttons that call actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, re_path, reverse
from django.utils import timezone

from booking import actions
from booking.models import Kind, Look

from .back_to_index import is_from_today
from .free_times_panel import is_looking, picked
from .row_permissions import ShowsPatients


@dataclass(frozen=True)
class Button:
    """One thing staff can do with a row, in their words. `act(row, request, typed)` calls the action."""

    verb: str
    label: str
    question: str
    done: str
    act: Callable[[Any, HttpRequest, dict[str, Any]], Any]
    states: tuple[str, ...]
    is_stop: bool = False
    form: type[forms.Form] | None = None
    is_open: Callable[[Any], bool] = lambda row: True
    sends: Kind | None = None  # what the patient gets


BOOKED_THEN = "Something is already booked then."
OUTSIDE = "That is outside working hours, or not one of the start times."


class ReadOnlyWithButtons(ShowsPatients):
    """GET asks once more and shows what follows; POST acts."""

    buttons: ClassVar[tuple[Button, ...]] = ()
    state_field: ClassVar[str] = "state"
    change_form_template = "booking/desk/base/with_buttons.html"
    answer_template = "booking/desk/base/answer.html"
    view_on_site = False  # a patient's page is the patient's; its address is private

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # read-only; the buttons ask for the right themselves

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        rights = [f"{self.opts.app_label}.{verb}_{self.opts.model_name}" for verb in ("view", "change")]
        return request.user.has_perms(rights)  # the page that asks once more also shows the row

    def buttons_for(self, row: Any) -> list[Button]:
        state = getattr(row, self.state_field)
        return [button for button in self.buttons if state in button.states and button.is_open(row)]

    def get_urls(self) -> list[URLPattern]:
        verbs = "|".join(button.verb for button in self.buttons)
        view = self.admin_site.admin_view(self.answer)
        name = f"{self.opts.app_label}_{self.opts.model_name}_answer"
        return [re_path(rf"^(?P<pk>\d{{1,18}})/(?P<verb>{verbs})/$", view, name=name), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = context.get("original")
        context["buttons"] = self.buttons_for(row) if row and self.may_act(request) else []
        context["answer_url"] = f"admin:{self.opts.app_label}_{self.opts.model_name}_answer"
        if row:
            context |= {"heading": self.heading(row), "called": self.called(row), "subtitle": self.called(row)}
        return super().render_change_form(request, context, *args, **kwargs)

    def called(self, row: Any) -> str:
        """What a row is called in titles, which browsers and logs keep: without a name."""
        return str(row)

    def heading(self, row: Any) -> str:
        """What it is called on its page."""
        return ", ".join(part for part in (self.called(row), row.person and row.person.name) if part)

    def who(self, row: Any) -> str:
        """Whom it is about and how to reach them, for the page that asks once more."""
        person = row.person
        return ", ".join(part for part in (person.name, person.phone, person.email) if part) if person else ""

    def said(self, button: Button, row: Any) -> str:
        """What has happened, in words."""
        return button.done

    def overtaken(self, row: Any) -> str:
        """What is said to whoever came second: nothing was done, and what is so now."""
        row.refresh_from_db()
        state = getattr(row, f"get_{self.state_field}_display")().lower()
        return f"A colleague or the patient was quicker, so nothing was changed. It is {state} now; see below."

    def initial(self, row: Any) -> dict[str, Any]:
        """What a button's form says before anyone typed."""
        return {}

    def form_for(self, button: Button, row: Any, request: HttpRequest) -> forms.Form | None:
        """Filled in with what was typed; a free time that was picked is only put into it."""
        if button.form is None:
            return None
        if is_looking(request):
            typed = {**request.POST.dict(), "starts_at": picked(request) or self.initial(row).get("starts_at")}
            return button.form(initial={**self.initial(row), **typed})
        return button.form(request.POST if request.method == "POST" else None, initial=self.initial(row))

    def beside(self, button: Button, row: Any, form: forms.Form | None) -> dict[str, Any]:
        """What else the page shows that asks once more."""
        return {}

    def answer(self, request: HttpRequest, pk: str, verb: str) -> HttpResponse:
        if not self.may_act(request):
            raise PermissionDenied
        button = next((button for button in self.buttons if button.verb == verb), None)
        row = self.get_queryset(request).filter(pk=pk).first()
        if button is None or row is None:
            raise Http404
        change = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[pk])
        back = reverse("admin:index") if is_from_today(request) else change
        form = self.form_for(button, row, request)
        is_ready = request.method == "POST" and not is_looking(request) and (form is None or form.is_valid())
        if is_ready and self._act(request, button, row, form):
            return redirect(back)
        if request.method != "POST" and button not in self.buttons_for(row):
            return redirect(back)
        self.note_look(request, Look.OPENED, row.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": button.question,
            "button": button,
            "row": row,
            "called": self.called(row),
            "who": self.who(row),
            "form": form,
            **self.beside(button, row, form),
            "back": back,
            "change": change,
            "opts": self.opts,
            "now": timezone.now(),
        }
        return render(request, self.answer_template, context, status=422 if form and form.errors else 200)

    def _act(self, request: HttpRequest, button: Button, row: Any, form: forms.Form | None) -> bool:
        """Whether it came to an end; else the form says at its field why not."""
        try:
            button.act(row, request, form.cleaned_data if form else {})
        except actions.StateChangedError:
            self.message_user(request, self.overtaken(row), messages.WARNING)
        except (actions.SlotTakenError, actions.NotOfferedError) as refusal:
            if form is None or "starts_at" not in form.fields:
                self.message_user(request, "Something else is booked at that time now.", messages.ERROR)
                return True
            is_taken = isinstance(refusal, actions.SlotTakenError)
            form.add_error("starts_at", BOOKED_THEN if is_taken else OUTSIDE)
            return False
        else:
            self.message_user(request, self.said(button, row), messages.SUCCESS)
        return True
