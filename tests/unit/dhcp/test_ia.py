"""Reading the leases of DHCPv6 out of dhcpd.leases(5)."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.ia import bindings, hardware
from maasha.dhcp.leases import LeaseParser
from maasha.dhcp.records import split
from maasha.model.lease import BindingState, Lease

FILE = b"""\
authoring-byte-order little-endian;

server-duid "\\000\\001\\000\\0012\\236P\\214\\376R@\\360\\231\\235";

ia-na "\\001\\000\\000\\000\\000\\003\\000\\001\\002\\000\\000\\000\\000\\012" {
  cltt 0 2026/11/29 02:00:00;
  iaaddr fd00::100 {
    binding state active;
    preferred-life 375;
    max-life 600;
    ends 0 2026/11/29 02:10:00;
  }
  iaaddr fd00::101 {
    binding state released;
    preferred-life 375;
    max-life 600;
    ends 0 2026/11/29 02:10:00;
    set ddns-fwd-name = "x";
  }
}

ia-na "\\001\\000\\000\\000\\000\\004ab\\"c\\\\" {
  cltt 0 2026/11/29 02:00:01;
  iaaddr fd00::102 {
    binding state expired;
    ends 0 2026/11/29 02:00:01;
  }
}
"""
SEEN, END = datetime(2026, 11, 29, 2, tzinfo=UTC), datetime(2026, 11, 29, 2, 10, tzinfo=UTC)
DUID = "00030001" + "02000000000a"


def test_every_address_of_a_client_is_a_lease() -> None:
    """The client's MAC address is that of its DUID, where there is one in it."""
    first, second, third = LeaseParser().feed(FILE)
    assert first == Lease(
        IPv6Address("fd00::100"),
        BindingState.ACTIVE,
        "02:00:00:00:00:0a",
        SEEN,
        END,
        SEEN,
        duid=DUID,
    )
    assert (second.ip, second.state) == (IPv6Address("fd00::101"), BindingState.RELEASED)
    assert (third.mac, third.duid) == ("", b'\x00\x04ab"c\\'.hex())


@pytest.mark.parametrize(
    ("duid", "mac"),
    [
        (DUID, "02:00:00:00:00:0a"),
        ("00010001" + "2d8a0000" + "02000000000b", "02:00:00:00:00:0b"),
        ("00030006" + "02000000000a", ""),
        ("00030001" + "020000", ""),
        ("0002" + "00007ed9", ""),
        ("", ""),
    ],
)
def test_macs_of_duids(duid: str, mac: str) -> None:
    """Types 1 and 3 have one, if they were made on Ethernet and are whole."""
    assert hardware(bytes.fromhex(duid)) == mac


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"binding state active", b"binding state odd"),
        (b"ends 0 2026/11/29 02:10:00", b"ends soon"),
        (b"iaaddr fd00::100", b"iaaddr fd00:::100"),
        (b"    binding state active;\n", b""),
    ],
)
def test_what_makes_no_sense_is_left_out(good: bytes, bad: bytes) -> None:
    """The other addresses and clients are not."""
    found = LeaseParser().feed(FILE.replace(good, bad))
    assert IPv6Address("fd00::100") not in {lease.ip for lease in found}
    assert IPv6Address("fd00::102") in {lease.ip for lease in found}


def test_other_records_have_no_addresses() -> None:
    """Temporary addresses and prefixes are none that we hand out."""
    assert list(bindings(['ia-pd "\\001" {', "  iaprefix fd00::/56 {", "  }"])) == []


@given(st.lists(st.sampled_from([*FILE.decode().splitlines(), "  }", '"', "}"]), max_size=30))
def test_damage_does_no_harm(lines: list[str]) -> None:
    """Whatever lines there are, they give leases or nothing."""
    LeaseParser().feed("\n".join(lines).encode())
    for part in split(lines):
        if not isinstance(part, str):
            list(bindings(part.lines))
