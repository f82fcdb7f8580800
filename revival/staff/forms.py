"""Forms of the sign-in pages, and an owner's forms about an account."""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
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
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.html import format_html

from booking.fields import ONE_LINE
from revival.base.django_types import FormValues, Passed

from . import accounts
from .roles import IN_WORDS

DIFFERENT = "The two passwords are not the same. Type the new one twice."
LAST_OWNER = "This is the last owner. Make a colleague an owner first, so that somebody can still give and take roles."


class DrawnByCrispy:
    """Form whose fields the clinic's own template pack draws, inside a form element of the page."""

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        return helper


class SignInForm(DrawnByCrispy, AdminAuthenticationForm):
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "That name and password don’t match. Check for capital letters. "
        "If you forgot the password, ask the owner for a new one.",
        "first_password_ended": f"This first password is older than {settings.FIRST_PASSWORD_HOURS} hours and no "
        "longer works. Ask the owner for a new one. (The first owner gets one on the server, by manage.py first_owner "
        "--again, and in a trial copy by make password.)",
    }

    def confirm_login_allowed(self, user: User) -> None:
        """Called once the password was right. Raises ValidationError for a first password that was left too long."""
        super().confirm_login_allowed(user)
        ends_at = accounts.first_password_ends_at(user)
        if ends_at and ends_at <= timezone.now():
            raise ValidationError(self.error_messages["first_password_ended"], code="first_password_ended")


class DigitsField(forms.CharField):
    """Code field that ignores spaces: apps show a code in two groups, and people type the space between them."""

    def to_python(self, value: object) -> str:
        return "".join((super().to_python(value) or "").split())


class CodeForm(DrawnByCrispy, forms.Form):
    code = DigitsField(
        label="Code from your phone",
        help_text="Six digits. Your authenticator app shows a new code every 30 seconds.",
        max_length=20,
        validators=[RegexValidator(r"^[0-9]{6}$", "Type the six digits that your app shows now.")],
        error_messages={"required": "Type the six digits that your app shows now."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class RecoveryCodeForm(DrawnByCrispy, forms.Form):
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


class PasskeyForm(DrawnByCrispy, forms.Form):
    """A new passkey: a name that tells it from the other one, and what the browser's script fills in."""

    name = forms.CharField(
        label="Name of this key",
        help_text="So that you know it again, such as “Laptop” or “Blue key on my ring”.",
        max_length=40,
        error_messages={"required": "Give the key a name, such as “Laptop”."},
        validators=ONE_LINE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    answer = forms.CharField(widget=forms.HiddenInput, required=False)


class OwnPasswordForm(DrawnByCrispy, SetPasswordForm):
    """A password of one's own, in place of the one that somebody else chose."""

    error_messages = {**SetPasswordForm.error_messages, "password_mismatch": DIFFERENT}

    def __init__(self, user: User, data: QueryDict | None = None) -> None:
        super().__init__(user, data)
        label_new_password(self)

    def clean_new_password1(self) -> str:
        password: str = self.cleaned_data["new_password1"]
        if self.user.check_password(password):
            raise ValidationError("This is the password you have now. Choose another one.")
        return password


class PasswordForm(DrawnByCrispy, PasswordChangeForm):
    """Change of one's own password. The old one is checked by `authenticate`, so that wrong ones are counted."""

    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_mismatch": DIFFERENT,
        "password_incorrect": "That isn’t your current password. Check for capital letters.",
    }

    def __init__(self, request: HttpRequest, user: User, data: QueryDict | None = None) -> None:
        self.request = request
        super().__init__(user, data)
        self.fields["old_password"].label = "Current password"
        label_new_password(self)

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password


def label_new_password(form: forms.Form) -> None:
    first, second = form.fields["new_password1"], form.fields["new_password2"]
    first.label, second.label = "New password", "New password again"
    first.help_text = "At least 12 characters. Three or four unrelated words are easy to remember."
    second.help_text = ""


class RolesField(forms.ModelMultipleChoiceField):
    """Check boxes for roles, each with a description of the role."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        roles = Group.objects.filter(name__in=IN_WORDS).order_by("name")
        help_text = "One person can have several. Without a role they can sign in and see nothing."
        super().__init__(roles, label="Roles", required=False, help_text=help_text)

    def label_from_instance(self, role: Group) -> str:
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

    def clean(self) -> FormValues:
        """Refuses to take away the last owner. Runs in the transaction that saves."""
        cleaned_data = super().clean() or {}
        roles = {role.name for role in cleaned_data.get("groups", ())}
        stays_owner = accounts.OWNER in roles and cleaned_data.get("is_active")
        if not stays_owner and accounts.active_owners().filter(pk=self.instance.pk).exists():
            try:
                accounts.keep_an_owner(without=self.instance)
            except accounts.LastOwnerError:
                raise ValidationError(LAST_OWNER) from None
        return cleaned_data


class NewAccountForm(UserCreationForm):
    groups = RolesField()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "groups"]
        labels = AccountForm.Meta.labels
        help_texts = AccountForm.Meta.help_texts

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        label_first_password(self)


class FirstPasswordForm(AdminPasswordChangeForm):
    """A new first password for a colleague who forgot theirs. They choose their own at the next sign-in."""

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        self.fields["password1"].required = self.fields["password2"].required = True
        label_first_password(self)

    def save(self, commit: bool = True) -> User:
        accounts.give_first_password(user=self.user, password=self.cleaned_data["password1"])
        return self.user


def label_first_password(form: forms.BaseForm) -> None:
    first, second = form.fields["password1"], form.fields["password2"]
    first.label, second.label = "First password", "First password again"
    first.help_text = (
        "At least 12 characters. Hand it over in person or by phone. "
        f"It works for {settings.FIRST_PASSWORD_HOURS} hours; they choose their own when they sign in."
    )
    second.help_text = ""
