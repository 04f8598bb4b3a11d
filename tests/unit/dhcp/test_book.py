"""The book of leases that are to be reported."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.book import BATCH, LeaseBook
from maasha.model.lease import BindingState, Lease


def lease(number: int, state: BindingState = BindingState.ACTIVE) -> Lease:
    """Give a lease of the address with this number."""
    return Lease(IPv4Address((10 << 24) + number), state)


def test_a_lease_is_offered_until_it_is_acknowledged() -> None:
    """Asking twice gives the same batch."""
    book = LeaseBook()
    assert book.pending() is None
    assert book.put([lease(1), lease(2)])
    report = book.pending()
    assert report is not None
    assert report.leases == (lease(1), lease(2))
    assert book.pending() == report
    book.acknowledge(report.cursor)
    assert book.pending() is None


def test_only_news_is_offered() -> None:
    """A lease that is read again as it was is nothing new."""
    book = LeaseBook()
    book.put([lease(1)])
    report = book.pending()
    assert report is not None
    book.acknowledge(report.cursor)
    assert not book.put([lease(1)])
    assert book.pending() is None


def test_a_change_on_the_way_is_offered_again() -> None:
    """The acknowledgement of the old state does not cover the new one."""
    book = LeaseBook()
    book.put([lease(1), lease(2)])
    report = book.pending()
    assert report is not None
    book.put([lease(1, BindingState.RELEASED)])
    book.acknowledge(report.cursor)
    later = book.pending()
    assert later is not None
    assert later.leases == (lease(1, BindingState.RELEASED),)


def test_a_new_session_is_offered_everything() -> None:
    """What was acknowledged by another region's worker may be unknown to this one."""
    book = LeaseBook()
    book.put([lease(1), lease(2)])
    report = book.pending()
    assert report is not None
    book.acknowledge(report.cursor)
    book.restart()
    again = book.pending()
    assert again is not None
    assert again.leases == report.leases
    assert again.cursor > report.cursor


def test_batches_are_bounded() -> None:
    """A long file goes in several batches, oldest first."""
    book = LeaseBook()
    book.put([lease(n) for n in range(BATCH + 1)])
    first = book.pending()
    assert first is not None
    assert len(first.leases) == BATCH
    book.acknowledge(first.cursor)
    second = book.pending()
    assert second is not None
    assert second.leases == (lease(BATCH),)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(BindingState)) | st.booleans()))
def test_whoever_takes_every_batch_knows_the_last_state(
    events: list[tuple[int, BindingState] | bool],
) -> None:
    """Whatever is lost on the way, in the end each address is known as it is."""
    book, known, truth = LeaseBook(), dict[IPv4Address, Lease](), dict[IPv4Address, Lease]()
    for event in [*events, True]:
        if not isinstance(event, bool):
            entry = lease(*event)
            truth[entry.ip] = entry
            book.put([entry])
            continue
        if not event:
            book.restart()
            continue
        report = book.pending()
        if report is not None:
            known |= {entry.ip: entry for entry in report.leases}
            book.acknowledge(report.cursor)
    assert known == truth
