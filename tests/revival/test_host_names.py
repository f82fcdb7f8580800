"""Entries of ALLOWED_HOSTS that name a host, and those that let every host in, or none."""

import pytest
from django.http.request import validate_host

from revival.base import host_names


@pytest.mark.parametrize(
    "host",
    [
        "clinic.example",
        "WWW.Clinic.example",
        ".clinic.example",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "xn--bcher-kva.example",
    ],
)
def test_a_name_or_address_is_fit(host):
    assert host_names.is_fit(host)


@pytest.mark.parametrize(
    "host",
    [
        *("*", "", ".", "..", "...", "*:443", "*.clinic.example", ".com", "**", "[*]", "[]", "[::1"),
        *(" *", "* ", "\t*", "\u3000", "clinic.example ", "clinic example", "clinic.example\n"),
        *("clinic.example:443", "https://clinic.example", "clinic.example/", "-clinic.example", "clinic..example"),
    ],
)
def test_what_is_no_name_is_unfit(host):
    assert host_names.unfit(["clinic.example", host]) == [host]


@pytest.mark.parametrize("host", ["evil.example", "evil.example..", "evil.com", "clinic.example.evil.example"])
@pytest.mark.parametrize("allowed", [".", "*", ".com", ".."])
def test_what_lets_strangers_in_is_unfit(host, allowed):
    """Django's own rule: whatever it lets in by one of these, we refuse to start with."""
    assert not validate_host(host.removesuffix("."), [allowed]) or not host_names.is_fit(allowed)
