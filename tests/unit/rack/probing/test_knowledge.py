"""A server that answers is known at once; that there is none, only after some probes."""

from __future__ import annotations

from ipaddress import IPv4Address

from maasha.model.network import VlanId
from maasha.model.probe import Finding, ResolverSeen, ServerSeen
from maasha.rack.probing.knowledge import MISSES, Knowledge, Outline, Server

ONE = Server(IPv4Address("10.0.0.7"), "02:00:00:00:00:07")
TWO = Server(IPv4Address("10.0.0.8"), "02:00:00:00:00:08")
DNS, OTHER = IPv4Address("10.0.1.53"), IPv4Address("10.0.2.53")
VLAN = VlanId(5)


def test_nothing_is_known_before_some_probes() -> None:
    """Then it is, and there is no more hurry."""
    known = Knowledge()
    for number in range(MISSES):
        assert not known.settled
        known = known.probed((), number)
    assert known.quiet
    assert known.finding(VLAN, 9.0) == Finding(VLAN, settled=True)
    assert known.outline == Outline(settled=True)


def test_a_server_is_gone_after_some_probes() -> None:
    """In between it may be silent; an answer begins anew."""
    known = Knowledge().probed({ONE, TWO}, 1.0)
    for number in range(MISSES - 1):
        known = known.probed({TWO}, 2.0 + number)
        assert set(known.servers) == {ONE, TWO}
        assert not known.quiet
    assert known.settled
    known = known.probed({TWO}, 9.0)
    assert set(known.servers) == {TWO}
    assert known.finding(VLAN, 11.0).servers == (ServerSeen(TWO.address, TWO.mac, 2.0),)
    known = known.probed((), 12.0).probed({TWO}, 13.0).probed((), 14.0).probed((), 15.0)
    assert set(known.servers) == {TWO}


def test_a_name_server_is_known_by_its_last_answer() -> None:
    """When it was asked is told too, and that it never answered."""
    known = Knowledge().asked(DNS, 1.0, answered=True).asked(OTHER, 1.0, answered=False)
    assert known.outline.answering == {DNS}
    known = known.asked(DNS, 4.0, answered=False)
    assert known.outline == Outline(asked=frozenset({DNS, OTHER}))
    assert known.finding(VLAN, 6.0).resolvers == (
        ResolverSeen(DNS, 2.0, 5.0),
        ResolverSeen(OTHER, 5.0, None),
    )
    assert set(known.only({OTHER}).resolvers) == {OTHER}
