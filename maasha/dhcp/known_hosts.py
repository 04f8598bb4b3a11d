"""Which fixed hosts the running dhcpd knows, and how it gets to know others without a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from maasha.dhcp.folder import Folder
from maasha.dhcp.hosts import UNSURE, Host, Operation, fingerprint, operations, select, touched
from maasha.model.dhcp import DhcpPlan


class Teller(Protocol):
    """What tells a running server: `maasha.dhcp.daemon.Dhcpd`, or a stand-in for it."""

    async def change_hosts(
        self, plan: DhcpPlan, steps: Sequence[Operation], wanted: Mapping[str, Host | None]
    ) -> None:
        """Carry out the steps and see that the MACs are known as wanted; raises OmapiSilent."""


class KnownHosts:
    """Knows of which MACs nothing is certain: a change of them is under way, or it failed.

    That is on disk before the first word to dhcpd, as is what its next start is to know. So
    whatever dies in between, the next change says again all that may not have been heard.
    """

    def __init__(self, folder: Folder, teller: Teller) -> None:
        self._folder = folder
        self._teller = teller
        self._unsure: frozenset[str] = frozenset()

    @property
    def certain(self) -> bool:
        """Whether dhcpd knows just the hosts of its plan."""
        return not self._unsure

    def mark(self, plan: DhcpPlan) -> str:
        """Give the fingerprint of what dhcpd knows when it runs this plan."""
        return fingerprint(plan.hosts) if self.certain else UNSURE

    def adopted(self) -> None:
        """Take note that dhcpd runs since before us."""
        self._unsure = self._folder.unsure()

    def settled(self) -> None:
        """Take note that dhcpd knows just the plan's hosts: it has begun with them, or was told."""
        if self._unsure:
            self._folder.keep_unsure(frozenset())
        self._unsure = frozenset()

    async def change(self, before: DhcpPlan, after: DhcpPlan) -> None:
        """Have the running dhcpd know the hosts of `after`; `settled` when that plan is kept.

        Raises BadHosts, OSError, and OmapiSilent: then a restart is all that helps.
        """
        macs = touched(before.hosts, after.hosts) | self._unsure
        wanted = select(after.hosts, macs)
        steps = operations(select(before.hosts, macs), wanted, self._unsure)
        if not macs:
            return
        self._folder.keep_unsure(macs)
        self._unsure = macs
        self._folder.declare(macs, wanted)
        await self._teller.change_hosts(after, steps, {mac: wanted.get(mac) for mac in macs})
