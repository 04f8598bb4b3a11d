"""Asks whether a secondary takes failover connections, before a primary depends on it.

A server that has a failover peer and cannot reach it answers nobody until it can. So this is the
last question before a rack that serves alone becomes a primary: a firewall on TCP 647 must not take
a VLAN down.
"""

from __future__ import annotations

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.failover import FAILOVER_PORT
from maasha.dhcp.reactor import IReactorDhcp
from maasha.model.dhcp import Role

DEADLINE = 2.0
"""Seconds; the peer is on the same link."""


class _HangUp(Protocol):
    def connectionMade(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


async def reach(reactor: IReactorDhcp, role: Role, port: int = FAILOVER_PORT) -> None:
    """Connect once to the peer of a paired role, as its dhcpd will; raises PlanRefused."""
    peer = str(role.peer_address)
    endpoint = TCP4ClientEndpoint(reactor, peer, port, DEADLINE, (str(role.address), 0))
    try:
        await endpoint.connect(Factory.forProtocol(_HangUp))
    except (ConnectError, OSError) as error:
        raise PlanRefused(
            f"the failover peer {peer} does not take connections to TCP port {port} from "
            f"{role.address} ({error}); let that port through both ways"
        ) from error
