"""Failover peers: their names and the blocks that declare them in dhcpd.conf(5)."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.model.dhcp import Duty, Role
from maasha.model.network import VlanId

FAILOVER_PORT = 647
"""TCP, both ways; dhcpd's own default, for the blocks name no port."""

MAX_RESPONSE_DELAY = 60
"""Seconds without a message until the peer counts as lost."""
MAX_UNACKED_UPDATES = 10
MCLT = 3600
"""Seconds by which a server may extend a lease beyond what its peer knows. The primary's to say."""
SPLIT = 255
"""Of 256 shares of the clients, how many the primary answers first. The primary's to say."""
LOAD_BALANCE_MAX_SECONDS = 3
"""Seconds a client has tried before either peer answers it."""

SHARED = (
    f"max-response-delay {MAX_RESPONSE_DELAY};",
    f"max-unacked-updates {MAX_UNACKED_UPDATES};",
)
PRIMARY_ONLY = (f"mclt {MCLT};", f"split {SPLIT};")
"""dhcpd refuses a secondary that has these, and a primary that has not."""
LAST = f"load balance max seconds {LOAD_BALANCE_MAX_SECONDS};"


def peer_name(vlan: VlanId, pairing: int) -> str:
    """Name the failover pair of a VLAN; a new pairing is a new pair to dhcpd, without a past."""
    return f"failover-vlan-{vlan}-{pairing}"


def handover_name(vlan: VlanId, pairing: int) -> str:
    """Name the passing pair through which one rack hands the VLAN to the next."""
    return f"{peer_name(vlan, pairing)}-handover"


def block(role: Role) -> str:
    """Declare the failover peer of a paired role: eight parameters as primary, six as secondary."""
    primary = role.duty is Duty.PRIMARY
    return _braces(
        f'failover peer "{role.peer_name}"',
        (
            "primary;" if primary else "secondary;",
            f"address {role.address};",
            f"peer address {role.peer_address};",
            *SHARED,
            *(PRIMARY_ONLY if primary else ()),
            LAST,
        ),
    )


def _braces(head: str, lines: Sequence[str]) -> str:
    return "\n".join((f"{head} {{", *(f"     {line}" for line in lines), "}"))
