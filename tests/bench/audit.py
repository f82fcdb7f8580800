"""Lighthouse over the pages that readers meet first, with Debian's chromium, as a telephone and as a desktop sees them.

Lighthouse comes from the npm registry into .audit/ and is used for nothing else. The exit code is 1
when a score is below 100. Performance depends on the machine: of three looks the middle one counts.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.running import ROOT, running_site

VERSION = "lighthouse@12.8.2"
FOLDER = ROOT / ".audit"
PAGES = {
    "article": "/articles/cupping-for-back-pain/",
    "list": "/articles/",
    "questions": "/faq/",
    "therapist": "/therapists/peter-stanley/",
}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LOOKS = 3


def lighthouse() -> Path:
    program = FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        FOLDER.mkdir(exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, VERSION], check=True
        )
    return program


def look(program: Path, url: str, form: str) -> dict[str, int]:
    """The four scores of one look, out of 100."""
    flags = "--headless=new --disable-dev-shm-usage" + (" --no-sandbox" if os.geteuid() == 0 else "")
    command = [program, url, "--output=json", "--quiet", f"--chrome-flags={flags}"]
    command += ["--preset=desktop"] if form == "desktop" else []
    environment = {**os.environ, "CHROME_PATH": shutil.which("chromium") or "chromium"}
    report = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    for audit in report["audits"].values():
        if audit.get("score") is not None and audit["score"] < 1 and audit["scoreDisplayMode"] == "binary":
            print(f"    {audit['id']}: {audit['title']}")
    return {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}


def main() -> int:
    if not shutil.which("npm") or not shutil.which("chromium"):
        sys.exit("make audit needs npm and Debian's chromium.")
    program, is_perfect = lighthouse(), True
    with tempfile.TemporaryDirectory() as folder, running_site("revival_audit", Path(folder)) as site:
        for form in ("telephone", "desktop"):
            for name, path in PAGES.items():
                looks = [look(program, site.url + path, form) for _ in range(LOOKS)]
                scores = {category: round(statistics.median(one[category] for one in looks)) for category in CATEGORIES}
                is_perfect &= min(scores.values()) == 100
                print(
                    f"{form:<10} {name:<10} {'  '.join(f'{key} {value}' for key, value in scores.items())}", flush=True
                )
    return 0 if is_perfect else 1


if __name__ == "__main__":
    sys.exit(main())
