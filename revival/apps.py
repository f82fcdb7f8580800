from django.apps import AppConfig, apps
from django.db import connections, transaction
from django.db.models.signals import post_migrate


class RevivalConfig(AppConfig):
    name = "revival"
    verbose_name = "Logs"

    def ready(self) -> None:
        from revival.desk import checks  # noqa: F401 - registers the checks

        post_migrate.connect(secure_new_triggers, sender=self)
        apps.get_app_config("auth").verbose_name = "Accounts"  # Django's "Authentication and Authorization" is jargon


def secure_new_triggers(*, using: str, **kwargs: object) -> None:
    """After each migration, so that the web role's changes are logged also before `grant_web_role` has run."""
    from revival.database import grants

    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        grants.let_triggers_write_logs(cursor)
