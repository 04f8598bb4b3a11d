"""Finds the boxes in the bytes of one direction, in bounded memory whatever the bytes are."""

from __future__ import annotations

from attrs import field, frozen

from maasha.rpc.wire.boxes import OVERHEAD, Pairs, Verdict, pairs

ASK, COMMAND = b"_ask", b"_command"
ANSWER = b"_answer"
ERROR, CODE, DESCRIPTION = b"_error", b"_error_code", b"_error_description"
CANCEL = b"_cancel"
"""AMP's own keys, and the wire's for a call that is taken back."""
ROUTING = frozenset({ASK, COMMAND, ANSWER, ERROR, CODE, CANCEL})
"""What is kept of a long message, to say whose it is."""
ROUTED = 1024
"""Bytes of such a value at most."""
KEPT = 256 * 1024
"""Bytes of a message, memory for its pairs included, up to which its values are kept."""


@frozen
class Message:
    """One box; `whole` is False where it was too long to keep more than what routes it."""

    pairs: Pairs = field(repr=False)
    size: int
    """Bytes on the wire."""
    whole: bool = True


class Stream:
    """Takes chunks as they come, the first of them from the beginning of a box on.

    `broken` says that they are not AMP: nothing is found any more.
    """

    def __init__(self) -> None:
        self.broken = False
        self._chunks: list[bytes] = []
        self._missing = 0
        self._begin()

    def feed(self, data: bytes) -> list[Message]:
        """Give the messages that are complete with this chunk."""
        if self.broken:
            return []
        self._chunks.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return []
        buf, self._chunks = b"".join(self._chunks), []
        found: list[Message] = []
        pos = 0
        while (end := self._read(buf, pos)) is not None:
            found.append(Message(self._pairs, self._size, self._whole))
            self._begin()
            pos = end
        return found

    def _begin(self) -> None:
        self._pairs: Pairs = {}
        self._size = 0
        self._whole = True

    def _read(self, buf: bytes, pos: int) -> int | None:
        """Read on in a box; gives the position after it, or None where it does not end here."""
        verdict, end, missing = pairs(buf, pos, self._pairs)
        self._size += end - pos
        if not self._whole or self._size + OVERHEAD * len(self._pairs) > KEPT:
            self._thin_out()
        if verdict is Verdict.COMPLETE:
            return end
        self.broken = verdict is Verdict.GARBAGE
        self._chunks, self._missing = ([], 0) if self.broken else ([buf[end:]], missing)
        return None

    def _thin_out(self) -> None:
        self._whole = False
        kept = {
            key: value
            for key, value in self._pairs.items()
            if key in ROUTING and len(value) <= ROUTED
        }
        self._pairs.clear()
        self._pairs.update(kept)
