from django.apps import AppConfig


class RevivalConfig(AppConfig):
    name = "revival"

    def ready(self) -> None:
        from revival import checks  # noqa: F401 - registers itself
