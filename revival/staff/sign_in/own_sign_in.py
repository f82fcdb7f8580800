"""Pages where signed-in staff change their own password, phone and recovery codes."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from revival.base.desk_parts.staff_request import StaffRequest
from revival.staff import passkeys, sessions, two_factor
from revival.staff.forms import CodeForm, PasswordForm, RecoveryCodeForm

from .codes import accept_code, accept_recovery_code
from .enrollment import NEW_KEY, show_key, try_to_enroll
from .pages import render_page, show_recovery_codes

PROVED = "proved_at"
PROOF_SECONDS = 10 * 60  # between a code of the present phone and the enrollment of another, or of a passkey
NEW_PHONE = "The new phone replaces the one you have now, and you get ten new recovery codes."


def your_sign_in(request: StaffRequest) -> HttpResponse:
    return render_page(
        request,
        "staff/sign_in/yours.html",
        title="Your sign-in",
        is_set_up=two_factor.is_set_up(request.user),
        codes_left=two_factor.recovery_codes_left(request.user),
        codes_made=two_factor.RECOVERY_CODES,
        has_passkeys=passkeys.are_possible(),
        passkeys=(keys := passkeys.of(request.user)),
        may_add=len(keys) < passkeys.MOST,
    )


def new_device(request: StaffRequest) -> HttpResponse:
    """Replace the phone, after a code of the present one; or set up the first."""
    is_proved = has_proved(request)
    if two_factor.is_set_up(request.user) and not is_proved:
        return prove(request, "Change your phone", NEW_PHONE)
    form = CodeForm(request.POST or None)
    enrolled = try_to_enroll(request, request.user, form, is_change=is_proved)
    if enrolled is None:
        return show_key(request, request.user, form)
    device, codes = enrolled
    request.session.pop(PROVED, None)
    sessions.replace_device(request, device)
    return show_recovery_codes(request, codes, next_page=reverse("admin:your_sign_in"))


def prove(request: StaffRequest, title: str, lead: str) -> HttpResponse:
    """Ask for a code before a phone or passkey is enrolled, and come back to the same page. Without it, a passer-by at
    an open desk could enroll one of their own."""
    is_recovery = "recovery" in request.GET
    kind, accept = (RecoveryCodeForm, accept_recovery_code) if is_recovery else (CodeForm, accept_code)
    form = kind(request.POST or None)
    if request.method == "POST" and accept(form, request.user):
        request.session[PROVED] = int(timezone.now().timestamp())
        request.session.pop(NEW_KEY, None)
        return redirect(request.path)
    return render_page(request, "staff/sign_in/prove.html", form=form, title=title, lead=lead, is_recovery=is_recovery)


def has_proved(request: HttpRequest) -> bool:
    return bool(timezone.now().timestamp() - request.session.get(PROVED, 0) < PROOF_SECONDS)


def new_recovery_codes(request: StaffRequest) -> HttpResponse:
    if not two_factor.is_set_up(request.user):
        return redirect("admin:your_sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and accept_code(form, request.user):
        codes = two_factor.renew_recovery_codes(user=request.user)
        return show_recovery_codes(request, codes, next_page=reverse("admin:your_sign_in"))
    return render_page(
        request,
        "staff/sign_in/prove.html",
        form=form,
        title="New recovery codes",
        lead="You get ten new codes. Your current codes stop working.",
        is_for_codes=True,
    )


def change_password(request: StaffRequest) -> HttpResponse:
    form = PasswordForm(request, request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. Wherever else you were signed in, you are signed out.")
        return redirect("admin:your_sign_in")
    return render_page(request, "staff/sign_in/password.html", form=form, title="Change your password")
