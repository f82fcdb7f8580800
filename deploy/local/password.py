"""Give the first account of a trial copy a new random password and print it: `make password`."""

import os
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")
os.environ.setdefault("REVIVAL_MODE", "trial")

import django


def main() -> int:
    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model

    if settings.IS_PRODUCTION:
        sys.exit("revival: this is for a trial copy; in production an owner resets passwords at the desk.")
    admin = get_user_model().objects.filter(is_superuser=True).order_by("pk").first()
    if admin is None:
        sys.exit("revival: there is no account yet; `make run` makes the first.")
    password = secrets.token_urlsafe(12)
    admin.set_password(password)
    admin.save(update_fields=["password"])
    print(f"Sign in as {admin.get_username()}, password {password}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
