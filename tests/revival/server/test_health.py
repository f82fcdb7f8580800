from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from revival.server import health


def hear_from_worker(seconds_ago):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)",
            [timezone.now() - timedelta(seconds=seconds_ago)],
        )


@pytest.mark.django_db
def test_ready_when_database_and_migrations_are(client):
    hear_from_worker(seconds_ago=5)

    response = client.get("/readyz", headers={"host": "unheard-of.example"})

    assert (response.status_code, response.text) == (200, "ready\n")


@pytest.mark.django_db
def test_a_late_worker_is_a_line_and_not_a_failure(client):
    hear_from_worker(seconds_ago=300)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert "worker: late" in response.text


@pytest.mark.django_db
def test_one_migration_that_is_not_applied_is_noticed(monkeypatch):
    monkeypatch.setattr(health, "_is_migrated", False)
    app, name = list(health.migrations_on_disk())[-1]
    MigrationRecorder(connection).record_unapplied(app, name)

    assert not health.is_migrated()

    MigrationRecorder(connection).record_applied(app, name)

    assert health.is_migrated()


def test_migrations_on_disk_are_those_django_knows():
    assert set(health.migrations_on_disk()) == set(MigrationLoader(None).disk_migrations)


@pytest.mark.django_db
def test_not_ready_before_all_migrations(client, monkeypatch):
    monkeypatch.setattr(health, "is_migrated", lambda: False)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "migrations" in response.text


def test_not_ready_without_a_database(client, monkeypatch):
    def refuse():
        raise OperationalError("secret")

    monkeypatch.setattr(health.connection, "cursor", refuse)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "database: OperationalError" in response.text
    assert "secret" not in response.text


@pytest.mark.django_db
def test_worker_alive_says_no_by_its_exit_code():
    with pytest.raises(CommandError) as refused:
        call_command("worker_alive")
    hear_from_worker(seconds_ago=5)
    call_command("worker_alive")

    assert refused.value.returncode == 1


@pytest.mark.django_db
def test_the_desk_says_in_red_that_the_worker_is_late(admin_client):
    hear_from_worker(seconds_ago=300)
    assert "Messages are not being sent" in admin_client.get("/admin/").text

    hear_from_worker(seconds_ago=5)
    assert "Messages are not being sent" not in admin_client.get("/admin/").text
