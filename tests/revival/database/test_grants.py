"""PostgreSQL rights of the web role: it can neither write, change nor delete lines of a log, nor alter a table."""

import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from deploy.local.postgres import PROGRAMS
from revival.database import grants
from revival.database.log_settings import LOG_SETTINGS
from tests.databases import manage
from tests.revival.desk.test_logs_of_the_desk import TABLES
from tests.running import ROOT, other_database

DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def web(site):
    """Signed in as the role of the running site's web and worker processes."""
    with psycopg.connect(site.web_url, autocommit=True) as web:
        yield web


MOMENTS = dict.fromkeys(TABLES, "pgh_created_at") | {"booking_accesslog": "at"}
"""The column of each log that says when."""


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {} DEFAULT VALUES",
        "INSERT INTO {} ({}) VALUES (now() - interval '1 year')",
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
    web.execute("SELECT set_config('revival.thins_logs', 'yes', false)")  # what the trigger alone would believe
    with pytest.raises(DENIED):
        web.execute(statement.format(table, MOMENTS[table]))


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


ADMIN_LINE = (
    "INSERT INTO django_admin_log ({}action_time, user_id, object_repr, action_flag, change_message)"
    " VALUES ({}'2001-01-01', (SELECT id FROM account), 'made up', 1, '') RETURNING id, now() - action_time"
)


@pytest.fixture
def with_account(site):
    with site.connect() as owner:
        owner.execute(
            "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email,"
            " is_staff, is_active, date_joined) VALUES ('logged', '', false, '', '', '', true, true, now())"
            " ON CONFLICT DO NOTHING"
        )
    return ADMIN_LINE.replace("FROM account", "FROM auth_user WHERE username = 'logged'")


def test_djangos_own_log_takes_lines_of_now_alone(web, with_account):
    """Django's admin inserts them itself, so the web role may; which moment it sends makes no difference."""
    _, age = web.execute(with_account.format("", "")).fetchone()

    assert age < timedelta(minutes=1)
    with pytest.raises(DENIED):  # a number of its own would put it before others
        web.execute(with_account.format("id, ", "1, "))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE django_admin_log SET action_time = now()",
        "DELETE FROM django_admin_log",
        "TRUNCATE django_admin_log",
        "ALTER TABLE django_admin_log DISABLE TRIGGER moment_is_now",
        "DROP TRIGGER only_grows ON django_admin_log",
        "CREATE OR REPLACE FUNCTION revival_moment_is_now() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)
def test_djangos_own_log_stays_as_it_is(web, statement):
    with pytest.raises(DENIED):
        web.execute(statement)


def test_a_look_is_written_at_the_databases_moment_and_at_no_other(web):
    look = "SELECT now() - at FROM booking_note_look({})"
    assert web.execute(look.format("1, 'ada', 'list', '', NULL, ''")).fetchone()[0] < timedelta(minutes=1)

    with pytest.raises(psycopg.errors.UndefinedFunction):
        web.execute(look.format("1, 'ada', 'list', '', NULL, '', '2001-01-01'::timestamptz"))
    with pytest.raises(psycopg.errors.CheckViolation):
        web.execute(look.format("1, 'ada', 'gossip', '', NULL, ''"))


def test_every_function_that_writes_a_log_runs_as_the_owner_with_a_fixed_search_path(db):
    """By migrations alone: the role need not be given its rights first. Each log has its writers."""
    with connection.cursor() as cursor:
        cursor.execute(grants.LOG_WRITERS)
        writers = dict(cursor.fetchall())
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace AND"
            " coalesce(proconfig::text, '') !~ 'search_path=(pg_catalog|pg_catalog, public), pg_temp'"
        )
        loose = cursor.fetchall()

    assert len(writers) == 3 * len([table for table in TABLES if table != "booking_accesslog"])
    assert all(writers.values())
    assert loose == []


def test_a_migration_that_makes_a_trigger_anew_leaves_it_the_owners(db):
    """pgtrigger makes its function as that of whoever changes a row, who may not insert into the log."""
    with connection.cursor() as cursor:
        cursor.execute(grants.LOG_WRITERS)
        writer = cursor.fetchone()[0]
        cursor.execute(f"ALTER FUNCTION {writer} SECURITY INVOKER RESET ALL")

        call_command("migrate", verbosity=0)

        cursor.execute(grants.LOG_WRITERS)
        assert dict(cursor.fetchall())[writer]


def test_a_table_of_the_same_name_elsewhere_takes_no_line(site, web):
    """What a path of one's own finds first is not what the owner's functions write to."""
    with site.connect() as owner:
        owner.execute(
            sql.SQL(
                "CREATE SCHEMA IF NOT EXISTS mine; CREATE TABLE IF NOT EXISTS mine.booking_servicechange"
                " (LIKE public.booking_servicechange INCLUDING ALL); GRANT ALL ON SCHEMA mine TO {0};"
                " GRANT ALL ON mine.booking_servicechange TO {0}"
            ).format(sql.Identifier(site.web_role))
        )
    before = web.execute("SELECT count(*) FROM public.booking_servicechange").fetchone()[0]

    web.execute("SET search_path = mine, public")
    web.execute("UPDATE booking_service SET minutes = minutes + 1")
    web.execute("UPDATE booking_service SET minutes = minutes - 1")

    assert web.execute("SELECT count(*) FROM mine.booking_servicechange").fetchone()[0] == 0
    assert web.execute("SELECT count(*) FROM public.booking_servicechange").fetchone()[0] > before
    with site.connect() as owner:
        owner.execute("DROP SCHEMA mine CASCADE")


AT_THE_DESK = """
from datetime import timedelta
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from booking.models import AccessLog, Therapist
from revival.models import Change
user = User.objects.create(username="by-the-web-role", is_staff=True, last_login=timezone.now())
user.groups.set([Group.objects.get(name="Owner")])
client = Client(headers={"host": "localhost"}); client.force_login(user)
pages = [client.get(path) for path in ("/admin/", "/admin/booking/appointment/", "/admin/calendar/")]
day = (timezone.now() + timedelta(days=300)).date()
away = {"starts_at": f"{day}T09:00", "ends_at": f"{day}T10:00", "reason": "", "therapist": Therapist.objects.first().pk}
done = client.post("/admin/booking/absence/add/", away)
print(*[page.status_code for page in pages], done.status_code,
    *sorted(AccessLog.objects.filter(user=user).values_list("what", flat=True)),
    Change.objects.filter(user=user, about="absence").count(),
    Change.objects.filter(about="account", number=user.pk).count(), LogEntry.objects.filter(user=user).count())
"""


def test_everything_of_the_desk_still_writes_its_lines(site):
    """As the web role, by way of the pages: looks, changes with their author, Django's own log."""
    environment = {**site.environment, "DATABASE_URL": site.web_url, "TWO_FACTOR_REQUIRED": "false"}

    shown = manage(environment, "shell", "--verbosity=0", "--command", AT_THE_DESK)

    assert shown.split() == ["200"] * 3 + ["302", "calendar", "first-page", "list", "1", "1", "1"]


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
