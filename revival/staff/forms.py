"""What staff type to sign in, and what an owner types about an account."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    PasswordChangeForm,
    SetPasswordForm,
    UserCreationForm,
)
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.utils.html import format_html

from . import accounts
from .roles import IN_WORDS

DIFFERENT = "The two passwords are not the same. Type the new one twice."
LAST_OWNER = "This is the last owner. Make a colleague an owner first, so that somebody can still give and take roles."


class ByCrispy:
    """Drawn by the clinic's own template pack, inside a form of the page."""

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        return helper


class SignInForm(ByCrispy, AdminAuthenticationForm):
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "That name and password don’t match. Check for capital letters. "
        "If you forgot the password, ask the owner for a new one.",
    }


class DigitsField(forms.CharField):
    """Apps show a code as two groups, so people type the space between."""

    def to_python(self, value: Any) -> str:
        return "".join((super().to_python(value) or "").split())


class CodeForm(ByCrispy, forms.Form):
    code = DigitsField(
        label="Code from your phone",
        help_text="Six digits. Your authenticator app shows a new code every 30 seconds.",
        max_length=20,
        validators=[RegexValidator(r"^[0-9]{6}$", "Type the six digits that your app shows now.")],
        error_messages={"required": "Type the six digits that your app shows now."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class RecoveryCodeForm(ByCrispy, forms.Form):
    code = forms.CharField(
        label="Recovery code",
        help_text="Ten letters and digits from the list you kept. Each works once.",
        max_length=40,
        error_messages={"required": "Type one of the recovery codes you kept."},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class OwnPasswordForm(ByCrispy, SetPasswordForm):
    """Instead of the one somebody else chose."""

    error_messages = {**SetPasswordForm.error_messages, "password_mismatch": DIFFERENT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        call_passwords(self)

    def clean_new_password1(self) -> str:
        typed: str = self.cleaned_data["new_password1"]
        if self.user.check_password(typed):
            raise ValidationError("This is the password you have now. Choose another one.")
        return typed


class PasswordForm(ByCrispy, PasswordChangeForm):
    """The old password is asked through the same door as at sign-in, so that guesses at it are counted."""

    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_mismatch": DIFFERENT,
        "password_incorrect": "That isn’t your current password. Check for capital letters.",
    }

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(user, *args, **kwargs)
        self.fields["old_password"].label = "Current password"
        call_passwords(self)

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=typed) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return typed


def call_passwords(form: forms.Form) -> None:
    form.fields["new_password1"].label = "New password"
    form.fields[
        "new_password1"
    ].help_text = "At least 12 characters. Three or four unrelated words are easy to remember."
    form.fields["new_password2"].label = "New password again"
    form.fields["new_password2"].help_text = ""


class RolesField(forms.ModelMultipleChoiceField):
    """Check boxes, each with what the role means."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        roles = Group.objects.filter(name__in=IN_WORDS).order_by("name")
        help_text = "One person can have several. Without a role they can sign in and see nothing."
        super().__init__(roles, label="Roles", required=False, help_text=help_text, **kwargs)

    def label_from_instance(self, role: Any) -> str:
        return format_html("<strong>{}</strong>: {}", role.name, IN_WORDS[role.name])


class AccountForm(forms.ModelForm):
    groups = RolesField()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "groups", "is_active"]
        labels = {"username": "Name to sign in with", "email": "E-mail", "is_active": "May sign in"}
        help_texts = {
            "username": "Letters, digits and @ . + - _ only.",
            "is_active": "Uncheck this when a colleague leaves. They are signed out at once; "
            "what they did stays on record.",
        }

    def clean(self) -> dict[str, Any]:
        """Runs in the transaction that saves."""
        typed = super().clean() or {}
        roles = {role.name for role in typed.get("groups", ())}
        stays = accounts.OWNER in roles and typed.get("is_active")
        if not stays and accounts.active_owners().filter(pk=self.instance.pk).exists():
            try:
                accounts.keep_an_owner(without=self.instance)
            except accounts.LastOwnerError:
                raise ValidationError(LAST_OWNER) from None
        return typed


class NewAccountForm(UserCreationForm):
    groups = RolesField()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "groups"]
        labels = AccountForm.Meta.labels
        help_texts = AccountForm.Meta.help_texts

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        call_first_password(self)


class FirstPasswordForm(AdminPasswordChangeForm):
    """For a colleague who has forgotten theirs. They choose their own at the next sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        self.fields["password1"].required = self.fields["password2"].required = True
        call_first_password(self)

    def save(self, commit: bool = True) -> Any:
        accounts.give_first_password(self.user, self.cleaned_data["password1"])
        self.user.save()
        return self.user


def call_first_password(form: Any) -> None:
    form.fields["password1"].label = "First password"
    form.fields[
        "password1"
    ].help_text = "At least 12 characters. Hand it over in person or by phone; they choose their own when they sign in."
    form.fields["password2"].label = "First password again"
    form.fields["password2"].help_text = ""
