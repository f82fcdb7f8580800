"""Limits for robots and busy networks. Every refusal reads alike, so that nobody learns which limit it was."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from booking import actions
from booking.patients.forms.person import PersonForm
from revival.base.network import visitors_network


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "booking/patients/too_many.html", status=429)


def turn_away(request: HttpRequest, form: PersonForm) -> HttpResponse | None:
    """The refusal for a robot, or for a network that has reached its limit for today; None for everyone else."""
    if form.is_robot(timezone.now()):
        return too_many(request)
    try:
        actions.count_ask(network=visitors_network(request))
    except actions.TooManyError:
        return too_many(request)
    return None
