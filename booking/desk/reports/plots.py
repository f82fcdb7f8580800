"""Plots as SVG, drawn on the server: pure functions from numbers to markup (no Django, no script, no style).

Colors come from CSS classes alone, so that a strict content security policy holds and dark pages work. Series differ
in pattern, mark or dash, and each has a label, so that no color is needed (WCAG 1.4.1). Each plot has a title and a
description; the table beside it has every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, BOTTOM = 48, 12, 32
LEGEND_LINE, CHARACTER = 20, 7.2
"""In units of the SVG's `viewBox`, which is `WIDTH` wide; `CHARACTER` is a rough mean."""
MOST_LABELS, MOST_VALUES = 13, 16
SMALLEST_STEP = 0.1
"""Of a scale: numbers are written to one decimal."""
ZERO_BELOW = 1e-6
"""Smaller numbers are drawn as zero."""
PATTERNS = 5
"""Number of fills, and of marks and dashes; further series repeat them."""


@dataclass(frozen=True)
class Data:
    """One series of a plot: `values` has a number for each label, or None where there is none."""

    name: str
    values: Sequence[float | None]


def stacked_columns(key: str, title: str, desc: str, labels: Sequence[str], data: Sequence[Data]) -> str:
    """A column for each label, with one segment for each series, from the bottom up.

    `key` begins the SVG's ids, so it is unique in the page. Values are counts, never negative.
    """
    totals = [sum(series.values[index] or 0 for series in data) for index in range(len(labels))]
    frame = _Frame(key, labels, data, max(totals, default=0))
    parts = [frame.grid(), frame.legend(is_filled=True)]
    for index, total in enumerate(totals):
        parts += _segments(frame, index, [series.values[index] or 0 for series in data])
        if total and len(labels) <= MOST_VALUES:
            parts.append(_text(frame.x(index), frame.y(total) - 5, _number(total), "plot__value"))
    return frame.svg(title, desc, parts)


def _segments(frame: _Frame, index: int, values: Sequence[float]) -> list[str]:
    x, width, base = frame.x(index) - frame.step * 0.35, max(1.5, frame.step * 0.7), 0.0
    segments = []
    for number, value in enumerate(values):
        if value:
            top, bottom = frame.y(base + value), frame.y(base)
            segments.append(_tag("rect", x=x, y=top, width=width, height=bottom - top, **_fill(frame.key, number)))
            base += value
    return segments


def lines(
    key: str, title: str, desc: str, labels: Sequence[str], data: Sequence[Data], *, unit: str = "", top: float = 0
) -> str:
    """A line for each series, with a mark at each value; broken where there is none.

    The scale reaches at least to `top`; `unit` follows each of its numbers, such as `%`.
    """
    highest = max((value for series in data for value in series.values if value is not None), default=0)
    frame = _Frame(key, labels, data, max(highest, top), unit, least=SMALLEST_STEP)
    parts = [frame.grid(), frame.legend(is_filled=False)]
    for number, series in enumerate(data):
        parts += _line(frame, number, series)
    if len(data) == 1 and len(labels) <= MOST_VALUES:
        parts += _values(frame, data[0])
    return frame.svg(title, desc, parts)


def _line(frame: _Frame, number: int, series: Data) -> list[str]:
    points = [
        (frame.x(index), frame.y(value)) if value is not None else None for index, value in enumerate(series.values)
    ]
    parts = []
    for run in _runs(points):
        if len(run) > 1:
            path = "M" + "L".join(f"{_coord(x)} {_coord(y)}" for x, y in run)
            parts.append(_tag("path", d=path, class_=f"plot__line plot__line--{number % PATTERNS + 1}"))
        parts += [_mark(number, x, y) for x, y in run]
    return parts


def _values(frame: _Frame, series: Data) -> list[str]:
    """The number at each mark: above it, or below where the top is near."""
    parts = []
    for index, value in enumerate(series.values):
        if value is not None:
            x, y = frame.x(index), frame.y(value)
            y = y - 10 if y > frame.top + 16 else y + 18
            parts.append(_text(x, y, f"{_number(value)}{frame.unit}", "plot__value"))
    return parts


def bars(key: str, title: str, desc: str, rows: Sequence[tuple[str, float]]) -> str:
    """A horizontal bar for each row, its label above it and its number at its end. Values are never negative."""
    thickness, pitch = 18, 44
    height = len(rows) * pitch + 12
    highest = max((value for _, value in rows), default=0) or 1
    parts = []
    for index, (label, value) in enumerate(rows):
        y = index * pitch + 8
        width = (WIDTH - 70) * value / highest
        parts.append(_text(0, y + 10, _shortened(label, 90), "plot__word plot__word--start"))
        parts.append(_tag("rect", x=0, y=y + 16, width=max(width, 1), height=thickness, **_fill(key, 0)))
        parts.append(_text(width + 8, y + 16 + thickness - 4, _number(value), "plot__value plot__word--start"))
    return _svg(key, title, desc, [_patterns(key, 1), *parts], height)


def nice_steps(highest: float, most: int = 5, *, least: float = 0) -> list[float]:
    """Numbers from 0 to at least `highest`, in steps of 1, 2 or 5 times a power of ten, each at least `least`."""
    if highest < ZERO_BELOW:
        return [0, 1]
    rough = highest / most
    power = 10.0 ** floor(log10(rough))
    step = max(least, next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.9999999))
    return [round(step * number, 10) for number in range(ceil(round(highest / step, 6)) + 1)]


# ---- the frame: scale, labels, legend -------------------------------------------------------


class _Frame:
    """Scale, grid and legend of a plot."""

    def __init__(
        self,
        key: str,
        labels: Sequence[str],
        data: Sequence[Data],
        highest: float,
        unit: str = "",
        least: float = 1,
    ) -> None:
        self.key, self.labels, self.data, self.unit = key, labels, data, unit
        self.steps = nice_steps(highest, least=least)
        self.legend_places = _legend_places([series.name for series in data])
        self.top = (self.legend_places[-1][1] + 1) * LEGEND_LINE + 18 if self.legend_places else 18
        self.height = HEIGHT + self.top
        self.step = (WIDTH - LEFT - RIGHT) / max(1, len(labels))

    def x(self, index: int) -> float:
        return LEFT + self.step * (index + 0.5)

    def y(self, value: float) -> float:
        return self.top + (HEIGHT - BOTTOM) * (1 - value / self.steps[-1])

    def grid(self) -> str:
        parts = []
        for step in self.steps:
            y = self.y(step)
            parts.append(_tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="plot__grid"))
            parts.append(_text(LEFT - 8, y + 5, f"{_number(step)}{self.unit}", "plot__word plot__word--end"))
        every = max(1, ceil(len(self.labels) / MOST_LABELS))
        for index in range(0, len(self.labels), every):
            parts.append(_text(self.x(index), self.height - 8, self.labels[index], "plot__word"))
        return "".join(parts)

    def legend(self, *, is_filled: bool) -> str:
        parts = []
        for number, ((x, row), series) in enumerate(zip(self.legend_places, self.data, strict=True)):
            y = row * LEGEND_LINE
            if is_filled:
                parts.append(_tag("rect", x=x, y=y + 2, width=14, height=14, **_fill(self.key, number)))
            else:
                dash = f"plot__line plot__line--{number % PATTERNS + 1}"
                parts.append(
                    _tag("path", d=f"M{_coord(x - 4)} {_coord(y + 9)}h22", class_=dash) + _mark(number, x + 7, y + 9)
                )
            parts.append(_text(x + 22, y + 14, series.name, "plot__word plot__word--start"))
        return "".join(parts)

    def svg(self, title: str, desc: str, parts: list[str]) -> str:
        return _svg(self.key, title, desc, [_patterns(self.key, min(PATTERNS, len(self.data))), *parts], self.height)


def _legend_places(names: Iterable[str]) -> list[tuple[float, int]]:
    """Start (x) and line (from 0) of each name in the legend."""
    places: list[tuple[float, int]] = []
    x, row = 4.0, 0
    for name in names:
        width = 22 + len(name) * CHARACTER + 22
        if x > 4 and x + width > WIDTH:
            x, row = 4.0, row + 1
        places.append((x, row))
        x += width
    return places


def _runs(points: Iterable[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The points between gaps, each run a line of its own."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


# ---- marks, fills and tags ------------------------------------------------------------------


def _mark(number: int, x: float, y: float) -> str:
    """Disc, square, triangle, diamond or ring."""
    r, classes = 4.5, f"plot__mark plot__mark--{number % PATTERNS + 1}"
    match number % PATTERNS:
        case 1:
            return _tag("rect", x=x - r, y=y - r, width=2 * r, height=2 * r, class_=classes)
        case 2:
            return _tag(
                "path",
                d=f"M{_coord(x)} {_coord(y - r - 1)}l{_coord(r + 1)} {_coord(2 * r)}h{_coord(-2 * r - 2)}z",
                class_=classes,
            )
        case 3:
            r += 1.5
            return _tag("path", d=f"M{_coord(x)} {_coord(y - r)}l{r} {r}l{-r} {r}l{-r} {-r}z", class_=classes)
    return _tag("circle", cx=x, cy=y, r=r, class_=classes)


def _fill(key: str, number: int) -> dict[str, str]:
    pattern = number % PATTERNS + 1
    return {"fill": f"url(#{key}-p{pattern})", "class_": f"plot__piece plot__piece--{pattern}"}


def _patterns(key: str, number: int) -> str:
    """Plain, hatched, dotted, hatched the other way, crossed: distinct without color."""
    ground = '<rect width="8" height="8" class="plot__ground plot__ground--{0}"/>'
    strokes = [
        "",
        '<path d="M-2 2l4-4M0 8l8-8M6 10l4-4" class="plot__stroke"/>',
        '<circle cx="4" cy="4" r="1.6" class="plot__dot"/>',
        '<path d="M-2 6l4 4M0 0l8 8M6-2l4 4" class="plot__stroke"/>',
        '<path d="M0 4h8M4 0v8" class="plot__stroke"/>',
    ]
    patterns = [
        f'<pattern id="{escape(key)}-p{pattern}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f"{ground.format(pattern)}{strokes[pattern - 1]}</pattern>"
        for pattern in range(1, number + 1)
    ]
    return f"<defs>{''.join(patterns)}</defs>"


def _svg(key: str, title: str, desc: str, parts: Iterable[str], height: float) -> str:
    name = escape(key)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {_coord(height)}" role="img" aria-labelledby="{name}-t {name}-d"'
        f' xmlns="http://www.w3.org/2000/svg"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(desc)}</desc>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, classes: str) -> str:
    return f'<text x="{_coord(x)}" y="{_coord(y)}" class="{classes}">{escape(text)}</text>'


def _tag(name: str, **attributes: str | float) -> str:
    written = " ".join(
        f'{key.rstrip("_")}="{escape(value) if isinstance(value, str) else _coord(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name} {written}/>"


def _coord(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _number(value: float) -> str:
    """Written as 12, 1,200 or 3.5."""
    return f"{value:,.1f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
