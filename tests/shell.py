"""A shell in the settings of a running site that is started once: `manage.py shell` loads Django anew each time.

Reads Python as JSON, one piece a line, and answers each with what it printed and, if it failed, with the traceback.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent


class Shell:
    """The process, started with the first piece of code."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment, self.log = environment, log
        self.process: subprocess.Popen[str] | None = None

    def run(self, code: str) -> str:
        """What `code` printed. Raises AssertionError with its traceback."""
        process = self.process = self.process or self._start()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(code) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, self.log.read_text()
        printed, failure = json.loads(answer)
        assert not failure, printed + failure
        return printed

    def stop(self) -> None:
        if self.process:
            self.process.communicate()  # the end of its input is the end of it

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.shell"],
            cwd=ROOT,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "revival.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            text=True,
        )


def answer_each(pieces: TextIO, answers: TextIO) -> None:
    from django.db import connections

    for piece in pieces:
        printed, failure = io.StringIO(), ""
        with contextlib.redirect_stdout(printed):
            try:
                exec(json.loads(piece), {"__name__": "shell"})  # noqa: S102 - the tests' own code
            except Exception:
                failure = traceback.format_exc()
        for connection in connections.all():  # the test may take the database away before the next piece
            connection.close()
            connection.close_pool()
        answers.write(json.dumps([printed.getvalue(), failure]) + "\n")
        answers.flush()


if __name__ == "__main__":
    import django

    django.setup()
    answer_each(sys.stdin, sys.stdout)
