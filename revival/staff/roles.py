"""Roles at the desk and their rights. This app's migrations write them; a test checks that both agree."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

LOOK, KEEP = ("view",), ("view", "add", "change", "delete")


def _rights(verbs: tuple[str, ...], app: str, *models: str) -> set[str]:
    return {f"{app}.{verb}_{model}" for verb in verbs for model in models}


SEE_THE_CLINIC = _rights(LOOK, "booking", "clinic", "openinghours", "therapist", "service", "caution", "urgenthelp")
SEE_HOURS = _rights(LOOK, "booking", "shift", "override", "absence")
ACT_FOR_PATIENTS = _rights(("view", "change"), "booking", "appointment", "waitlistentry", "contactrequest", "message")
SEE_ARTICLES = _rights(LOOK, "articles", "article", "section", "question", "reference", "topic", "image")
WRITE_ARTICLES = (
    SEE_ARTICLES
    | _rights(("add", "change"), "articles", "article", "topic", "image")
    | _rights(KEEP, "articles", "section", "question", "reference")
)

FRONT_DESK = (
    SEE_THE_CLINIC
    | ACT_FOR_PATIENTS
    | _rights(LOOK, "booking", "offer")
    | _rights(KEEP, "booking", "shift", "override", "absence")
    | {"booking.see_every_patient"}
)
THERAPIST = (
    SEE_THE_CLINIC
    | SEE_HOURS
    | ACT_FOR_PATIENTS
    | _rights(LOOK, "booking", "offer")
    | _rights(KEEP, "booking", "absence")
)
EDITOR = WRITE_ARTICLES | SEE_THE_CLINIC
REVIEWER = (
    WRITE_ARTICLES
    | SEE_THE_CLINIC
    | _rights(("change",), "booking", "caution", "urgenthelp")
    | {"articles.review_article"}
)
OWNER = (
    FRONT_DESK
    | REVIEWER
    | _rights(KEEP, "booking", "clinic", "openinghours", "therapist", "service", "caution", "urgenthelp")
    | _rights(KEEP, "articles", "article", "topic", "image")
    | _rights(("view", "add", "change"), "auth", "user")
    | _rights(LOOK, "auth", "group")
    | _rights(LOOK, "booking", "accesslog")
    | _rights(LOOK, "revival", "change")
    | {"articles.publish_article", "booking.export_and_erase"}
)

ROLES = {
    "Front desk": FRONT_DESK,
    "Therapist": THERAPIST,
    "Editor": EDITOR,
    "Reviewer": REVIEWER,
    "Owner": OWNER,
}
"""Role to rights, as `app.right_model`. A therapist sees their own schedule and patients only
(no `see_every_patient`); an editor writes, a reviewer says it is right, an owner publishes."""

IN_WORDS = {
    "Front desk": "answers requests, books, moves and cancels visits, and keeps everybody’s hours.",
    "Therapist": "sees their own schedule and patients, and says when they are away.",
    "Editor": "writes articles and answers to questions; cannot publish.",
    "Reviewer": "writes, too, and says that an article is right; keeps the safety texts.",
    "Owner": "everything, also publishing, the clinic’s facts, and who works here.",
}
"""Descriptions that an owner reads when giving a role."""


class RolesOnly(ModelBackend):
    """Authentication backend that takes rights from roles only, so a person's roles say all they may do."""

    def get_user_permissions(self, user_obj: object, obj: object = None) -> set[str]:
        return set()


def write(apps: Any, schema_editor: object = None) -> None:  # Any: a migration's `apps` has models of its own
    """Give each role exactly its rights. For migrations: rights of models that do not exist yet are skipped."""
    from django.apps import apps as present
    from django.contrib.auth.management import create_permissions

    for config in present.get_app_configs():  # Django makes them after all migrations, which is too late here
        create_permissions(config, apps=present, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")  # noqa: N806 - classes
    ids = {
        f"{right.content_type.app_label}.{right.codename}": right.pk
        for right in Permission.objects.select_related("content_type")
    }
    for name, rights in ROLES.items():
        role, _ = Group.objects.get_or_create(name=name)
        role.permissions.set([ids[right] for right in rights if right in ids])
