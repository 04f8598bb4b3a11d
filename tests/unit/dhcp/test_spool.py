"""A rack's memory of its leases on disk, whatever becomes of the disk."""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.dhcp import spool as module
from maasha.dhcp.book import ERA, LeaseBook
from maasha.dhcp.spool import Spool
from maasha.dhcp.spool_lines import Key, Mark, Word
from maasha.model.lease import BindingState, Lease

STATES = tuple(BindingState)


def lease(number: int, state: BindingState = BindingState.ACTIVE) -> Lease:
    """Give a lease of the address with this number."""
    return Lease(IPv4Address((10 << 24) + number), state)


class Rack:
    """A book and its spool; a new one on the same folder is the next process."""

    def __init__(self, folder: Path) -> None:
        self.spool, self.book = Spool(folder), LeaseBook()
        for _ in self.spool.read():
            pass
        words = self.spool.words.values()
        self.book.recall(words, self.spool.state.acknowledged, self.spool.highest)
        self.spool.reserve(self.book.last)
        self.spool.sync(self.book.acknowledged)

    def write(self) -> tuple[Word, ...]:
        """Append what is not written."""
        words = self.book.unwritten(1000)
        self.spool.append(words)
        self.book.written(words)
        return words

    def sync(self) -> None:
        """Make it safe and tidy up, as a feed does."""
        self.spool.sync(self.book.acknowledged)
        self.book.rewrite(self.spool.tidy())

    def keep(self, *leases: Lease) -> None:
        """Take leases and make them safe."""
        self.book.put(leases)
        self.write()
        self.sync()

    def take(self) -> list[int]:
        """Take all that is offered; gives the last bytes of the addresses."""
        taken: list[int] = []
        while (report := self.book.pending()) is not None:
            taken += [int(each.ip) & 255 for each in report.leases]
            self.book.acknowledge(report.cursor)
        return taken


def test_a_spool_remembers(tmp_path: Path) -> None:
    """The next process has every word, offers what is not acknowledged, and counts on."""
    rack = Rack(tmp_path)
    rack.keep(lease(1))
    rack.take()
    rack.keep(lease(2))
    again = Rack(tmp_path)
    assert list(again.book) == [lease(1), lease(2)]
    assert again.take() == [2]
    assert again.book.last >= rack.book.last + ERA - rack.book.last % ERA
    assert again.spool.damage == ""


def test_how_far_the_logs_were_read_is_remembered_too(tmp_path: Path) -> None:
    """It is offered to nobody."""
    rack = Rack(tmp_path)
    rack.book.note_mark(Mark("dhcpd-1.log", 17))
    rack.keep()
    again = Rack(tmp_path)
    assert again.book.mark == Mark("dhcpd-1.log", 17)
    assert again.take() == []


def test_what_a_dead_process_wrote_is_there(tmp_path: Path) -> None:
    """Though nothing was synced."""
    rack = Rack(tmp_path)
    rack.book.put([lease(1)])
    rack.write()
    again = Rack(tmp_path)
    assert (again.take(), again.spool.damage) == ([1], "")


def test_a_spool_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a lease changes, about two words are kept for each address."""
    monkeypatch.setattr(module, "SEGMENT", 1000)
    rack = Rack(tmp_path)
    rack.keep(*(lease(number) for number in range(100)))
    for turn in range(200):
        for number in range(turn % 7, 40, 3):
            rack.book.put([lease(number, STATES[(turn + number) % len(STATES)])])
        rack.write()
        rack.sync()
    lines = b"".join(path.read_bytes() for path in tmp_path.glob("*.leases")).count(b"\n")
    assert lines < 2 * 100 + 60
    again = Rack(tmp_path)
    assert sorted(again.book, key=str) == sorted(rack.book, key=str)
    assert again.spool.damage == ""


def test_a_torn_end_is_no_damage(tmp_path: Path) -> None:
    """The machine died while it wrote; what was safe is there, and the torn line goes."""
    rack = Rack(tmp_path)
    rack.keep(lease(1))
    rack.book.put([lease(2)])
    rack.write()
    (segment,) = tmp_path.glob("*.leases")
    os.truncate(segment, segment.stat().st_size - 5)
    again = Rack(tmp_path)
    assert (again.spool.damage, again.take()) == ("", [1])
    for _ in range(2):
        again.sync()
        again.write()
    assert Rack(tmp_path).spool.damage == ""
    assert not segment.exists()


def test_damage_is_told_until_somebody_knows(tmp_path: Path) -> None:
    """A process that comes after tells it as well; everything is offered anew."""
    rack = Rack(tmp_path)
    rack.keep(lease(1), lease(2))
    rack.take()
    rack.sync()
    (segment,) = tmp_path.glob("*.leases")
    os.truncate(segment, segment.stat().st_size - 1 - segment.read_bytes().rindex(b"\n", 0, -1))
    damaged = Rack(tmp_path)
    assert damaged.spool.damage
    assert damaged.take() == [1]
    damaged.sync()
    later = Rack(tmp_path)
    assert later.spool.damage == damaged.spool.damage
    later.spool.forget_damage()
    assert Rack(tmp_path).spool.damage == ""


def test_a_lost_cursor_is_damage(tmp_path: Path) -> None:
    """Nobody knows what was safe and what was acknowledged."""
    rack = Rack(tmp_path)
    rack.keep(lease(1))
    rack.take()
    rack.sync()
    (tmp_path / "cursor").write_bytes(b"")
    again = Rack(tmp_path)
    assert "cursor" in again.spool.damage
    assert again.take() == [1]


def test_a_segment_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    """It is put aside once what is left is written anew; other files are none of ours."""
    rack = Rack(tmp_path)
    rack.keep(lease(1))
    (segment,) = tmp_path.glob("*.leases")
    segment.unlink()
    segment.mkdir()
    (tmp_path / "notes.leases").touch()
    again = Rack(tmp_path)
    assert again.spool.damage
    again.keep(lease(2))
    assert (tmp_path / "last.damaged").is_dir()
    assert list(Rack(tmp_path).book) == [lease(2)]


class Disk:
    """Refuses calls of `os` by name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = set[str]()
        for name in ("write", "fdatasync", "ftruncate"):
            monkeypatch.setattr(os, name, self._refusing(name, getattr(os, name)))

    def _refusing(self, name: str, real: object) -> object:
        def call(*arguments: object) -> object:
            if name in self.full:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[:7])  # type: ignore[operator,call-overload]
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)  # type: ignore[operator]

        return call


@pytest.mark.parametrize("refused", [{"write"}, {"write", "ftruncate"}, {"fdatasync"}])
def test_a_disk_that_refuses_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: set[str]
) -> None:
    """What was not written whole is written again when there is room, also what was not synced."""
    rack = Rack(tmp_path)
    rack.keep(lease(1))
    disk = Disk(monkeypatch)
    disk.full = refused
    rack.book.put([lease(2)])
    with pytest.raises(OSError, match="No space"):
        rack.keep()
    disk.full = set()
    for _ in range(3):
        rack.write()
        rack.sync()
    again = Rack(tmp_path)
    assert (sorted(again.take()), again.spool.damage) == ([1, 2], "")
    assert len(list(tmp_path.glob("*.leases"))) == 1


steps = st.lists(
    st.tuples(st.just("put"), st.integers(0, 5), st.sampled_from(STATES))
    | st.sampled_from([("write",), ("sync",), ("take",), ("crash",)]),
    max_size=30,
)


@settings(deadline=None, max_examples=80)
@given(steps, st.data())
def test_whatever_byte_is_wrong_nothing_is_lost_in_silence_and_nothing_invented(
    steps: list[tuple[object, ...]], data: st.DataObject
) -> None:
    """Any file cut anywhere, any bit turned: what was safe is there or the loss is told.

    Every word that is there was once written, what no region acknowledged is offered, and no
    number is given twice.
    """
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEGMENT", 200)
        folder = Path(name)
        rack, said, safe, taken = Rack(folder), set[Word](), dict[Key, Word](), 0
        for step in [*steps, ("write",)]:
            if step[0] == "put":
                rack.book.put([lease(step[1], step[2])])  # type: ignore[arg-type]
            elif step[0] == "write":
                said.update(rack.write())
            elif step[0] == "sync":
                said.update(rack.write())
                safe.update((word.key, word) for word in said if _newest(word, safe))
                rack.sync()
            elif step[0] == "take":
                rack.take()
                taken = rack.book.last
            else:
                rack = Rack(folder)
                assert rack.spool.damage == ""
        touched = _damage(folder, data)
        after = Rack(folder)
        known = dict(after.book._words)
        assert set(known.values()) <= said
        whole = all(not _newest(word, known) for word in safe.values())
        assert whole or after.spool.damage
        assert touched or after.spool.damage == ""
        assert all(word.number < after.book.last for word in said)
        offered = set(after.take())
        for word in known.values():
            assert word.number <= taken or int(IPv4Address(word.key)) & 255 in offered


def _newest(word: Word, known: dict[Key, Word]) -> bool:
    return word.key not in known or known[word.key].number < word.number


def _damage(folder: Path, data: st.DataObject) -> bool:
    """Cut a file, turn a bit in it, or leave everything as it is."""
    files = sorted(path for path in folder.iterdir() if path.stat().st_size)
    if not files or data.draw(st.booleans()):
        return False
    path = data.draw(st.sampled_from(files))
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        del raw[place:]
    else:
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    return True
