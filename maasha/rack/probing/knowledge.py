"""What is known of one VLAN, as instants of a steady clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address

from attrs import Factory, evolve, frozen

from maasha.model.network import VlanId
from maasha.model.probe import Finding, ResolverSeen, ServerSeen

MISSES = 3
"""Probes in a row without an answer after which a server is gone, and after which there is none:
a frame may always get lost, and a server may be slow."""


@frozen
class Server:
    """A DHCP server: what it calls itself, and the station that its offer came from."""

    address: IPv4Address
    mac: str


@frozen
class Met:
    """When a server last answered, and how many probes it has not answered since."""

    at: float
    misses: int = 0


@frozen
class Asked:
    """When a name server was last asked, and when it was last asked and answered."""

    at: float
    answered: float | None = None


@frozen
class Outline:
    """Knowledge without its instants: if this changes, there is something to tell."""

    settled: bool = False
    servers: frozenset[Server] = frozenset()
    asked: frozenset[IPv4Address] = frozenset()
    answering: frozenset[IPv4Address] = frozenset()


@frozen
class Knowledge:
    """What is known; at first nothing."""

    probes: int = 0
    servers: Mapping[Server, Met] = Factory(dict)
    resolvers: Mapping[IPv4Address, Asked] = Factory(dict)

    @property
    def settled(self) -> bool:
        """Whether it is known that there are no other servers."""
        return self.probes >= MISSES

    @property
    def quiet(self) -> bool:
        """Whether it is known that there is no server at all."""
        return self.settled and not self.servers

    def met(self, server: Server, at: float) -> Knowledge:
        """Add an offer, while others may still come."""
        return evolve(self, servers={**self.servers, server: Met(at)})

    def probed(self, offers: Collection[Server], at: float) -> Knowledge:
        """Add a probe that has ended, and who answered it."""
        missed = {
            server: evolve(met, misses=met.misses + 1)
            for server, met in self.servers.items()
            if met.misses + 1 < MISSES
        }
        answered = {server: Met(at) for server in offers}
        return evolve(self, probes=self.probes + 1, servers=missed | answered)

    def asked(self, resolver: IPv4Address, at: float, *, answered: bool) -> Knowledge:
        """Add a question to a name server."""
        before = self.resolvers.get(resolver)
        last = at if answered else before.answered if before is not None else None
        return evolve(self, resolvers={**self.resolvers, resolver: Asked(at, last)})

    def only(self, resolvers: Collection[IPv4Address]) -> Knowledge:
        """Forget the other name servers."""
        kept = {each: asked for each, asked in self.resolvers.items() if each in resolvers}
        return evolve(self, resolvers=kept)

    @property
    def outline(self) -> Outline:
        """Say what counts."""
        return Outline(
            self.settled,
            frozenset(self.servers),
            frozenset(self.resolvers),
            frozenset(each for each, asked in self.resolvers.items() if asked.at == asked.answered),
        )

    def finding(self, vlan: VlanId, now: float) -> Finding:
        """Tell it to a region."""
        servers = sorted(self.servers.items(), key=lambda one: (one[0].address, one[0].mac))
        resolvers = sorted(self.resolvers.items())
        return Finding(
            vlan,
            tuple(ServerSeen(each.address, each.mac, now - met.at) for each, met in servers),
            self.settled,
            tuple(
                ResolverSeen(
                    address,
                    now - asked.at,
                    None if asked.answered is None else now - asked.answered,
                )
                for address, asked in resolvers
            ),
        )
