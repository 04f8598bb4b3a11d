"""DHCPv6 clients (RFC 8415) on one interface: each asks for an address, or keeps the one it has.

    python -m lab.dhcp6_client eth0 obtain 1 2 3
    python -m lab.dhcp6_client eth0 rebind 1=fd00::100

A client is a number, of which its DUID is made. Prints a line of JSON for each: `address` (none:
nobody gave one), `seconds` that it is valid, `server` (its DUID).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import IPv6Address

from attrs import frozen

SERVERS, SERVER_PORT, CLIENT_PORT = "ff02::1:2", 547, 546
SOLICIT, ADVERTISE, REQUEST, REBIND, REPLY = 1, 2, 3, 6, 7
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS, ELAPSED = 1, 2, 3, 5, 8
IAID = 1
TRIES, WAIT = 3, 1.0
"""Times that a message is sent, and seconds that each waits for an answer."""
OTHERS = 0.1
"""Seconds after the first answer in which those of others are heard."""


@frozen
class Answer:
    """The best of the addresses that a server tells a client; `seconds` of 0: it has none."""

    kind: int
    transaction: bytes
    server: bytes
    address: IPv6Address | None
    seconds: int


def duid(client: int) -> bytes:
    """Make a client's DUID of its number, as of a MAC address."""
    return struct.pack("!HH", 3, 1) + b"\x02\x06" + struct.pack("!I", client)


def message(
    kind: int, transaction: bytes, client: bytes, server: bytes, address: IPv6Address | None
) -> bytes:
    """Write a client's message about one address, or about any."""
    asked = b"" if address is None else _option(IA_ADDRESS, address.packed + bytes(8))
    options = _option(CLIENT_ID, client) + _option(ELAPSED, bytes(2))
    if server:
        options += _option(SERVER_ID, server)
    return bytes([kind]) + transaction + options + _option(IA_NA, _ia(asked))


def answer(raw: bytes) -> Answer:
    """Read a server's message; raises struct.error where it is none."""
    found = dict(options(raw[4:]))
    told = [
        (struct.unpack_from("!I", body, 20)[0], IPv6Address(body[:16]))
        for code, body in options(found.get(IA_NA, bytes(12))[12:])
        if code == IA_ADDRESS
    ]
    seconds, address = max(told, default=(0, None))
    return Answer(raw[0], raw[1:4], found.get(SERVER_ID, b""), address, seconds)


def options(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Give options by their codes."""
    place = 0
    while place < len(raw):
        code, length = struct.unpack_from("!HH", raw, place)
        yield code, raw[place + 4 : place + 4 + length]
        place += 4 + length


def _option(code: int, body: bytes) -> bytes:
    return struct.pack("!HH", code, len(body)) + body


def _ia(inner: bytes) -> bytes:
    return struct.pack("!III", IAID, 0, 0) + inner


class Segment:
    """The link on which clients ask."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("::", CLIENT_PORT))
        self._servers = (SERVERS, SERVER_PORT, 0, socket.if_nametoindex(interface))

    def obtain(self, client: int) -> Answer | None:
        """Get an address of whoever has one; None: nobody has.

        Of several servers that answer, clients choose one after the other.
        """
        offers = sorted(self._ask(SOLICIT, ADVERTISE, client), key=lambda offer: offer.server)
        if not offers:
            return None
        offer = offers[client % len(offers)]
        return next(iter(self._ask(REQUEST, REPLY, client, offer.server, offer.address)), None)

    def rebind(self, client: int, address: IPv6Address) -> Answer | None:
        """Keep an address, of whoever knows of it; None: nobody does."""
        return next(iter(self._ask(REBIND, REPLY, client, b"", address)), None)

    def _ask(
        self,
        kind: int,
        wanted: int,
        client: int,
        server: bytes = b"",
        address: IPv6Address | None = None,
    ) -> list[Answer]:
        transaction = os.urandom(3)
        sent = message(kind, transaction, duid(client), server, address)
        for _ in range(TRIES):
            self._socket.sendto(sent, self._servers)
            found = self._heard(wanted, transaction)
            if found:
                return found
        return []

    def _heard(self, wanted: int, transaction: bytes) -> list[Answer]:
        """Wait for answers with an address: a server that has none left says so."""
        deadline, heard = time.monotonic() + WAIT, list[Answer]()
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                found = answer(self._socket.recv(65535))
            except TimeoutError:
                break
            if (found.kind, found.transaction) == (wanted, transaction) and found.seconds:
                heard.append(found)
                deadline = min(deadline, time.monotonic() + OTHERS)
        return heard


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("interface")
    parser.add_argument("what", choices=("obtain", "rebind"))
    parser.add_argument("clients", nargs="+")
    arguments = parser.parse_args()
    segment = Segment(arguments.interface)
    for each in arguments.clients:
        number, _, address = each.partition("=")
        if arguments.what == "obtain":
            got = segment.obtain(int(number))
        else:
            got = segment.rebind(int(number), IPv6Address(address))
        print(json.dumps(_shown(int(number), got)), flush=True)


def _shown(client: int, got: Answer | None) -> dict[str, object]:
    if got is None:
        return {"client": client, "address": None, "seconds": 0, "server": ""}
    address = str(got.address) if got.seconds else None
    return {
        "client": client,
        "address": address,
        "seconds": got.seconds,
        "server": got.server.hex(),
    }


if __name__ == "__main__":
    main()
