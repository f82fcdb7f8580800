"""The change log: database triggers record every change of a row.

A trigger on each table adds a row to a table of changes, so that bulk updates, raw SQL and admin
actions are in it. It keeps states and times; of a person only the fact that something changed,
since any difference between the old and the new row counts while no personal column is copied.
"""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models

ANY_CHANGE = "OLD.* IS DISTINCT FROM NEW.*"
"""Trigger condition: true also for columns that are not copied, unlike pghistory's own condition."""


def create_change_model(
    tracked: type[models.Model], *columns: str, app: str, condition: str = ANY_CHANGE
) -> Any:  # a model class made here, whose manager type checkers cannot know
    """The model of the changes of `tracked`, with copies of `columns` of each new (or deleted) row.

    User and URL name are stored as JSON in the row itself: a table of contexts would have to be updated, and
    rows of the log never are. No column has a constraint, as entries outlive the rows they are about.
    """
    return pghistory.create_event_model(
        tracked,
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(condition=pgtrigger.Condition(condition)),
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
