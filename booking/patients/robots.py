"""Limits for busy networks, and the moment at which a browser first saw a form, so that robots keep out.

Every refusal reads alike, so that nobody learns which limit it was.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from booking import actions
from booking.patients.forms.person import PersonForm
from booking.patients.forms.robots import SEEN_BEFORE, StampField
from revival.base.django_types import Context
from revival.base.network import visitors_network

REMEMBERED_FOR = timedelta(days=1)


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "booking/patients/too_many.html", status=429)


def refuse_busy_network(request: HttpRequest) -> HttpResponse | None:
    """The refusal for a network that has reached its limit for today; None for everyone else."""
    try:
        actions.count_ask(network=visitors_network(request))
    except actions.TooManyError:
        return too_many(request)
    return None


def first_drawn_at(request: HttpRequest) -> datetime:
    """When this browser first saw a form, today or yesterday; now, if it has seen none.

    A page opened again with Back is drawn anew, but the person who sends it at once has typed it before. At most an
    hour ago, since a form is good for a day from then.
    """
    now = timezone.now()
    with suppress(ValidationError):
        first = StampField().clean(request.COOKIES.get(settings.FORM_COOKIE_NAME))
        if first is not None and timedelta(0) <= now - first < REMEMBERED_FOR:
            return max(first, now - SEEN_BEFORE)
    return now


def draw_form(
    request: HttpRequest, template: str, context: Context, form: PersonForm, status: int = 200
) -> HttpResponse:
    """A page with a form of a person; the browser keeps the moment at which it first saw one."""
    response = render(request, template, {**context, "form": form}, status=status)
    if not form.is_bound:
        response.set_cookie(
            settings.FORM_COOKIE_NAME,
            form.initial["drawn_at"],
            secure=settings.IS_PRODUCTION,
            httponly=True,
            samesite="Lax",
        )
    return response
