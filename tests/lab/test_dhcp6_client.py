"""DHCPv6 messages as bytes."""

import struct
from ipaddress import IPv6Address

from lab.dhcp6_client import (
    CLIENT_ID,
    IA_ADDRESS,
    IA_NA,
    REQUEST,
    SERVER_ID,
    Answer,
    answer,
    duid,
    message,
    options,
)

SERVER = bytes.fromhex("0003000102000000000a")
ADDRESS = IPv6Address("fd00::5")


def test_a_message_names_client_server_and_address() -> None:
    """What a client asks for is in the options that a server looks at."""
    raw = message(REQUEST, b"abc", duid(7), SERVER, ADDRESS)
    assert raw[:4] == b"\x03abc"
    found = dict(options(raw[4:]))
    assert (found[CLIENT_ID], found[SERVER_ID]) == (duid(7), SERVER)
    assert dict(options(found[IA_NA][12:]))[IA_ADDRESS][:16] == ADDRESS.packed


def test_the_best_address_of_an_answer_counts() -> None:
    """A server that takes one address away may give another one with it."""
    told = b"".join(
        struct.pack("!HH", IA_ADDRESS, 24) + address.packed + struct.pack("!II", 0, seconds)
        for address, seconds in ((IPv6Address("fd00::1"), 0), (ADDRESS, 600))
    )
    ia = struct.pack("!HHIII", IA_NA, 12 + len(told), 1, 0, 0) + told
    server = struct.pack("!HH", SERVER_ID, len(SERVER)) + SERVER
    assert answer(b"\x07abc" + server + ia) == Answer(7, b"abc", SERVER, ADDRESS, 600)
    assert answer(b"\x07abc" + server) == Answer(7, b"abc", SERVER, None, 0)
