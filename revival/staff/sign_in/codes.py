"""Second-factor step of signing in: a code from one's phone, or a recovery code."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_otp.models import Device

from revival.staff import passkeys, sessions, two_factor
from revival.staff.forms import CodeForm, RecoveryCodeForm
from revival.staff.sessions import HalfSignIn

from .pages import THROTTLED, render_page
from .steps import go_to_next_step, sign_in_step

UseCode = Callable[..., Device]

WRONG = (
    "That code is not right, or it was used before. Wait until your app shows the next one. "
    "If that is refused, too, check that your phone sets its clock by itself."
)
WRONG_RECOVERY = "That code is not right, or it was used before. Each code on your list works once."


@sign_in_step("admin:code")
def code(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if request.method == "POST" and (device := accept_code(form, half.user)):
        return finish_step(request, device)
    return show_code_page(request, half, form)


def show_code_page(request: HttpRequest, half: HalfSignIn, form: Form) -> HttpResponse:
    has_passkey = passkeys.are_possible() and bool(passkeys.of(half.user))
    return render_page(request, "staff/sign_in/code.html", form=form, title="Your code", has_passkey=has_passkey)


@sign_in_step("admin:code")
def recovery_code(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    form = RecoveryCodeForm(request.POST or None)
    if request.method == "POST" and (device := accept_recovery_code(form, half.user)):
        return finish_step(request, device)
    return render_page(request, "staff/sign_in/recovery_code.html", form=form, title="Your code")


def finish_step(request: HttpRequest, device: Device) -> HttpResponse:
    sessions.note_step(request, device=device.persistent_id)
    return go_to_next_step(request)


def accept_code(form: Form, user: User) -> Device | None:
    """The device that the typed code belongs to; None, and an error on the form, when it is refused."""
    return _accept(form, two_factor.use_code, user, WRONG)


def accept_recovery_code(form: Form, user: User) -> Device | None:
    """As `accept_code`, with a recovery code."""
    return _accept(form, two_factor.use_recovery_code, user, WRONG_RECOVERY)


def _accept(form: Form, use: UseCode, user: User, wrong: str) -> Device | None:
    if not form.is_valid():
        return None
    try:
        return use(user=user, code=form.cleaned_data["code"])
    except two_factor.WrongCodeError:
        form.add_error("code", wrong)
    except two_factor.TooManyCodesError as refusal:
        message = f"There were too many wrong codes. Wait {wait_in_words(refusal)}, then type a new one."
        form.add_error("code", ValidationError(message, code=THROTTLED))
    return None


def wait_in_words(refusal: two_factor.TooManyCodesError) -> str:
    seconds = max(1, round((refusal.until - timezone.now()).total_seconds()))
    if seconds < 100:
        return "one second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
