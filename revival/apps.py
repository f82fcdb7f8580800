from django.apps import AppConfig
from django.contrib.auth.apps import AuthConfig


class RevivalConfig(AppConfig):
    name = "revival"

    def ready(self) -> None:
        from revival import checks  # noqa: F401 - registers itself


class AccountsConfig(AuthConfig):
    """Django's own, under a name that an owner understands."""

    verbose_name = "Accounts"
