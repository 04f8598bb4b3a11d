"""What many processes notice, in one file: each adds a line, a test reads them all."""

from __future__ import annotations

import json
import os
import time
from enum import Enum
from pathlib import Path

from attrs import define, field, frozen


class What(Enum):
    """What an end of a link can notice, and that a processor stood still."""

    LINKED = "linked"
    SUSPECT = "suspect"
    HEALTHY = "healthy"
    LOST = "lost"
    CALLED = "called"
    SERVED = "served"
    ANSWERED = "answered"
    FAILED = "failed"
    STALLED = "stalled"


@frozen
class Note:
    """At `at` (seconds of CLOCK_MONOTONIC) `who` noticed something about its link to `peer`.

    `link` tells apart the links that `who` has or had to `peer`; `number` is that of a call,
    or for how many milliseconds a processor stood still.
    """

    at: float
    who: str
    peer: str
    link: str
    what: What
    number: int = 0
    why: str = ""


class Journal:
    """The pen of one process; short lines, so that none is torn (write(2), O_APPEND)."""

    def __init__(self, path: str, who: str) -> None:
        self.who = who
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, peer: str, link: str, what: What, number: int = 0, why: str = "") -> None:
        """Write it down now."""
        entry = time.monotonic(), self.who, peer, link, what.value, number, why
        os.write(self._file, json.dumps(entry).encode() + b"\n")


@define
class Reader:
    """Reads what was written since it looked last, and keeps all of it."""

    path: Path
    notes: list[Note] = field(factory=list)
    _read: int = 0

    def look(self) -> list[Note]:
        """Give everything so far, in order."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            at, who, peer, link, what, number, why = json.loads(line)
            self.notes.append(Note(at, who, peer, link, What(what), number, why))
        return self.notes
