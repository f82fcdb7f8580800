"""Style guide at `/style/`: design tokens and components with their states, for authors of pages (`make dev` only).

Switch the browser to dark, forced colors or print to see the components in each.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from articles.models import Article, Evidence, Question
from booking.models import Caution, Therapist, UrgentHelp
from booking.patients.forms.visits import DetailsForm
from revival.base.django_types import Context

CSS = Path(settings.BASE_DIR) / "static" / "css"
DRAWINGS = Path(settings.BASE_DIR) / "static" / "img" / "drawings.svg"
TOKEN = re.compile(r"--([a-z0-9-]+): ([^;]+);")
SYMBOL = re.compile(r'<symbol id="([a-z-]+)" viewBox="([0-9 ]+)"')


def tokens() -> list[tuple[str, str, str]]:
    """Name, light value, and dark value where it differs, of each token in static/css/tokens.css."""
    light, _, rest = (CSS / "tokens.css").read_text().partition("@media screen and (prefers-color-scheme: dark)")
    dark = dict(TOKEN.findall(rest.partition("@media")[0]))
    return [(name, value, dark.get(name, "")) for name, value in TOKEN.findall(light)]


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    form_with_errors = DetailsForm({"email": "nobody", "consent": "on"}, auto_id="wrong_%s")
    form_with_errors.is_valid()
    all_tokens = tokens()
    context: Context = {
        "colors": [token for token in all_tokens if token[1].startswith("#")],
        "others": [token for token in all_tokens if not token[1].startswith("#")],
        "evidence": Evidence.choices,
        "form": DetailsForm.fresh(now),
        "wrong": form_with_errors,
        "starts": [now + timedelta(hours=hours) for hours in range(3)],
        "article": Article.objects.published().select_related("author").first(),
        "questions": [(question, question.answer) for question in Question.objects.all()[:2]],
        "therapist": Therapist.objects.first(),
        "urgent_help": UrgentHelp.objects.first(),
        "caution": Caution.objects.first(),
        "drawings": SYMBOL.findall(DRAWINGS.read_text()),
    }
    return render(request, "site/style.html", context)
