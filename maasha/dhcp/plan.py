"""The fingerprint by which two plans are known to ask for the same server."""

from __future__ import annotations

from hashlib import sha256

from maasha.model.dhcp import DhcpPlan
from maasha.model.stamp import NEVER

EMPTY = DhcpPlan(generation=NEVER, config="", interfaces=(), roles=())
"""No server at all."""


def digest(plan: DhcpPlan) -> str:
    """Give SHA-256 in hex over all that cannot change while dhcpd runs.

    The generation is left out, for a new number alone changes nothing, and so are the hosts.
    Every part is preceded by its length, so that no two different plans read the same.
    """
    parts = [plan.config, str(len(plan.interfaces)), *plan.interfaces]
    for entry in plan.roles:
        role = entry.role
        parts += [str(entry.vlan), role.duty.value, role.peer_name]
        parts += [str(role.address), str(role.peer_address)]
    total = sha256()
    for part in parts:
        raw = part.encode()
        total.update(b"%d:%s" % (len(raw), raw))
    return total.hexdigest()
