"""What people meet, judged: axe, focus, the HTML checker, keyboard, links and every screen of the desk (the tests of
`PROOFS`, which `make check` runs, too), then Lighthouse as a phone and as a desktop see the pages.

Lighthouse comes from the npm registry into .audit/ and is used for nothing else. The exit code is 1 when a test fails,
a score is below 100, or the article's largest part comes later than a second. CI asks for `phone` alone.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.guest import Guest, free_starts
from tests.running import ROOT, RunningSite, running_site

VERSION = "lighthouse@12.8.2"
FOLDER = ROOT / ".audit"
SLOTS, DETAILS = "/book/peter-stanley/consultation/", "the details form of a time that was taken"
PAGES = {
    "home": "/",
    "article": "/articles/cupping-for-back-pain/",
    "list": "/articles/",
    "questions": "/faq/",
    "therapist": "/therapists/peter-stanley/",
    "times": SLOTS,
    "details": DETAILS,
}
FORMS = ("phone", "desktop")
PROOFS = [
    *(f"tests/browser/test_{name}.py" for name in ("accessibility", "every_screen", "mails", "patient", "waiting")),
    "tests/revival/site/test_crawl.py",
]
IN_CI = os.environ.get("CI") == "true"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LOOKS = 5
LARGEST_PAINT = 1000
"""Milliseconds until the largest part of the article is drawn, over Lighthouse's simulated slow 4G."""
NO_FAULT = ["target-size"]
"""Not asked here: to Lighthouse whatever the bar at the window's end covers at first is too small. The walk asks it."""
KEPT_OUT = {SLOTS: ["is-crawlable"], DETAILS: ["is-crawlable"]}
"""Nor this: pages that are kept out of search engines on purpose are not blamed for it."""


def lighthouse() -> Path:
    program = FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        FOLDER.mkdir(exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, VERSION], check=True
        )
    return program


def look(program: Path, url: str, form: str, skipped: list[str]) -> dict[str, float]:
    """The four scores of one look, out of 100, and when its largest part was drawn, in milliseconds."""
    flags = "--headless=new --disable-dev-shm-usage" + (" --no-sandbox" if os.geteuid() == 0 else "")
    command = [program, url, "--output=json", "--quiet", f"--chrome-flags={flags}"]
    command += ["--preset=desktop"] if form == "desktop" else []
    command += [f"--skip-audits={','.join(skipped)}"] if skipped else []
    report = json.loads(answer_of(command))
    for audit in report["audits"].values():
        if audit.get("score") is not None and audit["score"] < 1 and audit["scoreDisplayMode"] == "binary":
            print(f"    {audit['id']}: {audit['title']}")
    scores = {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
    return scores | {"paint": report["audits"]["largest-contentful-paint"]["numericValue"]}


def answer_of(command: list[str | Path]) -> str:
    """What Lighthouse found; it is asked again when the browser gave it nothing to look at, as on a busy machine."""
    environment = {**os.environ, "CHROME_PATH": shutil.which("chromium") or "chromium"}
    for _ in range(LOOKS):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
    raise SystemExit(f"Lighthouse: {done.stderr[-2000:]}")


def is_good(found: dict[str, float], form: str, name: str) -> bool:
    """CI's machines are shared: there the scores that a clock has no part in count, and the others are told."""
    counted = CATEGORIES[1:] if IN_CI else CATEGORIES
    is_slow = (form, name) == ("phone", "article") and found["paint"] >= LARGEST_PAINT and not IN_CI
    return min(found[category] for category in counted) == 100 and not is_slow


def looks(program: Path, url: str, form: str, name: str) -> dict[str, float]:
    """One look that finds nothing is enough; else the middle of five, since the machine may have been busy."""
    found = [look(program, url, form, [*NO_FAULT, *KEPT_OUT.get(PAGES[name], [])])]
    while not is_good(found[0], form, name) and len(found) < LOOKS:
        found.append(look(program, url, form, [*NO_FAULT, *KEPT_OUT.get(PAGES[name], [])]))
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def address_of(site: RunningSite, path: str) -> str:
    return site.url + (take_a_time(site) if path == DETAILS else path)


def take_a_time(site: RunningSite) -> str:
    """The path of the details form, as a patient meets it after choosing the first free time."""
    guest = Guest(site.url)
    answer, _ = guest.post(SLOTS, guest.get(SLOTS), start=free_starts(guest.get(SLOTS))[0])
    return answer.headers["Location"]


def scores(program: Path, forms: Sequence[str]) -> bool:
    is_perfect = True
    with tempfile.TemporaryDirectory() as folder, running_site("revival_audit", Path(folder)) as site:
        for form in forms:
            for name, path in PAGES.items():
                found = looks(program, address_of(site, path), form, name)
                is_perfect &= is_good(found, form, name)
                words = "  ".join(f"{category} {found[category]:.0f}" for category in CATEGORIES)
                print(f"{form:<10} {name:<10} {words}  largest paint {found['paint']:.0f} ms", flush=True)
    return is_perfect


def main(forms: Sequence[str]) -> int:
    """All of it, or Lighthouse alone for the forms that are named."""
    if not shutil.which("npm") or not shutil.which("chromium"):
        sys.exit("make audit needs npm and Debian's chromium.")
    is_walked = bool(forms) or subprocess.call([sys.executable, "-m", "pytest", "-q", *PROOFS], cwd=ROOT) == 0
    try:
        program = lighthouse()
    except subprocess.CalledProcessError:
        print("LEFT OUT, NOTHING WAS LOOKED AT: Lighthouse cannot be fetched from here.")
        return 0 if IN_CI and is_walked else 1
    is_perfect = scores(program, forms or FORMS)
    return 0 if is_walked and is_perfect else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
