"""Contrast of the color tokens (WCAG 2.2, 1.4.3, 1.4.6 and 1.4.11), light and dark."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[3] / "static" / "css" / "tokens.css").read_text()
COLOR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6})")
LIGHT = dict(COLOR.findall(TOKENS.split("@media")[0]))
DARK = LIGHT | dict(COLOR.findall(TOKENS.split("prefers-color-scheme: dark")[1].split("@media")[0]))

PAIRS = """
ink paper 7 | ink paper-sunk 7 | ink paper-raised 7 | ink caution-wash 7 | ink action-wash 7 | ink ember-wash 7
ink-soft paper 7 | ink-soft paper-sunk 4.5 | ink-soft action-wash 4.5 | ink-soft paper-raised 4.5
action paper 4.5 | action paper-sunk 4.5 | action paper-raised 4.5 | action action-wash 4.5
on-action action 4.5 | on-action action-strong 4.5 | ember paper 4.5 | ember paper-sunk 4.5
urgent paper 4.5 | urgent paper-raised 4.5 | urgent urgent-wash 4.5 | on-urgent urgent-fill 4.5
on-pine pine 7 | on-pine-soft pine 7 | on-pine pine-lift 4.5 | pine on-pine 4.5
edge paper 3 | edge paper-sunk 3 | edge paper-raised 3 | focus paper 3 | focus paper-sunk 3
focus paper-raised 3 | focus action-wash 3 | focus-on-pine pine 3 | ember-light pine 3
caution-edge paper 3 | caution caution-wash 3 | urgent-fill paper 3
"""
CASES = [line.split() for line in PAIRS.replace("\n", "|").split("|") if line.strip()]


def luminance(color):
    """Relative luminance of an sRGB color."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_pairs_keep_their_contrast(scheme):
    weak = [
        (text, ground, round(contrast(scheme[text], scheme[ground]), 2))
        for text, ground, least in CASES
        if contrast(scheme[text], scheme[ground]) < float(least)
    ]

    assert weak == []


def test_the_measure_is_right():
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0


def test_colors_stand_in_tokens_only():
    for name in ("base", "layout", "components", "admin"):
        css = (Path(__file__).parents[3] / "static" / "css" / f"{name}.css").read_text()
        assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)|rgb\(|hsl\(", css), name
