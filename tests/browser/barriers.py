"""Accessibility checks for pages in browser tests: axe, and what axe passes over, at each width, in light and dark.

axe knows WCAG 2.2 AA and best practices (https://github.com/dequelabs/axe-core). It passes over ids that lead nowhere,
pages that scroll sideways, targets too small for a thumb, and a focus that nobody sees. All checks are in this module,
and each has a control that must be found (tests/browser/test_accessibility.py). Axe alone was weighed on 2026-11-27.
The price is time: browser tests take most of what the tests take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

from tests.exhaustive import EXHAUSTIVE

PHONE, WIDTHS = 320, (320, 768, 1280)
"""CSS pixels. 320 is also 1280 at 400 % zoom (WCAG 1.4.10)."""
HEIGHT = 800
ALL = {"resultTypes": ["violations"], "preload": False}  # axe would fetch style sheets that no rule of these reads
EVERYTHING = {**ALL, "rules": {"target-size": {"enabled": True}}}  # 24 px, WCAG 2.5.8
OF_COLOR = {**ALL, "runOnly": ["color-contrast", "link-in-text-block"]}
"""What a scheme of colors can change; the rest is the same at night."""

DANGLING = """() => {
    const found = [];
    for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for', 'form'])
        document.querySelectorAll(`[${name}]`).forEach(one => one.getAttribute(name).split(/\\s+/)
            .filter(id => id && !document.getElementById(id)).forEach(id => found.push(`${name}=${id}`)));
    document.querySelectorAll('a[href^="#"]').forEach(one => {
        if (one.isContentEditable) return;  // of an article in the editor: it leads to a place on the article's page
        const id = decodeURIComponent(one.hash.slice(1));
        if (id && !document.getElementById(id)) found.push(`#${id}`);
    });
    const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
    ids.filter((id, nth) => ids.indexOf(id) !== nth).forEach(id => found.push(`twice ${id}`));
    return found;
}"""
SIDEWAYS = "() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"
TOO_SMALL = """() => [...document.querySelectorAll(".slot, .times__one, .button")]
    .filter(one => one.checkVisibility())
    .map(one => [one, one.getBoundingClientRect()])
    .filter(([one, box]) => box.width && Math.min(box.width, box.height) < 44)
    .map(([one, box]) => `${box.width} x ${box.height}: ${one.outerHTML.slice(0, 120)}`)
"""
FOCUSED = """() => {
    const one = document.activeElement;
    if (one === document.body || one === null) return null;
    window.met ??= new WeakSet();
    const is_new = !window.met.has(one);
    window.met.add(one);
    const box = one.getBoundingClientRect();
    const bar = document.querySelector(".bar");
    const over = bar && bar.checkVisibility() && !bar.contains(one) ? bar.getBoundingClientRect().top : innerHeight;
    const drawn = [one, one.nextElementSibling]  // a time's ring is drawn around the label beside it
        .some(each => each && getComputedStyle(each).outlineStyle !== "none");
    const faults = [];
    if (!drawn) faults.push("no ring");
    // Of a box for several lines the one with the cursor.
    const bottom = one.tagName === "TEXTAREA" ? Math.min(box.bottom, box.top + 48) : box.bottom;
    if (box.top < -1 || bottom > over + 1) faults.push(`from ${box.top} to ${box.bottom} of ${over}`);
    return {is_new, faults: faults.map(fault => `${fault}: ${one.outerHTML.slice(0, 120)}`)};
}"""
MOST_STOPS = 400


def resize(page: Page, size: ViewportSize) -> None:
    """Give the window this size, and wait until scripts that watch sizes have seen it."""
    if page.viewport_size != size:
        page.set_viewport_size(size)
        if page.locator("[data-scrolls]").count():
            page.screenshot(clip={"x": 0, "y": 0, "width": 1, "height": 1})  # in the frame that it draws, they run


def violations(page: Page, options: dict[str, Any] = EVERYTHING, within: str = "html") -> list[str]:
    """What axe finds; the window stays as tall as the page, or the sticky bar counts as overlap."""
    width = page.viewport_size["width"]
    resize(page, {"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"][:2]]


def settle(page: Page) -> None:
    """Wait for the page and for the free times that a script fetches."""
    page.wait_for_load_state()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-next-times]')].every(one => one.hasChildNodes())"
    )


def dangling_ids(page: Page) -> list[str]:
    """Ids that are pointed to and not there, or there twice: axe passes them."""
    return page.evaluate(DANGLING)


def barriers(page: Page, widths: Sequence[int] = WIDTHS, *, by_night: bool = False, within: str = "html") -> list[str]:
    """Everything found, each with its width and scheme; empty when anybody can use the page.

    axe looks at the whole page, or what is `within` that selector, by day, at the least width, and if asked at its
    colors by night, at the largest; with EXHAUSTIVE=true (`make check`) it does both at each width. The cheap checks
    are made at every width always.
    """
    page.wait_for_load_state()
    page.bring_to_front()
    before = page.viewport_size
    found = dangling_ids(page)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # no color on its way to another
    for width in sorted(widths, reverse=True):  # down from where most pages are, to where axe looks
        resize(page, {"width": width, "height": HEIGHT})
        sideways = page.evaluate(SIDEWAYS)
        found += [f"{width}, scrolls {sideways} px sideways"] if sideways else []
        if width == PHONE:
            found += [f"{width}, small for a thumb: {target}" for target in page.evaluate(TOO_SMALL)]
        if EXHAUSTIVE or width == min(widths):
            found += [f"{width}, {violation}" for violation in violations(page, within=within)]
        if EXHAUSTIVE or (by_night and width == max(widths)):
            page.emulate_media(color_scheme="dark")
            found += [f"{width} dark, {violation}" for violation in violations(page, OF_COLOR, within)]
            page.emulate_media(color_scheme="light")
    resize(page, before)
    return found


def lost_focus(page: Page) -> list[str]:
    """Where Tab leads and nobody sees it, on a phone: no ring, or beyond the window or under its bottom bar."""
    before = page.viewport_size
    page.set_viewport_size({"width": PHONE, "height": HEIGHT})
    faults, rounds = [], 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUSED)
        rounds += focus is None  # out of the page, and in again at its top
        if rounds == 2 or (focus and not focus["is_new"]):
            page.set_viewport_size(before)
            return faults
        faults += focus["faults"] if focus else []
    raise AssertionError(f"Tab does not come round within {MOST_STOPS} stops: {page.url}")
