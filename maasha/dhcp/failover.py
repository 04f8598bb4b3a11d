"""Failover peers: their names and the blocks that declare them in dhcpd.conf(5)."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.model.dhcp import Duty, Role
from maasha.model.network import VlanId
from maasha.model.options import MANUAL, PairNumbers

FAILOVER_PORT = 647
"""TCP, both ways; dhcpd's own default, for the blocks name no port."""

MAX_UNACKED_UPDATES = 10
LOAD_BALANCE_MAX_SECONDS = 3
"""Seconds a client has tried before either peer answers it."""


def peer_name(vlan: VlanId, pairing: int) -> str:
    """Name the failover pair of a VLAN; a new pairing is a new pair to dhcpd, without a past."""
    return f"failover-vlan-{vlan}-{pairing}"


def handover_name(vlan: VlanId, pairing: int) -> str:
    """Name the passing pair through which one rack hands the VLAN to the next."""
    return f"{peer_name(vlan, pairing)}-handover"


def block(role: Role, numbers: PairNumbers = MANUAL) -> str:
    """Declare the failover peer of a paired role: eight parameters as primary, six as secondary.

    mclt and split are the primary's to say: dhcpd refuses a secondary that has them, and a primary
    that has not.
    """
    primary = role.duty is Duty.PRIMARY
    return _braces(
        f'failover peer "{role.peer_name}"',
        (
            "primary;" if primary else "secondary;",
            f"address {role.address};",
            f"peer address {role.peer_address};",
            f"max-response-delay {numbers.max_response_delay};",
            f"max-unacked-updates {MAX_UNACKED_UPDATES};",
            *((f"mclt {numbers.mclt};", f"split {numbers.split};") if primary else ()),
            f"load balance max seconds {LOAD_BALANCE_MAX_SECONDS};",
        ),
    )


def _braces(head: str, lines: Sequence[str]) -> str:
    return "\n".join((f"{head} {{", *(f"     {line}" for line in lines), "}"))
