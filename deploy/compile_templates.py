"""Compile every template, to find mistakes in templates that no test renders."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")

import django  # noqa: E402
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines  # noqa: E402

django.setup()
templates = ROOT / "templates"
failed = False
for path in sorted(path for path in templates.rglob("*") if path.suffix in {".html", ".txt"}):
    name = str(path.relative_to(templates))
    try:
        engines["django"].get_template(name)
    except (TemplateSyntaxError, TemplateDoesNotExist) as error:
        print(f"templates/{name}: {error}")
        failed = True
sys.exit(failed)
