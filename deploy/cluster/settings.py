"""Write the settings of a three-node PostgreSQL cluster: Patroni, HAProxy and PgBouncer, from templates.

    python deploy/cluster/settings.py --machines 10.0.0.1,10.0.0.2,10.0.0.3 --password W --web-password V cluster/

writes a folder for each machine, and one for the web machines.
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
WEB_TIMEOUT = "DATABASE_STATEMENT_TIMEOUT_MS=2500"  # together with other waits below 5 s; see roles.sql
MORE = {
    "max_connections": "120",  # two web machines through PgBouncer (25 each), two workers, a backup, a person
    "wal_log_hints": "on",  # for pg_rewind
    "wal_keep_size": "512MB",  # a standby that was away for less catches up
    "wal_sender_timeout": "5s",  # a standby that hangs is dropped
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "250ms",  # by default 5 s; commits wait until a standby follows a new leader
    "hot_standby_feedback": "on",  # a long report on a standby is not cancelled
}


@dataclass(frozen=True)
class Machine:
    """One machine with PostgreSQL and Patroni; `api` is the port of Patroni's REST API."""

    name: str
    address: str
    port: int = 5432
    api: int = 8008

    @property
    def haproxy_line(self) -> str:
        return f"    server {self.name} {self.address}:{self.port} check port {self.api}"


def postgresql_conf() -> dict[str, str]:
    """Settings of deploy/postgresql.conf."""
    lines = (line.split("#")[0].strip() for line in CONF.read_text().splitlines())
    settings = dict(map(str.strip, line.split("=", 1)) for line in lines if "=" in line)
    return {name: value.strip("'") for name, value in settings.items()}


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
    """patroni.yml of one machine. `addresses`: of all machines; `more`: PostgreSQL settings to override."""
    parameters = {**postgresql_conf(), **MORE, **more}
    lines = [f"        {name}: {quoted(value)}" for name, value in parameters.items()]
    values = {
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
        "MACHINES": "\n".join(hba_rules(address) for address in sorted(set(addresses))),
        "SYNCHRONOUS": "quorum" if is_synchronous else "off",
        "STRICT": "true" if is_synchronous else "false",
        "PARAMETERS": "\n".join(lines),
    }
    return fill_in((FOLDER / "patroni.yml.template").read_text(), values)


def hba_rules(address: str) -> str:
    """Lines of pg_hba.conf for PostgreSQL's own roles from one machine."""
    network = f"{address}/{'128' if ':' in address else '32'}"
    return (
        f"    - host all postgres,rewinder {network} scram-sha-256\n"
        f"    - host replication replicator {network} scram-sha-256"
    )


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def haproxy(machines: list[Machine], *, address: str = "127.0.0.1", writes: int = 5000, reads: int = 5001) -> str:
    values = {"ADDRESS": address, "WRITES": str(writes), "READS": str(reads)}
    values["SERVERS"] = "\n".join(machine.haproxy_line for machine in machines)
    return fill_in((FOLDER / "haproxy.cfg.template").read_text(), values)


def pgbouncer(
    *,
    conf: str = "/etc/pgbouncer",
    run: str = "/run/postgresql",
    log: str = "/var/log/postgresql",
    address: str = "127.0.0.1",
    bouncer: int = 6432,
    writes: int = 5000,
) -> str:
    values = {"ADDRESS": address, "BOUNCER": str(bouncer), "WRITES": str(writes), "CONF": conf, "RUN": run, "LOG": log}
    return fill_in((FOLDER / "pgbouncer.ini.template").read_text(), values)


def web_files(addresses: list[str], machines: list[Machine], password: str) -> dict[str, str]:
    """Name and text of each file for a machine with a web service and a worker."""
    hosts = ",".join(f"{address}:5432" for address in addresses)
    return {
        "haproxy.cfg": haproxy(machines),
        "pgbouncer.ini": pgbouncer(),
        "userlist.txt": f'"{WEB_ROLE}" "{password}"\n',
        "web.environment": f"DATABASE_URL=postgresql://{WEB_ROLE}:{password}@127.0.0.1:6432/revival\n{WEB_TIMEOUT}\n",
        "worker.environment": f"DATABASE_URL=postgresql://{WEB_ROLE}:{password}@{hosts}/revival\n",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the settings of a cluster into a folder.")
    parser.add_argument("--machines", required=True, help="three addresses, separated by commas")
    parser.add_argument("--password", required=True, help="for PostgreSQL's three administrative roles")
    parser.add_argument("--web-password", required=True, help=f"for the role {WEB_ROLE}: letters and digits")
    parser.add_argument("--network", default="10.0.0.0/8", help="network from which clients may connect (10.0.0.0/8)")
    parser.add_argument("--data", default="/var/lib/postgresql/18/main")
    parser.add_argument("--programs", default="/usr/lib/postgresql/18/bin")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    addresses = options.machines.split(",")
    if len(addresses) != 3:
        parser.error(
            "--machines needs three addresses: with two, a machine on its own cannot know whether the other is down"
        )
    machines = [Machine(f"db{number}", address) for number, address in enumerate(addresses, 1)]
    etcd = ",".join(f"{address}:2379" for address in addresses)
    common = {"etcd": etcd, "data": options.data, "programs": options.programs, "run": "/run/postgresql"}
    if not options.web_password.isalnum():
        parser.error("--web-password becomes part of a URL: use letters and digits")
    for machine in machines:
        text = patroni(machine, addresses=addresses, password=options.password, network=options.network, **common)
        write(options.folder / machine.name / "patroni.yml", text)
    for name, text in web_files(addresses, machines, options.web_password).items():
        write(options.folder / "web" / name, text)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)  # most of the files hold a password
    path.write_text(text)


if __name__ == "__main__":
    main()
