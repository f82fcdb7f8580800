"""What measurements found, drawn into `.bench/` as pictures that stand alone; `make screenshots` puts them together."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench"
STYLES = ("tokens.css", "reports.css")


def keep(name: str, svg: str) -> None:
    """`svg` is one of booking.desk.reports.plots, here with the desk's colors in it."""
    style = "".join((ROOT / "static" / "css" / one).read_text() for one in STYLES)
    head, end, rest = svg.partition(">")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(f"{head}{end}<style><![CDATA[{style}]]></style>{rest}")  # a comment says <use>
