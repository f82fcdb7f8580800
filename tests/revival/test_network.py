"""Whose word is taken for a visitor's address and scheme: that of TRUSTED_PROXIES, of one machine or a network."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from revival.base.network import is_network, network_of
from tests.revival.test_settings import PRODUCTION, ROOT, run

VISITOR = "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "trusted", "network"),
    [
        ("10.0.0.4", ["10.0.0.4"], VISITOR),
        ("10.0.0.4", ["10.0.0.0/24"], VISITOR),
        ("10.0.1.4", ["10.0.0.0/24"], "10.0.1.4"),
        ("10.0.0.4", [], "10.0.0.4"),
        ("10.0.0.4", ["127.0.0.1", "::1"], "10.0.0.4"),
        ("192.168.1.1", ["127.0.0.1", "::1"], "192.168.1.1"),
        ("fd00::5", ["fd00::/64"], VISITOR),
        ("", ["127.0.0.1"], "unknown"),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(peer, trusted, network):
    assert network_of(peer=peer, forwarded_for=VISITOR, trusted=trusted) == network


@pytest.mark.parametrize(
    ("peer", "scheme"), [("127.0.0.1", "https"), ("10.0.0.4", "http"), ("172.17.0.1", "http"), ("192.168.1.1", "http")]
)
def test_only_a_trusted_proxy_says_that_it_was_https(peer, scheme):
    """By the list that deploy/gunicorn.conf.py gives to gunicorn, on which Django's `is_secure` rests."""
    config = Config()
    config.set("forwarded_allow_ips", "127.0.0.1,::1")
    asked = b"GET / HTTP/1.1\r\nHost: clinic.example\r\nX-Forwarded-Proto: https\r\n\r\n"

    assert Request(config, IterUnreader([asked]), (peer, 5000)).scheme == scheme


def test_django_takes_nobodys_word_beside_gunicorns():
    show = "from revival import settings as s; print(hasattr(s, 'SECURE_PROXY_SSL_HEADER'), s.SECURE_SSL_REDIRECT)"

    assert run([sys.executable, "-c", show], PRODUCTION).stdout.split() == ["False", "True"]


def test_gunicorn_is_given_the_same_list():
    show = "import runpy; print(runpy.run_path('deploy/gunicorn.conf.py')['forwarded_allow_ips'])"
    environment = {**os.environ, "TRUSTED_PROXIES": "10.0.0.4,10.1.0.0/16"}

    done = subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.stdout.strip() == "10.0.0.4,10.1.0.0/16"


@pytest.mark.parametrize("wrong", ["*", "nginx", "0.0.0.0/0", "::/0", "10.0.0.1/8", "10.0.0.4, *"])
def test_everybody_is_no_proxy(wrong):
    done = run([sys.executable, "manage.py", "check"], {**PRODUCTION, "TRUSTED_PROXIES": wrong})

    assert done.returncode == 1
    assert done.stderr.startswith("revival: TRUSTED_PROXIES holds ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("text", "is_one"), [("10.0.0.4", True), ("10.0.0.0/24", True), ("::1", True), ("*", False)])
def test_which_texts_are_networks(text, is_one):
    assert is_network(text) is is_one
