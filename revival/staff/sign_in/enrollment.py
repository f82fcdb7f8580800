"""Enrollment of a phone: its key as a QR code and as text, a first code typed from it, then ten recovery codes."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import User
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_otp.models import Device

from revival.site.context import find_clinic
from revival.staff import lockout, sealing, sessions, two_factor
from revival.staff.forms import CodeForm
from revival.staff.sessions import HalfSignIn

from .codes import WRONG
from .pages import render_page, show_recovery_codes
from .steps import next_step, sign_in_step

NEW_KEY = "new_key"


@sign_in_step("admin:enrol")
def enroll(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    """Step that enrolls the first phone. The same answer shows the recovery codes, so they cannot be requested
    a second time."""
    form = CodeForm(request.POST or None)
    enrolled = try_to_enroll(request, half.user, form)
    if enrolled is None:
        return show_key(request, half.user, form)
    device, codes = enrolled
    sessions.note_step(request, device=device.persistent_id)
    half = replace(half, device=device)
    if step := next_step(half):
        return show_recovery_codes(request, codes, next_page=reverse(step))
    response = show_recovery_codes(request, codes, next_page=sessions.finish_sign_in(request, half))
    lockout.remember_browser(request, response, half.user)
    return response


def try_to_enroll(
    request: HttpRequest, user: User, form: Form, is_change: bool = False
) -> tuple[Device, list[str]] | None:
    """The new device and ten recovery codes; None, and perhaps an error on the form, when nothing was enrolled."""
    key = kept_key(request, user)
    if request.method != "POST" or not key or not form.is_valid():
        return None
    try:
        enrolled = two_factor.enroll(user=user, key=key, code=form.cleaned_data["code"], is_change=is_change)
    except two_factor.WrongCodeError:
        form.add_error("code", WRONG)
        return None
    except two_factor.AlreadySetUpError:
        return None
    del request.session[NEW_KEY]
    return enrolled


def kept_key(request: HttpRequest, user: User) -> str | None:
    """The key that this session's page shows; None before it was first shown."""
    try:
        return sealing.unseal(request.session[NEW_KEY], user.pk)
    except (KeyError, sealing.SealError):
        return None


def show_key(request: HttpRequest, user: User, form: Form) -> HttpResponse:
    """The key stays the same while the page is open, and becomes a device only when a code of it is typed. It is
    kept in this session alone: someone else who knows the password is shown another key."""
    key = kept_key(request, user)
    if key is None:
        key = two_factor.new_key()
        request.session[NEW_KEY] = sealing.seal(key, user.pk)  # sessions are rows of the database
    uri = two_factor.otpauth_uri(user=user, key=key, issuer=find_clinic(request).name)
    return render_page(
        request,
        "staff/sign_in/enroll.html",
        form=form,
        qr_code=two_factor.draw_qr_code(uri),
        key=two_factor.key_in_groups(key),
        title="Set up your code",
    )
