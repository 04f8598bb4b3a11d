"""The porter closes what the gate refuses before it costs a link, and is not talkative."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv6Address
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.gate import Limits
from maasha.rpc.ground import Ground
from maasha.rpc.porter import Porter
from maasha.rpc.protocol import Link
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure
from tests.unit.rpc.parts import (
    RACK_PEER,
    REGION_FACTS,
    Counter,
    Door,
    Line,
    Listener,
    Peer,
    value_of,
    waits,
)

FEW = Limits(unproved=2, unproved_per_source=1)


class Yard:
    """A region with few places for strangers."""

    def __init__(self, limits: Limits = FEW) -> None:
        self.clock = Clock()
        self.lines: list[Line] = []
        self.porter = Porter(self.clock, limits)
        self.factory = RegionFactory(
            Ground(self.clock), REGION_FACTS, Door(), Counter(), porter=self.porter
        )

    def knock(self, host: int) -> Link | None:
        """Connect from one of many networks."""
        link = self.factory.buildProtocol(IPv6Address("TCP", f"2001:db8:0:{host:x}::1", 4000))
        if link is not None:
            self.lines.append(Line(link, self.clock))
            self.lines[-1].attach(Peer())
        for line in self.lines:
            line.pump.flush()
        return link


@pytest.mark.parametrize("tls", [True, False])
def test_a_source_over_its_limit_costs_no_link(tls: bool, logged: Listener) -> None:
    """The connection is closed before TLS or anything else is made for it."""
    yard = Yard()
    offered = secure(yard.factory, yard.clock) if tls else yard.factory
    assert [offered.buildProtocol(RACK_PEER) is None for _ in range(5)] == [False] + [True] * 4
    assert logged.lines == [
        "from 192.0.2.1: turned away, for it has too many connections that prove nothing "
        "(the like is not logged again for 60 s)"
    ]


def test_whoever_makes_room_hears_nothing_but_the_log_does(logged: Listener) -> None:
    """The connection is aborted, and its own end changes nothing more."""
    yard = Yard()
    first, second, third = (yard.knock(host) for host in (1, 2, 3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert value_of(first.closed).startswith("it had proved nothing yet")
    assert waits(second.closed)
    assert waits(third.closed)
    assert [line.split(":", 1)[0] for line in logged.lines] == ["from 2001"]


def test_a_proved_link_takes_no_place() -> None:
    """Nor does one that has ended."""
    yard = Yard(Limits(unproved=1))
    first = yard.knock(1)
    assert first is not None
    first.trust(amp.CommandLocator())
    yard.porter.proved(first)
    second = yard.knock(2)
    assert second is not None
    assert waits(first.closed)
    second.abort("enough")
    assert yard.knock(3) is not None
    first.abort("enough")
    assert yard.knock(4) is not None
