"""Contact with the database counts only while it is unbroken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.region.contact import Contact

GAP = 4.0


def test_contact_grows_with_every_heartbeat() -> None:
    """Heartbeats in time add up."""
    contact = Contact(GAP)
    for now in (10.0, 12.0, 14.0):
        contact.made(now)
    assert contact.lasts(15.0) == 5.0


def test_the_end_of_a_gap_is_known() -> None:
    """The first contact of all ends none."""
    contact = Contact(GAP)
    contact.lost()
    contact.made(10.0)
    assert contact.regained is None
    contact.lost()
    contact.made(13.0)
    assert contact.regained == 13.0
    contact.made(15.0)
    assert contact.regained == 13.0
    contact.made(30.0)
    assert contact.regained == 30.0


def test_a_failed_heartbeat_breaks_it() -> None:
    """The next success begins anew."""
    contact = Contact(GAP)
    contact.made(10.0)
    contact.lost()
    assert contact.lasts(10.0) == 0.0
    contact.made(12.0)
    assert contact.lasts(13.0) == 1.0


def test_a_long_silence_breaks_it() -> None:
    """A process that was frozen judges nobody when it wakes."""
    contact = Contact(GAP)
    contact.made(10.0)
    assert contact.lasts(20.0) == 0.0
    contact.made(20.0)
    assert contact.lasts(20.0) == 0.0


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=30))
def test_it_never_counts_across_a_gap(pauses: list[float]) -> None:
    """What it gives is at most the time since the last pause longer than the gap."""
    contact, now, since = Contact(GAP), 0.0, 0.0
    contact.made(now)
    for pause in pauses:
        now += pause
        contact.made(now)
        since = now if pause > GAP else since
        assert contact.lasts(now) <= now - since + 1e-9
