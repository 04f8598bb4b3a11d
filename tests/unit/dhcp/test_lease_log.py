"""What dhcpd's log says of hosts with fixed addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.lease_log import MAX_LINE, LogParser, Released, read
from maasha.model.lease import BindingState, Lease

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
IP = IPv4Address("10.0.0.50")
LINE = "maasha-lease 10.0.0.50 1:2:0:0:0:0:1 600 6f:6b"
LEASE = Lease(
    ip=IP,
    state=BindingState.ACTIVE,
    mac="02:00:00:00:00:01",
    starts=AT,
    ends=AT + timedelta(seconds=600),
    last_transaction=AT,
    hostname="ok",
    fixed=True,
)


def test_a_grant() -> None:
    """Address, client, time and name are what the line says; the MAC gets its zeros back."""
    assert read(LINE, AT) == LEASE


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("-", ""),
        ("", ""),
        ("a:6d", "?m"),
        ("c3:a4", "ä"),
        ("ff:0:41", "\ufffd?A"),
        ("fff:41", "\ufffdA"),
    ],
)
def test_a_name_is_shown_whatever_the_client_sent(name: str, shown: str) -> None:
    """What cannot be shown becomes a question mark, what is no UTF-8 the sign for that."""
    found = read(f"maasha-lease 10.0.0.50 1:2:0:0:0:0:1 600 {name}", AT)
    assert isinstance(found, Lease)
    assert found.hostname == shown


@pytest.mark.parametrize("seconds", ["-", "4294967295"])
def test_a_lease_without_an_end(seconds: str) -> None:
    """An infinite one, and one of which dhcpd does not say how long it lasts."""
    found = read(f"maasha-lease 10.0.0.50 1:2:0:0:0:0:1 {seconds} -", AT)
    assert isinstance(found, Lease)
    assert found.ends is None


def test_a_release() -> None:
    """Dhcpd says by itself that a client gives back what is not of a pool."""
    line = "DHCPRELEASE of 10.0.0.50 from 02:00:00:00:00:01 (name) via eth0 (not found)"
    assert read(line, AT) == Released(IP, "02:00:00:00:00:01", AT)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "DHCPACK on 10.0.0.50 to 02:00:00:00:00:01 via eth0",
        "DHCPRELEASE of 10.0.0.50 from 02:00:00:00:00:01 via eth0 (found)",
        "DHCPRELEASE of 10.0.0 from 02:00:00:00:00:01 via eth0 (not found)",
        f"x {LINE}",
        f"{LINE} x",
        "maasha-lease 10.0.0 1:2:0:0:0:0:1 600 -",
        "maasha-lease 10.0.0.50 6:2:0:0:0:0:1 600 -",
        "maasha-lease 10.0.0.50 1:2:0:0:0:0:1 -9 -",
    ],
)
def test_anything_else_says_nothing(line: str) -> None:
    """Other words of dhcpd's, other hardware, and what is cut short."""
    assert read(line, AT) is None


@given(st.lists(st.binary(max_size=40)), st.data())
def test_pieces_do_not_matter(noise: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, the same lines are found, and every byte of theirs is counted."""
    lines = [*(each.replace(b"\n", b"") for each in noise), LINE.encode(), b""]
    text = b"\n".join(lines)
    cut = data.draw(st.integers(0, len(text)))
    parser = LogParser()
    found = parser.feed(text[:cut], AT) + parser.feed(text[cut:], AT)
    assert LEASE in found
    assert parser.consumed == len(text)


def test_a_line_without_an_end_is_given_up() -> None:
    """No line of dhcpd's is as long; the next one counts again."""
    parser = LogParser()
    assert parser.feed(b"x" * (MAX_LINE + 1), AT) == ()
    assert parser.consumed == MAX_LINE + 1
    assert parser.feed(b"\n" + LINE.encode() + b"\n", AT) == (LEASE,)
