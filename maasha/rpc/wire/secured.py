"""TLS below a link: Twisted's own layer without the detours that cost most on small messages.

Twisted's layer reads until OpenSSL raises "want read", and asks for bytes to send until it raises
again: two exceptions per message, dearer than the encryption. This one counts the TLS records that
are complete and reads just as many, writes all records of a turn together, and lets the transport
below send cipher text at once. Whatever is not plain sailing (handshake, shutdown, errors) is left
to Twisted's code.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure

from maasha.rpc.wire import openssl
from maasha.rpc.wire.direct import hasten, unhasten
from maasha.rpc.wire.openssl import CONTENT, EXPANSION

HEADER = 5
"""Bytes before a record's content: type, version (2) and length (2) (RFC 8446, 5.1)."""


class Records:
    """Follows the records in a stream of cipher text."""

    def __init__(self) -> None:
        self._skip = 0
        """Bytes of the next chunk that belong to a record whose header is known."""
        self._head = b""
        """The beginning of a header that was cut off."""

    def completed(self, data: bytes) -> int:
        """Give how many records end in the next chunk of the stream."""
        begins = len(data) > HEADER and not (self._skip or self._head)
        if begins and len(data) == HEADER + (data[3] << 8 | data[4]):
            return 1
        if self._head:
            data, self._head = self._head + data, b""
        count, pos, end = 0, self._skip, len(data)
        if 0 < pos <= end:
            count = 1
        while pos + HEADER <= end:
            pos += HEADER + (data[pos + 3] << 8 | data[pos + 4])
            if pos <= end:
                count += 1
        if pos < end:
            self._head, pos = data[pos:], end
        self._skip = pos - end
        return count


class Secured(BufferingTLSTransport):
    """The TLS layer of one connection."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._records = Records()

    def makeConnection(self, transport: Any) -> None:
        """Begin the handshake."""
        self._lostTLSConnection = self._aborted = False  # on the instance they are found sooner
        hasten(transport)
        super().makeConnection(transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End."""
        unhasten(self.transport)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Decrypt what is complete and hand it over in one piece."""
        count = self._records.completed(data)
        if not self._handshakeDone or self._appSendBuffer or self._lostTLSConnection:
            super().dataReceived(data)
            return
        connection = self._tlsConnection
        openssl.put(connection, data)
        plain: list[bytes] = []
        try:
            for _ in range(count):
                plain.append(openssl.read(connection))
        except SSL.WantReadError:  # not all records are content: a ticket, a key update
            self._flushSendBIO()
        except (SSL.ZeroReturnError, SSL.Error):
            self._hand_over(plain)
            self._flushReceiveBIO()  # it meets the same again, and knows what to do
            return
        self._hand_over(plain)

    def _hand_over(self, plain: list[bytes]) -> None:
        if plain and not self._aborted:
            above: Any = self.wrappedProtocol
            above.dataReceived(plain[0] if len(plain) == 1 else b"".join(plain))

    def _write(self, octets: bytes) -> None:
        """Encrypt all of it, then pass it down in one write."""
        if not octets or self._lostTLSConnection or not self._handshakeDone or self._appSendBuffer:
            super()._write(octets)
            return
        below: Any = self.transport
        connection, pos, end = self._tlsConnection, 0, len(octets)
        try:
            while pos < end:
                piece = octets[pos : pos + CONTENT]
                pos += openssl.write(connection, piece)
        except (SSL.WantReadError, SSL.Error):
            self._flushSendBIO()
            super()._write(octets[pos:])
            return
        below.write(openssl.take(connection, end + EXPANSION * (end // CONTENT + 1)))


class Securing(TLSMemoryBIOFactory):
    """Puts TLS below the protocols of another factory."""

    protocol = Secured
