"""The rack's own memory of its leases on disk: segments of lines, and how far a region took them.

The last state of every pool lease is in dhcpd's leases file too, which is read from its beginning
at each start. What is here and nowhere else: the words on hosts with fixed addresses, the words
that dhcpd forgot or was made to forget before a region had them, and what a region has
acknowledged, so that a restart tells nothing twice. What is lost here is in dhcpd's leases file,
and in its logs as long as they are kept, once more.

Lines are only ever appended, each change together with what came with it (group commit): one
fdatasync(2) for all of a look at dhcpd's files, in a thread, and none where nothing changed. A
process that dies loses nothing; a machine that dies loses what was not synced, which is then read
from dhcpd's files again, for how far those were read is a line as well. A segment is deleted as
soon as none of its lines is the newest on its key; where half of the lines are old, those of the
oldest segment that are not are written once more, so that it is. So a spool has about twice the
bytes of one word for each address, however long no region is there.

The cursor's file also has a sum over what is safe. By it a reader knows whether anything that was
safe is missing or another, wherever that is; a line that nobody was promised may be cut short.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from attrs import evolve
from twisted.logger import Logger

from maasha.dhcp.spool_lines import Key, State, Word, line_of, state_line, state_of, word_of
from maasha.host.files import PLAIN_MODE, read_text, remove, sync_folder, write_atomic

SEGMENT = 256 << 10
"""Bytes; reading one takes about 15 ms."""
SUFFIX, BROKEN = ".leases", ".damaged"
MODULUS = 1 << 64


class Spool:
    """Reads and writes the files in one folder. Raises OSError where the disk does not do it.

    Iterate over `read` first. `sync` alone may be called in another thread.
    """

    log = Logger()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alarm = folder / "damage"
        self._cursor = folder / "cursor"
        self._lock = Lock()
        self.words: dict[Key, Word] = {}
        """What was read; emptied by whoever takes it."""
        self.state = State()
        """What is safe, as far as is known."""
        self.damage = ""
        """What was lost, for people; empty: nothing."""
        self._place: dict[Key, tuple[int, int]] = {}
        """In which segment the newest line on each key is, and its number."""
        self._sizes: dict[int, int] = {}
        self._lines: dict[int, int] = {}
        self._live: Counter[int] = Counter()
        self._faulty: set[int] = set()
        self._open = -1
        self._at = 0
        """The segment that was appended to last."""
        self._highest = 0
        self._total = 0
        self._loose: set[int] = set()
        """Segments that have what is not safe before the next sync."""

    # reading

    def read(self) -> Iterator[None]:
        """Read all that is there, a segment at each step."""
        there, checked = self._read_state(), False
        found = sorted(self._folder.glob(f"*{SUFFIX}"))
        for path in found:
            if not path.stem.isdecimal():
                continue
            if int(path.stem) > self.state.segment and not checked:
                checked = self._check()
            self._read_segment(int(path.stem), path)
            if int(path.stem) == self.state.segment:
                checked = True
            yield
        if not checked:
            self._check()
        if found and not there:
            self._note("its cursor is lost")
        self._at = max(self._sizes, default=0)
        self._highest = max(self._highest, self.state.highest, self.state.acknowledged, self._at)
        self._loose = {number for number in self._sizes if number >= self.state.segment}
        self.damage = self.damage or self._told_before()
        if self.damage:
            with suppress(OSError):
                self.keep_damage()

    @property
    def highest(self) -> int:
        """The highest number that is remembered."""
        return self._highest

    def reserve(self, number: int) -> None:
        """Remember with the next sync that numbers up to this one may have been given."""
        self._highest = max(self._highest, number)

    def _read_state(self) -> bool:
        try:
            state = state_of(self._cursor.read_bytes())
        except OSError:
            return False
        self.state = state or self.state
        return state is not None

    def _read_segment(self, number: int, path: Path) -> None:
        try:
            raw = path.read_bytes()
        except OSError as error:
            self.log.warn("{name} cannot be read: {error}", name=path.name, error=error)
            self._faulty.add(number)
            raw = b""
        self._sizes[number], self._lines[number] = len(raw), raw.count(b"\n")
        safe = self.state.size if number == self.state.segment else len(raw)
        self._read_lines(number, raw[:safe])
        if number == self.state.segment:
            self._check()
        self._read_lines(number, raw[safe:])

    def _read_lines(self, number: int, raw: bytes) -> None:
        lines = raw.split(b"\n")
        for line in lines if lines[-1] else lines[:-1]:
            word = word_of(line)
            if word is None:
                self._faulty.add(number)
            elif word.key not in self._place or word.number >= self._place[word.key][1]:
                self.words[word.key] = word
                self._move(word, number)

    def _check(self) -> bool:
        """Compare all that was read up to here with what was safe."""
        if self._total != self.state.total:
            self._note("something in it is missing, or is not as it was written")
        return True

    def _note(self, damage: str) -> None:
        """Have everything offered anew."""
        self.damage = self.damage or f"the lease spool is damaged: {damage}"
        self.state = evolve(self.state, acknowledged=0)

    def _told_before(self) -> str:
        with suppress(OSError):
            return read_text(self._alarm) or ""
        return ""

    # writing

    def append(self, words: Sequence[Word]) -> None:
        """Write words at the end, all or none; they are safe after `sync` only."""
        if words:
            with self._lock:
                self._append(words, b"".join(line_of(word) for word in words))

    def behind(self, acknowledged: int) -> bool:
        """Whether `sync` has anything to do."""
        return bool(self._loose) or self.state != self._next_state(acknowledged)

    def sync(self, acknowledged: int) -> None:
        """Make safe what was appended, and how far the region acknowledged."""
        with self._lock:
            for number in sorted(self._loose):
                self._sync_segment(number)
            self._write_state(self._next_state(acknowledged))

    def tidy(self) -> tuple[Key, ...]:
        """Drop segments without a newest line; give the keys that are to be written once more.

        To be called when everything appended is synced.
        """
        writing = self._at if self._open >= 0 else -1
        for number in sorted(self._sizes):
            if self._live[number] == 0 and number != writing:
                self._drop(number)
        others = sorted(self._sizes.keys() - {writing})
        crowded = sum(self._lines.values()) > 2 * len(self._place) + self._lines.get(writing, 0)
        doomed = (self._faulty | set(others[:1] if crowded else ())) - {writing}
        if not doomed:
            return ()
        return tuple(key for key, (place, _) in self._place.items() if place in doomed)

    def keep_damage(self) -> None:
        """Remember the damage until somebody was told of it."""
        if not self._alarm.exists():
            write_atomic(self._alarm, self.damage)

    def forget_damage(self) -> None:
        """All that could be lost was told anew."""
        remove(self._alarm)
        self.damage = ""

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._close()

    def _append(self, words: Sequence[Word], raw: bytes) -> None:
        if self._open < 0 or self._sizes[self._at] >= SEGMENT:
            self._next_segment(words[0].number)
        try:
            _write(self._open, raw)
        except OSError:
            self._take_back(self._sizes[self._at])
            raise
        self._sizes[self._at] += len(raw)
        self._lines[self._at] += len(words)
        self._loose.add(self._at)
        for word in words:
            self._move(word, self._at)

    def _next_segment(self, number: int) -> None:
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._cursor.exists():
            self._write_state(self.state)  # its absence is damage once there are segments
        self._at = max(number, self._at + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._open = os.open(self._path(self._at), flags, PLAIN_MODE)
        self._sizes[self._at] = self._lines[self._at] = 0
        sync_folder(self._folder)

    def _take_back(self, size: int) -> None:
        """Cut off lines of which only a part fitted; a segment that keeps it is closed."""
        try:
            os.ftruncate(self._open, size)
        except OSError:
            self._faulty.add(self._at)
            self._close()

    def _next_state(self, acknowledged: int) -> State:
        size = self._sizes.get(self._at, 0)
        return State(acknowledged, self._highest, self._at, size, self._total)

    def _sync_segment(self, number: int) -> None:
        try:
            descriptor = os.open(self._path(number), os.O_RDONLY)
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            # the kernel may have forgotten what it could not write: all of it is written once more
            self._faulty.add(number)
            self._loose.discard(number)
            self._close()
            raise
        self._loose.discard(number)

    def _write_state(self, state: State) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._cursor, os.O_WRONLY | os.O_CREAT, PLAIN_MODE)
        try:
            os.pwrite(descriptor, state_line(state), 0)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self.state = state

    def _drop(self, number: int) -> None:
        path = self._path(number)
        if number in self._faulty:
            path.replace(self._folder / f"last{BROKEN}")
        else:
            remove(path)
        self._faulty.discard(number)
        self._loose.discard(number)
        for table in (self._sizes, self._lines, self._live):
            table.pop(number, None)

    def _move(self, word: Word, number: int) -> None:
        before, old = self._place.get(word.key, (number, 0))
        if word.key in self._place:
            self._live[before] -= 1
        self._place[word.key] = number, word.number
        self._live[number] += 1
        self._total = (self._total + word.number - old) % MODULUS
        self._highest = max(self._highest, word.number)

    def _close(self) -> None:
        if self._open >= 0:
            os.close(self._open)
            self._open = -1

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:020d}{SUFFIX}"


def _write(descriptor: int, raw: bytes) -> None:
    """Write all of it; a disk that takes a part only says why at the next try."""
    view = memoryview(raw)
    while view:
        view = view[os.write(descriptor, view) :]
