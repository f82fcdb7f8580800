"""Write docs/configuration.md from the settings module; `--check` says whether it is current.

What a variable does is the comment behind the first line that reads it (`env.int("NAME", default)  # what it does`), or
the comment lines right above that line.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration.md"
SETTINGS = ROOT / "revival" / "settings.py"
READERS = {"str", "int", "bool", "list", "email"}
"""Methods of django-environ's Env whose first argument is the name of a variable."""
INTRODUCTION = """# Configuration

Every setting is read from the environment or from `.env` (`.env.example` has the ones to begin with). `make docs`
writes this page from the settings module; the gate fails when it is out of date. Names that only commands read are in
[operations.md](operations.md#servers-and-commands).

| name | when unset | what it does |
|---|---|---|
"""


@dataclass(frozen=True)
class Variable:
    name: str
    default: str
    description: str


def page() -> str:
    """The whole page as Markdown. Raises SystemExit when a variable has no comment."""
    rows = [
        f"| `{variable.name}` | {variable.default} | {variable.description} |\n" for variable in variables(SETTINGS)
    ]
    return INTRODUCTION + "".join(rows)


def variables(path: Path) -> list[Variable]:
    """Each variable that a file reads, in the order of the file. Raises SystemExit when one has no comment."""
    source = path.read_text()
    comments = comments_by_line(source)
    rows: dict[str, Variable] = {}
    for call in sorted(reading_calls(ast.parse(source)), key=lambda call: call.lineno):
        name = call.args[0].value
        if name not in rows:
            description = comments.get(call.end_lineno) or comment_above(source, comments, call.lineno)
            if not description:
                sys.exit(f"{path.relative_to(ROOT)}:{call.lineno}: no comment says what {name} does.")
            rows[name] = Variable(name, words(fallback_of(call)), description[0].upper() + description[1:].rstrip("."))
    return list(rows.values())


def reading_calls(tree: ast.AST) -> Iterator[Any]:  # ast.Call, with a string as first argument
    """The calls that read a variable of the environment by its name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=reader), args=[ast.Constant(value=str(name)), *_]):
                if reader in READERS and re.fullmatch(r"[A-Z][A-Z_]+", name):
                    yield node


def comments_by_line(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def comment_above(source: str, comments: dict[int, str], number: int) -> str:
    """The lines of comment that end right above a line, as one text."""
    lines, block = source.splitlines(), []
    while (number := number - 1) in comments and lines[number - 1].lstrip().startswith("#"):
        block.append(comments[number])
    return " ".join(reversed(block))


def fallback_of(call: ast.Call) -> ast.expr | None:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    return call.args[1] if len(call.args) > 1 else keywords.get("default")


def words(fallback: ast.expr | None) -> str:
    """A default as the table shows it; a dash for none, and for what the code works out."""
    if isinstance(fallback, ast.Constant) and fallback.value not in ("", None):
        return f"`{fallback.value}`"
    if isinstance(fallback, ast.List) and all(isinstance(item, ast.Constant) for item in fallback.elts):
        return f"`{','.join(str(item.value) for item in fallback.elts)}`"
    return "–"


def main(arguments: list[str]) -> int:
    wanted = page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text() == wanted:
            return 0
        print("docs/configuration.md is out of date; `make docs` writes it anew.")
        return 1
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
