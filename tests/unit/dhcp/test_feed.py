"""Following a leases file, on a clock that stands still between two looks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from maasha.dhcp import feed as module
from maasha.dhcp import following
from maasha.dhcp.feed import POLL_INTERVAL, LeaseFeed
from maasha.model.lease import BindingState, TroubleKind
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

    def rest(self) -> None:
        """Let it look, and keep what it saw, for a few seconds."""
        self.clock.pump([POLL_INTERVAL] * 16)

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


LINE = "maasha-lease 10.0.0.{} 1:2:0:0:0:0:{} 600 -\n"


def say(desk: Desk, number: int, log: str = "dhcpd-1.log") -> None:
    """Let dhcpd grant a host its fixed address."""
    with (desk.path.parent / log).open("a") as stream:
        stream.write(f"DHCPDISCOVER from somebody\n{LINE.format(number, number)}")


def successor(desk: Desk) -> Desk:
    """Give the feed of the next rackd, on the same files."""
    clock, calls = Clock(), list[None]()
    feed = make_feed(clock, desk.path.parent, lambda: calls.append(None))
    feed.start()
    for _ in range(10):
        clock.advance(0.0)
    return Desk(clock, desk.path, feed, calls)


def end(desk: Desk) -> None:
    """Stop a feed."""
    assert Deferred.fromCoroutine(desk.feed.stop()).called


def test_hosts_with_fixed_addresses_come_from_the_log(desk: Desk) -> None:
    """Each start of dhcpd has a log of its own; all are read, and old ones go."""
    say(desk, 5)
    desk.look()
    assert desk.take() == {5: BindingState.ACTIVE}
    say(desk, 7)
    for number in range(2, 6):
        say(desk, number + 10, f"dhcpd-{number}.log")
    desk.look()
    desk.rest()
    assert sorted(desk.take()) == [7, 12, 13, 14, 15]
    left = sorted(path.name for path in desk.path.parent.glob("dhcpd-*.log"))
    assert left == ["dhcpd-3.log", "dhcpd-4.log", "dhcpd-5.log"]


def test_a_restart_tells_nothing_twice_and_forgets_nothing(desk: Desk) -> None:
    """What a region has acknowledged, it has; what came while nobody read is read."""
    desk.append(5)
    say(desk, 6)
    desk.look()
    assert sorted(desk.take()) == [5, 6]
    desk.append(7)
    say(desk, 8)
    desk.look()
    end(desk)
    desk.append(9)
    say(desk, 10)
    after = successor(desk)
    assert sorted(after.take()) == [7, 8, 9, 10]
    end(after)


def test_what_dhcpd_forgets_is_told_all_the_same(desk: Desk) -> None:
    """Its leases file is rewritten when it joins a pair."""
    desk.append(5)
    desk.look()
    end(desk)
    desk.path.write_text("")
    after = successor(desk)
    assert after.take() == {5: BindingState.ACTIVE}
    end(after)


def test_a_restart_before_the_spool_was_read_counts(desk: Desk) -> None:
    """A session that comes that early is offered everything as well."""
    desk.append(5)
    desk.look()
    desk.take()
    desk.rest()
    end(desk)
    clock, calls = Clock(), list[None]()
    feed = make_feed(clock, desk.path.parent, lambda: calls.append(None))
    feed.start()
    feed.restart(beyond=1 << 40)
    for _ in range(10):
        clock.advance(0.0)
    report = feed.pending()
    assert report is not None
    assert report.cursor > 1 << 40
    assert (feed.nothing().leases, feed.nothing().cursor >= report.cursor) == ((), True)
    end(Desk(clock, desk.path, feed, calls))


def test_a_damaged_spool_is_an_alarm_until_all_was_told_anew(desk: Desk) -> None:
    """Known to a region, acknowledged and whole on disk: only then it is over."""
    desk.append(5)
    desk.append(6)
    desk.look()
    desk.take()
    desk.rest()
    end(desk)
    for segment in (desk.path.parent / "spool").glob("*.leases"):
        segment.write_bytes(segment.read_bytes()[:30])
    after = successor(desk)
    (trouble,) = after.feed.troubles
    assert (trouble.kind, "damaged" in trouble.detail) == (TroubleKind.DAMAGED, True)
    assert sorted(after.take()) == [5, 6]
    after.rest()
    assert list(after.feed.troubles) == [trouble]
    after.feed.told((trouble,))
    after.rest()
    assert not after.feed.troubles
    end(after)


def test_a_disk_that_takes_nothing_is_an_alarm_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases are offered from memory; with room again they are written, and the alarm is over."""

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "write", refuse)
        desk.append(5)
        desk.look()
        assert desk.take() == {5: BindingState.ACTIVE}
        desk.append(6)
        desk.rest()
        (trouble,) = desk.feed.troubles
        assert trouble.kind is TroubleKind.UNWRITTEN
        end(desk)
        desk.feed.start()
    desk.rest()
    assert not desk.feed.troubles
    end(desk)
    desk.path.write_text("")
    after = successor(desk)
    assert after.take() == {6: BindingState.ACTIVE}
    end(after)


def test_a_disk_that_syncs_nothing_is_an_alarm(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first look on."""

    def refuse(*_: object) -> int:
        raise OSError(5, "Input/output error")

    end(desk)
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", refuse)
        after = successor(desk)
        after.append(5)
        after.rest()
        assert after.take() == {5: BindingState.ACTIVE}
        assert [trouble.kind for trouble in after.feed.troubles] == [TroubleKind.UNWRITTEN]
        end(after)


def test_a_clock_that_is_set_is_an_alarm(tmp_path: Path) -> None:
    """Numbers go on as before."""
    clock, dates = Clock(), [datetime(2026, 1, 31, tzinfo=UTC)]
    feed = make_feed(clock, tmp_path, lambda: None, lambda: dates[-1])
    feed.start()
    assert not feed.troubles
    dates.append(dates[-1] - timedelta(hours=1))
    clock.advance(POLL_INTERVAL)
    assert [trouble.kind for trouble in feed.troubles] == [TroubleKind.STEPPED]
    assert Deferred.fromCoroutine(feed.stop()).called


def test_what_was_read_of_a_long_log_is_freed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing in it was about us; what is behind is kept for people."""
    monkeypatch.setattr(following, "KEPT", 1 << 20)
    log = desk.path.parent / "dhcpd-1.log"
    with log.open("ab", buffering=0) as stream:
        for _ in range(12):
            stream.write((b"x" * 1023 + b"\n") * 512)
            desk.rest()
        before = log.stat()
        assert before.st_size == 6 << 20
        assert before.st_blocks * 512 <= 3 << 20
        stream.write(LINE.format(5, 5).encode())
    desk.look()
    assert desk.take() == {5: BindingState.ACTIVE}
    end(desk)
    say(desk, 6)
    after = successor(desk)
    assert after.take() == {6: BindingState.ACTIVE}
    end(after)
