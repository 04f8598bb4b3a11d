"""A DHCP message as the sniffer heard it on a network, as data and as a line of JSON."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

import attrs

from lab.dhcp_wire import MAC, NOWHERE, Kind, Message, Option
from lab.frames import Datagram


def _address(text: str | IPv4Address) -> IPv4Address:
    return IPv4Address(text)


@attrs.frozen
class Heard:
    """One message.  `monotonic` is CLOCK_MONOTONIC, `wall` seconds since 1970, both at the switch.

    `ip` is the address it is about: yiaddr of an OFFER or ACK, the requested address or ciaddr of a
    REQUEST or DECLINE, ciaddr of a RELEASE, 0.0.0.0 otherwise.  `seconds` is the lease time, 0
    without one.  `source` is the sender, `server` option 54.
    """

    monotonic: float
    wall: float
    kind: Kind = attrs.field(converter=Kind)
    xid: int
    chaddr: MAC
    ip: IPv4Address = attrs.field(converter=_address)
    server: IPv4Address = attrs.field(converter=_address, default=NOWHERE)
    source: IPv4Address = attrs.field(converter=_address, default=NOWHERE)
    seconds: int = 0
    secs: int = 0

    def to_line(self) -> str:
        """Return what `from_json` reads, without the line's end."""
        return json.dumps(attrs.asdict(self), default=str)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Heard":
        """Read one message."""
        return cls(**entry)


def heard(message: Message, datagram: Datagram, monotonic: float, wall: float) -> Heard:
    """Make the record of a message."""
    return Heard(
        monotonic=monotonic,
        wall=wall,
        kind=message.kind,
        xid=message.xid,
        chaddr=message.chaddr,
        ip=_about(message),
        server=message.server_id or NOWHERE,
        source=datagram.source,
        seconds=message.seconds(Option.LEASE_TIME) or 0,
        secs=message.secs,
    )


def _about(message: Message) -> IPv4Address:
    match message.kind:
        case Kind.OFFER | Kind.ACK:
            return message.yiaddr
        case Kind.REQUEST | Kind.DECLINE:
            return message.requested or message.ciaddr
        case Kind.RELEASE:
            return message.ciaddr
        case _:
            return NOWHERE


def lines(text: str) -> tuple[Heard, ...]:
    """Read a sniffer's file; a last line that is still being written is left out."""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return tuple(Heard.from_json(json.loads(line)) for line in whole)
