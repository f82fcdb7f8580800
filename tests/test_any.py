"""Each `Any` in the site's code has its reason where a reader finds it."""

import re
import tokenize
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QUOTED_TYPE = re.compile(r"""^["']([\w.]+\[.*)?\bAny\b[^ ]*["']$""")
REASON = re.compile(r"#(?! type: ignore| noqa)|^\s*#|`Any`")


def lines_with_any(source: str) -> set[int]:
    """Numbers of the lines whose code names `Any`, in quotes too; prose that begins with the word is none."""
    return {
        token.start[0]
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if (token.type == tokenize.NAME and token.string == "Any")
        or (token.type == tokenize.STRING and QUOTED_TYPE.match(token.string))
        if not token.line.startswith(("from typing import", "import typing"))
    }


def unexplained(source: str) -> list[str]:
    """Lines with an `Any` that no comment on the line, and no comment or docstring of its paragraph, explains."""
    with_any = lines_with_any(source)
    found, first = [], 1
    for paragraph in re.split(r"(?<=\n)[^\S\n]*\n", source):
        lines = paragraph.splitlines()
        if not re.search(r"^\s*#.*\bAny\b|`Any`", paragraph, re.MULTILINE):
            found += [
                line.strip()
                for number, line in enumerate(lines, start=first)
                if number in with_any and not REASON.search(line)
            ]
        first += len(lines) + 1
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
        ("\n\n\n# Any: Django's signature\nA: Any = 1\n\n\nB: Any = 2\n", False),
        ('"""Any other text, Any row."""\n', True),
        ('def f(row: "Any") -> None:\n', False),
        ('def f(rows: "list[Any]") -> None:\n', False),
    ],
)
def test_what_counts_as_a_reason(source, is_explained):
    assert (not unexplained(source)) is is_explained
