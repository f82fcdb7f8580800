"""What the first guests of a new process would otherwise wait for."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse


def warm_up() -> None:
    """Load all views and forms, and the templates of the pages that guests see. Asks no database.

    After a reload everybody comes to the new processes in the same moment, and each would wait for it.
    """
    reverse("home")
    templates = settings.BASE_DIR / "templates"
    for path in templates.rglob("*.html"):
        name = path.relative_to(templates)
        if not {"admin", "desk", "mail", "staff"} & set(name.parts):
            get_template(name.as_posix())
