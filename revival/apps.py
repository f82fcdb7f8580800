from django.apps import AppConfig


class RevivalConfig(AppConfig):
    name = "revival"
    verbose_name = "Logs"

    def ready(self) -> None:
        from revival import checks  # noqa: F401 - registers itself
