"""Fills VLANs' free places without a hand: on the leader, through the connection with its lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import assert_never

from twisted.logger import Logger

from maasha.balancer.brakes import Verdict
from maasha.balancer.roles import (
    Action,
    Appoint,
    ChoosePrimary,
    Decision,
    Promote,
    Vacate,
    carried_out,
    decide_all,
)
from maasha.db.roles import change_places, read_roles
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.roles import VlanRoles

WHO = "leader"

Exclusively = Callable[[Callable[[Transaction], Awaitable[None]]], Awaitable[None]]
"""Runs a unit of work through the connection that holds the leader's lock."""


class Appointing:
    """Looks at what is open, decides (`maasha.balancer.roles`), and does it in one transaction."""

    log = Logger()

    def __init__(self, exclusively: Exclusively) -> None:
        self._exclusively = exclusively

    async def look(self, verdict: Verdict) -> None:
        """Do what may be done now; raises `DatabaseError`."""
        await self._exclusively(lambda tx: self._appoint(tx, verdict))

    async def _appoint(self, tx: Transaction, verdict: Verdict) -> None:
        seen = await read_roles(tx, only_open=True)
        for roles, decision in zip(
            seen.vlans, decide_all(seen.vlans, seen.primaries, verdict, seen.now), strict=True
        ):
            await self._carry_out(tx, roles, decision)

    async def _carry_out(self, tx: Transaction, roles: VlanRoles, decision: Decision) -> None:
        if not isinstance(decision, Action):
            return
        why = reason(roles, decision)
        if await change_places(tx, WHO, roles, carried_out(roles, decision), why):
            self.log.info("VLAN {vlan}: {why}", vlan=roles.vlan, why=why)


def reason(roles: VlanRoles, action: Action) -> str:
    """Say for people what is done without a hand, and why."""

    def name(rack: RackKey) -> str:
        return roles.candidate(rack).hostname

    match action:
        case ChoosePrimary(rack=rack, primaries=count, lost=lost):
            if lost is None:
                return f"{name(rack)} is the primary, as no rack is of fewer VLANs ({count})"
            return _in_place(name(rack), name(lost))
        case Promote(rack=rack, lost=gone):
            return _in_place(name(rack), name(gone))
        case Appoint(rack=rack, primary=primary):
            return f"{name(rack)} is the secondary: it and {name(primary)} reach each other"
        case Vacate(lost=gone):
            return f"{name(gone)} is not the secondary any more, for it is lost for good"
        case _:
            assert_never(action)


def _in_place(new: str, old: str) -> str:
    return f"{new} is the primary in place of {old}, which is lost for good"
