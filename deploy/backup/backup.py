"""Back up the site's database, encrypted, and restore it into an empty one.

    python deploy/backup/backup.py keys                    make a key pair; keep the secret key on another machine
    python deploy/backup/backup.py signing-key FILE        make the key that signs backups
    python deploy/backup/backup.py save FOLDER             `make backup`: BACKUP_RECIPIENT is the public key
    python deploy/backup/backup.py load BACKUP IDENTITY    `make restore`: into an empty database
    python deploy/backup/backup.py check BACKUP IDENTITY   compare a database with what was saved

IDENTITY is the file of the secret key. The database is that of DATABASE_URL, opened as OWNER_DATABASE_URL
if that is set, too; without either, the embedded one of `make run`. A backup is a folder with two files in age format
(age-encryption.org/v1): dump.age, pg_dump's custom format, and manifest.age (manifest.py), both taken from the same
snapshot. Neither is ever written to disk unencrypted. The manifest holds the SHA-256 of dump.age, and manifest.sig is
its signature (signature.py): a backup that BACKUP_SIGNER did not sign, or that was changed, is refused before anything
is restored.

A backup does not hold what is also needed to bring the site back: the secret age key, SECRET_KEY (without it staff set
up recovery codes again) and LINK_KEY (without it the links in patients' mails no longer work). The manifest tells
whether both keys are the same; if not, only `--keys-changed` restores it.
"""

from __future__ import annotations

import argparse
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

from deploy.backup import keys, signature  # noqa: E402 - the path comes first
from deploy.backup.keys import KEYS, fingerprint, identities  # noqa: E402
from deploy.backup.manifest import contents, differences, first_row  # noqa: E402
from deploy.backup.programs import run_program, stop  # noqa: E402

NAME_FORMAT = "revival-%Y%m%dT%H%M%SZ"


# ---- save -----------------------------------------------------------------------------------


def save(url: str, folder: Path, recipient: str, web_role: str, *, signing_key: str) -> Path:
    """Write a new backup into `folder` and return its path. Raises SystemExit with a sentence."""
    recipients, signer = [keys.recipient_of(recipient)], signature.secret_key(signing_key)
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
    manifest["dump"] = signature.digest_of(unfinished / "dump.age")
    sealed = pyrage.encrypt(json.dumps(manifest).encode(), recipients)
    (unfinished / "manifest.age").write_bytes(sealed)
    (unfinished / "manifest.sig").write_bytes(signature.sign(signer, sealed))
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


def load(
    url: str, backup: Path, identity: Path, web_role: str, *, signers: str, keys_changed: bool = False
) -> dict[str, Any]:
    """Restore a backup into an empty database and return its manifest. Raises SystemExit with a sentence."""
    manifest = manifest_of(backup, identity, signers)
    refuse_another_dump(backup, manifest)
    if not keys_changed:
        keys.refuse_other_keys(manifest)
    refuse_unless_empty(url)
    with psycopg.connect(url) as database:
        for name in manifest["extensions"]:
            database.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    with run_program(url, "pg_restore", *options, stdin=subprocess.PIPE) as restore:
        with (backup / "dump.age").open("rb") as file:
            try:
                pyrage.decrypt_io(signature.CheckedReader(file, manifest["dump"]), restore.stdin, identities(identity))
            except BrokenPipeError:
                pass  # pg_restore has printed why
            except OSError as error:
                stop(f"The dump of {backup} cannot be read: {error}. Nothing was restored: use another backup.")
            finally:
                assert restore.stdin is not None  # noqa: S101 - for the types
                restore.stdin.close()
    if web_role:
        manage(url, "grant_web_role", web_role, "--verbosity=0")
    if lines := differences(manifest, contents_of(url, web_role)):
        stop("The restored database differs from the saved one:\n  " + "\n  ".join(lines[:20]))
    return manifest


def refuse_another_dump(backup: Path, manifest: dict[str, Any]) -> None:
    try:
        digest = signature.digest_of(backup / "dump.age")
    except OSError:
        stop(f"{backup} has no dump. Nothing was changed: fetch the whole backup again.")
    if digest != manifest["dump"]:
        stop(f"The dump of {backup} was changed, or belongs to another backup. Nothing was changed: use another one.")


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


def manifest_of(backup: Path, identity: Path, signers: str) -> dict[str, Any]:
    """The manifest of a backup that one of `signers` signed; nothing of any other is opened."""
    signed_by = signature.public_keys(signers)
    try:
        sealed, seal = ((backup / name).read_bytes() for name in ("manifest.age", "manifest.sig"))
    except OSError:
        stop(f"{backup} is not a backup, or not a signed one. Nothing was changed.")
    if not signature.is_by(signed_by, sealed, seal):
        stop(
            f"{backup} is not signed by BACKUP_SIGNER: it was changed, or somebody else made it. Nothing was changed:"
            " use another one."
        )
    try:
        text = pyrage.decrypt(sealed, identities(identity))
    except pyrage.DecryptError:
        stop(f"{backup} cannot be opened with this key.")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def manage(url: str, *arguments: str) -> str:
    """Output of a `manage.py` command on the database. Raises SystemExit with its last line of output."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    result = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, cwd=ROOT)
    if result.returncode != 0:
        stop(f"{arguments[0]}: {(result.stderr or result.stdout).strip().splitlines()[-1]}")
    return result.stdout


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
    from deploy.local import keys as trial_keys  # not in the image
    from deploy.local import postgres as embedded

    os.environ.setdefault("REVIVAL_MODE", "trial")
    trial_keys.put_into_environment(embedded.default_folder())
    with embedded.database_url(embedded.default_folder()) as url:
        embedded.web_url(url)  # makes the role on a new server
        yield url, embedded.WEB_ROLE


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Back up the site's database and restore it.")
    commands = parser.add_subparsers(dest="verb", required=True)
    commands.add_parser("keys", help="make a key pair")
    commands.add_parser("signing-key", help="make the key that signs backups").add_argument("file", type=Path)
    saving = commands.add_parser("save", help="write a new backup")
    saving.add_argument("folder", type=Path)
    saving.add_argument("--keep-days", type=int, default=int(os.environ.get("BACKUP_KEEP_DAYS", "30")))
    for verb, help_text in (("load", "restore into an empty database"), ("check", "compare a database with a backup")):
        reading = commands.add_parser(verb, help=help_text)
        reading.add_argument("backup", type=Path)
        reading.add_argument("identity", type=Path, help="file of the secret key")
        if verb == "load":
            reading.add_argument("--keys-changed", action="store_true", help="SECRET_KEY or LINK_KEY of then is lost")
    return parser.parse_args()


def save_and_report(url: str, web_role: str, options: argparse.Namespace) -> None:
    recipient, signing_key = (os.environ.get(name, "") for name in ("BACKUP_RECIPIENT", "BACKUP_SIGNING_KEY"))
    path = save(url, options.folder, recipient, web_role, signing_key=signing_key)
    dropped = drop_old(options.folder, options.keep_days)
    print(f"Saved as {path}. Deleted {dropped} backups older than {options.keep_days} days.")
    print("To restore it you need the secret age key, SECRET_KEY, LINK_KEY and BACKUP_SIGNER. Keep all four elsewhere.")


def check_and_report(url: str, web_role: str, options: argparse.Namespace) -> NoReturn:
    manifest = manifest_of(options.backup, options.identity, os.environ.get("BACKUP_SIGNER", ""))
    lines = differences(manifest, contents_of(url, web_role))
    print("\n".join(lines) or "Every table, constraint, index, trigger, function and right is as it was saved.")
    sys.exit(bool(lines))


def load_and_report(url: str, web_role: str, options: argparse.Namespace) -> None:
    signers, is_lost = os.environ.get("BACKUP_SIGNER", ""), options.keys_changed
    manifest = load(url, options.backup, options.identity, web_role, signers=signers, keys_changed=is_lost)
    after_restore = manage(url, "after_restore")
    rows = sum(count for count, _ in manifest["rows"].values())
    print(f"Restored {rows} rows in {len(manifest['rows'])} tables, as of {manifest['taken_at']}; all is equal.")
    print(after_restore.strip())
    for name, meaning in KEYS.items():
        if manifest["keys"].get(name) != fingerprint(name):
            print(f"{name} is another than when this was saved: {meaning}.")


def main() -> None:
    options = parse_arguments()
    if options.verb == "keys":
        keys.print_keys()
        return
    if options.verb == "signing-key":
        public = signature.make_key(options.file)
        print(f"The secret key is in {options.file}, for BACKUP_SIGNING_KEY. The public one, for BACKUP_SIGNER:")
        print(public)
        return
    report = {"save": save_and_report, "check": check_and_report, "load": load_and_report}[options.verb]
    with database() as (url, web_role):
        report(url, web_role, options)


if __name__ == "__main__":
    main()
