"""Colleagues for tests of the desk, and one row of everything they may meet there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from articles.models import Article, Question, Reference, Topic
from articles.revisions import keep
from booking.models import (
    AccessLog,
    Caution,
    Clinic,
    Look,
    Message,
    Override,
    Shift,
    State,
    Therapist,
    UrgentHelp,
)
from revival.models import Change
from tests.factories import a_service, a_therapist, an_absence, an_appointment, asks, day_in, in_days, joins

ROLES = {
    "F": "Front desk",
    "T": "Therapist",
    "E": "Editor",
    "R": "Reviewer",
    "O": "Owner",
    "N": None,  # staff without a role
    "S": "superuser",
}


def a_colleague(letter: str, **facts: Any) -> Any:
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
    keep(author, by=account, note="")
    return SimpleNamespace(
        **own,
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
        user=get_user_model().objects.create_user("looked-at"),
        group=Group.objects.get(name="Editor"),
        accesslog=AccessLog.objects.note(None, Look.SEARCH),
        change=Change.objects.first(),
    )


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
        "message": Message.objects.create(kind="requested", appointment=visit, recipient=address),
        "shift": Shift.objects.create(therapist=therapist, weekday=1, opens="09:00", closes="12:00"),
        "override": Override.objects.create(therapist=therapist, day=day_in(days), opens="09:00", closes="12:00"),
        "absence": an_absence(therapist, in_days(days + 20), in_days(days + 21)),
    }
