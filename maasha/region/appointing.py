"""Fills VLANs' free places without a hand: on the leader, through the connection with its lock.

Each look reads what is open and decides (`maasha.balancer.roles`). Each act is a transaction of its
own: it is done only if all is still as it was seen, and nobody waits long for the rows of racks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.logger import Logger

from maasha.balancer.brakes import Verdict
from maasha.balancer.role_sentences import done
from maasha.balancer.roles import (
    Action,
    carried_out,
    decide_all,
)
from maasha.db.errors import DatabaseError
from maasha.db.roles import change_places, read_roles
from maasha.db.transaction import Transaction
from maasha.model.roles import VlanRoles

WHO = "leader"

MOST = 50
"""Acts of one look; the leader has other things to do as well, and looks again soon."""
T = TypeVar("T")


class Exclusively(Protocol):
    """Runs a unit of work through the connection that holds the leader's lock."""

    def __call__(self, work: Callable[[Transaction], Awaitable[T]], /) -> Awaitable[T]:
        """Run it."""


class Appointing:
    """What is left of a look, or fails, the next one does."""

    log = Logger()

    def __init__(self, exclusively: Exclusively) -> None:
        self._exclusively = exclusively

    async def look(self, verdict: Verdict) -> None:
        """Do what may be done now; without a database that is nothing."""
        try:
            seen = await self._exclusively(lambda tx: read_roles(tx, only_open=True))
            decisions = decide_all(seen.vlans, seen.primaries, verdict, seen.now)
            wanted = [
                (roles, decision)
                for roles, decision in zip(seen.vlans, decisions, strict=True)
                if isinstance(decision, Action)
            ]
            for roles, action in wanted[:MOST]:
                await self._carry_out(roles, action)
        except DatabaseError as error:
            self.log.warn("roles stay as they are for now: {error}", error=error)

    async def _carry_out(self, roles: VlanRoles, action: Action) -> None:
        after, why = carried_out(roles, action), done(roles, action)
        if await self._exclusively(lambda tx: change_places(tx, WHO, roles, after, why)):
            self.log.info("VLAN {vlan}: {why}", vlan=roles.vlan, why=why)
