"""Plots: well-formed SVG with a title, distinct without color, and allowed by a strict content security policy."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.desk.reports.plots import PATTERNS, Data, bars, lines, nice_steps, stacked_columns

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too'"
SVG = "{http://www.w3.org/2000/svg}"
WEEKS = [f"Oct {day}" for day in range(1, 25)]
NUMBERS = st.lists(st.none() | st.floats(0, 1e6), min_size=24, max_size=24)


def parsed(svg):
    return ElementTree.fromstring(svg)


def drawings(values=(3, None, 0, 7.5), name="Came"):
    labels = [f"Week {number}" for number in range(len(values))]
    data = [Data(f"{name} {number}", list(values)) for number in range(7)]
    return [
        stacked_columns("a", HOSTILE, HOSTILE, labels, data),
        lines("b", HOSTILE, HOSTILE, labels, data, unit="%", top=100),
        lines("c", HOSTILE, HOSTILE, labels, data[:1]),
        bars("d", HOSTILE, HOSTILE, [(name, 3.0), (HOSTILE, 0)]),
    ]


@pytest.mark.parametrize("values", [(3, None, 0, 7.5), (), (0,), (None,), (1e9,) * 105])
def test_every_drawing_is_well_formed_titled_and_without_style_or_script(values):
    for svg in drawings(values, HOSTILE):
        root = parsed(svg)
        title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert (title.text, desc.text) == (HOSTILE, HOSTILE)
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert root.get("role") == "img"
        for element in root.iter():
            assert element.tag != f"{SVG}script"
            assert not [name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name]
        assert "nan" not in svg
        assert "<script" not in svg


def test_series_differ_in_pattern_mark_and_dash_and_each_has_its_word():
    columns, plotted, *_ = drawings()

    patterns = parsed(columns).findall(f".//{SVG}pattern")
    assert len({"".join(child.tag + child.get("d", "") for child in pattern) for pattern in patterns}) == PATTERNS
    classes = {path.get("class", "") for path in parsed(plotted).iter(f"{SVG}path")}
    dashes = {name for name in classes if "plot__line" in name}
    assert len(dashes) == PATTERNS
    for svg in (columns, plotted):
        words = [text.text for text in parsed(svg).iter(f"{SVG}text")]
        assert all(f"Came {number}" in words for number in range(7))


def test_fills_are_those_of_the_same_drawing():
    for svg in drawings():
        made = set(re.findall(r'<pattern id="([^"]+)"', svg))
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= made


def test_a_column_is_as_high_as_its_number():
    svg = stacked_columns("a", "T", "D", ["x", "y"], [Data("One", [10, 5]), Data("Two", [0, 5])])
    pieces = [rect for rect in parsed(svg).iter(f"{SVG}rect") if rect.get("class", "").startswith("plot__piece")][2:]

    first, second, third = (float(piece.get("height")) for piece in pieces)
    assert first == pytest.approx(second + third, abs=0.02)
    assert second == pytest.approx(third, abs=0.02)


def test_a_line_breaks_where_there_is_nothing_to_say():
    svg = lines("a", "T", "D", list("vwxyz"), [Data("One", [1, 2, None, 3, 4])])
    drawn = [path for path in parsed(svg).iter(f"{SVG}path") if re.match("M.*L", path.get("d", ""))]

    assert len(drawn) == 2


@given(NUMBERS, NUMBERS)
def test_any_numbers_stay_inside_the_drawing(one, other):
    svg = stacked_columns("a", "T", "D", WEEKS, [Data("One", one), Data("Two", other)])
    root = parsed(svg)
    height = float(root.get("viewBox").split()[3])
    for piece in root.iter(f"{SVG}rect"):
        assert float(piece.get("height")) >= 0
        assert 0 <= float(piece.get("y", 0)) <= height + 0.02


@given(st.floats(0.001, 1e9))
def test_steps_are_round_and_reach_the_highest(highest):
    steps = nice_steps(highest)

    assert steps[0] == 0
    assert steps[-1] >= highest * 0.999999
    assert 2 <= len(steps) <= 7


@given(st.floats(0.001, 1e5), st.sampled_from([lines, stacked_columns]))
def test_no_two_ticks_read_the_same_and_counts_are_whole(highest, draw):
    svg = draw("a", "T", "D", ["x"], [Data("One", [highest])])
    ticks = [text.text for text in parsed(svg).iter(f"{SVG}text") if "plot__word--end" in text.get("class")]

    assert len(ticks) == len(set(ticks))
    if draw is stacked_columns:
        assert not any("." in tick for tick in ticks)
