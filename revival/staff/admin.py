"""Accounts at the desk: an owner adds colleagues, gives and takes roles, and helps colleagues who cannot sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from booking.models import Therapist
from revival.base.bidi import bdi, isolate
from revival.base.desk_parts.staff_request import StaffRequest
from revival.base.django_types import Context, Passed
from revival.base.words import clock, day_short
from revival.models import Phone

from . import accounts, two_factor
from .forms import AccountForm, FirstPasswordForm, NewAccountForm

for _model in (User, Group, TOTPDevice, StaticDevice):  # migrations write roles; people set up their own devices
    admin.site.unregister(_model)


@dataclass(frozen=True)
class Reset:
    """Button of the page that asks for confirmation."""

    label: str = "Reset their second factor"
    question: str = "Reset their second factor?"
    is_stop: bool = True


class MaySignIn(admin.BooleanFieldListFilter):
    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        self.title = "May sign in"


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Staff accounts. No page here makes a superuser: technical accounts come from the command line, and only a
    technical account may change one."""

    form = AccountForm
    add_form = NewAccountForm
    add_form_template = None
    change_form_template = "admin/auth/user/change_form.html"
    change_password_form = FirstPasswordForm
    change_user_password_template = "admin/auth/user/first_password.html"  # noqa: S105 - a page
    list_display = ["full_name", "sign_in_name", "roles", "as_therapist", "has_second_factor", "may_sign_in"]
    list_display_links = ["full_name", "sign_in_name"]
    change_list_template = "admin/auth/user/change_list.html"
    actions = None
    list_filter = [("is_active", MaySignIn), "groups"]
    list_select_related = ["therapist"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = []
    readonly_fields = ["linked_therapist", "has_second_factor", "last_here", "first_password"]
    fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email"]}),
        ("What they may do", {"fields": ["groups", "linked_therapist"]}),
        ("Signing in", {"fields": ["is_active", "has_second_factor", "last_here", "first_password"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email"]}),
        ("What they may do", {"fields": ["groups"]}),
        ("Signing in", {"fields": ["password1", "password2"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        device = Phone.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).prefetch_related("groups").annotate(is_set_up=Exists(device))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # the logs refer to the account; it is closed instead

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    @admin.display(description="Name", ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or user.get_username()

    @admin.display(description="Name to sign in with", ordering="username")
    def sign_in_name(self, user: User) -> str:
        return user.get_username()

    @admin.display(description="May sign in", ordering="is_active", boolean=True)
    def may_sign_in(self, user: User) -> bool:
        return user.is_active

    @admin.display(description="Last signed in")
    def last_here(self, user: User) -> str:
        return f"{day_short(user.last_login)}, {clock(user.last_login)}" if user.last_login else "Never"

    @admin.display(description="First password")
    def first_password(self, user: User) -> str:
        ends_at = accounts.first_password_ends_at(user)
        if ends_at is None:
            return "Replaced by their own"
        moment = f"{day_short(ends_at)}, {clock(ends_at)}"
        return f"Works until {moment}" if ends_at > timezone.now() else f"Ended {moment}. Give them a new one."

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        if user.is_superuser:
            return "Technical account"
        return ", ".join(sorted(role.name for role in user.groups.all())) or "None"

    @admin.display(description="Therapist", ordering="therapist__name")
    def as_therapist(self, user: User) -> str:
        return str(user.therapist) if hasattr(user, "therapist") else ""

    @admin.display(description="Therapist")
    def linked_therapist(self, user: User) -> str:
        therapist: Therapist | None = getattr(user, "therapist", None)
        if therapist is None:
            return "Not linked. Choose this account on the therapist’s page."
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:booking_therapist_change", args=[therapist.pk]), bdi(therapist)
        )

    @admin.display(description="Second factor", boolean=True)
    def has_second_factor(self, user: Any) -> bool:  # Any: `is_set_up` is annotated by get_queryset
        return bool(user.is_set_up)

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        return super().changelist_view(request, {"heading": "Colleagues", **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_second_factor)
        return [path("<int:pk>/reset-second-factor/", view, name="auth_user_reset"), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: Context,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: User | None = None,
    ) -> HttpResponse:
        may_help = obj and obj.pk != request.user.pk and self.has_change_permission(request, obj)
        context |= {"may_help": may_help, "may_reset": may_help and self.has_second_factor(obj)}
        context |= {"title": self.full_name(obj) if obj else "Add a colleague", "subtitle": None}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's name
        """Give a colleague a first password. One's own password is changed on the page that asks for the old one."""
        user = self.get_object(request, unquote(id))
        if user is not None and user.pk == request.user.pk:  # "01" is the same account as "1"
            return redirect("admin:password_change")
        return super().user_change_password(request, id, form_url)

    def reset_second_factor(self, request: StaffRequest, pk: int) -> HttpResponse:
        """GET asks for confirmation; POST removes the phone, and the colleague enrolls again at the next sign-in."""
        user = self.get_queryset(request).filter(pk=pk).first()
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user) or user.pk == request.user.pk:
            raise PermissionDenied
        back = reverse("admin:auth_user_change", args=[pk])
        if request.method == "POST":
            two_factor.forget(user=user)
            self.log_change(request, user, "Reset the second factor.")
            self.message_user(
                request, f"Done. {isolate(self.full_name(user))} sets up a code at the next sign-in.", messages.SUCCESS
            )
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": "Reset their second factor?",
            "button": Reset(),
            "row_title": self.full_name(user),
            "contact_line": RESET_WARNING,
            "change": back,
            "back": back,
            "opts": self.opts,
        }
        return render(request, "booking/desk/base/answer.html", context)


RESET_WARNING = (
    "Their phone’s codes, passkeys and recovery codes stop working, and they are signed out at once. At the next "
    "sign-in they set up a phone again; until then their password alone protects the account. Be sure that it is "
    "really your colleague who asks: speak with them, do not answer a message."
)
