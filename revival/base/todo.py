"""To-do lines of the desk's first page: what is not set up yet, and where to set it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToDo:
    """Something not set up yet; `right` is what it takes to mend it, as `app.right_model`."""

    what: str
    why: str
    url: str
    right: str = ""


def shared_out(items: list[ToDo], user: Any) -> dict[str, list[ToDo]]:
    """What this person can mend, and what they can only tell the owner of."""
    mine = [one for one in items if not one.right or user.has_perm(one.right)]
    return {"todo": mine, "todo_of_others": [one for one in items if one not in mine]}
