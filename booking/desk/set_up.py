"""What is not set up yet, for the desk's first page: each item leads to the form where it is set up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from django.db.models import Model, Q
from django.urls import reverse
from django.utils.text import capfirst

from booking.models import Caution, Clinic, Service, Shift, Therapist, UrgentHelp, WithExamples
from revival.base.bidi import isolate
from revival.base.desk_parts.todo import ToDo

ADD_CLINIC = "booking.add_clinic"
LEFT_OUT = "Left out of every page until set."
BEFORE_YOU_COME = (
    *("directions", "parking", "arrival", "building_access", "what_to_wear", "what_to_bring"),
    *("languages", "insurance", "treats"),
)
"""Facts of the clinic that patients ask for before they come."""
OF_A_THERAPIST = ("about", "degree", "license_number", "license_url", "practicing_since", "focus", "languages")
OF_A_SERVICE = ("description", "fee", "includes")
IN_SHORT = {"about": "their own words", "license_url": "where to look up the license", "includes": "what it includes"}


def not_set_up(clinic: Clinic, day: date) -> list[ToDo]:
    """Each item leads to the page where it is set up, and is gone once it is."""
    therapists = list(Therapist.objects.all())
    blocks: list[UrgentHelp | Caution] = [
        *UrgentHelp.objects.filter(approved_on__isnull=True),
        *Caution.objects.filter(approved_on__isnull=True),
    ]
    return [
        *_facts_missing(clinic),
        *_before_you_come_missing(clinic),
        *_hours_missing(therapists, day),
        *_services_missing(),
        *_therapists_missing(therapists),
        *(_to_do(block.title, "Awaiting clinical approval.", block) for block in blocks),
    ]


def no_clinic() -> ToDo:
    return ToDo("The clinic", "Its name and phone come first.", reverse("admin:booking_clinic_add"), ADD_CLINIC)


def _facts_missing(clinic: Clinic) -> list[ToDo]:
    """One item for the facts at the top of the clinic's form."""
    is_example = not clinic.states("address_line")
    values = {"address": clinic.has_whole_address and not is_example, "opening hours": clinic.week}
    missing = [name for name, value in values.items() if not value]
    why = [LEFT_OUT] if missing else []
    if clinic.address and "address" in missing:
        why = [
            "The address is an example." if is_example else "The address is not whole: city, state and ZIP code count."
        ]
    if not clinic.email:
        missing.append("e-mail")
        why.append("Patients can’t reply to our e-mails until there is an e-mail address.")
    if not clinic.notices_to:
        missing.append("e-mail for staff notices")
        why.append("Requests show only here until there is an e-mail address for notices.")
    return [_to_do(capfirst(", ".join(missing)), " ".join(why), clinic)] if missing else []


def _before_you_come_missing(clinic: Clinic) -> Iterator[ToDo]:
    if missing := _missing(clinic, BEFORE_YOU_COME):
        yield _to_do("Before you come", f"{LEFT_OUT} {missing}", clinic)


def _therapists_missing(therapists: list[Therapist]) -> Iterator[ToDo]:
    for therapist in therapists:
        if missing := _missing(therapist, OF_A_THERAPIST):
            yield _to_do(f"About {isolate(therapist.short_name)}", f"{LEFT_OUT} {missing}", therapist)


def _hours_missing(therapists: list[Therapist], day: date) -> list[ToDo]:
    """Therapists who still have example hours without an end, or no hours of their own from today on."""
    current = Shift.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day))
    shifts = set(current.values_list("therapist", "is_example", "valid_until"))
    examples = {therapist for therapist, is_example, until in shifts if is_example and until is None}
    own = {therapist for therapist, is_example, _ in shifts if not is_example}
    why = {True: "Example hours. Change them, or save them as they are.", False: "None yet, so nobody can book."}
    return [
        ToDo(
            f"Working hours of {isolate(therapist.short_name)}",
            why[therapist.pk in examples],
            reverse("admin:week_hours", args=[therapist.slug]),
            "booking.change_shift",
        )
        for therapist in therapists
        if therapist.is_taking_patients and (therapist.pk in examples or therapist.pk not in own)
    ]


def _services_missing() -> list[ToDo]:
    services = list(Service.objects.all())
    if not services:
        add = reverse("admin:booking_service_add")
        return [ToDo("Services", "None yet, so nobody can book.", add, "booking.add_service")]
    return [item for service in services for item in _service_missing(service)]


def _service_missing(service: Service) -> Iterator[ToDo]:
    missing = _missing(service, OF_A_SERVICE)
    why = "An example service. Change it, or save it as it is." if service.is_example else ""
    if service.is_active and missing:
        why = f"{why} {LEFT_OUT} {missing}".strip()
    if why:
        yield _to_do(f"Service: {isolate(service.name)}", why, service)


def _missing(row: WithExamples, fields: Iterable[str]) -> str:
    """The facts among these that the clinic has not entered, in words: those that are empty, and examples."""
    empty = _names(row, (name for name in fields if not getattr(row, name)))
    examples = _names(row, (name for name in fields if name in row.example_facts))
    return " ".join(f"{why}: {names}." for why, names in (("Not set", empty), ("Examples", examples)) if names)


def _names(row: Model, fields: Iterable[str]) -> str:
    return ", ".join(IN_SHORT.get(name) or str(row._meta.get_field(name).verbose_name) for name in fields)  # type: ignore[union-attr]


def _to_do(what: str, why: str, row: Model) -> ToDo:
    """An item that leads to the row's own form, and from there back to the first page."""
    names = row._meta.app_label, row._meta.model_name
    url = reverse("admin:{}_{}_change".format(*names), args=[row.pk])
    return ToDo(what, why, f"{url}?to=today", f"booking.change_{row._meta.model_name}")
