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
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from twisted.logger import Logger

from maasha.dhcp.spool_lines import Key, State, Word, line_of, state_line, state_of, word_of
from maasha.host.files import PLAIN_MODE, read_text, remove, sync_folder, write_atomic

SEGMENT = 256 << 10
"""Bytes; reading one takes about 15 ms."""
SUFFIX, BROKEN = ".leases", ".damaged"


class Spool:
    """Reads and writes the files in one folder. Raises OSError where the disk does not do it.

    Iterate over `read` first. `sync` alone may be called in another thread.
    """

    log = Logger()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alarm = folder / "damage"
        self._cursor = folder / "cursor"
        self.words: dict[Key, Word] = {}
        """What was read; emptied by whoever takes it."""
        self.state = State(0, 0)
        self.highest = 0
        self.damage = ""
        """What is wrong with what was read, for people; empty: nothing."""
        self._place: dict[Key, int] = {}
        self._live: Counter[int] = Counter()
        self._sizes: dict[int, int] = {}
        self._lines: dict[int, int] = {}
        self._faulty: dict[int, bool] = {}
        """Segments that are to be written anew, and whether one of them is damage."""
        self._lock = Lock()
        self._open = -1
        self._at = 0
        self._appended = 0
        """The highest number of a line that was read or appended."""

    # reading

    def read(self) -> Iterator[None]:
        """Read all that is there, a segment at each step."""
        there = self._read_state()
        found = sorted(self._folder.glob(f"*{SUFFIX}"))
        for path in found:
            self._read_segment(path)
            yield
        self._at = max(self._sizes, default=0)
        self.highest = max(self._appended, self.state.written, self.state.acknowledged, self._at)
        if found and not there:
            self._note("its cursor is lost")
        if self._appended < self.state.written:
            self._note("its end is missing")
        self.damage = self.damage or self._told_before()

    def _read_state(self) -> bool:
        try:
            state = state_of(self._cursor.read_bytes())
        except OSError:
            return False
        self.state = state or self.state
        return state is not None

    def _read_segment(self, path: Path) -> None:
        try:
            number, raw = int(path.stem), path.read_bytes()
        except (OSError, ValueError) as error:
            self._note(f"{path.name} cannot be read ({error})")
            return
        *lines, rest = raw.split(b"\n")
        self._sizes[number], self._lines[number] = len(raw), len(lines)
        for line in (*lines, rest) if rest else lines:
            word = word_of(line)
            if word is None:
                self._misread(number, path.name)
            else:
                self._appended = max(self._appended, word.number)
                self._place_word(word, number)

    def _misread(self, number: int, name: str) -> None:
        """Take note of a line that is not as it was written.

        That is no damage where all that was ever synced came before it: the machine died then.
        """
        damage = self._appended < self.state.written
        self._faulty[number] = damage or self._faulty.get(number, False)
        if damage:
            self._note(f"{name} has lines that are not as they were written")

    def _place_word(self, word: Word, number: int) -> None:
        known = self.words.get(word.key)
        if known is None or word.number >= known.number:
            self.words[word.key] = word
            self._move(word.key, number)

    def _note(self, damage: str) -> None:
        """Have everything offered anew."""
        self.damage = self.damage or f"the lease spool is damaged: {damage}"
        self.state = State(0, self.state.written)

    def _told_before(self) -> str:
        with suppress(OSError):
            return read_text(self._alarm) or ""
        return ""

    # writing

    def append(self, words: Sequence[Word]) -> None:
        """Write words at the end, all or none; they are safe after `sync` only."""
        if words:
            with self._lock:
                self._append(words, [line_of(word) for word in words])

    def _append(self, words: Sequence[Word], lines: Sequence[bytes]) -> None:
        if self._open < 0 or self._sizes[self._at] >= SEGMENT:
            self._next_segment(words[0].number)
        raw, before = b"".join(lines), self._sizes[self._at]
        try:
            _write(self._open, raw)
        except OSError:
            self._give_up_segment(before)
            raise
        self._sizes[self._at] += len(raw)
        self._lines[self._at] += len(lines)
        for word in words:
            self._move(word.key, self._at)
            self._appended = max(self._appended, word.number)

    def behind(self, acknowledged: int) -> bool:
        """Whether `sync` has anything to do."""
        return self.state != State(acknowledged, self._appended)

    def sync(self, acknowledged: int) -> None:
        """Make safe what was appended, and how far the region acknowledged."""
        with self._lock:
            if self._open >= 0:
                self._sync_segment()
            self._write_state(State(acknowledged, self._appended))

    def _sync_segment(self) -> None:
        try:
            os.fdatasync(self._open)
        except OSError:
            self._faulty[self._at] = False  # the kernel may have forgotten what it could not write
            self._close()
            raise

    def _write_state(self, state: State) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._cursor, os.O_WRONLY | os.O_CREAT, PLAIN_MODE)
        try:
            os.pwrite(descriptor, state_line(state), 0)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self.state = state

    def tidy(self) -> tuple[Key, ...]:
        """Drop segments without a newest line; give the keys that are to be written once more.

        To be called when everything appended is synced.
        """
        for number in sorted(self._sizes):
            if self._live[number] == 0 and number != self._writing:
                self._drop(number)
        others = [number for number in sorted(self._sizes) if number != self._writing]
        crowded = sum(self._lines.values()) > 2 * len(self._place) + self._lines.get(self._at, 0)
        doomed = {*self._faulty, *(others[:1] if crowded else ())} - {self._writing}
        return tuple(key for key, place in self._place.items() if place in doomed) if doomed else ()

    @property
    def _writing(self) -> int:
        """The segment that is appended to; -1: none."""
        return self._at if self._open >= 0 else -1

    def keep_damage(self) -> None:
        """Remember the damage until somebody was told of it."""
        write_atomic(self._alarm, self.damage)

    def forget_damage(self) -> None:
        """All that could be lost was told anew."""
        self.damage = ""
        remove(self._alarm)

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._open >= 0:
            os.close(self._open)
            self._open = -1

    def _next_segment(self, number: int) -> None:
        self._close()
        if not self._cursor.exists():
            self._write_state(self.state)  # its absence is damage once there are segments
        self._at = max(number, self._at + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._open = os.open(self._path(self._at), flags, PLAIN_MODE)
        self._sizes[self._at] = self._lines[self._at] = 0
        sync_folder(self._folder)

    def _give_up_segment(self, size: int) -> None:
        """Take back what was written of lines that did not fit; what cannot be is begun anew."""
        try:
            os.ftruncate(self._open, size)
        except OSError:
            self._close()

    def _drop(self, number: int) -> None:
        path = self._path(number)
        if self._faulty.pop(number, False):
            for old in self._folder.glob(f"*{BROKEN}"):
                remove(old)
            path.replace(path.with_suffix(BROKEN))
        else:
            remove(path)
        for table in (self._sizes, self._lines, self._live):
            table.pop(number, None)

    def _move(self, key: Key, number: int) -> None:
        before = self._place.get(key)
        if before is not None:
            self._live[before] -= 1
        self._place[key] = number
        self._live[number] += 1

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:020d}{SUFFIX}"


def _write(descriptor: int, raw: bytes) -> None:
    """Write all of it; a disk that takes a part only says why at the next try."""
    view = memoryview(raw)
    while view:
        view = view[os.write(descriptor, view) :]
