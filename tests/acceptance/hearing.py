"""What makes a sniffer's verdict worth something: it heard all that the clients got."""

from __future__ import annotations

from collections.abc import Iterable

from lab import Kind, Lease, Sniffer, until
from lab.heard import Heard


def acks(sniffer: Sniffer) -> list[Heard]:
    """Give the ACKs that were heard."""
    return [message for message in sniffer.messages() if message.kind is Kind.ACK]


def wait_heard(sniffer: Sniffer, leases: Iterable[Lease]) -> None:
    """Wait until each of these leases is among the ACKs that were heard, address and client."""
    given = {(lease.ip, lease.chaddr) for lease in leases}
    assert given

    def heard() -> bool:
        return given <= {(ack.ip, ack.chaddr) for ack in acks(sniffer)}

    until(heard, "the sniffer to have heard every grant", timeout=5.0, interval=0.2)
