"""Before you come: what a patient asks before a visit, as the clinic has entered it. One part of pages and mails."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from revival.base.bidi import isolate

from .clinic import Clinic
from .facts import Fact, example_name
from .therapists import Service


def before_you_come(clinic: Clinic, services: Sequence[Service] = (), *, is_booked: bool = False) -> list[Fact]:
    """The facts that are set, in the order of the questions: what it is, what it costs, where it is, how to prepare.

    With a booked visit the address stands already, and what the visit is has been read; mails say nothing about that.
    """
    visits = [] if is_booked else [fact for service in services for fact in service.visit_facts]
    return [
        *visits,
        *_cost(services),
        *clinic.insurance_facts(),
        *([] if is_booked else clinic.place_facts()),
        *clinic.preparation_facts(),
    ]


def at_a_glance(clinic: Clinic, services: Sequence[Service]) -> list[Fact]:
    """What a visit costs and where it is: of the same facts those that stand at the top of the home page."""
    return [*_cost(services), *clinic.place_facts()]


def _cost(services: Sequence[Service]) -> list[Fact]:
    """The fees of those who pay themselves; with several services each under its name."""
    with_fee = [service for service in services if service.fee]
    lines = [isolate(service.fee) if len(services) == 1 else service.named_fee for service in with_fee]
    name = gettext("Cost, if you pay yourself")
    if any("fee" in service.example_facts for service in with_fee):
        name = example_name(name)
    return [Fact(name, tuple(lines))] if lines else []
