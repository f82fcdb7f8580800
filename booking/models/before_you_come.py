"""Before you come: what a patient asks before a visit, as the clinic has entered it. One part of pages and mails."""

from __future__ import annotations

from collections.abc import Iterable

from .clinic import Clinic
from .facts import Fact
from .therapists import Service


def before_you_come(
    clinic: Clinic, services: Iterable[Service] = (), *, has_place: bool = True, has_treatment: bool = True
) -> list[Fact]:
    """The facts that are set, in the order of the questions: what and how much, where, how to prepare.

    `has_place=False` where the address stands already; `has_treatment=False` in mails, which say nothing about health.
    """
    return [
        *(fact for service in services for fact in service.visit_facts(has_treatment=has_treatment)),
        *clinic.insurance_facts(),
        *(clinic.place_facts() if has_place else ()),
        *clinic.preparation_facts(),
    ]
