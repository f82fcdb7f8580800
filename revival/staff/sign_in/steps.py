"""Order of the sign-in steps: after the password a code or enrollment, then perhaps a password of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_static.models import StaticDevice

from revival.staff import accounts, lockout, sessions, two_factor
from revival.staff.sessions import HalfSignIn

StepView = Callable[[HttpRequest, HalfSignIn], HttpResponse]
LOST_PHONE = "If you lost your phone, set up another one under “Your sign-in”."


def next_step(half: HalfSignIn) -> str | None:
    """URL name of the next step before this person is signed in; None when all are done."""
    if half.device is None and two_factor.is_set_up(half.user):
        return "admin:code"
    if half.device is None and two_factor.is_required():
        return "admin:enrol"
    return "admin:own_password" if accounts.has_a_first_password(half.user) else None


def go_to_next_step(request: HttpRequest) -> HttpResponse:
    """Redirect to the next step, or sign the person in and redirect to the page they asked for."""
    half = sessions.find_half_sign_in(request)
    if half is None:
        is_late = sessions.HALF in request.session
        return redirect(reverse("admin:login", query={"why": "late"} if is_late else None))
    if step := next_step(half):
        return redirect(step)
    response = HttpResponseRedirect(sessions.finish_sign_in(request, half))
    lockout.remember_browser(request, response, half.user)
    if isinstance(half.device, StaticDevice):
        codes_left = two_factor.recovery_codes_left(half.user)
        messages.warning(request, f"You used a recovery code; {codes_left} are left. {LOST_PHONE}")
    return response


def sign_in_step(name: str) -> Callable[[StepView], Callable[[HttpRequest], HttpResponse]]:
    """Decorate the view of the step with this URL name. Only a person who is at this step reaches it; it gets
    their half sign-in."""

    def decorate(view: StepView) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        @sensitive_post_parameters()
        def inner(request: HttpRequest) -> HttpResponse:
            half = sessions.find_half_sign_in(request)
            if half is None or next_step(half) != name:
                return redirect("admin:index") if request.user.is_authenticated else go_to_next_step(request)
            return view(request, half)

        return inner

    return decorate
