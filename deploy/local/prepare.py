"""Everything between a database and a site that can be served, in one process: each step is
skipped or quick when there is nothing to do."""

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


def main() -> None:
    web = become_owner()
    try:
        django.setup()
    except ImproperlyConfigured as error:
        stop(str(error))
    refuse_unreachable_database()
    call_command("migrate", verbosity=0, interactive=False)
    if web:
        grant_rights(web)
    call_command("load_clinic", *([] if settings.IS_PRODUCTION else ["--example"]))
    if not settings.DEBUG:
        collect_static_files()
    if not settings.IS_PRODUCTION:
        make_admin()


def become_owner() -> str:
    """Migrate as OWNER_DATABASE_URL when there is one; the role of the web processes, which is not the owner then."""
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
    from revival.page_cache.middleware import connection_parameters

    parameters = connection_parameters()
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError as error:
        server = f"the server at {parameters.get('host', 'localhost')}:{parameters.get('port') or 5432}"
        said = str(error)
        if "authentication failed" in said or "no password supplied" in said:
            stop(f"DATABASE_URL: {server} refuses the user name or the password.")
        if "does not exist" in said:
            stop(f"DATABASE_URL: {server} has no such database or user.")
        stop(f"DATABASE_URL: {server} cannot be reached.")
    except (psycopg.Error, UnicodeError):
        stop("DATABASE_URL holds something that PostgreSQL cannot read.")


def collect_static_files() -> None:
    stamp, wanted = Path(settings.STATIC_ROOT) / ".made-from", static_sources()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(wanted)


def static_sources() -> str:
    """A digest of what static files are made of: our files, the packages' (by the lock), the settings."""
    digest = hashlib.sha256()
    files = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
    for path in sorted([*files, ROOT / "requirements-dev.txt", ROOT / "revival" / "server" / "static_files.py"]):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def make_admin() -> None:
    """The first sign-in of a trial copy, shown this once."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return
    chosen = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    password = chosen or secrets.token_urlsafe(12)
    users.create_superuser("admin", email="", password=password)
    shown = "the password in DJANGO_SUPERUSER_PASSWORD" if chosen else f"password {password}"
    print(f"\nSign in at {settings.SITE_URL}/admin/ as admin, {shown} (shown this once).", flush=True)


def stop(sentence: str) -> NoReturn:
    sys.exit(f"revival: {sentence}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
