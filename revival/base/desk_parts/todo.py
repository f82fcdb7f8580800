"""To-do lines of the desk's first page: what is not set up yet, and where to set it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User  # this module is loaded before models are


@dataclass(frozen=True)
class ToDo:
    """Something not set up yet; `permission` is the one needed to set it up, as `app.codename`."""

    title: str
    reason: str
    url: str
    permission: str = ""


def split_by_permission(items: list[ToDo], user: User | AnonymousUser) -> dict[str, list[ToDo]]:
    """Under `todo` what this user can set up, under `todo_of_others` what they can only tell the owner of."""
    own = [item for item in items if not item.permission or user.has_perm(item.permission)]
    return {"todo": own, "todo_of_others": [item for item in items if item not in own]}
