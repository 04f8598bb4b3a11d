"""Turns what racks say of a VLAN into its events and alarms."""

from __future__ import annotations

from collections.abc import Iterable

from maasha.db.events import clear_alarm, raise_alarm, record
from maasha.db.locks import Lock, hold
from maasha.db.transaction import Row, Transaction
from maasha.model.codec import from_loose
from maasha.model.dhcp import PeerState, Role, VlanService
from maasha.model.network import VlanId

PEER_STATE = "dhcp.peer-state"
INTERRUPTED = "dhcp.interrupted"
UNSERVED = "dhcp.unserved"
PEERS = """
select running, state, hostname from service join rack on rack.id = rack_id
where vlan_id = %s order by hostname
"""
ALONE = (PeerState.COMMUNICATIONS_INTERRUPTED, PeerState.PARTNER_DOWN)
"""A peer that serves without its partner: only its half of the free addresses, or all of them but
with nobody to take over."""


def alarm_wanted(states: Iterable[PeerState]) -> bool | None:
    """Whether a VLAN's alarm is to be open, by the states of its paired members; None: as it is.

    Nobody paired, nothing to worry about. In between (startup, recover) the last verdict stands.
    """
    seen = set(states)
    if seen & set(ALONE):
        return True
    return False if seen <= {PeerState.NORMAL} else None


async def note_state(
    tx: Transaction, rack: Row, before: VlanService | None, after: VlanService
) -> None:
    """Write an event if the rack's state in a VLAN's pair changed."""
    old = before.state if before else PeerState.UNKNOWN
    if old is after.state:
        return
    detail = f"{rack.hostname}: {old.value} -> {after.state.value}"
    await record(tx, f"rack:{rack.system_id}", f"vlan:{after.vlan}", PEER_STATE, "info", detail)


async def judge_peers(tx: Transaction, rack: Row, vlan: VlanId) -> None:
    """Open or clear the VLAN's alarm by what all its members say now."""
    subject, who = f"vlan:{vlan}", f"rack:{rack.system_id}"
    # both members may report at once: the second to look sees what the first wrote
    await hold(tx, Lock.ALARM, f"{subject} {INTERRUPTED}")
    rows = await tx.rows(PEERS, vlan)
    paired = [row for row in rows if from_loose(Role, row.running).paired]
    wanted = alarm_wanted(PeerState(row.state) for row in paired)
    if wanted is True:
        witnesses = ", ".join(row.hostname for row in paired if PeerState(row.state) in ALONE)
        await raise_alarm(tx, who, subject, INTERRUPTED, f"seen by {witnesses}")
    elif wanted is False:
        await clear_alarm(tx, who, subject, INTERRUPTED)


async def judge_problems(tx: Transaction, rack: Row, vlan: VlanId) -> None:
    """Open or clear the VLAN's alarm by whether any of its racks cannot serve it."""
    subject, who = f"vlan:{vlan}", f"rack:{rack.system_id}"
    await hold(tx, Lock.ALARM, f"{subject} {UNSERVED}")
    found = await tx.one(
        "select hostname, service.problem from service join rack on rack.id = rack_id"
        " where vlan_id = %s and service.problem <> '' order by hostname limit 1",
        vlan,
    )
    if found is None:
        await clear_alarm(tx, who, subject, UNSERVED)
    else:
        await raise_alarm(tx, who, subject, UNSERVED, f"{found.hostname}: {found.problem}")
