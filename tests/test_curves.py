"""Curves of the measurements are saved as SVG documents with their styles inside."""

from xml.etree import ElementTree

import pytest

from booking.desk.reports import plots
from tests.bench import curves

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS = {
    "bars": plots.bars("bars", "Bars & <co>", "Two", [("an article, of a bare one", 0.9), ("home", 1.1)]),
    "lines": plots.lines("lines", "Lines", "Two", ["1", "2"], [plots.Data("MB", [1.0, 2.0])]),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_kept_curve_is_a_picture_of_its_own(name, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "FOLDER", tmp_path)

    curves.keep(name, DRAWINGS[name])

    root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}style"
    assert "--" in (root[0].text or "")
