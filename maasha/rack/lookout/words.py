"""Connections on which each side says words of known lengths, in turn."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol

DEADLINE = 1.5
"""Seconds for each half of a call, connecting and talking; the peer is on the same link."""


class Words(Protocol):
    """Reads words of known lengths; who says more than he was asked for is cut off."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._said = b""

    def dataReceived(self, data: bytes) -> None:
        """Collect a word."""
        self._said += data
        if len(self._said) > self._length:
            self.cut_off()
        elif len(self._said) == self._length:
            word, self._said = self._said, b""
            self._length = self.heard(word)

    def heard(self, word: bytes) -> int:
        """Take a word; gives the next one's length, 0 where none is to come."""
        raise NotImplementedError

    def say(self, word: bytes) -> None:
        """Send a word."""
        if self.transport is not None:
            self.transport.write(word)

    def hang_up(self) -> None:
        """End the connection politely, if there is one."""
        if self.transport is not None:
            self.transport.loseConnection()

    def cut_off(self) -> None:
        """End it at once, so that nothing of it stays on this port."""
        transport: Any = self.transport  # ITransport does not say that TCP's has this
        if transport is not None:
            transport.abortConnection()
