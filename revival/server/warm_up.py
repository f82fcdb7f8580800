"""Warm-up of a new web process, so that its first visitors do not wait for code and templates to load."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse


def warm_up() -> None:
    """Load all views and forms, and the templates of the pages that visitors see, without a database query.

    After a reload all visitors reach the new processes at the same moment, and each would wait.
    """
    reverse("home")
    templates = settings.BASE_DIR / "templates"
    for path in templates.rglob("*.html"):
        name = path.relative_to(templates)
        if not {"admin", "desk", "mail", "staff"} & set(name.parts):
            get_template(name.as_posix())
