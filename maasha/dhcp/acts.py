"""What people did on a rack's host, on disk until a region has it: a small append-only file.

Each line is JSON: an act that begins, `{"act": {...}}`; the result of one, `{"result": "...",
"id": "..."}`; or the word of a region that it has some, `{"taken": ["...", ...]}`. A line that was
cut short by a crash is nothing.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import evolve

from maasha.host.files import PRIVATE_MODE, write_atomic
from maasha.model.codec import BadRecord, from_loose, to_loose
from maasha.model.orders import Act

INTERRUPTED = "unknown: what carried it out ended meanwhile; `maasha-rack dhcp status` says"
BATCH = 50
"""Acts told at once."""


class ActSpool:
    """Remembers acts in their order; what a crash interrupts is told as that.

    One process at a time writes it: rackd, or where none runs `maasha-rack`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._acts: dict[UUID, Act] = {}
        self._open: set[UUID] = set()

    def load(self) -> None:
        """Read what is on disk, and write it anew without what a region has; raises OSError."""
        self._acts = {}
        text = ""
        if self._path.exists():
            text = self._path.read_text(encoding="utf-8", errors="replace")
        for line in text.split("\n"):
            self._take(_loose(line))
        self._acts = {
            act.id: act if act.result else evolve(act, result=INTERRUPTED)
            for act in self._acts.values()
        }
        if text:
            lines = (_line({"act": to_loose(act)}) for act in self._acts.values())
            write_atomic(self._path, "".join(lines), PRIVATE_MODE)

    @property
    def pending(self) -> tuple[Act, ...]:
        """Give the oldest acts that have ended and that no region has; later ones wait for them."""
        found: list[Act] = []
        for act in self._acts.values():
            if act.id in self._open or len(found) == BATCH:
                break
            found.append(act)
        return tuple(found)

    def begin(self, act: Act) -> None:
        """Write an act down before anything is done for it; raises OSError: then nothing is."""
        self._append({"act": to_loose(act)})
        self._acts[act.id] = act
        self._open.add(act.id)

    def finish(self, act: UUID, result: str) -> None:
        """Write down what came of it."""
        self._acts[act] = evolve(self._acts[act], result=result)
        self._open.discard(act)
        self._append({"result": result, "id": str(act)})

    def acknowledge(self, acts: tuple[Act, ...]) -> None:
        """Forget acts that a region has; raises OSError: then they are told again."""
        if acts:
            self._append({"taken": [str(act.id) for act in acts]})
        for act in acts:
            self._acts.pop(act.id, None)

    def _take(self, loose: dict[str, Any]) -> None:
        try:
            if "act" in loose:
                act = from_loose(Act, loose["act"])
                self._acts[act.id] = act
            elif "taken" in loose:
                for taken in loose["taken"]:
                    self._acts.pop(UUID(taken), None)
            elif "result" in loose and UUID(loose["id"]) in self._acts:
                known = self._acts[UUID(loose["id"])]
                self._acts[known.id] = evolve(known, result=str(loose["result"]))
        except (BadRecord, KeyError, TypeError, ValueError, AttributeError):
            return

    def _append(self, loose: dict[str, Any]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self._path, flags, PRIVATE_MODE)
        try:
            line = _line(loose).encode()
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _line(loose: dict[str, Any]) -> str:
    """Write a line; what was cut short before ends with the line's own beginning."""
    return "\n" + json.dumps(loose, separators=(",", ":")) + "\n"


def _loose(line: str) -> dict[str, Any]:
    try:
        loose = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return loose if isinstance(loose, dict) else {}
