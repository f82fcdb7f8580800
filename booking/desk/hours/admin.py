"""Absence, Override and Shift: saved through actions, under the therapists' locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.views.decorators.csrf import csrf_protect

from booking import actions
from booking.desk.base.row_permissions import OwnRowsOnly, is_theirs
from booking.models import SEE_EVERY_PATIENT, Absence, Appointment, Outage, Override, Shift
from revival.base.date_columns import date_filter, moment_column
from revival.base.widgets import NATIVE
from revival.base.words import clock, date_words, day_words, wall


class SavedByActions(OwnRowsOnly):
    """A form whose rows are written by an action.

    Django wraps its add, change and delete views in a transaction; an action insists on being the
    outermost one, so that nothing is said to be done before it is. Hence the views without theirs.
    """

    formfield_overrides = NATIVE

    @method_decorator(csrf_protect)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._changeform_view(  # type: ignore[attr-defined]
            request,
            kwargs.get("object_id", args[0] if args else None),
            kwargs.get("form_url", ""),
            kwargs.get("extra_context"),
        )

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.tell_of(request, actions.remove_hours(row=obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            try:
                self.delete_model(request, row)
            except actions.OutageOpenError:
                self.message_user(request, f"{row}: patients were told of it. It ends on its board.", messages.ERROR)

    def tell_of(self, request: HttpRequest, visits: Sequence[Appointment]) -> None:
        """Name the visits that staff now have to move or cancel."""
        if not visits:
            return
        lines = format_html_join(
            "; ",
            '<a href="{}">{}, {} with {}</a>',
            (
                (
                    reverse("admin:booking_appointment_change", args=[visit.pk]),
                    day_words(visit.starts_at),
                    clock(visit.starts_at),
                    visit.therapist.short_name,
                )
                for visit in visits
            ),
        )
        text = format_html("{} now outside working hours; no e-mail was sent: {}", _count(len(visits)), lines)
        self.message_user(request, text, messages.WARNING)


def _count(number: int) -> str:
    return "1 visit is" if number == 1 else f"{number} visits are"


class OnTheWall:
    """Columns of hours, said as on the other pages."""

    @admin.display(description="From", ordering="opens")
    def begins(self, row: Any) -> str:
        return wall(row.opens)

    @admin.display(description="To", ordering="closes")
    def ends(self, row: Any) -> str:
        return wall(row.closes)


@admin.register(Shift)
class ShiftAdmin(OnTheWall, SavedByActions):
    change_list_template = "booking/desk/hours/hours_list.html"
    list_display = ["therapist", "weekday", "begins", "ends", "holds_from", "holds_until", "is_example"]
    list_display_links = ["therapist", "weekday"]
    list_filter = ["therapist", "weekday", "is_example"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name"]
    actions = None  # one by one: each says which visits it leaves outside

    @admin.display(description="First day", ordering="valid_from")
    def holds_from(self, shift: Shift) -> str:
        return date_words(shift.valid_from) if shift.valid_from else "–"

    @admin.display(description="Last day", ordering="valid_until")
    def holds_until(self, shift: Shift) -> str:
        return date_words(shift.valid_until) if shift.valid_until else "–"

    def save_model(self, request: HttpRequest, obj: Shift, form: Any, change: bool) -> None:
        self.tell_of(request, actions.save_hours(row=obj))


@admin.register(Override)
class OverrideAdmin(OnTheWall, SavedByActions):
    list_display = ["therapist", "on", "begins", "ends"]
    list_display_links = ["therapist", "on"]
    list_filter = [date_filter("day"), "therapist"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name"]
    actions = None

    @admin.display(description="Day", ordering="day")
    def on(self, other: Override) -> str:
        return date_words(other.day)

    def save_model(self, request: HttpRequest, obj: Override, form: Any, change: bool) -> None:
        self.tell_of(request, actions.save_hours(row=obj))


def _may_change(request: HttpRequest, absence: Absence) -> bool:
    return is_theirs(request, absence) and not Outage.objects.open().filter(absence=absence.pk).exists()


@admin.register(Absence)
class AbsenceAdmin(SavedByActions):
    change_list_template = "booking/desk/hours/hours_list.html"
    list_display = ["who", moment_column("starts_at", "From"), moment_column("ends_at", "Until"), "reason"]
    list_filter = [date_filter("starts_at"), "therapist"]
    list_select_related = ["therapist"]
    search_fields = ["therapist__name", "reason"]
    readonly_fields = ["board"]

    @admin.display(description="Who is away", ordering="therapist")
    def who(self, absence: Absence) -> str:
        return absence.therapist.name if absence.therapist else "Whole clinic"

    def has_change_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or _may_change(request, obj))

    @admin.display(description="Therapist is out")
    def board(self, absence: Absence) -> str:
        """Of an outage patients were told: it is changed where they are told again."""
        outage = Outage.objects.filter(absence=absence.pk).first()
        if outage is None:
            return "–"
        words = "Patients were told of this absence. See the board; it ends there"
        return format_html('<a href="{}">{}</a>', outage.get_absolute_url(), words)

    def get_fields(self, request: HttpRequest, obj: Absence | None = None) -> Any:
        fields = [name for name in super().get_fields(request, obj) if name != "board"]
        return [*fields, "board"] if obj and Outage.objects.filter(absence=obj.pk).exists() else fields

    def get_form(self, request: HttpRequest, obj: Absence | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Who sees their own patients only is away alone: they cannot close the clinic."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "therapist" in form.base_fields:
            field: Any = form.base_fields["therapist"]
            field.help_text = ""
            if request.user.has_perm(SEE_EVERY_PATIENT):
                field.empty_label = "The whole clinic is closed"  # said, where Django draws dashes
            else:
                field.required, field.empty_label = True, None
        return form

    def save_model(self, request: HttpRequest, obj: Absence, form: Any, change: bool) -> None:
        self.tell_of(request, actions.save_absence(absence=obj))
