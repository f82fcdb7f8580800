"""The steps of `make check` that look for secrets and for weak packages can fail."""

import re

from deploy import known_weaknesses, secrets_kept_out
from deploy.check import STEPS
from tests.running import ROOT

A_KEY = "AKIA" + "QWERTYUIOPASDFGH"


def package(**facts):
    return {"name": "django", "version": "5.2.1", "vulns": []} | facts


def test_a_key_in_a_file_is_found_and_not_printed(tmp_path):
    file = tmp_path / "settings.py"
    file.write_text(f'ACCESS = "{A_KEY}"\n')

    found = secrets_kept_out.secrets_in([file])

    assert [line.rpartition(":")[2] for line in found] == ["1 AWS Access Key"]
    assert A_KEY not in str(found)


def test_what_is_known_to_be_none_is_let_through(tmp_path):
    file = tmp_path / "settings.py"
    file.write_text('PASSWORD = "seven geese cross the river"\nOTHER_PASSWORD = "eight geese cross the river"\n')

    assert len(secrets_kept_out.secrets_in([file])) == 1


def test_a_known_weakness_fails_the_step_and_says_what_mends_it():
    weak = package(vulns=[{"id": "PYSEC-2026-1", "fix_versions": ["5.2.9"]}])

    code, told = known_weaknesses.judge([weak, package(name="pillow")])

    assert code == 1
    assert told[0] == "django 5.2.1: PYSEC-2026-1, fixed in 5.2.9"


def test_no_weakness_passes_and_an_unreachable_list_is_said_plainly():
    assert known_weaknesses.judge([package()])[0] == 0
    for nobody in (None, [], [{"name": "django", "skip_reason": "not found"}]):
        code, told = known_weaknesses.judge(nobody)
        assert code == 0
        assert told == ["LEFT OUT, NOTHING WAS CHECKED: the list of known weaknesses cannot be reached from here."]


def test_both_are_steps_of_the_check():
    assert {"secrets", "known weaknesses"} <= {name for name, _, _ in STEPS}


def test_what_is_installed_is_locked_by_hash():
    """Every package of both locks has hashes, and whatever installs them demands them."""
    for lock in ("requirements.txt", "requirements-dev.txt"):
        entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())
        packages = [entry for entry in entries if "==" in entry.partition("\n")[0]]
        assert len(packages) > 20
        assert all("--hash=sha256:" in entry for entry in packages)
    for installer in ("deploy/local/bootstrap.py", "deploy/image-steps.sh", "Dockerfile"):
        assert "--require-hashes" in (ROOT / installer).read_text()
