"""Addresses of the sign-in pages, inside the desk's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from .codes import code, recovery_code
from .enrollment import enroll
from .own_sign_in import change_password, new_device, new_recovery_codes, your_sign_in
from .passkeys import add_passkey, new_passkey_question, passkey, passkey_question, remove_passkey
from .password import PasswordStep, own_password
from .sign_out import sign_out, still_here

View = Callable[..., HttpResponse]


def sign_in_urls(for_staff: Callable[[View], View]) -> list[URLPattern]:
    """`for_staff` wraps a view so that only signed-in staff reach it (`AdminSite.admin_view`)."""
    return [
        path("login/", PasswordStep.as_view(), name="login"),
        path("login/code/", code, name="code"),
        path("login/passkey/", passkey, name="passkey"),
        path("login/passkey/question/", passkey_question, name="passkey_question"),
        path("login/recovery-code/", recovery_code, name="recovery_code"),
        path("login/enrol/", enroll, name="enrol"),
        path("login/password/", own_password, name="own_password"),
        path("logout/", sign_out, name="logout"),
        path("still-here/", still_here, name="still_here"),
        path("sign-in/", for_staff(your_sign_in), name="your_sign_in"),
        path("sign-in/telephone/", for_staff(new_device), name="new_device"),
        path("sign-in/recovery-codes/", for_staff(new_recovery_codes), name="new_recovery_codes"),
        path("sign-in/passkey/", for_staff(add_passkey), name="add_passkey"),
        path("sign-in/passkey/question/", for_staff(new_passkey_question), name="new_passkey_question"),
        path("sign-in/passkey/<int:pk>/remove/", for_staff(remove_passkey), name="remove_passkey"),
        path("password_change/", for_staff(change_password), name="password_change"),
    ]
