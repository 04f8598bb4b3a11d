"""How many calls a process has begun, and what became of them, also when it is gone since.

Each process that calls keeps a book: a file of three numbers, which it writes anew at each event
and holds a lock on for as long as it lives. Whoever started it reads them all.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

NUMBERS = struct.Struct("<3Q")
HALT = "halt"
"""Name of the file that bids them begin no call."""


@frozen
class Tally:
    """Numbers of calls."""

    begun: int = 0
    answered: int = 0
    failed: int = 0

    @property
    def open(self) -> int:
        """How many have not come to an end."""
        return self.begun - self.answered - self.failed

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.begun + other.begun, self.answered + other.answered, self.failed + other.failed
        )

    def __sub__(self, other: Tally) -> Tally:
        return Tally(
            self.begun - other.begun, self.answered - other.answered, self.failed - other.failed
        )


class Book:
    """What this process writes."""

    def __init__(self, folder: Path) -> None:
        self._halt = folder / HALT
        self._file, _ = tempfile.mkstemp(dir=folder, suffix=".book")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._tally = Tally()

    @property
    def halted(self) -> bool:
        """Whether no call is to begin."""
        return self._halt.exists()

    def note(self, tally: Tally) -> None:
        """Add to it."""
        self._tally += tally
        numbers = self._tally.begun, self._tally.answered, self._tally.failed
        os.pwrite(self._file, NUMBERS.pack(*numbers), 0)


class Shelf:
    """The books of all processes of one host."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.halt()

    def halt(self) -> None:
        """Have no call begin."""
        (self._folder / HALT).touch()

    def go(self) -> None:
        """Have calls begin."""
        (self._folder / HALT).unlink()

    def tally(self) -> Tally:
        """Sum up all books, those of dead processes too."""
        return sum((tally for tally, _ in self._books()), Tally())

    def settled(self) -> bool:
        """Whether no living process has a call under way."""
        return not any(tally.open for tally, alive in self._books() if alive)

    def _books(self) -> Iterator[tuple[Tally, bool]]:
        for path in self._folder.glob("*.book"):
            with path.open("rb") as book:
                alive = _is_locked(book.fileno())
                numbers = book.read(NUMBERS.size)
            yield Tally(*NUMBERS.unpack(numbers)) if numbers else Tally(), alive


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
