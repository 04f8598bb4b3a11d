"""What a lease is made of."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from maasha.model.lease import BindingState, Lease, normal_mac


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        ("2:0:0:0:0:1", "02:00:00:00:00:01"),
        ("AA:bb:cC:00:1:F", "aa:bb:cc:00:01:0f"),
        ("", ""),
        ("02:00:00:00:00", ""),
        ("02:00:00:00:00:01:02", ""),
        ("02:00:00:00:00:001", ""),
        ("02-00-00-00-00-01", ""),
    ],
)
def test_a_mac_has_two_digits_for_each_byte(text: str, mac: str) -> None:
    """Whatever was left out; what is none is the empty text."""
    assert normal_mac(text) == mac


def test_the_number_says_nothing_of_the_lease() -> None:
    """Two words that say the same are equal."""
    ip = IPv4Address("10.0.0.1")
    one, two = (Lease(ip, BindingState.ACTIVE, sequence=number) for number in (1, 2))
    assert one == two
    assert one != Lease(ip, BindingState.FREE, sequence=1)
