"""Fills VLANs' free places without a hand: on the leader, through the connection with its lock.

Each look finds the VLANs in which something may be done, reads those a page at a time, so that
nothing else waits for long, and decides (`maasha.balancer.roles`). Hundreds of acts are one
transaction (`maasha.db.places`), in which each is done only if all is still as it was seen: racks
on many VLANs get one new configuration to run, not one for each VLAN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from twisted.logger import Logger

from maasha.balancer.brakes import Act, Verdict
from maasha.balancer.role_sentences import done
from maasha.balancer.roles import (
    TERMS,
    Action,
    ChoosePrimary,
    Promote,
    carried_out,
    decide_all,
)
from maasha.db.errors import DatabaseError
from maasha.db.openings import read_openings
from maasha.db.places import Change, change_places
from maasha.db.roles import read_roles
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId

WHO = "leader"

PAGE = 16
"""VLANs that are read together: with 50 racks on each, some ten milliseconds of this process."""
MOST = 256
"""Acts of one transaction: the rows of racks are locked for its duration, tenths of a second."""
T = TypeVar("T")
V = TypeVar("V", VlanId, Change)


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
        """Do what may be done now; without a database, or under brakes, that is nothing."""
        if verdict.why_not(Act.ROLE_CHANGE):
            return
        try:
            for changes in parts(await self._wanted(verdict), MOST):
                await self._carry_out(changes)
        except DatabaseError as error:
            self.log.warn("roles stay as they are for now: {error}", error=error)

    async def _wanted(self, verdict: Verdict) -> Sequence[Change]:
        """Decide about each VLAN; what is chosen for one counts for those of the next pages."""
        changes: list[Change] = []
        chosen = Counter[RackKey]()
        for page in parts(await self._exclusively(_openings), PAGE):
            seen = await self._exclusively(partial(read_roles, vlans=page))
            decisions = decide_all(seen.vlans, seen.primaries + chosen, verdict, seen.now)
            for roles, action in zip(seen.vlans, decisions, strict=True):
                if isinstance(action, Action):
                    why = done(roles, action)
                    changes.append(Change(roles, carried_out(roles, action), why))
                if isinstance(action, ChoosePrimary | Promote):
                    chosen[action.rack] += 1
        return changes

    async def _carry_out(self, changes: Sequence[Change]) -> None:
        changed = await self._exclusively(lambda tx: change_places(tx, WHO, changes))
        for change in changed:
            self.log.info("VLAN {vlan}: {why}", vlan=change.before.vlan, why=change.why)


async def _openings(tx: Transaction) -> tuple[VlanId, ...]:
    return await read_openings(tx, TERMS.fresh, TERMS.clocks_apart)


def parts(whole: Sequence[V], size: int) -> Iterator[Sequence[V]]:
    """Give it in parts of at most so many."""
    return (whole[start : start + size] for start in range(0, len(whole), size))
