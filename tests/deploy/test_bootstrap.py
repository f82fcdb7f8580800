import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy" / "local" / "bootstrap.py"


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_old_python_is_told_so_in_one_sentence(bootstrap, capsys):
    with pytest.raises(SystemExit) as ended:
        bootstrap.refuse_what_cannot_work((3, 9))

    assert ended.value.code == 1
    stderr = capsys.readouterr().err
    assert "needs Python 3.11 or later and this is Python 3.9" in stderr
    assert stderr.count("\n") == 1


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_one_sentence(bootstrap, capsys, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(SystemExit) as ended:
        bootstrap.refuse_what_cannot_work((3, 11))

    assert ended.value.code == 1
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_nothing_is_installed_when_the_lock_is_the_installed_one(bootstrap, monkeypatch, tmp_path):
    stamp = tmp_path / "stamp"
    stamp.write_text(bootstrap.stamp_of(bootstrap.LOCKS["dev"]))
    monkeypatch.setattr(bootstrap, "STAMP", str(stamp))
    monkeypatch.setattr(bootstrap, "venv_works", lambda: True)
    monkeypatch.setattr(bootstrap, "run", lambda *_: pytest.fail("it ran something"))

    bootstrap.main("dev")
    bootstrap.main("run")  # its packages are all there, too


def test_old_pythons_can_read_the_script():
    text = PATH.read_text()

    compile(text, str(PATH), "exec")
    assert 'f"' not in text  # an f-string is a SyntaxError before 3.6, instead of our sentence
    assert "->" not in text


def test_the_locks_name_no_index_and_hash_everything():
    for name in ("requirements.txt", "requirements-dev.txt", "deploy/local/requirements.txt", "deploy/local/uv.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index-url" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_production_installs_what_the_tests_ran_with():
    def pins(name):
        lines = (ROOT / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}

    assert pins("requirements.txt") < pins("deploy/local/requirements.txt") < pins("requirements-dev.txt")
    assert pins("deploy/local/uv.txt") < pins("requirements-dev.txt")
