"""Prepare a database and the static files for `make run`: migrations, rights, clinic data, first account.

All steps run in one process. A step with nothing to do is quick or skipped.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")

import django  # noqa: E402 - the path comes first
import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402

from revival.base import own_files  # noqa: E402

ADMIN = "admin"
PRODUCTION_HINT = "an account of this database; `manage.py first_owner NAME` makes the first"


def main(hint_to: int) -> None:
    """Run every step, and write how to sign in to the file descriptor `hint_to`."""
    web = become_owner()
    try:
        django.setup()
    except ImproperlyConfigured as error:
        stop(str(error))
    refuse_unreachable_database()
    call_command("migrate", verbosity=0, interactive=False)
    if web:
        grant_rights(web)
    if not settings.IS_PRODUCTION and hasattr(settings, "EMAIL_FILE_PATH"):
        own_files.close_files(Path(settings.EMAIL_FILE_PATH))  # an older version left them open to others
    call_command("load_clinic", *([] if settings.IS_PRODUCTION else ["--example"]))
    if not settings.DEBUG:
        collect_static_files()
    os.write(hint_to, (PRODUCTION_HINT if settings.IS_PRODUCTION else make_admin()).encode())


def become_owner() -> str:
    """Switch to OWNER_DATABASE_URL if it is set, and return the name of the web processes' role; else return ''."""
    owner = os.environ.get("OWNER_DATABASE_URL")
    if not owner:
        return ""
    web = urlsplit(os.environ["DATABASE_URL"]).username or ""
    os.environ["DATABASE_URL"] = owner
    return unquote(web)


def grant_rights(role: str) -> None:
    try:
        call_command("grant_web_role", role, verbosity=0)
    except CommandError as error:
        stop(f"DATABASE_URL: {error}")


def refuse_unreachable_database() -> None:
    """One sentence. PostgreSQL's own words stay out of it: they may quote what is in DATABASE_URL."""
    from revival.database.pool import connection_parameters

    parameters = connection_parameters()
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError as error:
        server = f"the server at {parameters.get('host', 'localhost')}:{parameters.get('port') or 5432}"
        text = str(error)
        if "authentication failed" in text or "no password supplied" in text:
            stop(f"DATABASE_URL: {server} refuses the user name or the password.")
        if "does not exist" in text:
            stop(f"DATABASE_URL: {server} has no such database or user.")
        stop(f"DATABASE_URL: {server} cannot be reached.")
    except (psycopg.Error, UnicodeError):
        stop("DATABASE_URL is not an address that PostgreSQL can read.")


def collect_static_files() -> None:
    stamp, sources = Path(settings.STATIC_ROOT) / ".made-from", static_sources()
    if stamp.exists() and stamp.read_text() == sources:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(sources)


def static_sources() -> str:
    """Digest of what static files are made of: our files, the packages' (by the lock) and the finder."""
    digest = hashlib.sha256()
    files = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
    for path in sorted([*files, ROOT / "requirements-dev.txt", ROOT / "revival" / "server" / "static_files.py"]):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def make_admin() -> str:
    """Create the first account of a trial copy; how to sign in with it. A random password is told this once."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return f"{ADMIN}; `make password` makes a new password"
    chosen = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    password = chosen or secrets.token_urlsafe(12)
    users.create_superuser(ADMIN, email="", password=password)
    return (
        f"{ADMIN}, the password in DJANGO_SUPERUSER_PASSWORD"
        if chosen
        else f"{ADMIN}, password {password} (shown once)"
    )


def stop(sentence: str) -> NoReturn:
    sys.exit(f"revival: {sentence}")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
    except PermissionError as error:
        stop(f"{error.filename} {error.strerror}; remove it, or set another folder.")
