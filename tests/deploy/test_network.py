"""What the network can reach and what is believed of it: compose.yaml, a real nginx, the worker's unit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml
from django.conf import settings

from deploy import nginx
from tests.running import free_port
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


# ---- compose.yaml -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_privilege_and_writes_only_where_it_was_told_to(name):
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]  # noqa: S108 - a memory of the container's own
    assert service.get("cap_add", []) == (["CHOWN"] if name == "folders" else [])
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_one_that_gives_folders_away_is_root(name):
    users = {"postgres": "postgres", "nginx": "nginx", "folders": "root"}  # the others' images have USER

    assert SERVICES[name].get("user") == users.get(name)
    if name not in users:
        assert SERVICES[name]["image"].startswith("revival")


def test_only_this_machine_reaches_a_port():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports == {"nginx": ["127.0.0.1:8080:8080"]}


def test_each_believes_the_one_before_it_and_nobody_else():
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    of_nginx = SERVICES["nginx"]["networks"]["inside"]["ipv4_address"]

    assert SERVICES["nginx"]["environment"]["PROXY"] == "${FRONT_PROXY:-" + network["gateway"] + "}"
    assert SERVICES["web"]["environment"]["TRUSTED_PROXIES"] == of_nginx


def test_postgresql_and_nginx_write_into_memory_or_a_volume():
    written = re.findall(r"\$\{RUN\}", nginx.TEMPLATE.read_text())

    assert written
    assert SERVICES["nginx"]["environment"]["RUN"] == "/tmp"  # noqa: S108
    assert any(mount.startswith("/run/postgresql") for mount in SERVICES["postgres"]["tmpfs"])  # its socket
    folders = {volume.split(":")[1] for volume in SERVICES["folders"]["volumes"]}
    assert folders == set(SERVICES["folders"]["entrypoint"][2:])


# ---- nginx ------------------------------------------------------------------------------------


class Told(BaseHTTPRequestHandler):
    """A site that says what nginx told it."""

    def do_GET(self):
        body = f"{self.headers['X-Forwarded-Proto']} {self.headers['X-Forwarded-For']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def told() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def ask(url: str, **headers: str) -> SimpleNamespace:
    request = Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        answer = urlopen(request, timeout=PATIENCE)
    except HTTPError as error:
        answer = error
    except URLError:
        return SimpleNamespace(status=0, text="", headers={})
    return SimpleNamespace(status=answer.status, text=answer.read().decode(), headers=answer.headers)


@pytest.fixture
def front(told, tmp_path, request) -> Iterator[str]:
    """nginx before that site; `indirect` names the proxy that it believes."""
    port, conf = free_port(), tmp_path / "nginx.conf"
    for name in ("run", "public"):
        (tmp_path / name).mkdir()
    (tmp_path / "public" / "429.html").write_text("too quick")
    folders = {name: str(tmp_path / name) for name in ("public", "last", "run", "log")}
    more = {"proxy": request.param} if getattr(request, "param", "") else {}
    whole = nginx.settings(listen=f"127.0.0.1:{port}", site=told, **folders, **more)
    conf.write_text(("user root;\n" if os.geteuid() == 0 else "") + whole)  # else it cannot read the tests' folders
    server = subprocess.Popen(["nginx", "-c", str(conf), "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: ask(f"http://127.0.0.1:{port}/").status == 200)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


FORGED = {"X_Forwarded_Proto": "https", "X_Forwarded_For": "198.51.100.7"}


@pytest.mark.needs("nginx")
def test_by_default_no_address_may_say_who_asks_and_how(front):
    assert ask(front, **FORGED).text == "http 127.0.0.1"


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("front", ["127.0.0.1", "127.0.0.0/8"], indirect=True)
def test_the_proxy_that_was_named_is_believed(front):
    assert ask(front, **FORGED).text == "https 198.51.100.7"
    assert ask(front).text == "http 127.0.0.1"


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("front", ["192.0.2.1", "10.0.0.0/8"], indirect=True)
def test_another_one_is_not(front):
    assert ask(front, **FORGED).text == "http 127.0.0.1"


@pytest.mark.needs("nginx")
def test_searches_have_a_rate_of_their_own(front):
    searches = [ask(f"{front}/search/?q={number}").status for number in range(40)]

    assert searches[0] == 200
    assert searches.count(429) > 20
    assert ask(f"{front}/articles/").status == 200  # who searched too quickly can read on


def test_no_private_range_is_named_in_the_template():
    believed = re.findall(r"set_real_ip_from (\S+);", nginx.TEMPLATE.read_text())

    assert believed == ["${PROXY}"]
    assert not ip_address(nginx.NOBODY).is_global


def test_the_command_takes_the_proxy():
    command = [sys.executable, "deploy/nginx.py", "--proxy", "10.1.2.3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert "set_real_ip_from 10.1.2.3;" in done.stdout


def test_its_own_pages_allow_as_little_as_the_sites():
    policies = set(re.findall(r'Permissions-Policy "([^"]+)"', nginx.TEMPLATE.read_text()))

    assert policies == {settings.PERMISSIONS_POLICY}


# ---- systemd ----------------------------------------------------------------------------------

UNIT = (ROOT / "deploy/systemd/revival-worker.service").read_text()
DENIED = [ip_network(one) for line in re.findall(r"^IPAddressDeny=(.*)$", UNIT, re.MULTILINE) for one in line.split()]


@pytest.mark.parametrize(
    ("address", "is_denied"),
    [
        *[
            (address, True)
            for address in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200")
        ],
        *[(address, True) for address in ("168.63.129.16", "192.88.99.1", "224.0.0.1", "255.255.255.255", "0.0.0.0")],
        *[(address, True) for address in ("fd00::1", "fe80::1", "64:ff9b::1", "2002::1", "2001::1", "fec0::1")],
        *[(address, False) for address in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00::1", "127.0.0.1")],
    ],
)
def test_the_kernel_lets_the_worker_into_no_private_network(address, is_denied):
    assert any(ip_address(address) in network for network in DENIED) is is_denied
    assert "IPAddressAllow=localhost\n" in UNIT
