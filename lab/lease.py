"""What a simulated DHCP client is asked to do and what comes of it, as data and as JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Address
from typing import Any

import attrs

from lab.dhcp_wire import MAC, Option, Options


class Wish(Enum):
    """What a client wants; RFC 2131 sections 4.3 and 4.4."""

    ACQUIRE = "acquire"
    """DISCOVER, then REQUEST what was offered first."""

    REBOOT = "reboot"
    """REQUEST a known address again without naming a server (INIT-REBOOT)."""

    RENEW = "renew"
    """REQUEST by unicast to the server that granted the lease."""

    REBIND = "rebind"
    """REQUEST by broadcast to any server."""

    RELEASE = "release"
    """Give the address back by unicast; nobody answers."""

    LEAVE = "leave"
    """Disappear without a word: the address no longer answers ARP and ping."""


@attrs.frozen
class Patience:
    """How long and how often a client asks; seconds.

    It repeats itself every `resend` until `total` has passed.  A REQUEST that gets no answer is
    sent `requests` times before a client that wants any address starts over with DISCOVER.
    """

    total: float = 10.0
    resend: float = 1.0
    requests: int = 2


PATIENT = Patience()
"""What a client has unless told: ten seconds."""


@attrs.frozen
class Lease:
    """An ACK as the client saw it.

    `server` is option 54, `server_mac` the station that sent it.  `seconds` is the lease time,
    `acked_at` and `monotonic` (CLOCK_MONOTONIC, the same for all processes) when the ACK arrived,
    `latency` the seconds since the client's first message.  `options` are those of the ACK.
    """

    wish: Wish
    chaddr: MAC
    ip: IPv4Address
    server: IPv4Address
    server_mac: MAC
    seconds: int
    acked_at: datetime
    monotonic: float
    latency: float
    next_server: IPv4Address
    boot_file: str
    options: Options

    def option(self, code: int) -> bytes | None:
        """Return the value of an option."""
        return dict(self.options).get(code)

    @property
    def renewal(self) -> float:
        """T1: seconds from the ACK until the client should renew; half the lease unless told."""
        value = self.option(Option.RENEWAL_TIME)
        return self.seconds / 2 if value is None else float(int.from_bytes(value, "big"))

    def to_json(self) -> dict[str, object]:
        """Return what `from_json` takes."""
        return {
            **attrs.asdict(self),
            "wish": self.wish.value,
            "ip": str(self.ip),
            "server": str(self.server),
            "next_server": str(self.next_server),
            "acked_at": self.acked_at.isoformat(),
            "options": [[code, value.hex()] for code, value in self.options],
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Lease":
        """Read a lease."""
        parsed = {
            "wish": Wish(entry["wish"]),
            "ip": IPv4Address(entry["ip"]),
            "server": IPv4Address(entry["server"]),
            "next_server": IPv4Address(entry["next_server"]),
            "acked_at": datetime.fromisoformat(entry["acked_at"]),
            "options": tuple((code, bytes.fromhex(value)) for code, value in entry["options"]),
        }
        return cls(**{**entry, **parsed})


@attrs.frozen
class NoLease(Exception):
    """A client got no lease: nobody answered in time, or (`refused`) a server said no."""

    chaddr: MAC
    waited: float
    refused: bool
    message: str

    def __str__(self) -> str:
        """Name the client and what happened."""
        return f"{self.chaddr} got no lease after {self.waited:.2f} s: {self.message}"


@attrs.frozen
class Errand:
    """One thing for one client to do.

    `secs` is what the client claims to have waited: a fixed number, or None for the truth, in whole
    seconds since its first message.  `lease` is needed for every wish but ACQUIRE.  `options` are
    sent along, for example 60, 93 and 97 by a machine that boots by PXE.
    """

    wish: Wish
    chaddr: MAC
    patience: Patience = PATIENT
    secs: int | None = None
    lease: Lease | None = None
    options: Options = ()

    def to_line(self, number: int) -> str:
        """Return the line that asks the agent for errand `number`."""
        entry = {
            **attrs.asdict(self, recurse=False),
            "wish": self.wish.value,
            "patience": attrs.asdict(self.patience),
            "lease": None if self.lease is None else self.lease.to_json(),
            "options": [[code, value.hex()] for code, value in self.options],
        }
        return json.dumps({"number": number, "errand": entry})

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Errand":
        """Read an errand."""
        parsed = {
            "wish": Wish(entry["wish"]),
            "patience": Patience(**entry["patience"]),
            "lease": None if entry["lease"] is None else Lease.from_json(entry["lease"]),
            "options": tuple((code, bytes.fromhex(value)) for code, value in entry["options"]),
        }
        return cls(**{**entry, **parsed})


def utc(timestamp: float) -> datetime:
    """Make an instant of a wall clock's seconds."""
    return datetime.fromtimestamp(timestamp, UTC)
