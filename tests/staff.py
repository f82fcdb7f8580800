"""Staff accounts, their authenticator phones, and one row of each kind that the desk shows."""

from __future__ import annotations

import time
from base64 import b32decode
from types import SimpleNamespace
from typing import Any

import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django.utils.text import slugify
from django_otp.oath import TOTP

from articles.models import Article, Image, Question, Reference, Topic
from articles.revisions import save_revision
from booking import actions
from booking.models import (
    AccessLog,
    Caution,
    Clinic,
    Look,
    Message,
    Outage,
    Override,
    Series,
    Service,
    Shift,
    State,
    Therapist,
    UrgentHelp,
)
from revival.base.clock import Span
from revival.models import Change
from revival.staff import two_factor
from tests.factories import a_service, a_therapist, an_absence, an_appointment, asks, day_in, in_days, joins, outage_of
from tests.rows import MadeOnce

PASSWORD = "seven geese cross the river"


def a_colleague(name: str = "robin", *roles: str, **fields: Any) -> User:
    """An account with a password, that has signed in before and so need not choose its own password."""
    defaults = {"password": PASSWORD, "is_staff": True, "last_login": timezone.now()}
    user = User.objects.create_user(name, **defaults | fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


class Phone:
    """Authenticator app with one key: a code for each half minute (RFC 6238)."""

    def __init__(self, key: str) -> None:
        """`key` is in base 32 and groups of four, as the page shows it."""
        self.key = b32decode(key.replace(" ", ""))

    def code(self, steps: int = 0) -> str:
        """The present code, or the one `steps` half minutes later."""
        totp = TOTP(self.key)
        totp.time = time.time() + 30 * steps
        return f"{totp.token():06d}"

    def wrong_code(self) -> str:
        near = {int(self.code(steps)) for steps in range(-3, 4)}
        return f"{next(number for number in range(1000) if number not in near):06d}"


def give_phone(user: User) -> tuple[Phone, list[str]]:
    """Enroll with the code of half a minute ago, so that the present one is unused; phone and recovery codes."""
    key = two_factor.new_key()
    phone = Phone(two_factor.key_in_groups(key))
    with time_machine.travel(timezone.now(), tick=False):  # no half minute ends between the two
        _, codes = two_factor.enroll(user=user, key=key, code=phone.code(-1))
    return phone, codes


def type_password(client: Client, name: str = "robin", password: str = PASSWORD) -> Any:
    return client.post("/admin/login/?next=/admin/", {"username": name, "password": password})


def type_code(client: Client, code: str, page: str = "code") -> Any:
    return client.post(f"/admin/login/{page}/", {"code": code})


FRONT_DESK, THERAPIST, EDITOR, REVIEWER, OWNER = "Front desk", "Therapist", "Editor", "Reviewer", "Owner"
NO_ROLE = "no role"
"""A colleague who may sign in and see nothing."""
SUPERUSER = "superuser"
"""A technical account, with every right."""
ROLES = (FRONT_DESK, THERAPIST, EDITOR, REVIEWER, OWNER, NO_ROLE, SUPERUSER)


def staff_user(role: str, **fields: Any) -> User:
    """An account with this role, called `colleague-front-desk` and so on unless `username` says otherwise."""
    defaults = {"username": f"colleague-{slugify(role)}", "is_staff": True, "is_superuser": role == SUPERUSER}
    user = User.objects.create_user(**defaults | fields)
    if role not in (NO_ROLE, SUPERUSER):
        user.groups.add(Group.objects.get(name=role))
    return user


def signed_in_as(role: str, **fields: Any) -> Client:
    """A browser in which a new colleague with this role has signed in."""
    return at_the_desk(staff_user(role, **fields))


def at_the_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def everything(account: User | None = None) -> SimpleNamespace:
    """One row of each kind, and `foreign` rows of a second therapist; `account` belongs to the first."""
    mine, other = a_therapist(account=account), a_therapist("benjamin-britton")
    service = a_service(mine, other)
    own, foreign = patients_of(mine, service, "Ada Own", 5), patients_of(other, service, "Fay Foreign", 6)
    article = Article.objects.create(
        title="T", slug="t", description="d", lead="l", in_short="s", author=mine, updated_at=timezone.now()
    )
    save_revision(article, by=account, note="")
    series = Series.objects.create(
        therapist=mine, service=service, starts=[in_days(15)], submission_key="5e11e500-0000-4000-8000-000000000000"
    )
    return SimpleNamespace(
        **own,
        emailchange=actions.ask_for_new_email(
            appointment=own["appointment"], seen=own["appointment"].version, email="new-own@example.com"
        ),
        of_a_series=an_appointment(
            mine, service, in_days(15), name="Ada Own", email="own@example.com", series=series, is_online=False
        ),
        foreign=SimpleNamespace(**foreign),
        therapist=mine,
        other=other,
        service=service,
        clinic=Clinic.objects.get(),
        caution=Caution.objects.create(slug="c", title="C", avoid="a", ask_first="b"),
        urgenthelp=UrgentHelp.objects.create(pk=1, title="U", call_911="a", call_doctor="b"),
        article=article,
        question=Question.objects.create(article=article, question="Q?", anchor="q", answer="A", order=1),
        reference=Reference.objects.create(article=article, key="k-2020", authors="A", year=2020, title="R"),
        topic=Topic.objects.create(name="Topic", slug="topic"),
        image=Image.objects.create(title="Cups", is_decorative=True, width=480, height=320),
        user=get_user_model().objects.create_user("looked-at"),
        group=Group.objects.get(name="Editor"),
        accesslog=AccessLog.objects.note(None, Look.SEARCH),
        change=Change.objects.first(),
    )


one_of_each_kind = MadeOnce(everything)


def an_outage(therapist: Therapist, service: Service, name: str, days: int) -> Outage:
    """An outage of the whole day, with one visit whose patient has to be phoned."""
    an_appointment(therapist, service, in_days(days), name=name, email="", phone="612-555-0190")
    return outage_of(therapist, Span(in_days(days, 0), in_days(days + 1, 0)))


def patients_of(therapist: Therapist, service: Service, name: str, days: int) -> dict[str, Any]:
    """A patient's rows and the therapist's hours, by model name."""
    address = f"{name.split()[1].lower()}@example.com"
    visit = an_appointment(
        therapist, service, in_days(days), state=State.REQUESTED, name=name, email=address, phone="612-555-0190"
    )
    entry = joins(service, therapist=therapist, name=name, email=address)
    return {
        "appointment": visit,
        "waitlistentry": entry,
        "contactrequest": asks(name=name, email=address, therapist=therapist),
        "message": Message.objects.create(
            kind="requested", appointment=visit, recipient=address, starts_at=visit.starts_at, ends_at=visit.ends_at
        ),
        "shift": Shift.objects.create(therapist=therapist, weekday=1, opens="09:00", closes="12:00"),
        "override": Override.objects.create(therapist=therapist, day=day_in(days), opens="09:00", closes="12:00"),
        "absence": an_absence(therapist, in_days(days + 20), in_days(days + 21)),
    }
