"""The yardstick of other tests: whose DISCOVER was answered, and when."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab import MAC, Heard, Kind, mac
from tests.acceptance.offers import offered

ONE, TWO = mac(1), mac(2)


def heard(kind: Kind, at: float, chaddr: MAC = ONE, xid: int = 7) -> Heard:
    """Make a message."""
    return Heard(at, at, kind, xid, chaddr, IPv4Address("10.0.0.9"))


def test_a_discover_that_is_repeated_is_one_acquisition() -> None:
    """The third was answered in time, so it is not lost; the first had no OFFER for a second."""
    sent = [heard(Kind.DISCOVER, at) for at in (1.0, 2.0, 3.0)]
    (one,) = offered([*sent, heard(Kind.OFFER, 3.0)], 0.0, 9.0)
    assert not one.lost(5.0)
    assert one.late(1.0) == 1
    assert one.lost(1.9)


def test_an_offer_to_another_is_none() -> None:
    """Neither one to another client nor one of another transaction."""
    others = heard(Kind.OFFER, 1.5, TWO), heard(Kind.OFFER, 1.5, xid=8)
    (one,) = offered([heard(Kind.DISCOVER, 1.0), *others], 0.0, 9.0)
    assert one.lost(5.0)
    assert one.late(1.0) == 1


def test_an_offer_after_the_end_is_too_late() -> None:
    """The client has given up."""
    (one,) = offered([heard(Kind.DISCOVER, 1.0), heard(Kind.OFFER, 6.1)], 0.0, 9.0)
    assert one.lost(5.0)


def test_only_what_began_in_time_counts() -> None:
    """Not what began before or after."""
    asked = [heard(Kind.DISCOVER, at, xid=int(at)) for at in (1.0, 2.0, 3.0)]
    assert [one.asked for one in offered(asked, 1.5, 2.5)] == [[2.0]]
