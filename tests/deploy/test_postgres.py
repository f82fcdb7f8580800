import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local import keys, postgres
from revival.base import secret_keys
from revival.database.log_settings import LOG_SETTINGS
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]
SHOW_SETTINGS = (
    "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']);"
    f"print([c.execute('SHOW ' + name).fetchone()[0] for name in {list(LOG_SETTINGS)}])"
)


def environment(**extra):
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | extra


def command(folder, *command):
    return [sys.executable, "-m", "deploy.local.postgres", "--data", str(folder), *command]


def run(folder, *arguments, **extra):
    return subprocess.run(
        command(folder, *arguments),
        cwd=ROOT,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def postmasters(folder):
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(folder) in " ".join(process.info["cmdline"] or [])
    ]


def test_a_given_address_always_wins(tmp_path):
    result = run(tmp_path, "python", "-c", "import os; print(os.environ['DATABASE_URL'])", DATABASE_URL="given")

    assert result.stdout.strip() == "given"
    assert list(tmp_path.iterdir()) == []


def test_the_command_gets_a_server_that_keeps_patients_out_of_its_log_and_ends_with_it(tmp_path):
    result = run(tmp_path, "python", "-c", SHOW_SETTINGS)
    failed = run(tmp_path, "python", "-c", "raise SystemExit(7)")

    assert str(list(LOG_SETTINGS.values())) in result.stdout
    assert failed.returncode == 7
    assert not postmasters(tmp_path)


def test_the_socket_fits_in_deep_folders(tmp_path):
    deep = tmp_path / ("a-rather-long-name" * 4) / ("a-rather-long-name" * 4)

    result = run(deep, "python", "-c", SHOW_SETTINGS)

    assert result.returncode == 0, result.stderr


SHOW_SOCKETS = """
import os, stat, psycopg
folder = psycopg.connect(os.environ["DATABASE_URL"]).execute("SHOW unix_socket_directories").fetchone()[0]
print(folder, oct(stat.S_IMODE(os.stat(folder).st_mode)), os.stat(folder).st_uid)
"""


@pytest.mark.parametrize("depth", [0, 2], ids=["short path", "long path"])
def test_only_the_servers_user_reaches_its_socket(tmp_path, depth):
    """Whoever reaches it is the database's superuser."""
    folder = tmp_path.joinpath(*["a-rather-long-name" * 4] * depth)

    result = run(folder, "python", "-c", SHOW_SOCKETS)

    assert result.returncode == 0, result.stderr
    sockets, mode, user = result.stdout.splitlines()[-1].split()
    server = postgres.owner(postgres.SYSTEM_USER)[0] if os.geteuid() == 0 else os.geteuid()
    assert (mode, int(user)) == ("0o700", server)
    assert depth == 0 or not Path(sockets).exists()  # it ends with the server


@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEY"])
def test_each_folder_has_keys_of_its_own_for_its_owner_alone(tmp_path, name):
    one, other = tmp_path / "one", tmp_path / "other"

    key = keys.key_of(one, name)

    assert secret_keys.weakness(key) == ""
    assert keys.key_of(one, name) == key
    assert keys.key_of(other, name) != key
    assert oct((one / "keys" / name).stat().st_mode)[-3:] == "600"
    assert oct((one / "keys").stat().st_mode)[-3:] == "700"


def test_commands_get_the_keys_of_their_folder_unless_they_have_some(tmp_path):
    show = ("python", "-c", "import os; print(os.environ['SECRET_KEY'], os.environ['LINK_KEY'])")

    result = run(tmp_path, *show, SECRET_KEY="", LINK_KEY="given")

    assert result.stdout.splitlines()[-1].split() == [keys.key_of(tmp_path, "SECRET_KEY"), "given"]


def test_it_is_shared_and_outlives_a_killed_user_only_until_the_next_ends(tmp_path):
    first = subprocess.Popen(command(tmp_path, "sleep", "3600"), cwd=ROOT, env=environment())
    wait_for(lambda: (tmp_path / "data" / "postmaster.pid").exists() and children(first))

    assert run(tmp_path, "true").returncode == 0
    assert postmasters(tmp_path)  # the first still uses it

    orphans = children(first)
    first.kill()
    first.wait()
    for process in orphans:
        process.kill()
    assert run(tmp_path, "true").returncode == 0
    assert not postmasters(tmp_path)


def test_a_signal_ends_the_command_and_the_server(tmp_path):
    process = subprocess.Popen(command(tmp_path, "sleep", "3600"), cwd=ROOT, env=environment())
    wait_for(lambda: children(process))

    process.send_signal(signal.SIGTERM)

    assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert not postmasters(tmp_path)


def children(process):
    return [child for child in psutil.Process(process.pid).children() if child.name() == "sleep"]


def test_a_server_stopped_by_someone_else_is_no_error(tmp_path):
    stop = "import sys; from deploy.local.postgres import Server; from pathlib import Path;"
    stop += f"Server(Path({str(tmp_path)!r}), {{}}).stop()"

    result = run(tmp_path, "python", "-c", stop)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python", "-V"], [sys.executable, "-V"]),
        (["manage.py", "migrate"], [sys.executable, "manage.py", "migrate"]),
        (["psql"], ["psql"]),
    ],
)
def test_python_means_this_python(command, expected):
    assert postgres.with_python(command) == expected
