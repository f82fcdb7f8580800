"""The rooms of the house: import contracts name every room, and every module that calls itself pure is held to it."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.running import ROOT

CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def side_by_side(layer: str) -> set[str]:
    return {room.strip() for room in layer.split(":")}


def test_both_contracts_about_revival_name_the_same_rooms():
    inside = side_by_side(CONTRACTS["inside revival, every room stands on the ground floor"]["layers"][0])
    above = side_by_side(
        CONTRACTS["revival stands on articles, articles on booking, booking on the ground floor"]["layers"][0]
    )

    assert above == {f"revival.{room}" for room in inside}


def test_every_module_that_calls_itself_pure_is_held_to_it():
    pure_modules = CONTRACTS["pure modules: no Django, no database, no jobs"]["source_modules"]
    claiming = set()
    for app in ("revival", "articles", "booking"):
        for path in (ROOT / app).rglob("*.py"):
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            if re.search(r"\bpure\b", docstring, re.IGNORECASE):
                claiming.add(".".join(path.relative_to(ROOT).with_suffix("").parts))

    assert claiming
    assert [
        name
        for name in sorted(claiming)
        if not any(name == module or name.startswith(f"{module}.") for module in pure_modules)
    ] == []
