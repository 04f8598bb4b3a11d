"""Peers are written as people know them."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from maasha.rpc.addresses import host_of, shown, source_of


@pytest.mark.parametrize(
    ("peer", "text", "host"),
    [
        (IPv4Address("TCP", "192.0.2.1", 5250), "192.0.2.1:5250", "192.0.2.1"),
        (IPv6Address("TCP", "2001:db8::1", 5250), "[2001:db8::1]:5250", "2001:db8::1"),
        (IPv6Address("TCP", "::ffff:192.0.2.1", 5250), "192.0.2.1:5250", "192.0.2.1"),
        (IPv6Address("TCP", "fe80::1%eth0", 5250), "[fe80::1%eth0]:5250", "fe80::1%eth0"),
        (UNIXAddress("/run/x"), "UNIXAddress('/run/x')", "UNIXAddress('/run/x')"),
    ],
)
def test_a_peer_is_written_with_host_and_port(peer: IAddress, text: str, host: str) -> None:
    """IPv4 peers of a dual-stack listener are shown as IPv4, IPv6 ones in brackets."""
    assert (shown(peer), host_of(peer)) == (text, host)


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        (IPv4Address("TCP", "192.0.2.1", 5250), "192.0.2.1"),
        (IPv6Address("TCP", "::ffff:192.0.2.1", 5250), "192.0.2.1"),
        (IPv6Address("TCP", "2001:db8:1:2:3:4:5:6", 5250), "2001:db8:1:2::/64"),
        (IPv6Address("TCP", "fe80::1%eth0", 5250), "fe80::/64%eth0"),
        (UNIXAddress("/run/x"), "UNIXAddress('/run/x')"),
    ],
)
def test_a_source_is_what_one_host_has_to_itself(peer: IAddress, source: str) -> None:
    """An IPv4 address, and of IPv6 the /64 in which a host may choose any address."""
    assert source_of(peer) == source
