"""Password step of signing in, and the step in which a colleague replaces a password that somebody else chose."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from revival.base.django_types import Context, Passed
from revival.staff import accounts, sessions
from revival.staff.forms import OwnPasswordForm, SignInForm
from revival.staff.sessions import HalfSignIn

from .pages import render_page
from .steps import go_to_next_step, sign_in_step

WHY = {
    "idle": f"You were signed out because nothing happened here for {settings.DESK_IDLE_MINUTES} minutes. "
    "Sign in, and you are back where you were.",
    "long": f"You were signed out because nobody stays signed in longer than {settings.DESK_LONGEST_HOURS} hours. "
    "Sign in, and you are back where you were.",
    "late": "More than ten minutes passed since your password. Please begin again.",
}
"""Why the page asks for the password again, by the address's `why`."""


class PasswordStep(LoginView):
    template_name = "admin/login.html"
    authentication_form = SignInForm
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Passed, **kwargs: Passed) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())  # `redirect` would take an address for a URL name
        if sessions.find_half_sign_in(request):
            return go_to_next_step(request)
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        sessions.begin_sign_in(self.request, form.get_user(), self.get_success_url())
        return go_to_next_step(self.request)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **kwargs: Passed) -> Context:
        why = self.request.GET.get("why", "")
        return super().get_context_data(title="Sign in to the desk", why=WHY.get(why, ""), **kwargs)


@sign_in_step("admin:own_password")
def own_password(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    form = OwnPasswordForm(half.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        accounts.choose_password(user=half.user, password=form.cleaned_data["new_password1"])
        sessions.note_step(request, password=half.user.get_session_auth_hash())
        return go_to_next_step(request)
    return render_page(request, "staff/sign_in/own_password.html", form=form, title="Choose your own password")
