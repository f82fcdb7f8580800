"""Admin of shifts, overrides and absences, saved through actions that lock the therapists' rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib import messages as django_messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.csrf import csrf_protect

from booking.actions import OutageOpenError, remove_hours, save_absence, save_hours
from booking.desk.base.row_permissions import OwnRowsOnly, is_theirs
from booking.desk.base.wording import count_visits, links_to
from booking.models import SEE_EVERY_PATIENT, Absence, Appointment, HowOften, Outage, Override, Shift
from revival.base.desk_parts.date_columns import date_filter, moment_column
from revival.base.desk_parts.widgets import NATIVE
from revival.base.django_types import Context, Passed, Rows
from revival.base.words import date_words, wall

from .recurring_list import DaysOfRecurring, recurring_lines


class SavedByActions(OwnRowsOnly):
    """ModelAdmin whose rows are written by actions.

    Django wraps its add, change and delete views in a transaction. An action has to be the outermost one, so that
    success is reported only after the commit; so these views call Django's without the wrapper. Django's own log line
    of a change is then written after the change, not with it. Actions inside Django's transaction were weighed on
    2026-11-24 and left: they would report success before the commit.
    """

    formfield_overrides = NATIVE

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Context | None = None,
    ) -> HttpResponse:
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Context | None = None) -> HttpResponse:
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Shift | Override | Absence) -> None:
        self.warn_about(request, remove_hours(row=obj))

    def delete_queryset(self, request: HttpRequest, queryset: Rows) -> None:
        for row in queryset:
            try:
                self.delete_model(request, row)
            except OutageOpenError:
                text = f"{row}: not deleted, because patients were told about it. End it on its board."
                self.message_user(request, text, django_messages.ERROR)

    def warn_about(self, request: HttpRequest, visits: Sequence[Appointment]) -> None:
        """List the visits that staff now have to move or cancel."""
        if not visits:
            return
        links = links_to(visits)
        number = count_visits(len(visits), "is", "are")
        text = format_html("{} now outside working hours; no e-mail was sent: {}", number, links)
        self.message_user(request, text, django_messages.WARNING)


class WallClockColumns:
    """Columns for opening and closing times, written as on the desk's other pages."""

    @admin.display(description="From", ordering="opens")
    def begins(self, row: Shift | Override) -> str:
        return wall(row.opens)

    @admin.display(description="To", ordering="closes")
    def ends(self, row: Shift | Override) -> str:
        return wall(row.closes)


class ShiftForm(forms.ModelForm):
    """Nothing sent for `every_weeks` means every week, as before there was a choice."""

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        if "every_weeks" in self.fields:  # read-only for a therapist
            self.fields["every_weeks"].required = False

    def clean_every_weeks(self) -> int:
        return self.cleaned_data["every_weeks"] or HowOften.EVERY_WEEK


@admin.register(Shift)
class ShiftAdmin(WallClockColumns, SavedByActions):
    form = ShiftForm
    change_list_template = "booking/desk/hours/hours_list.html"
    list_display = ["therapist", "weekday", "begins", "ends", "how_often", "holds_from", "holds_until", "is_example"]
    list_display_links = ["therapist", "weekday"]
    list_filter = ["therapist", "weekday", "every_weeks", "is_example"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name"]
    actions = None  # deleted one by one, so that each reports the visits left outside

    @admin.display(description="How often", ordering="counts_from")
    def how_often(self, shift: Shift) -> str:
        words = shift.get_every_weeks_display()
        return f"{words} from {date_words(shift.counts_from)}" if shift.counts_from else words

    @admin.display(description="First day", ordering="valid_from")
    def holds_from(self, shift: Shift) -> str:
        return date_words(shift.valid_from) if shift.valid_from else "–"

    @admin.display(description="Last day", ordering="valid_until")
    def holds_until(self, shift: Shift) -> str:
        return date_words(shift.valid_until) if shift.valid_until else "–"

    def save_model(self, request: HttpRequest, obj: Shift, form: forms.ModelForm, change: bool) -> None:
        self.warn_about(request, save_hours(row=obj))


@admin.register(Override)
class OverrideAdmin(WallClockColumns, SavedByActions):
    list_display = ["therapist", "on", "begins", "ends"]
    list_display_links = ["therapist", "on"]
    list_filter = [date_filter("day"), "therapist"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name"]
    actions = None

    @admin.display(description="Day", ordering="day")
    def on(self, override: Override) -> str:
        return date_words(override.day)

    def save_model(self, request: HttpRequest, obj: Override, form: forms.ModelForm, change: bool) -> None:
        self.warn_about(request, save_hours(row=obj))


@admin.register(Absence)
class AbsenceAdmin(SavedByActions):
    change_list_template = "booking/desk/hours/hours_list.html"
    delete_confirmation_template = "booking/desk/hours/delete_absence.html"
    list_display = ["who", moment_column("starts_at", "From"), moment_column("ends_at", "Until"), "reason"]
    list_filter = [DaysOfRecurring, date_filter("starts_at"), "therapist"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name", "reason"]
    readonly_fields = ["board", "one_of"]

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        recurring = {"recurring": recurring_lines(request.user)}
        return super().changelist_view(request, {**(extra_context or {}), **recurring})

    @admin.display(description="Who is away", ordering="therapist")
    def who(self, absence: Absence) -> str:
        return absence.therapist.name if absence.therapist else "Whole clinic"

    def has_change_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or _may_change(request, obj))

    @admin.display(description="Therapist is out")
    def board(self, absence: Absence) -> str:
        """Link to the board of the outage, where an absence that patients were told about is changed."""
        outage = Outage.objects.filter(absence=absence.pk).first()
        if outage is None:
            return "–"
        words = "Patients were told about this absence. Change or end it on its board"
        return format_html('<a href="{}">{}</a>', outage.get_absolute_url(), words)

    @admin.display(description="Recurring absence")
    def one_of(self, absence: Absence) -> str:
        """Link to the recurring absence that this is a day of."""
        rule = absence.recurring
        if rule is None:
            return "–"
        words = "What you change or delete here holds for this day alone; it then no longer follows the others."
        return format_html(
            '<a href="{}">{}</a>. {}', reverse("admin:recurring_absence", args=[rule.pk]), capfirst(rule.when), words
        )

    def get_fields(self, request: HttpRequest, obj: Absence | None = None) -> list[Any]:  # names or groups of names
        fields = [name for name in super().get_fields(request, obj) if name not in self.readonly_fields]
        if obj and obj.recurring_id:
            fields.append("one_of")
        return [*fields, "board"] if obj and Outage.objects.filter(absence=obj.pk).exists() else fields

    def get_form(
        self, request: HttpRequest, obj: Absence | None = None, change: bool = False, **kwargs: Passed
    ) -> type[forms.ModelForm]:
        """Only staff who see every patient may close the whole clinic; others have to choose a therapist."""
        form = super().get_form(request, obj, change=change, **kwargs)
        field = form.base_fields.get("therapist")
        if isinstance(field, forms.ModelChoiceField):
            field.help_text = ""
            if request.user.has_perm(SEE_EVERY_PATIENT):
                field.empty_label = "The whole clinic is closed"
            else:
                field.required, field.empty_label = True, None
        return form

    def save_model(self, request: HttpRequest, obj: Absence, form: forms.ModelForm, change: bool) -> None:
        self.warn_about(request, save_absence(absence=obj))


def _may_change(request: HttpRequest, absence: Absence) -> bool:
    return is_theirs(request, absence) and not Outage.objects.open().filter(absence=absence.pk).exists()
