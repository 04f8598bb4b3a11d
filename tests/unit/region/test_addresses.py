"""A worker publishes the addresses at which racks may reach it."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

from maasha.model.cluster import Endpoint
from maasha.model.network import Interface
from maasha.region.addresses import own_addresses, published

HOST = (
    Interface("eth0", "02:00:00:00:00:01", (ip_interface("10.0.0.9/24"),)),
    Interface(
        "eth1", "02:00:00:00:00:02", (ip_interface("fd00::9/64"), ip_interface("192.0.2.9/24"))
    ),
)


def test_every_address_of_the_host_is_published() -> None:
    """IPv4 and IPv6 alike, in the order of the interfaces."""
    hosts = [endpoint.host for endpoint in published(HOST, 5250)]
    assert hosts == ["10.0.0.9", "fd00::9", "192.0.2.9"]


def test_networks_filter() -> None:
    """With rpc_networks only the addresses inside count."""
    only = published(HOST, 5251, networks=[ip_network("192.0.2.0/24")])
    assert only == (Endpoint("192.0.2.9", 5251),)


def test_given_addresses_replace_the_host_own() -> None:
    """A region behind a forwarder publishes what its administrator wrote, each once."""
    given = [ip_address("203.0.113.1"), ip_address("203.0.113.1")]
    assert published(HOST, 5250, addresses=given) == (Endpoint("203.0.113.1", 5250),)


def test_a_host_without_network_publishes_loopback() -> None:
    """A single machine works without any network."""
    assert published((), 5250) == (Endpoint("127.0.0.1", 5250),)


def test_networks_that_fit_no_address_leave_nothing() -> None:
    """The caller must say so: a worker that nobody can reach is a mistake."""
    assert published(HOST, 5250, networks=[ip_network("198.51.100.0/24")]) == ()


def test_a_hosts_own_addresses() -> None:
    """Those inside the networks, where there are any; none where no interface is known."""
    assert own_addresses((), ()) == ()
    assert [str(each) for each in own_addresses(HOST, ())] == ["10.0.0.9", "fd00::9", "192.0.2.9"]
    only = own_addresses(HOST, [ip_network("192.0.2.0/24")])
    assert only == (ip_address("192.0.2.9"),)
