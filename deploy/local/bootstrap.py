"""Create .venv and install locked packages; quick when nothing changed.

    bootstrap.py run     what a trial copy needs (deploy/local/requirements.txt)
    bootstrap.py dev     that and the tools for tests and checks (requirements-dev.txt)

A pinned uv installs in parallel; where it cannot be had or fails, pip does it. Uses only the standard library and old
syntax, so that an old Python can print that it is too old.
"""

import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
LOCKS = {"run": os.path.join(HERE, "requirements.txt"), "dev": os.path.join(ROOT, "requirements-dev.txt")}
COVERED_BY = {"run": ["run", "dev"], "dev": ["dev"]}  # the packages of "run" are all in "dev"
UV_LOCK = os.path.join(HERE, "uv.txt")
UV_FOLDER = os.path.join(VENV, "uv")
UV = os.path.join(UV_FOLDER, "bin", "uv")
STAMP = os.path.join(VENV, "lock-installed")
OLDEST = (3, 11)


def main(purpose="dev"):
    refuse_what_cannot_work(sys.version_info[:2])
    is_there = venv_works()
    installed = (read(STAMP) or "").split() if is_there else []
    if any(stamp_of(LOCKS[name]) in installed for name in COVERED_BY[purpose]):
        return
    if not is_there:
        say("Creating the virtual environment .venv ...")
        run(
            [sys.executable, "-m", "venv", "--without-pip", "--clear", VENV],
            "The virtual environment could not be created.",
        )
    say("Installing %s into .venv (only once) ..." % describe(LOCKS[purpose]))
    if not install_by_uv(LOCKS[purpose]):
        install_by_pip(LOCKS[purpose])
    with open(STAMP, "w") as stamp:
        stamp.write("\n".join([*installed, stamp_of(LOCKS[purpose])]))


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
    code = "import sys; sys.exit(sys.version_info[:2] < (3, 11) or sys.prefix != %r)" % VENV
    try:
        return subprocess.call([VENV_PYTHON, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install_by_uv(lock):
    """True when everything was installed. uv comes through pip, and takes the package index pip was told of."""
    if not os.path.exists(UV) and subprocess.call(pip_command(sys.executable, UV_LOCK, "--target", UV_FOLDER)) != 0:
        return False
    environment = dict(os.environ)
    if environment.get("PIP_INDEX_URL"):
        environment.setdefault("UV_INDEX_URL", environment["PIP_INDEX_URL"])
    command = [UV, "pip", "install", "--quiet", "--python", VENV_PYTHON, "--require-hashes", "--no-deps"]
    return subprocess.call([*command, "--requirement", lock], env=environment) == 0


def install_by_pip(lock):
    say("uv cannot do it; installing by pip, which takes longer ...")
    run([VENV_PYTHON, "-m", "ensurepip", "--default-pip"], "pip could not be added to .venv.", quiet=True)
    run(
        pip_command(VENV_PYTHON, lock),
        "The packages could not be installed; is there a connection to the package index?",
    )


def pip_command(python, lock, *options):
    command = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
    return [*command, *options, "--requirement", lock]


def describe(lock):
    """Such as "64 packages": so that a slow connection is not silence without a reason."""
    with open(lock) as file:
        return "%d packages" % sum(1 for line in file if line[0] not in "# \n")


def stamp_of(path):
    with open(path, "rb") as lock:
        return hashlib.sha256(lock.read()).hexdigest()


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def run(command, sentence, quiet=False):
    if subprocess.call(command, stdout=subprocess.DEVNULL if quiet else None) != 0:
        stop(sentence)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        stop("Stopped.")
