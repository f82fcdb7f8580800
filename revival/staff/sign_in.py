"""The door of the desk: password, code, enrollment, recovery codes, one's own sign-in, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice

from revival.site.context import clinic

from . import accounts, lockout, sessions, two_factor
from .forms import CodeForm, OwnPasswordForm, PasswordForm, RecoveryCodeForm, SignInForm

View = Callable[..., HttpResponse]
UseCode = Callable[..., Device]

WRONG = (
    "That code is not right, or it was used before. Wait until your app shows the next one. "
    "If that is refused, too, check that your phone sets its clock by itself."
)
WRONG_RECOVERY = "That code is not right, or it was used before. Each code on your list works once."
NEXT_TIME = "If you lost your phone, set up another one under “Your sign-in”."
THROTTLED = "throttled"
NEW_KEY, PROVED = "new_key", "proved_at"
PROOF_SECONDS = 10 * 60  # after a code of the device there is, for enrolling another


# Half signed in: one step after the other, in this order.


class Password(LoginView):
    template_name = "admin/login.html"
    authentication_form = SignInForm
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())  # an address, never the name of one
        if sessions.half_signed_in(request):
            return go_on(request)
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        sessions.begin(self.request, form.get_user(), self.get_success_url())
        return go_on(self.request)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        why = self.request.GET.get("why", "")
        return super().get_context_data(title="Sign in to the desk", why=WHY.get(why, ""), **kwargs)


WHY = {
    "idle": f"You were signed out because nothing happened here for {settings.DESK_IDLE_MINUTES} minutes. "
    "Sign in, and you are back where you were.",
    "long": f"You were signed out because nobody stays signed in longer than {settings.DESK_LONGEST_HOURS} hours. "
    "Sign in, and you are back where you were.",
    "late": "More than ten minutes passed since your password. Please begin again.",
}


def next_step(user: Any) -> str | None:
    """What is still to come before this person is signed in."""
    if user.otp_device is None and two_factor.is_set_up(user):
        return "admin:code"
    if user.otp_device is None and two_factor.is_required():
        return "admin:enrol"
    return "admin:own_password" if accounts.has_a_first_password(user) else None


def go_on(request: HttpRequest) -> HttpResponse:
    user = sessions.half_signed_in(request)
    if user is None:
        is_late = sessions.HALF in request.session
        return redirect(reverse("admin:login", query={"why": "late"} if is_late else None))
    if step := next_step(user):
        return redirect(step)
    response: HttpResponse = HttpResponseRedirect(sessions.finish(request, user))
    lockout.remember_browser(request, response, user)
    if isinstance(user.otp_device, StaticDevice):
        left = two_factor.recovery_codes_left(user)
        messages.warning(request, f"You used a recovery code; {left} are left. {NEXT_TIME}")
    return response


def step(name: str) -> Callable[[View], View]:
    """A page for someone who is half signed in and has come to this step; it gets the person."""

    def decorate(view: View) -> View:
        @wraps(view)
        @sensitive_post_parameters()
        def inner(request: HttpRequest) -> HttpResponse:
            user = sessions.half_signed_in(request)
            if user is None or next_step(user) != name:
                return redirect("admin:index") if request.user.is_authenticated else go_on(request)
            return view(request, user)

        return inner

    return decorate


@step("admin:code")
def code(request: HttpRequest, user: Any) -> HttpResponse:
    return ask_for_code(request, user, CodeForm, two_factor.use_code, WRONG, "staff/sign_in/code.html")


@step("admin:code")
def recovery_code(request: HttpRequest, user: Any) -> HttpResponse:
    use = two_factor.use_recovery_code
    return ask_for_code(request, user, RecoveryCodeForm, use, WRONG_RECOVERY, "staff/sign_in/recovery_code.html")


def ask_for_code(
    request: HttpRequest, user: Any, kind: type[Form], use: UseCode, wrong: str, template: str
) -> HttpResponse:
    form = kind(request.POST or None)
    if request.method == "POST" and (device := accept(form, use, user, wrong)):
        sessions.note(request, device=device.persistent_id)
        return go_on(request)
    return show(request, template, form=form, title="Your code")


def accept(form: Form, use: UseCode, user: Any, wrong: str) -> Device | None:
    """The device that takes what was typed; else the form says what to do."""
    if not form.is_valid():
        return None
    try:
        return use(user=user, typed=form.cleaned_data["code"])
    except two_factor.WrongCodeError:
        form.add_error("code", wrong)
    except two_factor.TooManyCodesError as refusal:
        words = f"There were too many wrong codes. Wait {wait_in_words(refusal)}, then type a new one."
        form.add_error("code", ValidationError(words, code=THROTTLED))
    return None


def wait_in_words(refusal: two_factor.TooManyCodesError) -> str:
    seconds = max(1, round((refusal.until - timezone.now()).total_seconds()))
    if seconds < 100:
        return "one second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


@step("admin:enrol")
def enroll(request: HttpRequest, user: Any) -> HttpResponse:
    """The first device; the recovery codes follow in the same answer, which nobody can ask for twice."""
    form = CodeForm(request.POST or None)
    enrolled = try_to_enroll(request, user, form)
    if enrolled is None:
        return show_key(request, user, form)
    device, codes = enrolled
    sessions.note(request, device=device.persistent_id)
    user = sessions.half_signed_in(request)
    if to_come := next_step(user):
        return show_recovery_codes(request, codes, go_on_to=reverse(to_come))
    response = show_recovery_codes(request, codes, go_on_to=sessions.finish(request, user))
    lockout.remember_browser(request, response, user)
    return response


def try_to_enroll(
    request: HttpRequest, user: Any, form: Form, is_change: bool = False
) -> tuple[Device, list[str]] | None:
    key = request.session.get(NEW_KEY)
    if request.method != "POST" or not key or not form.is_valid():
        return None
    try:
        enrolled = two_factor.enroll(user=user, key=key, typed=form.cleaned_data["code"], is_change=is_change)
    except two_factor.WrongCodeError:
        form.add_error("code", WRONG)
        return None
    except two_factor.AlreadySetUpError:
        return None
    del request.session[NEW_KEY]
    return enrolled


def show_key(request: HttpRequest, user: Any, form: Form) -> HttpResponse:
    """The key stays the same while the page is open, and is nobody's before a code of it was typed. It is in
    this session alone: whoever else knows the password is shown another."""
    key = request.session.setdefault(NEW_KEY, two_factor.new_key())
    issuer = clinic(request).name
    picture = two_factor.picture(two_factor.address(user=user, key=key, issuer=issuer))
    words = two_factor.as_words(key)
    return show(request, "staff/sign_in/enroll.html", form=form, picture=picture, key=words, title="Set up your code")


def show_recovery_codes(request: HttpRequest, codes: list[str], go_on_to: str) -> HttpResponse:
    return show(request, "staff/sign_in/codes.html", codes=codes, go_on_to=go_on_to, title="Your recovery codes")


@step("admin:own_password")
def own_password(request: HttpRequest, user: Any) -> HttpResponse:
    form = OwnPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        accounts.choose_password(user, form.cleaned_data["new_password1"])
        sessions.note(request, password=user.get_session_auth_hash())
        return go_on(request)
    return show(request, "staff/sign_in/own_password.html", form=form, title="Choose your own password")


# Signed in: one's own sign-in.


def your_sign_in(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    facts = {
        "is_set_up": two_factor.is_set_up(user),
        "codes_left": two_factor.recovery_codes_left(user),
        "of": two_factor.RECOVERY_CODES,
    }
    return show(request, "staff/sign_in/yours.html", title="Your sign-in", **facts)


def new_device(request: HttpRequest) -> HttpResponse:
    """Another phone: first a code of the one there is, if there is one."""
    user: Any = request.user
    if two_factor.is_set_up(user) and not was_proved(request):
        return prove(request, "admin:new_device", "Change your phone")
    form = CodeForm(request.POST or None)
    enrolled = try_to_enroll(request, user, form, is_change=was_proved(request))
    if enrolled is None:
        return show_key(request, user, form)
    device, codes = enrolled
    request.session.pop(PROVED, None)
    sessions.keep_device(request, device)
    return show_recovery_codes(request, codes, go_on_to=reverse("admin:your_sign_in"))


def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not two_factor.is_set_up(user):
        return redirect("admin:your_sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and accept(form, two_factor.use_code, user, WRONG):
        codes = two_factor.renew_recovery_codes(user=user)
        return show_recovery_codes(request, codes, go_on_to=reverse("admin:your_sign_in"))
    return show(request, "staff/sign_in/prove.html", form=form, title="New recovery codes", is_for_codes=True)


def prove(request: HttpRequest, then: str, title: str) -> HttpResponse:
    """Whoever sits down at an open desk must not be able to make it theirs."""
    is_recovery = "recovery" in request.GET
    kind, use = (RecoveryCodeForm, two_factor.use_recovery_code) if is_recovery else (CodeForm, two_factor.use_code)
    form = kind(request.POST or None)
    wrong = WRONG_RECOVERY if is_recovery else WRONG
    if request.method == "POST" and accept(form, use, request.user, wrong):
        request.session[PROVED] = int(timezone.now().timestamp())
        request.session.pop(NEW_KEY, None)
        return redirect(then)
    return show(request, "staff/sign_in/prove.html", form=form, title=title, is_recovery=is_recovery)


def was_proved(request: HttpRequest) -> bool:
    return bool(timezone.now().timestamp() - request.session.get(PROVED, 0) < PROOF_SECONDS)


def change_password(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = PasswordForm(request, user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is changed. Wherever else you were signed in, you are signed out.")
        return redirect("admin:your_sign_in")
    return show(request, "staff/sign_in/password.html", form=form, title="Change your password")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """For whoever is there, half signed in or whole."""
    logout(request)
    return show(request, "staff/sign_in/signed_out.html", title="You are signed out")


@require_POST
def still_here(request: HttpRequest) -> HttpResponse:
    """The editor says that somebody types; getting here has renewed the session (revival/staff/sessions.py)."""
    is_staff = request.user.is_active and request.user.is_staff
    return HttpResponse(status=204 if is_staff else 401)


def show(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    form = context.get("form")
    if form is None or not form.errors:
        return render(request, template, context)
    return render(request, template, context, status=429 if form.has_error("code", THROTTLED) else 422)


def urls(signed_in: Callable[[View], View]) -> list[URLPattern]:
    """`signed_in` lets in whoever may see the desk."""
    return [
        path("login/", Password.as_view(), name="login"),
        path("login/code/", code, name="code"),
        path("login/recovery-code/", recovery_code, name="recovery_code"),
        path("login/enrol/", enroll, name="enrol"),
        path("login/password/", own_password, name="own_password"),
        path("logout/", sign_out, name="logout"),
        path("still-here/", still_here, name="still_here"),
        path("sign-in/", signed_in(your_sign_in), name="your_sign_in"),
        path("sign-in/telephone/", signed_in(new_device), name="new_device"),
        path("sign-in/recovery-codes/", signed_in(new_recovery_codes), name="new_recovery_codes"),
        path("password_change/", signed_in(change_password), name="password_change"),
    ]
