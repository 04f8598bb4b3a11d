"""The leases of VLANs that dhcpd does not serve for now, kept where it cannot lose them.

dhcpd rewrites its leases file at every start and leaves out what its configuration does not
declare (confpars.c: "lease ...: no subnet", "unknown failover peer"). A rack that serves a VLAN
again must know what it leased there, or it leases it once more.
"""

from __future__ import annotations

from collections.abc import Callable

from maasha.dhcp.joining import Past, ranges
from maasha.dhcp.records import Record, split
from maasha.model.dhcp import DhcpPlan


def declared(plan: DhcpPlan) -> Past:
    """Name the addresses and failover peers that a plan has dhcpd know of, relayed VLANs too."""
    peers = frozenset(entry.role.peer_name for entry in plan.roles if entry.role.paired)
    found = (span for spans in ranges(plan.config).values() for span in spans)
    return Past(peers, tuple(found))


def rearranged(leases: str, aside: str, before: DhcpPlan, plan: DhcpPlan) -> tuple[str, str]:
    """Give the leases file and what is aside as they are to be at a start on `plan`.

    What only the plan `before` declares goes aside, what the new one declares comes back.
    """
    here = declared(plan)
    was = declared(before)
    kept, gone = _parted(leases, lambda record: was.holds(record) and not here.holds(record))
    away, back = _parted(aside, here.holds)
    return kept + back, away + gone


def _parted(text: str, taken: Callable[[Record], bool]) -> tuple[str, str]:
    """Give the text without the records that are taken, and these."""
    left: list[str] = []
    out: list[str] = []
    for part in split(text.splitlines()):
        if isinstance(part, str):
            left.append(f"{part}\n")
        elif taken(part):
            out.append("" if part.cut else part.text)
        else:
            left.append(part.text)
    return "".join(left), "".join(out)
