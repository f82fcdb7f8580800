"""`/style/`: the tokens and components with their states on one page, for who writes pages (`make dev` only).

Light, dark, forced colors and print are the browser's to switch; the page is the one to switch them on.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from articles.models import Article, Evidence, Question
from booking.models import Caution, Therapist, UrgentHelp
from booking.patients.forms.visits import DetailsForm

CSS = Path(settings.BASE_DIR) / "static" / "css"
DRAWINGS = Path(settings.BASE_DIR) / "static" / "img" / "drawings.svg"
TOKEN = re.compile(r"--([a-z0-9-]+): ([^;]+);")
SYMBOL = re.compile(r'<symbol id="([a-z-]+)" viewBox="([0-9 ]+)"')


def tokens() -> list[tuple[str, str, str]]:
    """Name, value by day, value at night where it differs; as static/css/tokens.css has them."""
    day, _, rest = (CSS / "tokens.css").read_text().partition("@media screen and (prefers-color-scheme: dark)")
    night = dict(TOKEN.findall(rest.partition("@media")[0]))
    return [(name, value, night.get(name, "")) for name, value in TOKEN.findall(day)]


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    wrong = DetailsForm({"email": "nobody", "consent": "on"}, auto_id="wrong_%s")
    wrong.is_valid()
    every = tokens()
    context: dict[str, Any] = {
        "colors": [one for one in every if one[1].startswith("#")],
        "others": [one for one in every if not one[1].startswith("#")],
        "evidence": Evidence.choices,
        "form": DetailsForm.fresh(now),
        "wrong": wrong,
        "starts": [now + timedelta(hours=one) for one in range(3)],
        "article": Article.objects.published().select_related("author").first(),
        "questions": [(one, one.answer) for one in Question.objects.all()[:2]],
        "therapist": Therapist.objects.first(),
        "urgent_help": UrgentHelp.objects.first(),
        "caution": Caution.objects.first(),
        "drawings": SYMBOL.findall(DRAWINGS.read_text()),
    }
    return render(request, "site/style.html", context)
