"""Colleagues at the desk, the phone in their pocket, and one row of everything they may meet there."""

from __future__ import annotations

import time
from base64 import b32decode
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from articles.models import Article, Image, Question, Reference, Topic
from articles.revisions import save_revision
from booking.models import (
    AccessLog,
    Caution,
    Clinic,
    Look,
    Message,
    Override,
    Series,
    Shift,
    State,
    Therapist,
    UrgentHelp,
)
from revival.base.clock import Span
from revival.models import Change
from revival.staff import two_factor
from tests.factories import a_service, a_therapist, an_absence, an_appointment, asks, day_in, in_days, joins, outage_of

PASSWORD = "seven geese cross the river"


def a_colleague(name: str = "robin", *roles: str, **facts) -> User:
    """Has signed in before, so that nobody asks them for a password of their own."""
    given = {"password": PASSWORD, "is_staff": True, "last_login": timezone.now()} | facts
    user = User.objects.create_user(name, **given)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


class Phone:
    """What an authenticator app does with a key: the code of each half minute (RFC 6238)."""

    def __init__(self, key: str) -> None:
        """`key` as it is shown, in base 32 and groups of four."""
        self.key = b32decode(key.replace(" ", ""))

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many half minutes later."""
        totp = TOTP(self.key)
        totp.time = time.time() + 30 * steps
        return f"{totp.token():06d}"

    def wrong_code(self) -> str:
        near = {int(self.code(steps)) for steps in range(-3, 4)}
        return f"{next(number for number in range(1000) if number not in near):06d}"


def give_phone(user: User) -> tuple[Phone, list[str]]:
    """Enrols them half a minute ago, so that the code of now is still to be used; phone, recovery codes."""
    key = two_factor.new_key()
    phone = Phone(two_factor.as_words(key))
    _, codes = two_factor.enroll(user=user, key=key, typed=phone.code(-1))
    return phone, codes


def type_password(client: Client, name: str = "robin", password: str = PASSWORD, **where):
    return client.post("/admin/login/?next=/admin/", {"username": name, "password": password}, **where)


def type_code(client: Client, code: str, page: str = "code"):
    return client.post(f"/admin/login/{page}/", {"code": code})


ROLES = {
    "F": "Front desk",
    "T": "Therapist",
    "E": "Editor",
    "R": "Reviewer",
    "O": "Owner",
    "N": None,  # staff without a role
    "S": "superuser",
}


def one_as(letter: str, **facts: Any) -> Any:
    role = ROLES[letter]
    users = get_user_model().objects
    given = {"username": f"colleague-{letter}", "is_staff": True, "is_superuser": letter == "S"}
    user = users.create_user(**given | facts)
    if role and letter != "S":
        user.groups.add(Group.objects.get(name=role))
    return user


def at_the_desk(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def everything(account: Any = None) -> SimpleNamespace:
    """One row of each kind, and `foreign` ones of a second therapist; `account` signs in as the first."""
    mine, other = a_therapist(account=account), a_therapist("benjamin-britton")
    service = a_service(mine, other)
    own, foreign = patients_of(mine, service, "Ada Own", 5), patients_of(other, service, "Fay Foreign", 6)
    author = Article.objects.create(
        title="T", slug="t", description="d", lead="l", in_short="s", author=mine, updated_at=timezone.now()
    )
    save_revision(author, by=account, note="")
    series = Series.objects.create(
        therapist=mine, service=service, starts=[in_days(15)], submission_key="5e11e500-0000-4000-8000-000000000000"
    )
    return SimpleNamespace(
        **own,
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
        article=author,
        question=Question.objects.create(article=author, question="Q?", anchor="q", answer="A", order=1),
        reference=Reference.objects.create(article=author, key="k-2020", authors="A", year=2020, title="R"),
        topic=Topic.objects.create(name="Topic", slug="topic"),
        image=Image.objects.create(title="Cups", is_decorative=True, width=480, height=320),
        user=get_user_model().objects.create_user("looked-at"),
        group=Group.objects.get(name="Editor"),
        accesslog=AccessLog.objects.note(None, Look.SEARCH),
        change=Change.objects.first(),
    )


def an_outage(therapist: Therapist, service: Any, name: str, days: int) -> Any:
    """A therapist who is out that day, with one visit to phone about."""
    an_appointment(therapist, service, in_days(days), name=name, email="", phone="612-555-0190")
    return outage_of(therapist, Span(in_days(days, 0), in_days(days + 1, 0)))


def patients_of(therapist: Therapist, service: Any, name: str, days: int) -> dict[str, Any]:
    address = f"{name.split()[1].lower()}@example.com"
    visit = an_appointment(
        therapist, service, in_days(days), state=State.REQUESTED, name=name, email=address, phone="612-555-0190"
    )
    entry = joins(service, therapist=therapist, name=name, email=address)
    asked = asks(name=name, email=address, therapist=therapist)
    return {
        "appointment": visit,
        "waitlistentry": entry,
        "contactrequest": asked,
        "message": Message.objects.create(
            kind="requested", appointment=visit, recipient=address, starts_at=visit.starts_at, ends_at=visit.ends_at
        ),
        "shift": Shift.objects.create(therapist=therapist, weekday=1, opens="09:00", closes="12:00"),
        "override": Override.objects.create(therapist=therapist, day=day_in(days), opens="09:00", closes="12:00"),
        "absence": an_absence(therapist, in_days(days + 20), in_days(days + 21)),
    }
