"""Networks that an interface reveals."""

from __future__ import annotations

from ipaddress import ip_interface, ip_network

import pytest

from maasha.db.interfaces import networks_of
from maasha.model.network import Interface


@pytest.mark.parametrize(
    ("addresses", "networks"),
    [
        ([], []),
        (["127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.1.1/16"], []),
        (["192.0.2.1/32", "2001:db8::1/128"], []),
        (["10.0.0.1/24", "10.0.0.2/24"], ["10.0.0.0/24"]),
        (["2001:db8::1/64", "10.0.0.1/31"], ["2001:db8::/64", "10.0.0.0/31"]),
    ],
)
def test_networks(addresses: list[str], networks: list[str]) -> None:
    """Loopback, link-local and single hosts reveal nothing; a network is named once."""
    interface = Interface("eth0", "", tuple(ip_interface(one) for one in addresses))
    assert networks_of(interface) == tuple(ip_network(one) for one in networks)
