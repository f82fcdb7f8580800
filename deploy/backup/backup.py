"""Back the site up, and put it back: one folder for each backup, encrypted for whoever has the key.

    python deploy/backup/backup.py keys                      make a pair of keys: the secret one goes away from this machine
    python deploy/backup/backup.py save FOLDER               `make backup`: BACKUP_RECIPIENT says for whom
    python deploy/backup/backup.py load BACKUP IDENTITY      `make restore`: into an empty database
    python deploy/backup/backup.py check BACKUP IDENTITY     compare a database with what was saved

DATABASE_URL is the owner's (else OWNER_DATABASE_URL, else the embedded server of `make run`). A backup is two files
of the age format (age-encryption.org/v1): dump.age, pg_dump's own format, and manifest.age, what it holds: for each
table the number of rows and a checksum, all constraints, indexes, triggers, functions and rights, taken from the
very snapshot that was dumped. Nothing of either is ever on a disk in the clear.

Not in it, and needed to bring the site back: the secret age key, SECRET_KEY (without it staff set up recovery codes
anew), LINK_KEY (without it the links in patients' mails are dead). The manifest tells whether they are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import threading
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

KEYS = ("SECRET_KEY", "LINK_KEY")
NEVER_COMPARED = {"procrastinate_workers"}
"""Who works at the moment: changes every ten seconds, and is nobody's after a restore."""

LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}
SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
FOREIGN = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
# The sum over all rows of a 64-bit part of each row's SHA-256: the order of rows does not matter.
CHECKSUM = """
SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(whole::text, 'UTF8')), 1, 8), 'hex'))
    ::bit(64)::bigint::numeric), 0)::text FROM {} AS whole
"""
SHAPE = {
    "columns": """SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' '
        || coalesce(column_default, '') || coalesce(' ' || generation_expression, '')
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": """SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal""",
    "functions": """SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND prokind = 'f' AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')""",
    "extensions": "SELECT extname FROM pg_extension",
    "rights": """SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND grantee = %(web)s""",
}


# ---- what a database holds ------------------------------------------------------------------


def contents(database: psycopg.Connection[Any], web_role: str) -> dict[str, Any]:
    """Everything two databases are compared by. The caller's transaction says of which moment."""
    for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO'", "IntervalStyle = 'postgres'", "bytea_output = 'hex'"):
        database.execute(f"SET LOCAL {setting}")  # type: ignore[arg-type]
    database.execute("SET LOCAL search_path = public")
    tables = [name for (name,) in database.execute(TABLES) if name not in NEVER_COMPARED]
    rows = {name: list(one(database, sql.SQL(CHECKSUM).format(sql.Identifier(name)))) for name in tables}
    shape = {
        what: sorted(canonical(text) for (text,) in database.execute(query, {"web": web_role}))  # type: ignore[arg-type]
        for what, query in SHAPE.items()
    }
    return {"rows": rows, "sequences": dict(database.execute(SEQUENCES).fetchall()), **shape}


def canonical(text: str) -> str:
    """PostgreSQL writes some expressions in other words once they were read in again: casts move from a list to its
    items, and `(a AND b) AND c` becomes `a AND b AND c`. So casts to text and brackets are left out; nothing else."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", text)


def one(database: psycopg.Connection[Any], query: Any) -> Any:
    return database.execute(query).fetchone()


def differences(saved: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is not as it was saved, in words; empty when all is."""
    told = []
    for table in sorted(saved["rows"].keys() | found["rows"].keys()):
        was, now = saved["rows"].get(table), found["rows"].get(table)
        if was != now:
            told.append(f"rows of {table}: {was} saved, {now} found")
    for name, number in saved["sequences"].items():  # they run on beside a snapshot: only backwards is wrong
        if found["sequences"].get(name, -1) < number:
            told.append(f"sequence {name}: {number} saved, {found['sequences'].get(name, 'none')} found")
    for what in SHAPE:
        gone, new = set(saved[what]) - set(found[what]), set(found[what]) - set(saved[what])
        told += [f"{what}: gone {text}" for text in sorted(gone)] + [f"{what}: new {text}" for text in sorted(new)]
    return told


def fingerprint(name: str) -> str:
    """Says whether a key is the same; not the key."""
    return hmac.new(os.environ.get(name, "").encode(), b"revival backup", hashlib.sha256).hexdigest()[:16]


# ---- save -----------------------------------------------------------------------------------


def save(url: str, folder: Path, recipient: str, web_role: str) -> Path:
    """Write a new backup below `folder`; where it is. Raises SystemExit with a sentence."""
    to = [recipient_of(recipient)]
    taken_at = datetime.now(UTC)
    target = folder / taken_at.strftime("revival-%Y%m%dT%H%M%SZ")
    half = folder / f".{target.name}"
    half.mkdir(parents=True, mode=0o700)
    with psycopg.connect(url) as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (snapshot,) = one(database, "SELECT pg_export_snapshot()")
        (version,) = one(database, "SELECT current_setting('server_version')")
        manifest = {
            "taken_at": taken_at.isoformat(),
            "postgresql": version,
            "keys": {name: fingerprint(name) for name in KEYS},
            **contents(database, web_role),
        }
        # Extensions belong to who set the server up, and may be there already: they are made by name.
        options = [
            "--format=custom",
            f"--snapshot={snapshot}",
            "--no-owner",
            "--no-privileges",
            "--exclude-extension=*",
        ]
        with (half / "dump.age").open("wb") as out, started(url, "pg_dump", *options, stdout=subprocess.PIPE) as dump:
            pyrage.encrypt_io(dump.stdout, out, to)
    (half / "manifest.age").write_bytes(pyrage.encrypt(json.dumps(manifest).encode(), to))
    for file in half.iterdir():
        sync(file)
    half.rename(target)
    sync(folder)
    return target


def sync(path: Path) -> None:
    """Until it is on the disk: a backup that is told of exists."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_old(folder: Path, keep_days: int) -> int:
    """Backups hold patients' data, so they end, too. Never the newest. How many went."""
    found = sorted(folder.glob("revival-*Z"))
    limit = datetime.now(UTC).timestamp() - keep_days * 86400
    old = [
        path
        for path in found[:-1]
        if datetime.strptime(path.name, "revival-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() < limit
    ]
    for path in old:
        shutil.rmtree(path)
    return len(old)


# ---- load -----------------------------------------------------------------------------------


def load(url: str, backup: Path, identity: Path, web_role: str) -> dict[str, Any]:
    """Put a backup into an empty database; its manifest. Raises SystemExit with a sentence."""
    manifest = manifest_of(backup, identity)
    refuse_unless_empty(url)
    with psycopg.connect(url) as database:
        for name in manifest["extensions"]:
            database.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    with started(url, "pg_restore", *options, stdin=subprocess.PIPE) as restore:
        with (backup / "dump.age").open("rb") as file:
            try:
                pyrage.decrypt_io(file, restore.stdin, identities(identity))
            except BrokenPipeError:
                pass  # pg_restore has said why
            finally:
                assert restore.stdin is not None  # noqa: S101 - for the types
                restore.stdin.close()
    if web_role:
        manage(url, "grant_web_role", web_role, "--verbosity=0")
    found = contents_of(url, web_role)
    if told := differences(manifest, found):
        stop("The restored database is not what was saved:\n  " + "\n  ".join(told[:20]))
    return manifest


def refuse_unless_empty(url: str) -> None:
    with psycopg.connect(url) as database:
        (tables,) = one(
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
        stop(f"{backup} holds no backup.")
    except pyrage.DecryptError:
        stop(f"{backup} cannot be opened with this key, or was changed.")
    found: dict[str, Any] = json.loads(text)
    return found


def manage(url: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        stop(f"{arguments[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return done.stdout


# ---- programs and keys ----------------------------------------------------------------------


@contextmanager
def started(url: str, name: str, *options: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """One of PostgreSQL's programs; raises SystemExit when it failed. It learns the address, which holds a
    password, by environment: arguments are seen by everybody on the machine."""
    where = psycopg.conninfo.conninfo_to_dict(url)
    given = {variable: str(where[part]) for part, variable in LIBPQ.items() if part in where}
    arguments = [program(name), *options]
    if name == "pg_restore":
        arguments.append(f"--dbname={where['dbname']}")
    process = subprocess.Popen(arguments, env={**os.environ, **given}, stderr=subprocess.PIPE, **streams)
    said: list[bytes] = []
    assert process.stderr is not None  # noqa: S101 - for the types
    listener = threading.Thread(target=lambda error: said.append(error.read()), args=(process.stderr,))
    listener.start()
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        code = process.wait()
        listener.join()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    if code != 0:
        lines = b"".join(said).decode(errors="replace").strip().splitlines()
        stop(f"{name} failed: {lines[0] if lines else code}")


def program(name: str) -> str:
    """POSTGRES_BIN, else the embedded server's (a trial copy), else what is in PATH."""
    if folder := os.environ.get("POSTGRES_BIN"):
        return str(Path(folder) / name)
    found = shutil.which(name)
    try:
        from deploy.local.postgres import PROGRAMS
    except ImportError:
        return found or stop(f"There is no {name} here; on Debian and Ubuntu it is in postgresql-client-18.")
    return str(PROGRAMS / name)


def recipient_of(text: str) -> Any:
    if not text:
        stop(
            "BACKUP_RECIPIENT is not set: the public key (age1...) that `python deploy/backup/backup.py keys` printed."
        )
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        stop("BACKUP_RECIPIENT is no public key of age (age1...).")


def identities(path: Path) -> list[Any]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        stop(f"The secret key {path} cannot be read.")
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in found]
    except pyrage.IdentityError:
        stop(f"{path} holds no secret key of age (AGE-SECRET-KEY-1...).")


def stop(sentence: str) -> NoReturn:
    sys.exit(f"revival: {sentence}")


# ---- commands -------------------------------------------------------------------------------


@contextmanager
def database() -> Iterator[tuple[str, str]]:
    """The owner's address, and the name of the web role, which `grant_web_role` gives its rights."""
    environ.Env.read_env(ROOT / ".env")
    given, owner = os.environ.get("DATABASE_URL", ""), os.environ.get("OWNER_DATABASE_URL", "")
    if given:
        yield owner or given, os.environ.get("WEB_ROLE") or (unquote(urlsplit(given).username or "") if owner else "")
        return
    from deploy.local import postgres as embedded  # not in the image

    os.environ.setdefault("REVIVAL_MODE", "trial")
    with embedded.database_url(embedded.default_folder()) as url:
        embedded.web_url(url)  # makes the role on a new server
        yield url, embedded.WEB_ROLE


def main() -> None:
    asked = argparse.ArgumentParser(description="Back the site up and put it back.")
    verbs = asked.add_subparsers(dest="verb", required=True)
    verbs.add_parser("keys", help="make a pair of keys")
    saving = verbs.add_parser("save", help="write a new backup")
    saving.add_argument("folder", type=Path)
    saving.add_argument("--keep-days", type=int, default=int(os.environ.get("BACKUP_KEEP_DAYS", "30")))
    for verb in ("load", "check"):
        reading = verbs.add_parser(verb)
        reading.add_argument("backup", type=Path)
        reading.add_argument("identity", type=Path)
    given = asked.parse_args()
    if given.verb == "keys":
        pair = pyrage.x25519.Identity.generate()
        print(f"# public key, for BACKUP_RECIPIENT: {pair.to_public()}\n{pair}")
        return
    with database() as (url, web):
        if given.verb == "save":
            made = save(url, given.folder, os.environ.get("BACKUP_RECIPIENT", ""), web)
            gone = drop_old(given.folder, given.keep_days)
            print(f"Saved as {made}, {gone} older than {given.keep_days} days dropped.")
            print("To bring it back: the secret age key, SECRET_KEY and LINK_KEY. Keep all three elsewhere.")
        elif given.verb == "check":
            told = differences(manifest_of(given.backup, given.identity), contents_of(url, web))
            print("\n".join(told) or "Every table, constraint, index, trigger, function and right is as it was saved.")
            sys.exit(bool(told))
        else:
            manifest = load(url, given.backup, given.identity, web)
            kept_back = manage(url, "after_restore")
            rows = sum(count for count, _ in manifest["rows"].values())
            print(
                f"Restored {rows} rows in {len(manifest['rows'])} tables, as of {manifest['taken_at']}; all is equal."
            )
            print(kept_back.strip())
            for name in KEYS:
                if manifest["keys"][name] != fingerprint(name):
                    print(
                        f"{name} is another one than when this was saved: see deploy/backup/backup.py, what that means."
                    )


if __name__ == "__main__":
    main()
