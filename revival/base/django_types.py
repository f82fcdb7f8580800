"""Names for what Django's own signatures leave open. Elsewhere, each `Any` has its reason beside it."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.db.models import QuerySet

Context: TypeAlias = dict[str, Any]
"""A template's variables by name. `Any`: each has a type of its own, and templates check none."""

FormValues: TypeAlias = dict[str, Any]
"""What a form starts from, or was filled in with, by field. `Any`: the type depends on the field."""

Passed: TypeAlias = Any
"""An argument of a method of Django's, on its way there. `Any`: Django's own stubs say no more."""

Rows: TypeAlias = QuerySet[Any]
"""Rows of any model, or of values. `Any`: it depends on the model, and on what the query annotates."""
