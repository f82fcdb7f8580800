"""Plots as SVG, drawn on the server: pure functions from numbers to markup (no Django, no script, no style).

Colors come from classes alone, so that a strict content security policy holds and dark pages work; what tells
series apart is a pattern, a mark or a dash, and a word, so that no color is needed. Each drawing has a title and a
description; the table beside it is where each number can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, BOTTOM = 48, 12, 32
LEGEND_LINE, CHARACTER = 20, 7.2
"""All in units of the drawing, which is `WIDTH` wide whatever it is scaled to; a character is a rough mean."""
MOST_LABELS, MOST_VALUES = 13, 16
TENTH = 0.1
"""The least step that a scale can say: numbers are written to one decimal."""
LEAST = 1e-6
"""A number below it is drawn as nought."""
PATTERNS = 5
"""Fills, and as many marks and dashes; further series begin again."""


@dataclass(frozen=True)
class Series:
    """One kind of thing: `values` has a number for each label, or None where there is nothing to say."""

    name: str
    values: Sequence[float | None]


def stacked_columns(key: str, title: str, desc: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """A column for each label, made of one piece for each series, from the bottom up.

    `key` is unique in the page (it begins the ids). Values are counts, never below nought.
    """
    sums = [sum(one.values[place] or 0 for one in series) for place in range(len(labels))]
    frame = _Frame(key, labels, series, max(sums, default=0))
    parts = [frame.grid(), frame.legend(is_filled=True)]
    for place, total in enumerate(sums):
        x, width, base = frame.x(place) - frame.step * 0.35, max(1.5, frame.step * 0.7), 0.0
        for number, one in enumerate(series):
            value = one.values[place] or 0
            if value:
                top, bottom = frame.y(base + value), frame.y(base)
                parts.append(_tag("rect", x=x, y=top, width=width, height=bottom - top, **_fill(key, number)))
                base += value
        if total and len(labels) <= MOST_VALUES:
            parts.append(_text(frame.x(place), frame.y(total) - 5, _number(total), "plot__value"))
    return frame.svg(title, desc, parts)


def lines(
    key: str, title: str, desc: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "", top: float = 0
) -> str:
    """A line for each series, with a mark at each value; broken where there is none.

    `top` is how far the scale reaches at least, `unit` follows each number on it, such as `%`.
    """
    highest = max((value for one in series for value in one.values if value is not None), default=0)
    frame = _Frame(key, labels, series, max(highest, top), unit, least=TENTH)
    parts = [frame.grid(), frame.legend(is_filled=False)]
    for number, one in enumerate(series):
        points = [
            (frame.x(place), frame.y(value)) if value is not None else None for place, value in enumerate(one.values)
        ]
        for run in _runs(points):
            if len(run) > 1:
                path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in run)
                parts.append(_tag("path", d=path, class_=f"plot__line plot__line--{number % PATTERNS + 1}"))
            parts += [_mark(number, x, y) for x, y in run]
        if len(series) == 1 and len(labels) <= MOST_VALUES:
            shown = [(point, value) for point, value in zip(points, one.values, strict=True) if point]
            parts += [
                _text(x, y - 10 if y > frame.top + 16 else y + 18, f"{_number(value or 0)}{unit}", "plot__value")
                for (x, y), value in shown
            ]
    return frame.svg(title, desc, parts)


def bars(key: str, title: str, desc: str, rows: Sequence[tuple[str, float]]) -> str:
    """A lying bar for each row, its words above it and its number at its end. Values are never below nought."""
    line, gap = 18, 44
    height = len(rows) * gap + 12
    highest = max((value for _, value in rows), default=0) or 1
    parts = []
    for place, (label, value) in enumerate(rows):
        y = place * gap + 8
        width = (WIDTH - 70) * value / highest
        parts.append(_text(0, y + 10, _shortened(label, 90), "plot__word plot__word--start"))
        parts.append(_tag("rect", x=0, y=y + 16, width=max(width, 1), height=line, **_fill(key, 0)))
        parts.append(_text(width + 8, y + 16 + line - 4, _number(value), "plot__value plot__word--start"))
    return _svg(key, title, desc, [_patterns(key, 1), *parts], height)


def nice_steps(highest: float, most: int = 5, *, least: float = 0) -> list[float]:
    """Round numbers from nought to at least `highest`: steps of 1, 2 or 5 times a power of ten, at least `least`."""
    if highest < LEAST:
        return [0, 1]
    rough = highest / most
    power = 10.0 ** floor(log10(rough))
    step = max(least, next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.9999999))
    return [round(step * number, 10) for number in range(ceil(round(highest / step, 6)) + 1)]


# ---- the frame: scale, labels, legend -------------------------------------------------------


class _Frame:
    def __init__(
        self,
        key: str,
        labels: Sequence[str],
        series: Sequence[Series],
        highest: float,
        unit: str = "",
        least: float = 1,
    ) -> None:
        self.key, self.labels, self.series, self.unit = key, labels, series, unit
        self.steps = nice_steps(highest, least=least)
        self.places = _legend_places([one.name for one in series])
        self.top = (self.places[-1][1] + 1) * LEGEND_LINE + 18 if self.places else 18
        self.height = HEIGHT + self.top
        self.step = (WIDTH - LEFT - RIGHT) / max(1, len(labels))

    def x(self, place: int) -> float:
        return LEFT + self.step * (place + 0.5)

    def y(self, value: float) -> float:
        return self.top + (HEIGHT - BOTTOM) * (1 - value / self.steps[-1])

    def grid(self) -> str:
        parts = []
        for step in self.steps:
            y = self.y(step)
            parts.append(_tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="plot__grid"))
            parts.append(_text(LEFT - 8, y + 5, f"{_number(step)}{self.unit}", "plot__word plot__word--end"))
        every = max(1, ceil(len(self.labels) / MOST_LABELS))
        for place in range(0, len(self.labels), every):
            parts.append(_text(self.x(place), self.height - 8, self.labels[place], "plot__word"))
        return "".join(parts)

    def legend(self, *, is_filled: bool) -> str:
        parts = []
        for number, ((x, row), one) in enumerate(zip(self.places, self.series, strict=True)):
            y = row * LEGEND_LINE
            if is_filled:
                parts.append(_tag("rect", x=x, y=y + 2, width=14, height=14, **_fill(self.key, number)))
            else:
                dash = f"plot__line plot__line--{number % PATTERNS + 1}"
                parts.append(_tag("path", d=f"M{_n(x - 4)} {_n(y + 9)}h22", class_=dash) + _mark(number, x + 7, y + 9))
            parts.append(_text(x + 22, y + 14, one.name, "plot__word plot__word--start"))
        return "".join(parts)

    def svg(self, title: str, desc: str, parts: list[str]) -> str:
        return _svg(self.key, title, desc, [_patterns(self.key, min(PATTERNS, len(self.series))), *parts], self.height)


def _legend_places(names: Iterable[str]) -> list[tuple[float, int]]:
    """Where each word of the legend begins, and on which line."""
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
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


# ---- marks, fills and tags ------------------------------------------------------------------


def _mark(number: int, x: float, y: float) -> str:
    """A disc, a square, a triangle, a diamond, a ring."""
    r, kind = 4.5, f"plot__mark plot__mark--{number % PATTERNS + 1}"
    match number % PATTERNS:
        case 1:
            return _tag("rect", x=x - r, y=y - r, width=2 * r, height=2 * r, class_=kind)
        case 2:
            return _tag("path", d=f"M{_n(x)} {_n(y - r - 1)}l{_n(r + 1)} {_n(2 * r)}h{_n(-2 * r - 2)}z", class_=kind)
        case 3:
            r += 1.5
            return _tag("path", d=f"M{_n(x)} {_n(y - r)}l{r} {r}l{-r} {r}l{-r} {-r}z", class_=kind)
    return _tag("circle", cx=x, cy=y, r=r, class_=kind)


def _fill(key: str, number: int) -> dict[str, str]:
    kind = number % PATTERNS + 1
    return {"fill": f"url(#{key}-p{kind})", "class_": f"plot__piece plot__piece--{kind}"}


def _patterns(key: str, number: int) -> str:
    """Plain, hatched one way, dotted, hatched the other way, crossed: told apart without color."""
    ground = '<rect width="8" height="8" class="plot__ground plot__ground--{0}"/>'
    strokes = [
        "",
        '<path d="M-2 2l4-4M0 8l8-8M6 10l4-4" class="plot__stroke"/>',
        '<circle cx="4" cy="4" r="1.6" class="plot__dot"/>',
        '<path d="M-2 6l4 4M0 0l8 8M6-2l4 4" class="plot__stroke"/>',
        '<path d="M0 4h8M4 0v8" class="plot__stroke"/>',
    ]
    made = [
        f'<pattern id="{escape(key)}-p{kind}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f"{ground.format(kind)}{strokes[kind - 1]}</pattern>"
        for kind in range(1, number + 1)
    ]
    return f"<defs>{''.join(made)}</defs>"


def _svg(key: str, title: str, desc: str, parts: Iterable[str], height: float) -> str:
    name = escape(key)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {_n(height)}" role="img" aria-labelledby="{name}-t {name}-d"'
        f' xmlns="http://www.w3.org/2000/svg"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(desc)}</desc>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" class="{kind}">{escape(words)}</text>'


def _tag(name: str, **attributes: str | float) -> str:
    written = " ".join(
        f'{key.rstrip("_")}="{escape(value) if isinstance(value, str) else _n(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name} {written}/>"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _number(value: float) -> str:
    """12, 1,200, 3.5"""
    return f"{value:,.1f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
