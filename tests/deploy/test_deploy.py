"""Server settings: nginx and its pages while the site is down, systemd units, PostgreSQL, the cluster."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command, get_commands

from deploy import nginx
from deploy.cluster import settings as cluster
from deploy.local import postgres
from revival.database import watchdog
from revival.database.log_settings import LOG_SETTINGS
from revival.site import context
from tests import factories as make

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = nginx.TEMPLATE.read_text()
NAMES = set(re.findall(r"\$\{(\w+)\}", TEMPLATE))
OF_GUNICORN, OF_DJANGO = (ROOT / "deploy/gunicorn.conf.py").read_text(), (ROOT / "revival/settings.py").read_text()
WEB_DEFAULTS = {
    "workers": int(re.search(r'"WEB_WORKERS", "(\d+)"', OF_GUNICORN)[1]),
    "threads": int(re.search(r'"WEB_THREADS", "(\d+)"', OF_GUNICORN)[1]),
    "pool": int(re.search(r'"DATABASE_POOL_SIZE", (\d+)', OF_DJANGO)[1]),
}
"""Read from the files, since the tests' own settings differ."""


# ---- nginx ------------------------------------------------------------------------------------


def test_the_template_is_filled_in_whole(tmp_path):
    text = nginx.settings(listen="127.0.0.1:8080", site="127.0.0.1:8000", public="/public", run=str(tmp_path))

    assert "${" not in text
    assert "listen 127.0.0.1:8080;" in text
    assert text.count("server 127.0.0.1:8000 max_fails=0;") == 2


def test_a_name_that_is_not_given_is_no_empty_word():
    with pytest.raises(KeyError):
        nginx.fill_in("listen ${LISTEN};", {})


def test_of_several_web_machines_one_that_fails_is_left_alone():
    text = nginx.settings(listen="8080", site="10.0.0.4:8000,10.0.0.5:8000")
    servers = re.findall(r"^ +server (.+);$", text, re.MULTILINE)

    assert servers == [f"10.0.0.{number}:8000 max_fails=1 fail_timeout=5s" for number in (4, 5)]
    assert "proxy_connect_timeout 500ms;" in text  # below the second in which an article is promised
    assert "proxy_next_upstream error timeout;" in text
    assert "/var/lib/revival/last" not in text  # the pages of one say nothing of what another withdrew


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("site", ["127.0.0.1:8401", "127.0.0.1:8401,127.0.0.1:8402"])
def test_nginx_takes_it(tmp_path, site):
    conf = tmp_path / "nginx.conf"
    values = {"site": site, "public": str(tmp_path), "run": str(tmp_path), "log": str(tmp_path / "log")}
    conf.write_text(nginx.settings(listen="127.0.0.1:8498", **values))

    result = subprocess.run(["nginx", "-t", "-c", str(conf)], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


def test_compose_gives_the_image_every_name_of_the_template_and_no_other_is_replaced():
    compose = (ROOT / "compose.yaml").read_text()
    match = re.search(r"NGINX_ENVSUBST_FILTER: \^\(([A-Z|]+)\)\$", compose)

    assert match is not None
    assert set(match[1].split("|")) == NAMES
    for name in NAMES:
        assert re.search(rf"^      {name}: ", compose, re.MULTILINE), name


def test_its_log_has_no_address_no_query_no_referrer():
    (line,) = re.findall(r"log_format plain escape=json\s+'([^']+)'", TEMPLATE)

    assert set(re.findall(r"\$(\w+)", line)) == {"time_iso8601", "request_method", "segment", "status", "request_time"}


def test_no_page_is_kept_by_nginx():
    assert not re.search(r"^\s*proxy_cache", TEMPLATE, re.MULTILINE)


def test_the_policy_of_its_own_pages_is_the_sites():
    (policy,) = set(re.findall(r'Content-Security-Policy "([^"]+)"', TEMPLATE))
    ours = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    for directive in policy.split("; "):
        name, _, value = directive.partition(" ")
        assert [value] == list(ours[name]), name


# ---- its pages --------------------------------------------------------------------------------


@pytest.fixture
def public(db, tmp_path, settings, capsys, monkeypatch) -> Path:
    monkeypatch.setattr(context, "_last_seen", None)  # other tests must not get what these remember
    settings.STATIC_ROOT = tmp_path / "static"
    (settings.STATIC_ROOT / "css").mkdir(parents=True)
    (settings.STATIC_ROOT / "css" / "site.css").write_text("a sheet")
    make.a_clinic(name="Another Clinic", phone="651-555-0199")
    call_command("write_public_files", str(tmp_path / "public"))
    return tmp_path / "public"


@pytest.mark.parametrize("name", ["503.html", "429.html", "400.html"])
def test_a_page_says_the_number_the_clinic_has_now(public, name):
    page = (public / name).read_text()

    assert "651-555-0199" in page
    assert 'href="tel:+16515550199"' in page
    assert "Another Clinic" in page


def test_a_page_has_its_style_beside_it_and_nothing_inline(public):
    page = (public / "503.html").read_text()
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)

    assert (public / sheet.lstrip("/")).exists()
    assert "<style" not in page
    assert "style=" not in page
    assert "<script" not in page.replace("<script type=", "")


def test_the_page_says_what_became_of_a_form(public):
    assert "sending it again never books twice" in (public / "503.html").read_text().lower()


def test_written_again_it_follows_the_clinic(public, capsys):
    make.a_clinic(name="Another Clinic", phone="651-555-0111")

    call_command("write_public_files", str(public))

    assert "651-555-0111" in (public / "503.html").read_text()
    assert not list(public.glob("*.new"))


# ---- units and settings -----------------------------------------------------------------------


def test_units_and_compose_name_commands_and_files_that_are_there():
    texts = [path.read_text() for path in sorted((ROOT / "deploy/systemd").rglob("*.service"))]
    texts.append((ROOT / "compose.yaml").read_text())
    whole = "\n".join(texts)

    for name in re.findall(r"manage\.py (\w+)", whole):
        assert name in get_commands(), name
    for path in re.findall(r"(?:/opt/revival/|\./)?(deploy/[\w./-]+)", whole):
        assert (ROOT / path).exists(), path


def test_each_timer_has_its_service_and_each_service_is_hardened():
    folder = ROOT / "deploy/systemd"
    for timer in folder.glob("*.timer"):
        assert timer.with_suffix(".service").exists()
    for service in folder.glob("*.service"):
        text = service.read_text()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
            assert line in text.splitlines(), (service.name, line)


def postgresql_conf() -> dict[str, str]:
    lines = (ROOT / "deploy/postgresql.conf").read_text().splitlines()
    settings = [line.split("#")[0].split("=", 1) for line in lines if "=" in line.split("#")[0]]
    return {name.strip(): value.strip().strip("'") for name, value in settings}


def postgresql_reads(path: Path, folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Let PostgreSQL itself read a settings file and print the setting `name`."""
    command = [str(postgres.PROGRAMS / "postgres"), "-C", name]
    command += [f"--config-file={path}", f"--data-directory={folder}", f"--hba-file={path}", f"--ident-file={path}"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("name", postgresql_conf())
def test_postgresql_knows_every_setting_and_takes_its_value(tmp_path, name):
    result = postgresql_reads(ROOT / "deploy/postgresql.conf", tmp_path, name)

    assert result.returncode == 0, result.stderr
    printed, value = result.stdout.strip(), postgresql_conf()[name]
    assert printed == value or (printed.rstrip("0") and re.match(r"\d", printed)), name  # numbers: in its own units


def test_control_postgresql_refuses_a_unit_it_does_not_know(tmp_path):
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("idle_in_transaction_session_timeout = 60sec\n")

    assert postgresql_reads(wrong, tmp_path, "shared_buffers").returncode != 0


def test_postgresql_is_told_to_keep_what_was_promised_and_to_keep_patients_out_of_its_log():
    settings = postgresql_conf()

    assert {settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
    assert {name: settings[name] for name in LOG_SETTINGS} == LOG_SETTINGS


def test_there_are_more_connections_than_all_processes_may_have():
    processes, pool = WEB_DEFAULTS["workers"], WEB_DEFAULTS["pool"]
    watcher, worker, others = 1, 2 + pool, 10  # procrastinate's own two, and the jobs' pool

    most = 2 * processes * (pool + watcher) + worker + others  # twice: old and new ones during a reload

    assert WEB_DEFAULTS["threads"] < pool
    assert int(postgresql_conf()["max_connections"]) >= most


# ---- three PostgreSQL (deploy/cluster) ----------------------------------------------------------

ROLES = (ROOT / "deploy/cluster/roles.sql").read_text()
MACHINES = [cluster.Machine(name, f"10.0.0.{number}") for number, name in enumerate(("one", "two", "three"), 1)]


def patroni_yml(**more):
    values = {
        "addresses": [machine.address for machine in MACHINES],
        "etcd": "10.0.0.1:2379",
        "data": "/data",
        "programs": "/bin",
        "run": "/run",
        "network": "10.0.0.0/8",
    }
    return cluster.patroni(MACHINES[0], password="x", **values, **more)


def number_of(text, name):
    return int(re.search(rf"^ *{name}: '?(\d+)'?$", text, re.MULTILINE)[1])


def test_a_cluster_waits_for_a_standby_and_keeps_patronis_own_rule_of_time():
    text = patroni_yml()

    assert "${" not in text
    assert "synchronous_mode: quorum\n    synchronous_mode_strict: true" in text
    assert number_of(text, "loop_wait") + 2 * number_of(text, "retry_timeout") <= number_of(text, "ttl")
    for name, value in cluster.postgresql_conf().items():
        assert name in cluster.MORE or f"        {name}: {cluster.quoted(value)}\n" in text, name


def test_patients_stay_out_of_the_clusters_logs():
    text = patroni_yml()

    for name, value in LOG_SETTINGS.items():
        assert f"        {name}: '{value}'" in text, name


def test_all_waits_behind_pgbouncer_together_end_before_the_five_seconds_of_a_503():
    limits = numbers_of_pgbouncer()
    milliseconds = int(cluster.WEB_TIMEOUT.partition("=")[2])
    for_a_connection = django_settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"]
    answer = milliseconds / 1000 + 0.5 + watchdog.CANCEL_SECONDS  # as revival/settings.py has it

    assert max(limits["query_wait_timeout"], for_a_connection) + answer < 5
    assert limits["server_login_retry"] <= limits["query_wait_timeout"]
    assert f"statement_timeout = '{milliseconds}ms'" in ROLES


def test_pgbouncer_leaves_connections_for_workers_and_people():
    limits = numbers_of_pgbouncer()
    limit = int(re.search(r"CONNECTION LIMIT (\d+)", ROLES)[1])

    assert limits["default_pool_size"] + limits["reserve_pool_size"] <= limits["max_db_connections"]
    assert 2 * (limits["max_db_connections"] + WEB_DEFAULTS["pool"] + 2) <= limit  # two machines, a worker on each
    assert limit + 10 <= number_of(patroni_yml(), "max_connections")


def numbers_of_pgbouncer() -> dict[str, float]:
    return {
        name: float(number)
        for name, number in re.findall(r"^(\w+) = (\d+(?:\.\d+)?)$", cluster.pgbouncer(), re.MULTILINE)
    }


def test_who_may_do_everything_comes_from_the_three_machines_alone():
    rules = [line.split("- ")[1] for line in patroni_yml().splitlines() if re.match(r" +- (local|host) ", line)]
    first = rules.index("host all postgres,rewinder,replicator all reject")

    assert rules[0] == "local all all peer"
    assert sorted(rules[1:first]) == sorted(
        f"host {which} {machine.address}/32 scram-sha-256"
        for machine in MACHINES
        for which in ("all postgres,rewinder", "replication replicator")
    )
    assert rules[first + 1 :] == ["host all all 10.0.0.0/8 scram-sha-256"]
    assert 'authentication: {username: patroni, password: "x"}' in patroni_yml()


@pytest.mark.parametrize("name", [machine.name for machine in MACHINES])
def test_haproxy_asks_each_of_them_who_leads(name):
    text = cluster.haproxy(MACHINES)
    (line,) = {line for line in text.splitlines() if f"server {name} " in line}

    assert line.endswith("check port 8008")
    assert text.count(line) == 2  # writes and reads


def test_the_command_writes_a_folder_for_each(tmp_path):
    command = [sys.executable, "deploy/cluster/settings.py", "--machines", "10.0.0.1,10.0.0.2,10.0.0.3"]
    command += ["--password", "secret", "--web-password", "other", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*")) == [
        "db1/patroni.yml",
        "db2/patroni.yml",
        "db3/patroni.yml",
        "web/haproxy.cfg",
        "web/pgbouncer.ini",
        "web/userlist.txt",
        "web/web.environment",
        "web/worker.environment",
    ]
    assert not any(file.stat().st_mode & 0o077 for file in tmp_path.rglob("*.*"))
    assert (tmp_path / "web/userlist.txt").read_text() == '"revival_web" "other"\n'
    assert "auth_file = /etc/pgbouncer/userlist.txt" in (tmp_path / "web/pgbouncer.ini").read_text()
    assert cluster.WEB_TIMEOUT in (tmp_path / "web/web.environment").read_text()
    assert "@10.0.0.1:5432,10.0.0.2:5432,10.0.0.3:5432/" in (tmp_path / "web/worker.environment").read_text()
