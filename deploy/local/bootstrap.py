"""Create .venv and install the locked packages; quick when nothing changed.

Uses only the standard library and old syntax, so that an old Python can print that it is too old.
"""

import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements-dev.txt")
STAMP = os.path.join(VENV, "lock-installed")
OLDEST = (3, 11)


def main():
    refuse_what_cannot_work(sys.version_info[:2])
    wanted = stamp_of(LOCK)
    if read(STAMP) == wanted and venv_works():
        return
    if not venv_works():
        say("Creating the virtual environment .venv ...")
        run([sys.executable, "-m", "venv", "--clear", VENV], "The virtual environment could not be created.")
    say("Installing the locked packages into .venv (only once) ...")
    run(
        [VENV_PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        + ["--require-hashes", "--no-deps", "--requirement", LOCK],
        "The packages could not be installed; is there a connection to the package index?",
    )
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)


def refuse_what_cannot_work(version):
    if version < OLDEST:
        stop(
            "Revival needs Python 3.11 or later and this is Python %d.%d; "
            "choose a later one with `make PYTHON=python3.12 ...`." % version
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop("This Python has no venv module; on Debian and Ubuntu `apt-get install python3-venv` adds it.")


def venv_works():
    """False if there is no .venv, if its Python is gone, or if it was moved here from another folder."""
    code = "import sys, pip; sys.exit(sys.version_info[:2] < (3, 11) or sys.prefix != %r)" % VENV
    try:
        return subprocess.call([VENV_PYTHON, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def stamp_of(path):
    with open(path, "rb") as lock:
        return hashlib.sha256(lock.read()).hexdigest()


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def run(command, sentence):
    if subprocess.call(command) != 0:
        stop(sentence)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("Stopped.")
