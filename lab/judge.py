"""Decides whether any address was ever held by two clients at once.

A client holds an address from an ACK for the lease time; a later ACK to the same client replaces
the end, RELEASE and DECLINE end it at once.  Two clients hold it at once when one's ACK is strictly
before the other's end; a released address may be given away at the same instant.  The order of the
messages on the wire counts, not their arrival anywhere.

An ACK without a lease time answers INFORM and gives nothing; a lease of 0xffffffff seconds is for
136 years, which is for ever here.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address

import attrs

from lab.dhcp_wire import MAC, Kind
from lab.heard import Heard


@attrs.frozen
class Holding:
    """One client's hold on an address; instants are the sniffer's CLOCK_MONOTONIC."""

    ip: IPv4Address
    chaddr: MAC
    server: IPv4Address
    since: float
    until: float


@attrs.frozen
class Conflict:
    """Two clients held one address at once, from `second.since` on."""

    first: Holding
    second: Holding

    def __str__(self) -> str:
        """Say who held what, given by whom."""
        first, second = self.first, self.second
        return (
            f"{first.ip}: {first.chaddr} (from {first.server}) until {first.until:.3f},"
            f" {second.chaddr} (from {second.server}) since {second.since:.3f}"
        )


def judge(messages: Iterable[Heard]) -> tuple[Conflict, ...]:
    """Return every conflict, in order; each pair of clients and address once per ACK that made it.

    A renewal by the second client of such a pair is no new conflict.
    """
    held: dict[IPv4Address, dict[MAC, Holding]] = {}
    conflicts: list[Conflict] = []
    for message in sorted(messages, key=lambda message: message.monotonic):
        clients = held.setdefault(message.ip, {})
        match message.kind:
            case Kind.ACK if message.seconds:
                conflicts += _conflicts(clients, message)
                clients[message.chaddr] = _holding(message)
            case Kind.RELEASE | Kind.DECLINE:
                clients.pop(message.chaddr, None)
            case _:
                pass
    return tuple(conflicts)


def holders(messages: Iterable[Heard], instant: float) -> dict[IPv4Address, frozenset[MAC]]:
    """Return who holds each address at an instant, the same rules applied."""
    held: dict[tuple[IPv4Address, MAC], float] = {}
    for message in sorted(messages, key=lambda message: message.monotonic):
        if message.monotonic > instant:
            break
        key = (message.ip, message.chaddr)
        if message.kind is Kind.ACK and message.seconds:
            held[key] = message.monotonic + message.seconds
        elif message.kind in (Kind.RELEASE, Kind.DECLINE):
            held.pop(key, None)
    alive = [key for key, until in held.items() if until > instant]
    return {ip: frozenset(mac for other, mac in alive if other == ip) for ip, _ in alive}


def _conflicts(clients: dict[MAC, Holding], ack: Heard) -> list[Conflict]:
    """Return the conflicts that this ACK makes, none when its client held the address already."""
    own = clients.get(ack.chaddr)
    if own is not None and own.until > ack.monotonic:
        return []
    second = _holding(ack)
    return [
        Conflict(first, second)
        for chaddr, first in clients.items()
        if chaddr != ack.chaddr and first.until > ack.monotonic
    ]


def _holding(ack: Heard) -> Holding:
    until = ack.monotonic + ack.seconds
    return Holding(ack.ip, ack.chaddr, ack.server, ack.monotonic, until)
