"""Each `Any` in the site's code has its reason where a reader finds it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ANY = re.compile(r"\bAny\b(?! day| time)")
REASON = re.compile(r"#(?! type: ignore| noqa)|^\s*#|`Any`")


def unexplained(source: str) -> list[str]:
    """Lines with an `Any` that no comment on the line, and no comment or docstring of its paragraph, explains."""
    found = []
    for paragraph in re.split(r"\n\s*\n", source):
        lines = [
            line for line in paragraph.splitlines() if not line.startswith(("from typing import", "import typing"))
        ]
        if re.search(r"^\s*#.*\bAny\b|`Any`", paragraph, re.MULTILINE):
            continue
        found += [line.strip() for line in lines if ANY.search(line) and not REASON.search(line)]
    return found


@pytest.mark.parametrize("app", ["revival", "articles", "booking"])
def test_each_any_has_its_reason(app):
    files = [path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]

    found = {str(path.relative_to(ROOT)): lines for path in files if (lines := unexplained(path.read_text()))}

    assert files
    assert not found


@pytest.mark.parametrize(
    ("source", "is_explained"),
    [
        ("def f(row: Any) -> None:\n", False),
        ("def f(row: Any) -> None:  # type: ignore[x]\n", False),
        ("def f(row: Any) -> None:  # rows of several models\n", True),
        ("# Any: Django's signature\ndef f(row: Any) -> None:\n", True),
        ("# Any: Django's signature\nA: Any = 1\n\nB: Any = 2\n", False),
        ("from typing import Any\n", True),
    ],
)
def test_what_counts_as_a_reason(source, is_explained):
    assert (not unexplained(source)) is is_explained
