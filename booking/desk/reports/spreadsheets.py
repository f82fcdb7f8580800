"""Tables as files that spreadsheets open: CSV (RFC 4180) in UTF-8, with no cell that could be run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO

BOM = "\ufeff"
"""Without it, some spreadsheets read UTF-8 as something older."""

STARTS_A_FORMULA = "=+-@\t\r\n＝＋－＠"
"""OWASP, "CSV Injection"; the wide forms are read like the narrow ones in some places."""

Cell = str | int | float | date | None


def safe_cell(value: Cell) -> str:
    """The value as text. Text that a spreadsheet might run gets an apostrophe in front; numbers are numbers,
    and dates as every spreadsheet reads them: 2026-09-07."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value.replace("\0", "")
    begins = text.lstrip(" \u00a0\u200b\ufeff")[:1]
    return f"'{text}" if text[:1] in tuple(STARTS_A_FORMULA) or begins in tuple(STARTS_A_FORMULA) else text


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One line for the header and one a row, all cells quoted, ended by CR LF, encoded with a byte order mark."""
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([safe_cell(one) for one in header])
    writer.writerows([safe_cell(one) for one in row] for row in rows)
    return (BOM + out.getvalue()).encode()
