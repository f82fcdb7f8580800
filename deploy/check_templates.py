"""Compile every template; refuse lines over 140 characters, and what people typed where it is not isolated.

Compiling finds mistakes in templates that no test opened.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")

import django  # noqa: E402
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines  # noqa: E402

from deploy.typed_text import bare_fields  # noqa: E402

TEMPLATES = ROOT / "templates"
LONGEST_LINE = 140


def faults_of(path: Path) -> list[str]:
    """What is wrong with one template, each as `line: reason`."""
    lines = path.read_text().splitlines()
    faults = [
        f"{number}: {len(line)} characters, at most {LONGEST_LINE} are allowed"
        for number, line in enumerate(lines, start=1)
        if len(line) > LONGEST_LINE
    ]
    try:
        engines["django"].get_template(path.relative_to(TEMPLATES).as_posix())
    except (TemplateSyntaxError, TemplateDoesNotExist) as error:
        faults.append(f" {error}")
    return faults + bare_fields(path)


def main() -> int:
    django.setup()
    paths = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"})
    faults = [f"{path.relative_to(ROOT)}:{fault}" for path in paths for fault in faults_of(path)]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
