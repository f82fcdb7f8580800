"""Settings of three machines that follow one another: Patroni, HAProxy and PgBouncer, filled in from templates.

    python deploy/cluster/settings.py --machines 10.0.0.1,10.0.0.2,10.0.0.3 --password W --web-password V cluster/

writes a folder for each machine, and one for the web services.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.nginx import fill_in

FOLDER = Path(__file__).resolve().parent
CONF = FOLDER.parent / "postgresql.conf"
WEB_ROLE = "revival_web"
WEB_TIMEOUT = "DATABASE_STATEMENT_TIMEOUT_MS=2500"  # with the waits before it below five seconds; see roles.sql
MORE = {
    "max_connections": "120",  # two web machines through PgBouncer (25 each), two workers, a backup, a person
    "wal_log_hints": "on",  # for pg_rewind
    "wal_keep_size": "512MB",  # a standby may be away for so long
    "wal_sender_timeout": "5s",  # a standby that hangs is no standby
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "250ms",  # a standby asks a new leader at once, not after 5 s: commits wait for it
    "hot_standby_feedback": "on",  # a long report on a standby is not cut off
}


@dataclass(frozen=True)
class Machine:
    name: str
    address: str
    port: int = 5432
    api: int = 8008

    @property
    def line(self) -> str:
        return f"    server {self.name} {self.address}:{self.port} check port {self.api}"


def of_postgresql() -> dict[str, str]:
    """deploy/postgresql.conf, as a dictionary."""
    lines = (line.split("#")[0].strip() for line in CONF.read_text().splitlines())
    given = dict(map(str.strip, line.split("=", 1)) for line in lines if "=" in line)
    return {name: value.strip("'") for name, value in given.items()}


def patroni(
    machine: Machine,
    *,
    addresses: list[str],
    etcd: str,
    data: str,
    programs: str,
    run: str,
    password: str,
    network: str,
    is_synchronous: bool = True,
    **more: str,
) -> str:
    """`addresses` are those of all machines, `more` settings of PostgreSQL that differ here."""
    parameters = {**of_postgresql(), **MORE, **more}
    lines = [f"        {name}: {quoted(value)}" for name, value in parameters.items()]
    facts = {
        "NAME": machine.name,
        "ADDRESS": machine.address,
        "PORT": str(machine.port),
        "API": str(machine.api),
        "ETCD": etcd,
        "DATA": data,
        "BIN": programs,
        "RUN": run,
        "PASSWORD": password,
        "NETWORK": network,
        "MACHINES": "\n".join(of_machine(address) for address in sorted(set(addresses))),
        "SYNCHRONOUS": "quorum" if is_synchronous else "off",
        "STRICT": "true" if is_synchronous else "false",
        "PARAMETERS": "\n".join(lines),
    }
    return fill_in((FOLDER / "patroni.yml.template").read_text(), facts)


def of_machine(address: str) -> str:
    whence = f"{address}/{'128' if ':' in address else '32'}"
    return (
        f"    - host all postgres,rewinder {whence} scram-sha-256\n"
        f"    - host replication replicator {whence} scram-sha-256"
    )


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def haproxy(machines: list[Machine], *, address: str = "127.0.0.1", writes: int = 5000, reads: int = 5001) -> str:
    facts = {"ADDRESS": address, "WRITES": str(writes), "READS": str(reads)}
    facts["SERVERS"] = "\n".join(machine.line for machine in machines)
    return fill_in((FOLDER / "haproxy.cfg.template").read_text(), facts)


def pgbouncer(
    *,
    conf: str = "/etc/pgbouncer",
    run: str = "/run/postgresql",
    log: str = "/var/log/postgresql",
    address: str = "127.0.0.1",
    bouncer: int = 6432,
    writes: int = 5000,
) -> str:
    facts = {"ADDRESS": address, "BOUNCER": str(bouncer), "WRITES": str(writes), "CONF": conf, "RUN": run, "LOG": log}
    return fill_in((FOLDER / "pgbouncer.ini.template").read_text(), facts)


def of_web(addresses: list[str], machines: list[Machine], password: str) -> dict[str, str]:
    """The files of a machine with a web service and a worker, by their names."""
    hosts = ",".join(f"{address}:5432" for address in addresses)
    return {
        "haproxy.cfg": haproxy(machines),
        "pgbouncer.ini": pgbouncer(),
        "userlist.txt": f'"{WEB_ROLE}" "{password}"\n',
        "web.environment": f"DATABASE_URL=postgresql://{WEB_ROLE}:{password}@127.0.0.1:6432/revival\n{WEB_TIMEOUT}\n",
        "worker.environment": f"DATABASE_URL=postgresql://{WEB_ROLE}:{password}@{hosts}/revival\n",
    }


def main() -> None:
    asked = argparse.ArgumentParser(description="Write the settings of a cluster into a folder.")
    asked.add_argument("--machines", required=True, help="three addresses, by commas")
    asked.add_argument("--password", required=True, help="of PostgreSQL's own three roles")
    asked.add_argument("--web-password", required=True, help=f"of the role {WEB_ROLE}: letters and digits")
    asked.add_argument("--network", default="10.0.0.0/8", help="from where they may sign in (10.0.0.0/8)")
    asked.add_argument("--data", default="/var/lib/postgresql/18/main")
    asked.add_argument("--programs", default="/usr/lib/postgresql/18/bin")
    asked.add_argument("folder", type=Path)
    given = asked.parse_args()
    addresses = given.machines.split(",")
    if len(addresses) != 3:
        asked.error("three machines: with two, one that is alone cannot know whether the other is gone")
    machines = [Machine(f"db{number}", address) for number, address in enumerate(addresses, 1)]
    etcd = ",".join(f"{address}:2379" for address in addresses)
    facts = {"etcd": etcd, "data": given.data, "programs": given.programs, "run": "/run/postgresql"}
    if not given.web_password.isalnum():
        asked.error("--web-password stands in addresses: letters and digits, please")
    for machine in machines:
        text = patroni(machine, addresses=addresses, password=given.password, network=given.network, **facts)
        write(given.folder / machine.name / "patroni.yml", text)
    for name, text in of_web(addresses, machines, given.web_password).items():
        write(given.folder / "web" / name, text)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)  # nearly all of them hold a password
    path.write_text(text)


if __name__ == "__main__":
    main()
