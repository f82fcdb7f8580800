"""Admin of the clinic: its facts, its opening hours, and its clock, which stays while visits are to come."""

from __future__ import annotations

from calendar import day_name
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from booking.desk.base.back_to_index import ReturnsToIndex
from booking.desk.base.facts import KeepsOwnFacts
from booking.desk.base.wording import links_to
from booking.models import Appointment, Clinic, OpeningHours
from booking.people.phones import COUNTRIES, calling_code
from booking.time.availability import DAYS_A_WEEK
from booking.time.weekly_hours import DayShift, overlaps
from revival.base.desk_parts.widgets import NATIVE
from revival.base.django_types import Context, Passed

MOST_SHOWN = 20
LEFT_OUT = "Left out of every page and e-mail while empty."
CHANGED_MEANWHILE = (
    "Not saved: while you were typing, a visit was booked or a colleague changed the opening hours. "
    "This is what is saved now."
)


COUNTRY_HELP = "Of the address. Phone numbers that patients type without a country code are numbers of it, too."


def countries() -> list[tuple[str, str]]:
    """Codes of ISO 3166 with the number that calls go to from abroad."""
    return [(code, f"{code} (+{calling_code(code)})") for code in sorted(COUNTRIES)]


class ClinicForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        choices=lambda: [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone]
    )

    country = forms.ChoiceField(choices=countries, help_text=COUNTRY_HELP)

    def clean_time_zone(self) -> str:
        """Refuses another zone while visits are to come: each would take place at another hour than was agreed."""
        zone: str = self.cleaned_data["time_zone"]
        if self.instance.pk and zone != Clinic.objects.values_list("time_zone", flat=True).get(pk=self.instance.pk):
            coming = Appointment.objects.coming(timezone.now())
            if number := coming.count():
                raise ValidationError(_visits_to_come(coming.in_order(MOST_SHOWN), number))
        return zone


def _visits_to_come(visits: list[Appointment], number: int) -> SafeString:
    links = links_to(visits)
    more = ""
    if number > len(visits):
        url = reverse("admin:booking_appointment_changelist")
        more = format_html('; <a href="{}">and {} more</a>', url, number - len(visits))
    text = "The clinic’s clock stays as it is while visits are to come, since patients know the hour: {}{}. {}"
    return format_html(text, links, more, "End or cancel them first, then change the time zone and book them again.")


class OpeningHoursForm(forms.ModelForm):
    def has_changed(self) -> bool:
        """A new line without times is a day on which the clinic is closed."""
        if self.instance.pk is None:
            return bool({"opens", "closes"} & set(self.changed_data))
        return super().has_changed()

    def validate_constraints(self) -> None:
        """Without the rule that lines of a day do not overlap: other lines may change with this one."""
        try:
            self.instance.validate_constraints(exclude={*self._get_validation_exclusions(), "clinic"})  # type: ignore[attr-defined]
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class OpeningHoursFormSet(forms.BaseInlineFormSet):
    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        clinic = kwargs.get("instance")
        if clinic is None or not clinic.week:
            kwargs["initial"] = [{"weekday": weekday} for weekday in range(DAYS_A_WEEK)]
        super().__init__(*args, **kwargs)

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        lines = [form.cleaned_data for form in self.forms if form.cleaned_data and not self._should_delete_form(form)]  # type: ignore[attr-defined]
        twice = overlaps(DayShift(line["weekday"], line["opens"], line["closes"]) for line in lines)
        if twice:
            days = " and ".join(day_name[weekday] for weekday in sorted(twice))
            raise ValidationError(f"Two lines of {days} overlap. Change their times, or delete one of them.")


class OpeningHoursInline(admin.StackedInline):  # a tabular one labels no field for screen readers
    model = OpeningHours
    form = OpeningHoursForm
    formset = OpeningHoursFormSet
    formfield_overrides = NATIVE
    verbose_name = "line"
    verbose_name_plural = "Opening hours, in clinic time (12:00 am is the end of the day)"
    fields = [("weekday", "opens", "closes")]

    def get_extra(self, request: HttpRequest, obj: Clinic | None = None, **kwargs: Passed) -> int:
        return 2 if obj and obj.week else DAYS_A_WEEK


@admin.register(Clinic)
class ClinicAdmin(KeepsOwnFacts, ReturnsToIndex):
    change_form_template = "booking/desk/base/facts_change.html"
    form = ClinicForm
    inlines = [OpeningHoursInline]
    list_display = ["name", "phone", "email", "address_line", "time_zone"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "opening_line", "phone"]}),
        (
            "Address",
            {"fields": ["address_line", ("city", "state"), ("postal_code", "country")], "description": LEFT_OUT},
        ),
        ("E-mail, and a note on the hours", {"fields": ["email", "opening_hours"], "description": LEFT_OUT}),
        (
            "Before you come",
            {
                "fields": [
                    *("directions", "parking", "arrival", "building_access"),
                    *("what_to_wear", "what_to_bring", "languages"),
                ],
                "description": LEFT_OUT,
            },
        ),
        (
            "Insurance, and what you treat",
            {"fields": ["insurance", "insurance_names", "treats"], "description": LEFT_OUT},
        ),
        ("For staff", {"fields": ["notices_to", "mails_day_sheet"]}),
        ("Clock", {"fields": ["time_zone", "zone_name"]}),
    ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Context | None = None,
    ) -> HttpResponse:
        """Save, and report when the database refuses a zone or overlapping hours that the form could not notice."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            self.message_user(request, CHANGED_MEANWHILE, django_messages.ERROR)
            return redirect(request.get_full_path())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Clinic.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Clinic | None = None) -> bool:
        return False
