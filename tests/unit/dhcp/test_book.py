"""The book of leases that are to be reported."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.book import BATCH, ERA, LeaseBook
from maasha.dhcp.lease_log import Released
from maasha.dhcp.spool_lines import Mark, Word
from maasha.model.lease import BindingState, Lease, LeaseReport


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


def test_numbers_only_grow() -> None:
    """Each lease goes out under the number of its last change, higher than all before."""
    book = LeaseBook()
    book.put([lease(1), lease(2), lease(1, BindingState.RELEASED)])
    report = book.pending()
    assert report is not None
    assert [(int(each.ip) & 255, each.sequence) for each in report.leases] == [(2, 2), (1, 3)]
    assert (report.cursor, report.acknowledged) == (3, 0)
    book.acknowledge(3)
    assert book.acknowledged == 3
    book.restart(beyond=1000)
    again = book.pending()
    assert again is not None
    assert again.acknowledged == 0
    assert [each.sequence for each in again.leases] == [1001, 1002]


def test_a_book_goes_on_where_the_last_one_ended() -> None:
    """It offers what was not acknowledged, under numbers that are still right."""
    book = LeaseBook()
    book.recall([Word(9, lease(2)), Word(7, lease(1)), Word(8, Mark("dhcpd-1.log", 5))], 7, 12)
    assert (book.last, book.acknowledged, book.mark) == (ERA, 7, Mark("dhcpd-1.log", 5))
    report = book.pending()
    assert report is not None
    assert report == LeaseReport(9, (lease(2),), 7)
    book.acknowledge(9)
    assert (book.acknowledged, book.settled) == (9, True)
    assert not book.put([lease(1), lease(2)])
    assert list(book) == [lease(1), lease(2)]


def test_a_new_book_is_empty() -> None:
    """Nothing was ever numbered, no log was ever read."""
    book = LeaseBook()
    book.recall([], 0, 0)
    assert (book.last, book.mark, book.pending(), book.settled) == (0, None, None, True)


def test_a_word_is_to_be_written_until_it_is() -> None:
    """One that changed while it was written is to be written again."""
    book = LeaseBook()
    book.put([lease(1), lease(2)])
    book.note_mark(Mark("dhcpd-1.log", 5))
    book.note_mark(Mark("dhcpd-1.log", 5))
    words = book.unwritten(10)
    assert [word.number for word in words] == [1, 2, 3]
    assert book.unwritten(1) == words[:1]
    book.put([lease(1, BindingState.FREE)])
    book.written(words)
    assert [word.number for word in book.unwritten(10)] == [4]
    book.written(book.unwritten(10))
    book.rewrite([lease(2).ip])
    assert book.unwritten(10) == words[1:2]


def test_a_client_gives_back_what_is_its_own() -> None:
    """Nobody else can, and nothing of a pool; once is enough."""
    at, ip = datetime(2026, 1, 31, 12, tzinfo=UTC), lease(1).ip
    held = Lease(ip, BindingState.ACTIVE, "02:00:00:00:00:01", fixed=True)
    book = LeaseBook()
    gone = Released(ip, held.mac, at)
    assert not book.take([gone])
    assert book.take([held])
    assert not book.take([Released(ip, "02:00:00:00:00:02", at)])
    assert book.take([gone])
    assert not book.take([gone])
    assert list(book) == [evolve(held, state=BindingState.RELEASED, ends=at)]
    book.put([evolve(held, fixed=False)])
    assert not book.take([gone])


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
