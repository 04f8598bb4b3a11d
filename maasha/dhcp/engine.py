"""What a `DhcpServer` runs servers with: dhcpd, or a stand-in for it."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

from maasha.dhcp.check import Accepted, Refused
from maasha.dhcp.known_hosts import Teller
from maasha.dhcp.omapi import PeerStates
from maasha.model.dhcp import DhcpPlan, Role


class Running(Protocol):
    """A running server process."""

    pid: int

    def ended(self) -> Deferred[None]:
        """Fire when it is gone."""

    async def stop(self) -> None:
        """End it, or raise StillRunning."""

    def release(self) -> None:
        """Watch it no longer."""


class Daemon(Teller, Protocol):
    """What runs servers: `maasha.dhcp.daemon.Dhcpd`, or a stand-in for it."""

    async def check(self, plan: DhcpPlan) -> Accepted | Refused:
        """Say whether the plan's text can be run."""

    async def reach(self, role: Role) -> None:
        """Raise PlanRefused unless the peer of the role takes connections."""

    async def states(self, plan: DhcpPlan) -> tuple[PeerStates, ...]:
        """Give the peers' states, or raise OmapiSilent."""

    async def start(self, plan: DhcpPlan) -> Running:
        """Start on the files in place, or raise StartFailed with nothing running."""

    def adopt(self, plan: DhcpPlan) -> Running | None:
        """Take over what was started on this plan."""

    async def clear(self) -> None:
        """Stop whatever else runs on the files, or raise StillRunning."""
