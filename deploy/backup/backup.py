"""Back up the site's database, encrypted, and restore it into an empty one.

    python deploy/backup/backup.py keys                    make a key pair; keep the secret key on another machine
    python deploy/backup/backup.py save FOLDER             `make backup`: BACKUP_RECIPIENT is the public key
    python deploy/backup/backup.py load BACKUP IDENTITY    `make restore`: into an empty database
    python deploy/backup/backup.py check BACKUP IDENTITY   compare a database with what was saved

IDENTITY is the file of the secret key. The database is that of DATABASE_URL, opened as OWNER_DATABASE_URL
if that is set, too; without either, the embedded one of `make run`. A backup is a folder with two files in age format
(age-encryption.org/v1): dump.age, pg_dump's custom format, and manifest.age (manifest.py), both taken from the same
snapshot. Neither is ever written to disk unencrypted.

A backup does not hold what is also needed to bring the site back: the secret age key, SECRET_KEY (without it staff set
up recovery codes again) and LINK_KEY (without it the links in patients' mails no longer work). The manifest tells
whether both keys are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import environ
import psycopg
import pyrage
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.backup.manifest import contents, differences, first_row  # noqa: E402 - the path comes first
from deploy.backup.programs import run_program, stop  # noqa: E402

KEYS = ("SECRET_KEY", "LINK_KEY")
NAME_FORMAT = "revival-%Y%m%dT%H%M%SZ"


def fingerprint(name: str) -> str:
    """HMAC with the key in the environment variable `name`: tells whether two keys are the same, not the key."""
    return hmac.new(os.environ.get(name, "").encode(), b"revival backup", hashlib.sha256).hexdigest()[:16]


# ---- save -----------------------------------------------------------------------------------


def save(url: str, folder: Path, recipient: str, web_role: str) -> Path:
    """Write a new backup into `folder` and return its path. Raises SystemExit with a sentence."""
    recipients = [recipient_of(recipient)]
    taken_at = datetime.now(UTC)
    target = folder / taken_at.strftime(NAME_FORMAT)
    unfinished = folder / f".{target.name}"
    unfinished.mkdir(parents=True, mode=0o700)
    with psycopg.connect(url) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (snapshot,) = first_row(database, "SELECT pg_export_snapshot()")
        (version,) = first_row(database, "SELECT current_setting('server_version')")
        manifest = {
            "taken_at": taken_at.isoformat(),
            "postgresql": version,
            "keys": {name: fingerprint(name) for name in KEYS},
            **contents(database, web_role),
        }
        # Extensions are left out: they belong to a superuser and may exist already. `load` creates them by name.
        options = [
            "--format=custom",
            f"--snapshot={snapshot}",
            "--no-owner",
            "--no-privileges",
            "--exclude-extension=*",
        ]
        with (
            (unfinished / "dump.age").open("wb") as out,
            run_program(url, "pg_dump", *options, stdout=subprocess.PIPE) as dump,
        ):
            pyrage.encrypt_io(dump.stdout, out, recipients)
    (unfinished / "manifest.age").write_bytes(pyrage.encrypt(json.dumps(manifest).encode(), recipients))
    for file in unfinished.iterdir():
        sync(file)
    unfinished.rename(target)
    sync(folder)
    return target


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk, so that a reported backup survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_old(folder: Path, keep_days: int) -> int:
    """Delete backups older than `keep_days`, except the newest: they hold patients' data. Returns how many."""
    backups = sorted(folder.glob("revival-*Z"))
    limit = datetime.now(UTC).timestamp() - keep_days * 86400
    old = [
        path
        for path in backups[:-1]
        if datetime.strptime(path.name, NAME_FORMAT).replace(tzinfo=UTC).timestamp() < limit
    ]
    for path in old:
        shutil.rmtree(path)
    return len(old)


# ---- load -----------------------------------------------------------------------------------


def load(url: str, backup: Path, identity: Path, web_role: str) -> dict[str, Any]:
    """Restore a backup into an empty database and return its manifest. Raises SystemExit with a sentence."""
    manifest = manifest_of(backup, identity)
    refuse_unless_empty(url)
    with psycopg.connect(url) as database:
        for name in manifest["extensions"]:
            database.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    with run_program(url, "pg_restore", *options, stdin=subprocess.PIPE) as restore:
        with (backup / "dump.age").open("rb") as file:
            try:
                pyrage.decrypt_io(file, restore.stdin, identities(identity))
            except BrokenPipeError:
                pass  # pg_restore has printed why
            finally:
                assert restore.stdin is not None  # noqa: S101 - for the types
                restore.stdin.close()
    if web_role:
        manage(url, "grant_web_role", web_role, "--verbosity=0")
    if lines := differences(manifest, contents_of(url, web_role)):
        stop("The restored database differs from the saved one:\n  " + "\n  ".join(lines[:20]))
    return manifest


def refuse_unless_empty(url: str) -> None:
    with psycopg.connect(url) as database:
        (tables,) = first_row(
            database, "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
    if tables:
        stop(f"This database has {tables} tables. Nothing was changed: a backup goes into an empty database only.")


def contents_of(url: str, web_role: str) -> dict[str, Any]:
    with psycopg.connect(url) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return contents(database, web_role)


def manifest_of(backup: Path, identity: Path) -> dict[str, Any]:
    try:
        text = pyrage.decrypt((backup / "manifest.age").read_bytes(), identities(identity))
    except FileNotFoundError:
        stop(f"{backup} is not a backup.")
    except pyrage.DecryptError:
        stop(f"{backup} cannot be opened with this key, or was changed.")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def manage(url: str, *arguments: str) -> str:
    """Output of a `manage.py` command on the database. Raises SystemExit with its last line of output."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    result = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, cwd=ROOT)
    if result.returncode != 0:
        stop(f"{arguments[0]}: {(result.stderr or result.stdout).strip().splitlines()[-1]}")
    return result.stdout


# ---- keys ------------------------------------------------------------------------------------


def recipient_of(text: str) -> Any:
    if not text:
        stop(
            "BACKUP_RECIPIENT is not set. It is the public key (age1...) that "
            "`python deploy/backup/backup.py keys` printed."
        )
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        stop("BACKUP_RECIPIENT is not an age public key (age1...).")


def identities(path: Path) -> list[Any]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        stop(f"The secret key {path} cannot be read.")
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        stop(f"{path} does not hold an age secret key (AGE-SECRET-KEY-1...).")


# ---- commands -------------------------------------------------------------------------------


@contextmanager
def database() -> Iterator[tuple[str, str]]:
    """URL of the database as its owner, and the name of the web role (empty if there is only one role)."""
    environ.Env.read_env(ROOT / ".env")
    url, owner_url = os.environ.get("DATABASE_URL", ""), os.environ.get("OWNER_DATABASE_URL", "")
    if url:
        web_role = unquote(urlsplit(url).username or "") if owner_url else ""
        yield owner_url or url, os.environ.get("WEB_ROLE") or web_role
        return
    from deploy.local import postgres as embedded  # not in the image

    os.environ.setdefault("REVIVAL_MODE", "trial")
    with embedded.database_url(embedded.default_folder()) as url:
        embedded.web_url(url)  # makes the role on a new server
        yield url, embedded.WEB_ROLE


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Back up the site's database and restore it.")
    commands = parser.add_subparsers(dest="verb", required=True)
    commands.add_parser("keys", help="make a key pair")
    saving = commands.add_parser("save", help="write a new backup")
    saving.add_argument("folder", type=Path)
    saving.add_argument("--keep-days", type=int, default=int(os.environ.get("BACKUP_KEEP_DAYS", "30")))
    for verb, help_text in (("load", "restore into an empty database"), ("check", "compare a database with a backup")):
        reading = commands.add_parser(verb, help=help_text)
        reading.add_argument("backup", type=Path)
        reading.add_argument("identity", type=Path, help="file of the secret key")
    return parser.parse_args()


def print_keys() -> None:
    pair = pyrage.x25519.Identity.generate()
    print(f"# public key, for BACKUP_RECIPIENT: {pair.to_public()}\n{pair}")


def save_and_report(url: str, web_role: str, options: argparse.Namespace) -> None:
    path = save(url, options.folder, os.environ.get("BACKUP_RECIPIENT", ""), web_role)
    dropped = drop_old(options.folder, options.keep_days)
    print(f"Saved as {path}. Deleted {dropped} backups older than {options.keep_days} days.")
    print("To restore it you need the secret age key, SECRET_KEY and LINK_KEY. Keep all three elsewhere.")


def check_and_report(url: str, web_role: str, options: argparse.Namespace) -> NoReturn:
    lines = differences(manifest_of(options.backup, options.identity), contents_of(url, web_role))
    print("\n".join(lines) or "Every table, constraint, index, trigger, function and right is as it was saved.")
    sys.exit(bool(lines))


def load_and_report(url: str, web_role: str, options: argparse.Namespace) -> None:
    manifest = load(url, options.backup, options.identity, web_role)
    after_restore = manage(url, "after_restore")
    rows = sum(count for count, _ in manifest["rows"].values())
    print(f"Restored {rows} rows in {len(manifest['rows'])} tables, as of {manifest['taken_at']}; all is equal.")
    print(after_restore.strip())
    for name in KEYS:
        if manifest["keys"][name] != fingerprint(name):
            print(f"{name} differs from when this was saved; deploy/backup/backup.py says what that means.")


def main() -> None:
    options = parse_arguments()
    if options.verb == "keys":
        print_keys()
        return
    report = {"save": save_and_report, "check": check_and_report, "load": load_and_report}[options.verb]
    with database() as (url, web_role):
        report(url, web_role, options)


if __name__ == "__main__":
    main()
