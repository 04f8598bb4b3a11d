"""How addresses and networks travel."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest
from psycopg2.extensions import adapt

from maasha.db.values import read_cidr, read_inet, register


def test_read() -> None:
    """An inet is an address, or an interface if it has a prefix; a cidr is a network."""
    assert read_inet("10.0.0.1") == ip_address("10.0.0.1")
    assert read_inet("10.0.0.1/24") == ip_interface("10.0.0.1/24")
    assert read_inet("2001:db8::1") == ip_address("2001:db8::1")
    assert read_cidr("10.0.0.0/24") == ip_network("10.0.0.0/24")
    assert read_inet(None) is None
    assert read_cidr(None) is None


@pytest.mark.parametrize(
    "value", [ip_address("10.0.0.1"), ip_interface("10.0.0.1/24"), ip_network("2001:db8::/64")]
)
def test_write(value: object) -> None:
    """They are written as quoted text, which PostgreSQL reads as it needs it."""
    register()
    assert adapt(value).getquoted() == f"'{value}'".encode()
