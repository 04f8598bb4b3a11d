"""Chooses which of the regions' name servers clients are told of: on the leader, without a hand."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.balancer.brakes import Act, Verdict
from maasha.db.errors import DatabaseError
from maasha.db.findings import judge_all
from maasha.db.resolvers import Told, prune_resolvers, read_namings, tell_servers
from maasha.db.transaction import Transaction
from maasha.dhcp.naming import Addresses, decide
from maasha.model.naming import Naming as Seen
from maasha.region.appointing import WHO, Exclusively

TICK = 60.0
"""Seconds between looks: what dies together is dead for all VLANs in the same look, mostly, so
their racks restart dhcpd once."""


class Naming:
    """Each look reads and decides (`maasha.dhcp.naming`), and does all in one transaction."""

    log = Logger()

    def __init__(self, clock: IReactorTime, exclusively: Exclusively) -> None:
        self._clock = clock
        self._exclusively = exclusively
        self._look_at = 0.0

    async def look(self, verdict: Verdict) -> None:
        """Do what may be done now; the brakes of roles hold here too."""
        if self._clock.seconds() < self._look_at or not verdict.allows(Act.ROLE_CHANGE):
            return
        self._look_at = self._clock.seconds() + TICK
        try:
            await self._exclusively(self._name)
        except DatabaseError as error:
            self.log.warn("name servers stay as they are for now: {error}", error=error)

    async def _name(self, tx: Transaction) -> None:
        await judge_all(tx, WHO)
        await prune_resolvers(tx)
        seen = await read_namings(tx)
        changes = [
            Told(vlan.vlan, telling.servers, telling.rearranges, reason(vlan, telling.servers))
            for vlan in seen.vlans
            if (telling := decide(vlan, seen.now)) is not None
        ]
        if changes:
            await tell_servers(tx, WHO, changes)
        for change in changes:
            self.log.info("VLAN {vlan}: {why}", vlan=change.vlan, why=change.why)


def reason(before: Seen, servers: Addresses) -> str:
    """Say for people what clients are told, and what they were told before."""
    return (
        f"clients are told of the name servers {_listed(servers)}; before: {_listed(before.told)}"
    )


def _listed(servers: Addresses) -> str:
    return ", ".join(map(str, servers)) or "none"
