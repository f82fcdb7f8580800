"""Three PostgreSQL under Patroni, and what guests see and lose when machines of it die. Real parts, on loopback.

    make drill-cluster                          all of it
    make drill-cluster ARGS="machine-dies"      some

Patroni comes from PyPI into .drill/; etcd, HAProxy and PgBouncer are Debian's. A "machine" here is Patroni's agent with
the PostgreSQL below it: killed or frozen together. Web processes go through PgBouncer and HAProxy, the worker goes
straight to whoever leads. For each: the longest time in which nobody was promised a booking, and what was lost.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg

from deploy.cluster import settings
from deploy.local import postgres as embedded_postgres
from revival.database import grants
from revival.database.watchdog import TimedConnection
from tests.drills.faults import Drill, LeftOut, failures, run_all, stopped
from tests.drills.stage import BIN, FIRST_PORT, ROOT, WEB_ROLE, MailServer, Stage, Supervised, a_stage

PATRONI = "patroni[etcd3,psycopg3]==4.1.5"
FOLDER = ROOT / ".drill" / "patroni"
NEEDED = {"etcd": "etcd-server", "haproxy": "haproxy", "pgbouncer": "pgbouncer", "nginx": "nginx"}
NAMES = ("one", "two", "three")
POSTGRES_DIES, MACHINE_DIES = 5.0, 25.0  # seconds without a booking
HANDED_OVER = 8.0  # seconds; no target: the old leader first writes all it has and stops cleanly
WISHED_IF_MACHINE_DIES = 15.0  # which Patroni does not give: it raises a ttl below 20 to 20
ALONE_SECONDS, MANY_CONNECTIONS = 120, 100  # without standbys; the web role's CONNECTION LIMIT
SMALL = {"shared_buffers": "64MB", "archive_mode": "off", "archive_command": "", "wal_keep_size": "256MB"}


def patroni_program() -> Path:
    program = FOLDER / "bin" / "patroni"
    if not program.exists():
        uv = str(BIN / "uv")
        made = subprocess.run([uv, "venv", "--quiet", "--clear", str(FOLDER)]).returncode == 0
        into = ["--quiet", "--python", str(FOLDER / "bin" / "python")]
        if not made or subprocess.run([uv, "pip", "install", *into, PATRONI]).returncode != 0:
            raise LeftOut("PyPI cannot be reached")
    return program


@dataclass
class Machine:
    """One of the three: its agent, and through it a PostgreSQL."""

    given: settings.Machine
    data: Path
    agent: Supervised

    @property
    def name(self) -> str:
        return self.given.name

    def postgres(self) -> list[psutil.Process]:
        """PostgreSQL alone, which the agent started and which lives on without it."""
        with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            server = psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
            return [server, *server.children(recursive=True)]
        return []

    def everything(self) -> list[psutil.Process]:
        return list({one.pid: one for one in (*self.agent.everything(), *self.postgres())}.values())

    def kill_postgres(self) -> None:
        kill(self.postgres())

    def takes_writes(self, password: str) -> bool:
        url = f"postgresql://postgres:{password}@{self.given.address}:{self.given.port}/postgres"
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as direct:
            return not direct.execute("SELECT pg_is_in_recovery()").fetchone()[0]  # type: ignore[index]

    def die(self) -> None:
        """The machine is gone: nobody starts anything again until `come_back`."""
        found = self.postgres()
        self.agent.end(signal.SIGKILL)
        kill(found)

    def come_back(self) -> None:
        self.agent = Supervised(self.agent.name, self.agent.command, self.agent.log, self.agent.env, **self.agent.how)


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


class Cluster(Stage):
    """A stage whose database is three."""

    def __init__(self, folder: Path, *, is_synchronous: bool = True) -> None:
        super().__init__(folder, first_port=FIRST_PORT + 100)
        self.is_synchronous = is_synchronous
        first = self.nginx_port + 20
        self.etcd_ports = [first, first + 2, first + 4]
        self.nodes = [
            settings.Machine(name, "127.0.0.1", first + 10 + number, first + 20 + number)
            for number, name in enumerate(NAMES)
        ]
        self.writes, self.reads, self.bouncer = first + 30, first + 31, first + 32

    # ---- parts ----

    def start(self) -> None:
        for program, package in NEEDED.items():
            if not shutil.which(program):
                raise LeftOut(f"{program} is missing (apt-get install {package})")
        patroni_program()
        self.mounted = []
        self.user = self.server.user
        self.folder.chmod(0o755)
        for part in ("run", "public", "tmp", "data"):
            (self.folder / part).mkdir()
            (self.folder / part).chmod(0o755)
        if self.user:
            embedded_postgres.ensure_user_exists(self.user)
            for part in (FOLDER, Path(sys.executable).resolve()):
                embedded_postgres.ensure_prefix_permissions(part)
            for path in (embedded_postgres.PROGRAMS, embedded_postgres.PROGRAMS.parent / "lib"):
                embedded_postgres.ensure_prefix_permissions(path)
            for part in ("run", "data"):
                os.chown(self.folder / part, *embedded_postgres.owner(self.user))
        self.password, web_password = secrets.token_hex(16), secrets.token_hex(16)
        self.etcd = [self.start_etcd(number) for number in range(3)]
        self.machines = [self.start_machine(node) for node in self.nodes]
        hosts = ",".join(f"{node.address}:{node.port}" for node in self.nodes)
        self.owner_url = f"postgresql://postgres:{self.password}@{hosts}/{embedded_postgres.DATABASE}?target_session_attrs=read-write"
        self.make_database()
        with self.connect() as owner:
            grants.make_role(owner, WEB_ROLE, web_password)
            owner.execute((ROOT / "deploy/cluster/roles.sql").read_text().replace(':"web_role"', WEB_ROLE))
        self.worker_url = grants.as_role(self.owner_url, WEB_ROLE, web_password)
        self.web_url = f"postgresql://{WEB_ROLE}:{web_password}@127.0.0.1:{self.bouncer}/{embedded_postgres.DATABASE}"
        self.haproxy = self.start_haproxy()
        self.pgbouncer = self.start_pgbouncer(web_password)
        self.mail = MailServer(self.mail_port)
        self.migrate()
        self.fill()
        self.web, self.worker, self.nginx = self.start_web(), self.start_worker(), self.start_nginx()
        self.wait_until_ready()

    def start_etcd(self, number: int) -> Supervised:
        client, peer = self.etcd_ports[number], self.etcd_ports[number] + 1
        peers = ",".join(
            f"{name}=http://127.0.0.1:{port + 1}" for name, port in zip(NAMES, self.etcd_ports, strict=True)
        )
        command = ["etcd", "--name", NAMES[number], "--data-dir", str(self.folder / f"etcd-{NAMES[number]}")]
        command += ["--listen-client-urls", f"http://127.0.0.1:{client}"]
        command += ["--advertise-client-urls", f"http://127.0.0.1:{client}"]
        command += ["--listen-peer-urls", f"http://127.0.0.1:{peer}"]
        command += ["--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", peers]
        command += ["--log-level", "error"]
        return Supervised(f"etcd-{NAMES[number]}", command, self.folder / f"etcd-{NAMES[number]}.log")

    def start_machine(self, node: settings.Machine) -> Machine:
        data = self.folder / "data" / node.name
        text = settings.patroni(
            node,
            addresses=[one.address for one in self.nodes],
            etcd=",".join(f"127.0.0.1:{port}" for port in self.etcd_ports),
            data=str(data),
            programs=str(embedded_postgres.PROGRAMS),
            run=str(self.folder / "run"),
            password=self.password,
            network="127.0.0.0/8",
            is_synchronous=self.is_synchronous,
            **SMALL,
        )
        conf = self.folder / f"patroni-{node.name}.yml"
        conf.write_text(text)
        conf.chmod(0o644)
        environment = {"PATH": f"{embedded_postgres.PROGRAMS}:{os.environ['PATH']}", "HOME": str(self.folder / "run")}
        log = self.folder / f"patroni-{node.name}.log"
        agent = Supervised(
            f"patroni-{node.name}", [str(FOLDER / "bin" / "patroni"), str(conf)], log, environment, user=self.user
        )
        return Machine(node, data, agent)

    def make_database(self) -> None:
        def made() -> bool:
            with psycopg.connect(self.owner_url.replace("/revival?", "/postgres?"), autocommit=True) as server:
                if not server.execute("SELECT 1 FROM pg_database WHERE datname = 'revival'").fetchone():
                    server.execute("CREATE DATABASE revival")
            return True

        self.wait_for("a leader", made, 120)
        self.wait_for("two that follow", lambda: len(self.following()) == 2, 120)

    def start_haproxy(self) -> Supervised:
        conf = self.folder / "haproxy.cfg"
        conf.write_text(settings.haproxy(self.nodes, writes=self.writes, reads=self.reads))
        return Supervised("haproxy", ["haproxy", "-db", "-f", str(conf)], self.folder / "haproxy.log")

    def start_pgbouncer(self, password: str) -> Supervised:
        run = self.folder / "run"
        (run / "userlist.txt").write_text(f'"{WEB_ROLE}" "{password}"\n')
        conf = self.folder / "pgbouncer.ini"
        conf.write_text(
            settings.pgbouncer(conf=str(run), run=str(run), log=str(run), bouncer=self.bouncer, writes=self.writes)
        )
        for path in (conf, run / "userlist.txt"):
            path.chmod(0o644)
        command = ["pgbouncer", str(conf)]
        return Supervised("pgbouncer", command, self.folder / "pgbouncer-start.log", user=self.user)

    def start_worker(self) -> Supervised:
        behind_the_bouncer, self.web_url = self.web_url, self.worker_url
        try:
            return super().start_worker()
        finally:
            self.web_url = behind_the_bouncer

    def end(self) -> None:
        for part in ("nginx", "web", "worker", "pgbouncer", "haproxy"):
            if hasattr(self, part):
                getattr(self, part).end()
        for machine in getattr(self, "machines", []):
            machine.agent.end(signal.SIGTERM, 20)
            kill(machine.postgres())
        for one in getattr(self, "etcd", []):
            one.end()
        if hasattr(self, "mail"):
            self.mail.stop()

    def environment(self, url: str) -> dict[str, str]:
        name, _, milliseconds = settings.WEB_TIMEOUT.partition("=")
        return super().environment(url) | {name: milliseconds}

    # ---- look ----

    def ask_a_standby(self) -> bool:
        """Through HAProxy's other door: whether a standby answers that has all but a moment of it."""
        url = f"postgresql://postgres:{self.password}@127.0.0.1:{self.reads}/{embedded_postgres.DATABASE}"
        behind = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() + 1000000 >= %s::pg_lsn"
        (lsn,) = self.ask("SELECT pg_current_wal_lsn()::text")[0]
        with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=2) as reading:
            return bool(reading.execute(behind, [lsn]).fetchone()[0])  # type: ignore[index]
        return False

    def etcds_leader(self) -> int:
        """Its place among the three."""
        for number, port in enumerate(self.etcd_ports):
            asked = Request(f"http://127.0.0.1:{port}/v3/maintenance/status", b"{}", method="POST")
            with suppress(OSError, ValueError), urlopen(asked, timeout=2) as answer:
                found = json.load(answer)
                if found["leader"] == found["header"]["member_id"]:
                    return number
        raise AssertionError("etcd has no leader")

    def members(self) -> list[dict[str, Any]]:
        for node in self.nodes:
            with suppress(OSError, ValueError), urlopen(f"http://127.0.0.1:{node.api}/cluster", timeout=2) as answer:
                found: list[dict[str, Any]] = json.load(answer)["members"]
                return found
        return []

    def leader(self) -> Machine:
        found: list[str] = []

        def known() -> bool:
            found[:] = [one["name"] for one in self.members() if one["role"] == "leader" and one["state"] == "running"]
            return bool(found)

        self.wait_for("a leader", known, 60)
        return next(one for one in self.machines if one.name == found[0])

    def standbys(self) -> list[Machine]:
        leader = self.leader()
        return [one for one in self.machines if one.name != leader.name]

    def following(self) -> list[str]:
        return [one["name"] for one in self.members() if one["role"] != "leader" and one["state"] == "streaming"]

    def wait_until_whole(self) -> float:
        return self.wait_for("a leader and two that follow", lambda: self.leader() and len(self.following()) == 2, 120)


# ---- what breaks --------------------------------------------------------------------------------


@contextmanager
def load(drill: Drill, most: float, *, many: int = 1500) -> Iterator[float]:
    """Guests meanwhile; afterwards the longest time in which no booking was promised is held against `most`."""
    first = len(drill.promises)
    with drill.load(many=many, booking=8, reading=2):
        began = time.time()
        yield began
        drill.stage.wait_until_whole()  # type: ignore[attr-defined]
    # To the last moment: a booking that never comes back is a silence, too.
    moments = sorted([began, *(one.at for one in drill.promises[first:]), drill.load_ended])
    gap = max((later - earlier for earlier, later in pairwise(moments)), default=float("inf"))
    wished = f"; wished {WISHED_IF_MACHINE_DIES:.0f} s, Patroni's least ttl is 20 s" if most == MACHINE_DIES else ""
    drill.tell(f"gap        {gap:.1f} s without a promised booking{wished}")
    if wished:
        drill.tell(f"           {'below' if gap <= WISHED_IF_MACHINE_DIES else 'NOT below'} what was wished")
    drill.promise(f"no longer than {most:.0f} s without a booking", gap <= most)
    drill.promise("the web was not started anew", not drill.restarted & {"web", "processes of web", "nginx"})
    drill.kills += 1  # the worker's own connection, perhaps between the mail server's 250 and its COMMIT
    drill.settle()


def postgres_dies(drill: Drill) -> None:
    """kill -9 of the leader's PostgreSQL; its agent lives"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, POSTGRES_DIES):
        leader = cluster.leader()
        leader.kill_postgres()
        cluster.wait_for("another leader", lambda: cluster.leader().name != leader.name, 40)
        drill.tell(f"broken     PostgreSQL of {leader.name}, kill -9; {cluster.leader().name} leads")


def agent_restarts(drill: Drill) -> None:
    """kill -9 of the leader's agent and PostgreSQL; systemd starts the agent again after a second"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, POSTGRES_DIES):
        leader = cluster.leader()
        found = leader.postgres()
        leader.agent.kill()
        kill(found)
        drill.tell(f"broken     agent and PostgreSQL of {leader.name}, kill -9; the agent is started again")
        time.sleep(8)


def machine_dies(drill: Drill) -> None:
    """the leader's machine is gone, agent and all; it comes back half a minute later and follows"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, MACHINE_DIES, many=3000):
        leader = cluster.leader()
        leader.die()
        took = cluster.wait_for("another leader", lambda: cluster.leader().name != leader.name, 60)
        drill.tell(
            f"broken     {leader.name} with its agent, kill -9; {cluster.leader().name} leads after {took:.1f} s"
        )
        time.sleep(3)
        leader.come_back()
        took = cluster.wait_until_whole()
        drill.tell(f"           the old leader follows again after {took:.1f} s")


def leader_freezes(drill: Drill) -> None:
    """the leader's machine stands still (SIGSTOP) for half a minute, and goes on as if nothing had been"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, MACHINE_DIES, many=3000):
        leader = cluster.leader()
        with stopped(leader.everything()):
            took = cluster.wait_for("another leader", lambda: cluster.leader().name != leader.name, 60)
            time.sleep(5)
        asked = write_again_and_again(cluster, leader)
        drill.tell(f"broken     {leader.name} stood still; {cluster.leader().name} leads after {took:.1f} s")
    drill.tell(f"           awake again it was asked to write {asked.total()} times: {dict(asked)}")
    drill.promise("the old leader takes no write", asked.total() > 0 and not asked["written"])


def write_again_and_again(cluster: Cluster, machine: Machine, seconds: float = 10) -> Counter[str]:
    """Straight to that machine's own port, by nobody's leave, twenty times a second; what it said."""
    one = machine.given
    url = f"postgresql://postgres:{cluster.password}@{one.address}:{one.port}/{embedded_postgres.DATABASE}"
    asked, until = Counter[str](), time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with TimedConnection.connect(url, autocommit=True, connect_timeout=2) as direct:
                direct.execute("SELECT pg_logical_emit_message(true, 'drill', '')")
            asked["written"] += 1
        except (psycopg.Error, OSError) as error:
            asked[getattr(error, "sqlstate", None) or "no answer"] += 1
        time.sleep(0.05)
    return asked


def standby_freezes(drill: Drill) -> None:
    """one standby stands still for fifteen seconds: the other one is enough"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, 3):
        names = [one["name"] for one in cluster.members() if one["role"] == "quorum_standby"]
        standby = next(one for one in cluster.machines if one.name in names)
        with stopped(standby.everything()):
            time.sleep(6)  # HAProxy needs two questions that nobody answers
            answers = []
            for _ in range(9):
                time.sleep(1)
                answers.append(cluster.ask_a_standby())
        drill.tell(f"broken     {standby.name}, one of {len(names)} on which commits wait, stood still for 15 s")
        drill.tell(f"           reads: {sum(answers)} of {len(answers)} answered by a standby that follows")
        drill.promise("reads are answered by a standby", all(answers))


def both_standbys_gone(drill: Drill) -> None:
    """both standbys are gone for two minutes: booking says 503, and nothing is promised that one machine alone has"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, ALONE_SECONDS + 20, many=2000):
        gone = cluster.standbys()
        for one in gone:
            one.die()
        time.sleep(1)
        alone = time.time()
        most, pages = 0, Counter[int]()
        while time.time() < alone + ALONE_SECONDS:
            time.sleep(2)
            most = max(most, cluster.ask(CONNECTIONS)[0][0])
            pages[cluster.status_or_refusal("/book/drill-0/visit/")] += 1
        waiting = cluster.ask(f"{CONNECTIONS} AND wait_event = 'SyncRep'")[0][0]
        until = time.time()
        for one in gone:
            one.come_back()
        drill.tell(f"broken     {' and '.join(one.name for one in gone)}, for {until - alone:.0f} s")
        drill.tell(f"           {most} connections of the site at most, {waiting} waiting for a standby at the end")
        drill.tell(f"           a page of times meanwhile: {dict(pages)}")
    meanwhile = sum(alone + 0.5 < one.at < until for one in drill.promises)
    drill.promise("nothing was promised meanwhile", meanwhile == 0)
    drill.promise("booking said 503", drill.crowd.bookings.statuses[503] > 0)
    drill.promise("connections do not run out", most < MANY_CONNECTIONS / 2)
    drill.promise("pages of times go on", pages[200] >= pages.total() * 0.9)


CONNECTIONS = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{WEB_ROLE}'"


def etcd_one_gone(drill: Drill) -> None:
    """the leader of three etcd is gone for fifteen seconds: nobody notices"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, POSTGRES_DIES):
        number = cluster.etcds_leader()
        cluster.etcd[number].end(signal.SIGKILL)
        time.sleep(15)
        other = cluster.etcds_leader()
        cluster.etcd[number] = cluster.start_etcd(number)
        drill.tell(f"broken     etcd's leader {NAMES[number]}, kill -9, away for 15 s; {NAMES[other]} leads")
        drill.promise("another etcd leads", number != other)


def quorum_and_leader(drill: Drill) -> None:
    """two of three etcd stand still, then the leader dies: nobody may lead until they are back"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, 60, many=2000):
        leader = cluster.leader()
        others = [one for one in cluster.machines if one is not leader]
        with stopped([one for etcd in cluster.etcd[:2] for one in etcd.everything()]):
            time.sleep(3)
            leader.die()
            dead = time.time()
            time.sleep(15)
            promoted = [one.name for one in others if one.takes_writes(cluster.password)]
            until = time.time()
        took = cluster.wait_for("another leader", lambda: cluster.leader().name != leader.name, 60)
        leader.come_back()
        drill.tell(f"broken     two etcd of three, then {leader.name}, dead for {until - dead:.0f} s without a quorum")
        drill.tell(f"           {cluster.leader().name} leads {took:.1f} s after etcd was back")
    meanwhile = sum(dead + 0.5 < one.at < until for one in drill.promises)
    drill.promise("nobody was promoted without a quorum", not promoted)
    drill.promise("nothing was promised meanwhile", meanwhile == 0)


def etcd_no_quorum(drill: Drill) -> None:
    """two of three etcd stand still for half a minute: the leader asks the others itself, and goes on"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, POSTGRES_DIES, many=3000):
        leader = cluster.leader()
        with stopped([one for etcd in cluster.etcd[:2] for one in etcd.everything()]):
            time.sleep(30)
        drill.tell("broken     two etcd of three, SIGSTOP for 30 s")
        drill.promise("the leader stayed", cluster.leader().name == leader.name)


def switchover(drill: Drill) -> None:
    """a planned switch: the leader hands over"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, HANDED_OVER):
        leader, other = cluster.leader(), cluster.standbys()[0]
        names = [one["name"] for one in cluster.members() if one["role"] == "quorum_standby"]
        other = next((one for one in cluster.machines if one.name in names), other)
        conf = str(cluster.folder / f"patroni-{leader.name}.yml")
        command = [str(FOLDER / "bin" / "patronictl"), "-c", conf, "switchover", "revival", "--force"]
        command += ["--leader", leader.name, "--candidate", other.name]
        done = subprocess.run(command, capture_output=True, text=True)
        cluster.wait_for("the new leader", lambda: cluster.leader().name == other.name, 40)
        drill.tell(f"broken     nothing: {leader.name} handed over to {other.name} ({done.returncode})")


def rolling_deploy(drill: Drill) -> None:
    """a migration that changes tables, then new code on one of two web services after the other, while guests book"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with cluster.two_of_each():
        with drill.load(booking=8, reading=2):
            said = cluster.manage("apply_migrations", "--settings=tests.drills.later.settings")
            for web in (cluster.web, cluster.second_web):
                web.process.send_signal(signal.SIGHUP)
                time.sleep(7)
            drill.tell(f"broken     nothing: {said.strip().splitlines()[-1]}; two web services reloaded in turn")
        changed = cluster.ask("SELECT count(*) FROM pg_attribute WHERE attname = 'later_note' AND attnum > 0")[0][0]
        drill.promise("the tables were changed", changed == 2)
        drill.promise("no request failed", failures(drill.crowd) == 0)
        drill.settle()


def direct(drill: Drill) -> None:
    """the web without PgBouncer and HAProxy, three hosts in its DATABASE_URL: the leader dies, hangs, and dies again"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    bouncer, cluster.web_url = cluster.web_url, cluster.worker_url
    cluster.restart_site()
    try:
        with load(drill, MACHINE_DIES, many=4000):
            for fault in (kill_its_postgres, freeze, lose_the_machine):
                leader = cluster.leader()
                with fault(leader):
                    took = cluster.wait_for("another leader", lambda was=leader: cluster.leader().name != was.name, 60)
                    drill.tell(f"broken     {leader.name} ({fault.__name__}); {took:.1f} s until another leads")
                    time.sleep(4)
                cluster.wait_until_whole()
                time.sleep(2)
    finally:
        cluster.web_url = bouncer
        cluster.restart_site()


@contextmanager
def kill_its_postgres(leader: Machine) -> Iterator[None]:
    leader.kill_postgres()
    yield


@contextmanager
def freeze(leader: Machine) -> Iterator[None]:
    with stopped(leader.everything()):
        yield


@contextmanager
def lose_the_machine(leader: Machine) -> Iterator[None]:
    leader.die()
    yield
    leader.come_back()


def desk_lists(drill: Drill) -> None:
    """eight people at the desk open lists at once, behind PgBouncer; then with cursors of the server's own"""
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    for name, settings_module in (("as it is", "revival.settings"), ("control", "tests.drills.cursors")):
        said = cluster.manage(
            "shell",
            "--verbosity=0",
            "--command",
            LISTS,
            DJANGO_SETTINGS_MODULE=settings_module,
            DATABASE_URL=cluster.web_url,
        )
        failed = int(said.split("FAILED")[1])
        drill.tell(f"{name:<11}{failed} of 1600 lists failed")
        if name == "control":
            drill.promise("control: cursors of the server's own are seen to fail", failed > 0)
        else:
            drill.promise("no list fails", failed == 0)


LISTS = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from django.forms import ModelChoiceField
from booking.models import Therapist

def lists(number):
    failed = 0
    for _ in range(200):
        try:
            list(ModelChoiceField(Therapist.objects.all()).choices)
        except Exception:
            failed += 1
    connection.close()
    return failed

with ThreadPoolExecutor(8) as people:
    print("FAILED", sum(people.map(lists, range(8))))
"""


def lag_then_death(drill: Drill, *, most: float) -> None:
    cluster: Cluster = drill.stage  # type: ignore[assignment]
    with load(drill, most, many=3000):
        leader = cluster.leader()
        receivers = [
            one
            for standby in cluster.standbys()
            for one in standby.postgres()
            if "walreceiver" in " ".join(one.cmdline())
        ]
        with stopped(receivers):
            time.sleep(2)
            leader.die()
            kill(receivers)  # and with them what the network still had on its way
        cluster.wait_for("another leader", lambda: cluster.leader().name != leader.name, 60)
        time.sleep(3)
        leader.come_back()
        drill.tell(
            f"broken     the standbys heard nothing for 2 s ({len(receivers)} receivers), then {leader.name} died"
        )


def lagging(drill: Drill) -> None:
    """the standbys lag two seconds behind, then the leader's machine dies"""
    lag_then_death(drill, most=MACHINE_DIES)


def control_asynchronous(drill: Drill) -> None:
    """control: the same with asynchronous replication loses bookings that were promised"""
    lag_then_death(drill, most=60)
    drill.kept = {"what was promised is lost": not drill.kept["nothing promised is lost"]}


SCENARIOS: dict[str, Callable[[Drill], None]] = {
    "postgres-dies": postgres_dies,
    "agent-restarts": agent_restarts,
    "switchover": switchover,
    "machine-dies": machine_dies,
    "leader-freezes": leader_freezes,
    "direct": direct,
    "standby-freezes": standby_freezes,
    "both-standbys-gone": both_standbys_gone,
    "etcd-one-gone": etcd_one_gone,
    "etcd-no-quorum": etcd_no_quorum,
    "quorum-and-leader": quorum_and_leader,
    "desk-lists": desk_lists,
    "rolling-deploy": rolling_deploy,
    "lagging": lagging,
    "control-asynchronous": control_asynchronous,
}


def main(names: list[str]) -> int:
    asynchronous = {"control-asynchronous"}
    stages = [
        (partial(a_stage, Cluster), set(SCENARIOS) - asynchronous),
        (partial(a_stage, Cluster, is_synchronous=False), asynchronous),
    ]
    return run_all(names, SCENARIOS, stages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
