"""Settings of three machines that follow one another: Patroni, HAProxy and PgBouncer, filled in from templates.

    python deploy/cluster/settings.py --machines 10.0.0.1,10.0.0.2,10.0.0.3 --password WORD cluster/

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
MORE = {
    "max_connections": "120",  # two web machines through PgBouncer, two workers, a backup, a person
    "wal_log_hints": "on",  # for pg_rewind
    "wal_keep_size": "512MB",  # a standby may be away for so long
    "wal_sender_timeout": "5s",  # a standby that hangs is no standby
    "wal_receiver_timeout": "5s",
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
    etcd: str,
    data: str,
    programs: str,
    run: str,
    password: str,
    network: str,
    is_synchronous: bool = True,
    **more: str,
) -> str:
    """`more` are settings of PostgreSQL that differ here."""
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
        "SYNCHRONOUS": "quorum" if is_synchronous else "off",
        "STRICT": "true" if is_synchronous else "false",
        "PARAMETERS": "\n".join(lines),
    }
    return fill_in((FOLDER / "patroni.yml.template").read_text(), facts)


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def haproxy(machines: list[Machine], *, address: str = "127.0.0.1", writes: int = 5000, reads: int = 5001) -> str:
    facts = {"ADDRESS": address, "WRITES": str(writes), "READS": str(reads)}
    facts["SERVERS"] = "\n".join(machine.line for machine in machines)
    return fill_in((FOLDER / "haproxy.cfg.template").read_text(), facts)


def pgbouncer(*, run: str, address: str = "127.0.0.1", bouncer: int = 6432, writes: int = 5000) -> str:
    facts = {"ADDRESS": address, "BOUNCER": str(bouncer), "WRITES": str(writes), "RUN": run}
    return fill_in((FOLDER / "pgbouncer.ini.template").read_text(), facts)


def main() -> None:
    asked = argparse.ArgumentParser(description="Write the settings of a cluster into a folder.")
    asked.add_argument("--machines", required=True, help="three addresses, by commas")
    asked.add_argument("--password", required=True, help="of PostgreSQL's own three roles")
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
    for machine in machines:
        folder = given.folder / machine.name
        folder.mkdir(parents=True, exist_ok=True)
        text = patroni(machine, password=given.password, network=given.network, **facts)
        (folder / "patroni.yml").write_text(text)
        (folder / "patroni.yml").chmod(0o600)  # it holds a password
    (given.folder / "web").mkdir(parents=True, exist_ok=True)
    (given.folder / "web" / "haproxy.cfg").write_text(haproxy(machines))
    (given.folder / "web" / "pgbouncer.ini").write_text(pgbouncer(run="/etc/pgbouncer"))


if __name__ == "__main__":
    main()
