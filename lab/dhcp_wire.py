"""DHCP messages as bytes and back: RFC 2131, options of RFC 2132, long options of RFC 3396."""

import struct
from enum import IntEnum
from ipaddress import IPv4Address
from typing import NewType

import attrs

MAC = NewType("MAC", str)
"""An Ethernet address as six lower-case hexadecimal pairs with colons."""

Options = tuple[tuple[int, bytes], ...]

NOWHERE = IPv4Address(0)
EVERYWHERE = IPv4Address("255.255.255.255")

COOKIE = bytes((99, 130, 83, 99))
HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
SMALLEST = 300
"""BOOTP's length; some relays and servers drop shorter messages (RFC 1542, 2.1)."""

BROADCAST_FLAG = 0x8000


class Option(IntEnum):
    """Option codes used here, RFC 2132."""

    PAD = 0
    SUBNET_MASK = 1
    ROUTER = 3
    NAME_SERVER = 6
    HOST_NAME = 12
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    MESSAGE_TYPE = 53
    SERVER_ID = 54
    WANTED = 55
    MESSAGE = 56
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    CLASS_ID = 60
    TFTP_SERVER = 66
    BOOT_FILE = 67
    END = 255


class Kind(IntEnum):
    """Message types, RFC 2132 section 9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8

    @property
    def from_server(self) -> bool:
        """Tell whether servers send it."""
        return self in (Kind.OFFER, Kind.ACK, Kind.NAK)


@attrs.frozen
class Message:
    """One DHCP message over Ethernet; `options` are without the message type, in order.

    `secs` is what the client claims to have waited, 0 to 65535 s.  `xid` has 32 bits.
    """

    kind: Kind
    xid: int
    chaddr: MAC
    secs: int = 0
    broadcast: bool = False
    ciaddr: IPv4Address = NOWHERE
    yiaddr: IPv4Address = NOWHERE
    siaddr: IPv4Address = NOWHERE
    giaddr: IPv4Address = NOWHERE
    sname: bytes = b""
    file: bytes = b""
    options: Options = ()

    def option(self, code: int) -> bytes | None:
        """Return the value of an option."""
        return dict(self.options).get(code)

    @property
    def server_id(self) -> IPv4Address | None:
        """The server that speaks, or is spoken to."""
        return _address(self.option(Option.SERVER_ID))

    @property
    def requested(self) -> IPv4Address | None:
        """The address a client asks for by option."""
        return _address(self.option(Option.REQUESTED_ADDRESS))

    def seconds(self, code: int) -> int | None:
        """Return an option that is a duration; None when it is missing or malformed."""
        value = self.option(code)
        return int.from_bytes(value, "big") if value is not None and len(value) == 4 else None


def mac(value: int | bytes) -> MAC:
    """Make an Ethernet address of six bytes or of a number of 48 bits."""
    raw = value if isinstance(value, bytes) else value.to_bytes(6, "big")
    return MAC(raw.hex(":"))


def mac_bytes(address: MAC) -> bytes:
    """Return the six bytes."""
    return bytes.fromhex(address.replace(":", ""))


def encode(message: Message) -> bytes:
    """Return the payload of the datagram; long options are split as RFC 3396 says."""
    header = HEADER.pack(
        2 if message.kind.from_server else 1,
        1,
        6,
        0,
        message.xid,
        message.secs,
        BROADCAST_FLAG if message.broadcast else 0,
        message.ciaddr.packed,
        message.yiaddr.packed,
        message.siaddr.packed,
        message.giaddr.packed,
        mac_bytes(message.chaddr),
        message.sname,
        message.file,
    )
    options = ((int(Option.MESSAGE_TYPE), bytes((message.kind,))), *message.options)
    body = b"".join(_encode_option(code, value) for code, value in options)
    return (header + COOKIE + body + bytes((Option.END,))).ljust(SMALLEST, b"\0")


def parse(payload: bytes) -> Message | None:
    """Read a datagram's payload; None when it is no DHCP message over Ethernet."""
    start = HEADER.size + len(COOKIE)
    if payload[HEADER.size : start] != COOKIE:
        return None
    fields = HEADER.unpack_from(payload)
    options = _parse_options(payload[start:])
    kind = options.pop(Option.MESSAGE_TYPE, b"")
    if fields[1:3] != (1, 6) or len(kind) != 1 or not 1 <= kind[0] <= max(Kind):
        return None
    ciaddr, yiaddr, siaddr, giaddr = (IPv4Address(raw) for raw in fields[7:11])
    return Message(
        kind=Kind(kind[0]),
        xid=fields[4],
        chaddr=mac(fields[11][:6]),
        secs=fields[5],
        broadcast=bool(fields[6] & BROADCAST_FLAG),
        ciaddr=ciaddr,
        yiaddr=yiaddr,
        siaddr=siaddr,
        giaddr=giaddr,
        sname=fields[12].partition(b"\0")[0],
        file=fields[13].partition(b"\0")[0],
        options=tuple(options.items()),
    )


def _encode_option(code: int, value: bytes) -> bytes:
    parts = [value[at : at + 255] for at in range(0, len(value), 255)] or [b""]
    return b"".join(bytes((code, len(part))) + part for part in parts)


def _parse_options(raw: bytes) -> dict[int, bytes]:
    """Read options up to END; parts of one option are joined, a truncated one ends the list."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(raw) and raw[at] != Option.END:
        if raw[at] == Option.PAD:
            at += 1
            continue
        header = raw[at : at + 2]
        value = raw[at + 2 : at + 2 + header[-1]]
        if len(header) < 2 or len(value) < header[1]:
            break
        options[header[0]] = options.get(header[0], b"") + value
        at += 2 + header[1]
    return options


def _address(value: bytes | None) -> IPv4Address | None:
    return IPv4Address(value) if value is not None and len(value) == 4 else None
