"""CSV files for spreadsheets (RFC 4180, UTF-8), safe from formula injection."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO

BOM = "\ufeff"
"""Without it, some spreadsheets read UTF-8 as an older encoding."""

STARTS_A_FORMULA = "=+-@\t\r\n＝＋－＠"
"""OWASP, "CSV Injection"; some spreadsheets read full-width signs like ASCII ones."""

UNSEEN = " \u00a0\u200b\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Spaces and marks of direction, such as those of `revival.base.bidi`, before which a formula could hide."""

Cell = str | int | float | date | None


def safe_cell(value: Cell) -> str:
    """The value as text for a CSV cell. Text that a spreadsheet might run as a formula gets an apostrophe in front.

    Numbers stay numbers; dates are ISO 8601 (2026-09-07).
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value.replace("\0", "")
    visible_start = text.lstrip(UNSEEN)[:1]
    is_formula = text[:1] in tuple(STARTS_A_FORMULA) or visible_start in tuple(STARTS_A_FORMULA)
    return f"'{text}" if is_formula else text


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One line for the header and one a row: all cells quoted, CR LF line ends, UTF-8 with a byte order mark."""
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return (BOM + out.getvalue()).encode()
