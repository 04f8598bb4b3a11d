"""Following a leases file, on a clock that stands still between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.dhcp import feed as module
from maasha.dhcp import following
from maasha.dhcp.feed import POLL_INTERVAL, LeaseFeed
from maasha.model.lease import BindingState
from tests.unit.dhcp.feeds import make_feed

TEXT = "lease 10.0.0.{} {{\n  binding state {};\n}}\n"


@define
class Desk:
    """A feed and the file it follows."""

    clock: Clock
    path: Path
    feed: LeaseFeed
    calls: list[None]

    def look(self) -> None:
        """Let the feed look at the file once."""
        self.clock.advance(POLL_INTERVAL)

    def append(self, number: int, state: str = "active") -> None:
        """Let dhcpd write a lease."""
        with self.path.open("a") as stream:
            stream.write(TEXT.format(number, state))

    def take(self) -> dict[int, BindingState]:
        """Take what is offered and acknowledge it."""
        report = self.feed.pending()
        if report is None:
            return {}
        self.feed.acknowledge(report.cursor)
        return {int(lease.ip) & 255: lease.state for lease in report.leases}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a feed that has started on a file that is not there yet."""
    clock, path, calls = Clock(), tmp_path / "dhcpd.leases", list[None]()
    feed = make_feed(clock, tmp_path, lambda: calls.append(None))
    feed.start()
    yield Desk(clock, path, feed, calls)
    assert Deferred.fromCoroutine(feed.stop()).called
    assert clock.getDelayedCalls() == []


def test_what_dhcpd_writes_is_offered(desk: Desk) -> None:
    """A new lease is there at the next look, and told of once."""
    desk.look()
    assert (desk.take(), desk.calls) == ({}, [])
    desk.append(5)
    desk.look()
    desk.look()
    assert (desk.take(), len(desk.calls)) == ({5: BindingState.ACTIVE}, 1)
    desk.append(5, "released")
    desk.look()
    assert (desk.take(), len(desk.calls)) == ({5: BindingState.RELEASED}, 2)


def test_a_rewritten_file_is_read_anew(desk: Desk) -> None:
    """The file is replaced by one that says the same: only news is offered."""
    desk.append(5)
    desk.append(6)
    desk.look()
    desk.take()
    new = desk.path.with_suffix(".new")
    new.write_text(TEXT.format(6, "expired") + TEXT.format(5, "active") + TEXT.format(7, "free"))
    new.replace(desk.path)
    desk.look()
    assert desk.take() == {6: BindingState.EXPIRED, 7: BindingState.FREE}


def test_a_file_cut_shorter_is_read_anew(desk: Desk) -> None:
    """The same file with less in it is another text."""
    desk.append(5)
    desk.append(6)
    desk.look()
    desk.take()
    desk.path.write_text(TEXT.format(9, "free"))
    desk.look()
    assert desk.take() == {9: BindingState.FREE}


def test_a_missing_file_is_waited_for(desk: Desk) -> None:
    """What was known stays known while the file is away."""
    desk.append(5)
    desk.look()
    desk.path.unlink()
    desk.look()
    assert desk.take() == {5: BindingState.ACTIVE}
    desk.append(6)
    desk.look()
    assert desk.take() == {6: BindingState.ACTIVE}


def test_a_new_session_is_offered_everything(desk: Desk) -> None:
    """Whoever comes after a lost session need know nothing of it."""
    desk.feed.restart()
    assert desk.calls == []
    desk.append(5)
    desk.look()
    desk.take()
    desk.feed.restart()
    assert (desk.take(), len(desk.calls)) == ({5: BindingState.ACTIVE}, 2)


def test_a_long_file_is_read_in_pieces_and_offered_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is offered before the end is reached, which may unsay the beginning."""
    turns: list[Deferred[None]] = []

    def next_turn(*_: object) -> Deferred[None]:
        turns.append(Deferred())
        return turns[-1]

    monkeypatch.setattr(following, "PIECE", 30)
    monkeypatch.setattr(module, "deferLater", next_turn)
    text = TEXT.format(5, "active") + TEXT.format(6, "active") + TEXT.format(5, "released")
    desk.path.write_text(text)
    desk.look()
    for number in range(len(text) // 30):
        assert desk.feed.pending() is None
        turns[number].callback(None)
    assert desk.take() == {6: BindingState.ACTIVE, 5: BindingState.RELEASED}
    assert len(desk.calls) == 1


def test_a_file_that_ends_with_a_piece_is_offered_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty last piece is an end as well."""
    text = TEXT.format(5, "active")
    monkeypatch.setattr(following, "PIECE", len(text))
    desk.path.write_text(text)
    desk.look()
    assert (desk.take(), len(desk.calls)) == ({5: BindingState.ACTIVE}, 1)
