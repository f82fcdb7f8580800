"""Passkeys at the second-factor step, and the pages where signed-in staff add and remove theirs.

Each takes two requests: a script asks for options, the browser speaks with the key, and the page's form sends what the
key answered. Without scripts there is the code from one's phone.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from revival.base.bidi import isolate
from revival.base.desk_parts.staff_request import StaffRequest
from revival.site.context import find_clinic
from revival.staff import passkeys, sessions, two_factor
from revival.staff.forms import CodeForm, PasskeyForm
from revival.staff.sessions import HalfSignIn

from .codes import finish_step, show_code_page
from .own_sign_in import PROVED, has_proved, prove
from .pages import render_page
from .steps import sign_in_step

REFUSED = "Your passkey was not accepted. Try again, or type the code from your phone."
REFUSED_TO_ADD = "The passkey was not stored. Press the button again, and use the key when your browser asks for it."


@require_POST
@sign_in_step("admin:code")
def passkey_question(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    """What the browser asks the key, as JSON."""
    return as_json(passkeys.ask_to_use(request.session, half.user))


@sign_in_step("admin:code")
def passkey(request: HttpRequest, half: HalfSignIn) -> HttpResponse:
    if request.method != "POST":
        return redirect("admin:code")
    try:
        key = passkeys.use(session=request.session, user=half.user, answer=request.POST.get("answer", ""))
    except passkeys.RefusedError:
        form = CodeForm({})
        form.errors.clear()
        form.add_error(None, REFUSED)
        return show_code_page(request, half, form)
    return finish_step(request, key)


def add_passkey(request: StaffRequest) -> HttpResponse:
    """Add a key, after a code of the phone; without it, a passer-by at an open desk could add one of their own."""
    if not (passkeys.are_possible() and two_factor.is_set_up(request.user)):
        return redirect("admin:your_sign_in")
    if not has_proved(request):
        return prove(request, "Add a passkey", "Then your browser asks for the key, or makes a passkey for you.")
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key = passkeys.add(session=request.session, user=request.user, **form.cleaned_data)
        except passkeys.RefusedError:
            form.add_error(None, REFUSED_TO_ADD)
        except passkeys.TakenError:
            form.add_error(None, "This key is registered already. Use another one.")
        except passkeys.TooManyError:
            return redirect("admin:your_sign_in")
        else:
            del request.session[PROVED]
            messages.success(request, f"“{isolate(key.name)}” is added. You can use it in place of a code.")
            return redirect("admin:your_sign_in")
    return render_page(request, "staff/sign_in/add_passkey.html", form=form, title="Add a passkey")


@require_POST
def new_passkey_question(request: StaffRequest) -> HttpResponse:
    """What the browser asks a new key, as JSON; 403 without the proof, 409 with two keys already."""
    if not has_proved(request):
        return HttpResponse(status=403)
    try:
        clinic_name = find_clinic(request).name
        return as_json(passkeys.ask_to_add(request.session, request.user, clinic_name))
    except passkeys.TooManyError:
        return HttpResponse(status=409)


def remove_passkey(request: StaffRequest, pk: int) -> HttpResponse:
    """GET asks; POST deletes the key. This session goes on, also when it was opened with that key."""
    key = next((key for key in passkeys.of(request.user) if key.pk == pk), None)
    if request.method != "POST":
        if key is None:
            raise Http404
        return render_page(request, "staff/sign_in/remove_passkey.html", key=key, title="Remove this passkey?")
    if key is not None:
        if (phone := two_factor.phone_of(request.user)) and sessions.device_of(request) == key:
            sessions.replace_device(request, phone)
        passkeys.remove(user=request.user, number=pk)
        messages.success(request, f"“{isolate(key.name)}” is removed. It no longer lets anybody in.")
    return redirect(reverse("admin:your_sign_in"))


def as_json(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="application/json")
