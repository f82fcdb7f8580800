"""PostgreSQL rights of the web role: it can neither delete from a log nor alter a table."""

import subprocess
import sys

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from deploy.local.postgres import PROGRAMS
from revival.database import grants
from revival.database.log_settings import LOG_SETTINGS
from tests.revival.desk.test_logs_of_the_desk import TABLES
from tests.running import ROOT, other_database

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def web(site):
    """Signed in as the role of the running site's web and worker processes."""
    with psycopg.connect(site.web_url, autocommit=True) as web:
        yield web


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {} = now()",
        "DELETE FROM {} WHERE {} < now()",
        "TRUNCATE {}",
        "DROP TRIGGER only_grows ON {}",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} ADD COLUMN mine text",
        "DROP TABLE {}",
        "CREATE RULE never AS ON INSERT TO {} DO INSTEAD NOTHING",
        "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION booking_log_only_grows()",
        "GRANT UPDATE ON {0} TO current_user; UPDATE {0} SET {1} = now()",
    ],
)
def test_the_web_role_cannot_touch_a_log(web, table, statement):
    moment = "at" if table == "booking_accesslog" else "pgh_created_at"
    web.execute("SELECT set_config('revival.thins_logs', 'yes', false)")  # what the trigger alone would believe
    with pytest.raises(DENIED):
        web.execute(statement.format(table, moment))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE booking_appointment DISABLE TRIGGER ALL",
        "ALTER TABLE booking_appointment DROP CONSTRAINT booking_appointment_never_two_at_once",
        "DROP FUNCTION booking_thin_logs(integer)",
        "CREATE OR REPLACE FUNCTION booking_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE TABLE mine (x int)",
        "CREATE TEMPORARY TABLE booking_accesslog (x int)",
        "SET session_replication_role = replica",
        "SET log_min_error_statement = error",
        "DELETE FROM django_migrations",
        "TRUNCATE booking_appointment CASCADE",
    ],
)
def test_the_web_role_makes_and_alters_nothing(web, statement):
    with pytest.raises(DENIED):
        web.execute(statement)


def test_the_web_role_adds_to_the_logs_and_reads_them(web):
    before = web.execute("SELECT count(*) FROM booking_serviceschange".replace("services", "service")).fetchone()[0]

    web.execute("UPDATE booking_service SET notice_hours = notice_hours + 1")
    web.execute("UPDATE booking_service SET notice_hours = notice_hours - 1")

    services = web.execute("SELECT count(*) FROM booking_service").fetchone()[0]
    after = web.execute("SELECT count(*) FROM booking_servicechange").fetchone()[0]
    assert after == before + 2 * services
    assert web.execute("SELECT count(*) FROM revival_change").fetchone()[0] > 0


def test_no_setting_keeps_a_change_out_of_the_log(web):
    """pgtrigger's own way to switch its triggers off for a session."""
    names = web.execute("SELECT array_agg(DISTINCT tgname::text) FROM pg_trigger WHERE tgname ~ '^pgtrigger_'")
    web.execute("SELECT set_config('pgtrigger.ignore', %s::text[]::text, false)", [names.fetchone()[0]])
    before = web.execute("SELECT count(*) FROM booking_servicechange").fetchone()[0]

    web.execute("UPDATE booking_service SET minutes = minutes + 1")
    web.execute("UPDATE booking_service SET minutes = minutes - 1")

    assert web.execute("SELECT count(*) FROM booking_servicechange").fetchone()[0] > before


def test_old_lines_go_by_the_owners_function_and_young_ones_never(site, web):
    with site.connect() as owner:
        owner.execute("INSERT INTO booking_accesslog (at, username, what, about, reason) VALUES"
                      " (now() - interval '800 days', 'old', 'list', '', ''),"
                      " (now() - interval '700 days', 'young', 'list', '', '')")  # fmt: skip

    assert web.execute("SELECT booking_thin_logs(730)").fetchone()[0] == 1
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        web.execute("SELECT booking_thin_logs(30)")

    left = web.execute("SELECT array_agg(username) FROM booking_accesslog WHERE username IN ('old', 'young')")
    assert left.fetchone()[0] == ["young"]


def test_deploy_checks_warn_of_a_role_that_could_change_the_logs(site):
    assert "revival.W004" in deploy_checks(site, site.database_url)
    assert "revival.W004" not in deploy_checks(site, site.web_url)


def deploy_checks(site, url):
    command = [sys.executable, "manage.py", "check", "--deploy", "--database", "default"]
    done = subprocess.run(
        command, cwd=ROOT, env={**site.environment, "DATABASE_URL": url}, capture_output=True, text=True
    )
    return done.stdout + done.stderr


def test_the_script_for_a_new_server_makes_the_web_role_and_keeps_patients_out_of_its_log(site):
    """deploy/postgres.sql, as compose and the README run it."""
    owner, web = "revival_script_owner", "revival_script_web"
    with other_database() as server:
        server.execute(f"DROP ROLE IF EXISTS {owner}, {web}")
        server.execute(f"CREATE ROLE {owner}")
    try:
        variables = [
            f"--set={name}={value}" for name, value in (("owner", owner), ("web", web), ("password", "o'clock"))
        ]
        command = [str(PROGRAMS / "psql"), "--set=ON_ERROR_STOP=1", *variables, "--file=deploy/postgres.sql"]
        done = subprocess.run([*command, site.database_url], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with other_database() as server:
            settings = dict(server.execute("SELECT rolname, rolconfig FROM pg_roles WHERE rolname ~ '^revival_script'"))
    finally:
        with other_database() as server:
            server.execute(f"DROP ROLE IF EXISTS {owner}, {web}")

    wanted = [f"{name}={value}" for name, value in LOG_SETTINGS.items()]
    assert settings == {owner: wanted, web: wanted}


def test_a_role_that_is_too_mighty_or_unknown_is_refused(db):
    me = connection.settings_dict["USER"]
    for role, why in ((me, "superuser"), ("no_such_role", "has no role")):
        with pytest.raises(CommandError, match=why):
            call_command("grant_web_role", role)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://postgres@/revival?host=%2Ftmp%2Fs", "postgresql://web:a%2Fb@/revival?host=%2Ftmp%2Fs"),
        ("postgresql://o:p@db.example:5432/r", "postgresql://web:a%2Fb@db.example:5432/r"),
    ],
)
def test_the_same_database_for_another_role(url, expected):
    assert grants.as_role(url, "web", "a/b") == expected
