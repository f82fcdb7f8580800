"""The change log: triggers write down that a row changed, whoever changed it and however.

A trigger on each table adds a row to a table of changes, so that bulk updates, raw SQL and admin
actions are in it. It keeps states and times; of a person only the fact that something changed,
since any difference between the old and the new row counts while no personal column is copied.
"""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models

ANYTHING = "OLD.* IS DISTINCT FROM NEW.*"
"""Unlike pghistory's own condition, also columns that are not copied."""


def changes_of(tracked: type[models.Model], *columns: str, app: str, when: str = ANYTHING) -> Any:
    """The table of changes of `tracked`, keeping `columns` of each new (or deleted) row.

    Who and where travel as JSON in the row itself: a table of contexts would have to be updated, and
    nothing here ever is. No column is a constraint, as the log outlives what it tells of.
    """
    return pghistory.create_event_model(
        tracked,
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(condition=pgtrigger.Condition(when)),
        pghistory.DeleteEvent(),
        fields=list(columns),
        obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+"),
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,  # type: ignore[arg-type]  # documented, but not in its types
        model_name=f"{tracked.__name__}Change",
        app_label=app,
        meta={"indexes": [models.Index(fields=["pgh_created_at"])], "default_permissions": ()},
        abstract=False,
    )
