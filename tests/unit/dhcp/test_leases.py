"""Reading dhcpd.leases(5), and which of two reports is newer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.leases import MAX_LINE, MAX_LINES, LeaseParser
from maasha.model.lease import BindingState, Lease

FILE = b"""\
# The format of this file is documented in the dhcpd.leases(5) manual page.
# This lease file was written by isc-dhcp-4.4.3-P1

# authoring-byte-order entry is generated, DO NOT DELETE
authoring-byte-order little-endian;

failover peer "failover-vlan-1-1" state {
  my state normal at 1 2026/11/23 16:08:55;
  partner state normal at 1 2026/11/23 16:08:57;
  mclt 3600;
}
lease 10.0.0.50 {
  starts 1 2026/11/23 16:00:00;
  ends 1 2026/11/23 16:10:00;
  tstp 1 2026/11/23 16:15:00;
  cltt 1 2026/11/23 16:00:00;
  binding state active;
  next binding state expired;
  rewind binding state free;
  hardware ethernet 02:00:00:00:00:0a;
  uid "\\001\\002\\000}\\000\\012";
  set vendor-class-identifier = "PXE; {client";
  client-hostname "a \\"b\\";c\\\\";
  on expiry {
    log (info, "gone");
  }
}
server-duid "\\000\\001\\000\\0012\\227!\\227&i\\327\\027\\346\\313";

host gone {
  dynamic;
  deleted;
}
lease 10.0.0.51 {
  starts epoch 1795450000; # Mon Nov 23 15:26:40 2026
  ends never;
  binding state released;
  hardware ethernet 2:0:0:0:0:B;
}
lease 10.0.0.52 {
  binding state free;
}
"""
FIRST = Lease(
    IPv4Address("10.0.0.50"),
    BindingState.ACTIVE,
    "02:00:00:00:00:0a",
    datetime(2026, 11, 23, 16, tzinfo=UTC),
    datetime(2026, 11, 23, 16, 10, tzinfo=UTC),
    datetime(2026, 11, 23, 16, tzinfo=UTC),
    'a "b";c\\',
)
SECOND = Lease(
    IPv4Address("10.0.0.51"),
    BindingState.RELEASED,
    "02:00:00:00:00:0b",
    datetime.fromtimestamp(1795450000, UTC),
)
THIRD = Lease(IPv4Address("10.0.0.52"), BindingState.FREE)


def test_leases_are_read_and_all_else_is_passed_over() -> None:
    """Hosts, peers' states and unknown statements give nothing; both time formats are read."""
    assert LeaseParser().feed(FILE) == (FIRST, SECOND, THIRD)


@given(st.lists(st.integers(0, len(FILE)), max_size=20))
def test_the_pieces_do_not_matter(cuts: list[int]) -> None:
    """However the file arrives, the same leases come out, each once."""
    places = [0, *sorted(cuts), len(FILE)]
    parser = LeaseParser()
    pieces = (FILE[a:b] for a, b in pairwise(places))
    assert [lease for piece in pieces for lease in parser.feed(piece)] == [FIRST, SECOND, THIRD]


@given(st.integers(0, len(FILE)))
def test_a_record_cut_short_gives_nothing_and_harms_no_other(cut: int) -> None:
    """After a crash in the middle of a record the next record is read as ever."""
    found = LeaseParser().feed(FILE[:cut] + b"\n" + FILE)
    assert found[-3:] == (FIRST, SECOND, THIRD)
    assert set(found) <= {FIRST, SECOND, THIRD}


@given(st.binary(max_size=300), st.sampled_from([b"", b"lease 1.2.3.4 {\n", b"\n}\n", b"host {"]))
def test_garbage_gives_no_lease_and_no_error(garbage: bytes, between: bytes) -> None:
    """Anything may be in the file."""
    parser = LeaseParser()
    for piece in (garbage, between, garbage):
        assert parser.feed(piece) == ()


@pytest.mark.parametrize(
    "line",
    [
        "binding state odd;",
        "starts soon;",
        "ends 1 2026/13/40 99:00:00;",
        "cltt epoch 999999999999;",
    ],
)
def test_a_record_that_makes_no_sense_gives_nothing(line: str) -> None:
    """A state or a time that cannot be is no lease."""
    text = f"lease 10.0.0.1 {{\n  binding state active;\n  {line}\n}}\n"
    assert LeaseParser().feed(text.encode()) == ()


@pytest.mark.parametrize("head", ["lease 10.0.0.256 {", "lease 10.0.0 {", "lease {", "leases x {"])
def test_a_head_without_an_address_gives_nothing(head: str) -> None:
    """A lease is of an IPv4 address."""
    assert LeaseParser().feed(f"{head}\n  binding state active;\n}}\n".encode()) == ()


def test_a_lease_without_a_state_gives_nothing() -> None:
    """Without its state a record says nothing."""
    assert LeaseParser().feed(b"lease 10.0.0.1 {\n  ends never;\n}\n") == ()


def test_what_is_no_ethernet_address_is_left_out() -> None:
    """Other hardware and broken quotes leave their fields empty."""
    text = b"""lease 10.0.0.1 {
  binding state active;
  hardware ethernet 02:00:00;
  client-hostname unquoted;
}
lease 10.0.0.2 {
  binding state active;
  hardware token-ring 02:00:00:00:00:01;
  client-hostname "tab\\011\\303";
}
"""
    one, two = LeaseParser().feed(text)
    assert (one.mac, one.hostname, two.mac, two.hostname) == ("", "", "", "tab?\u00c3")


def test_damage_without_end_is_dropped() -> None:
    """Neither an endless line nor an endless record fills the memory."""
    parser = LeaseParser()
    parser.feed(b"x" * (3 * MAX_LINE))
    assert parser.feed(b"\n") == ()
    parser.feed(b"lease 10.0.0.1 {\n" + b"  binding state active;\n" * MAX_LINES)
    assert parser.feed(b"}\n" + FILE) == (FIRST, SECOND, THIRD)


NOW = datetime(2026, 11, 23, tzinfo=UTC)
INSTANTS = st.none() | st.integers(0, 3).map(lambda n: NOW + timedelta(minutes=n))
LEASES = st.builds(
    Lease,
    st.just(IPv4Address("10.0.0.1")),
    st.sampled_from(BindingState),
    st.sampled_from(["", "02:00:00:00:00:01", "02:00:00:00:00:02"]),
    INSTANTS,
    INSTANTS,
    INSTANTS,
    st.sampled_from(["", "a"]),
)
