from django.apps import AppConfig, apps


class RevivalConfig(AppConfig):
    name = "revival"
    verbose_name = "Logs"

    def ready(self) -> None:
        from revival.desk import checks  # noqa: F401 - registers the checks

        apps.get_app_config("auth").verbose_name = "Accounts"  # Django's "Authentication and Authorization" is jargon
