"""Admin of the therapists and the services."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from booking.desk.base.back_to_index import ReturnsToIndex
from booking.desk.base.facts import FACTS_OF_TEXT, KeepsOwnFacts
from booking.models import Service, Therapist


@admin.register(Therapist)
class TherapistAdmin(KeepsOwnFacts, ReturnsToIndex):
    list_display = ["name", "role", "is_taking_patients", "order"]
    list_filter = ["is_taking_patients"]
    search_fields = ["name", "role"]
    prepopulated_fields = {"slug": ["name"]}

    def get_exclude(self, request: HttpRequest, obj: Therapist | None = None) -> list[str]:
        """Leaves out the link to the account for staff who may not see accounts."""
        return [] if request.user.has_perm("auth.view_user") else ["account"]


@admin.register(Service)
class ServiceAdmin(KeepsOwnFacts, ReturnsToIndex):
    """Saving an example service makes it the clinic's own, as with example hours; its words and fee, once changed."""

    change_form_template = "booking/desk/therapists/service_change.html"
    list_display = ["name", "minutes", "turnaround_minutes", "needs_confirmation", "is_active", "is_example"]
    list_filter = ["is_active", "needs_confirmation", "is_example", "therapists"]
    search_fields = ["name"]
    formfield_overrides = {models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple}, **FACTS_OF_TEXT}
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (None, {"fields": ["name", "slug", "therapists", "cautions", "is_active", "order"]}),
        (
            "What patients read",
            {
                "fields": ["description", "includes", "may_include_cupping", "fee"],
                "description": "Left out of every page and e-mail while empty.",
            },
        ),
        (
            "Time",
            {
                "fields": [
                    *("minutes", "turnaround_minutes", "step_minutes"),
                    *("notice_hours", "offer_notice_hours", "horizon_days"),
                ]
            },
        ),
        ("Answering", {"fields": ["needs_confirmation"]}),
    ]

    def save_model(self, request: HttpRequest, obj: Service, form: forms.ModelForm, change: bool) -> None:
        obj.is_example = False
        super().save_model(request, obj, form, change)
