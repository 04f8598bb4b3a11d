"""OpenSSL's own four calls for a message, and nothing around them where they go well.

pyOpenSSL allocates a buffer, asks for an error and looks for Python callbacks at each call, also
where it went well: two thirds of what it costs to encrypt or decrypt a small message (measured).
Here a call that did not go well is left to pyOpenSSL. All share one buffer, so nobody but the
reactor's thread may use this module. Where pyOpenSSL is not made as it was, its methods are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

CONTENT = 2**14
"""Bytes of a record's content at most, before encryption (RFC 8446, 5.1)."""
EXPANSION = 64
"""Bytes that encryption adds to a record, and a few more."""
ROOM = CONTENT + 2 * EXPANSION
"""Bytes that one record may need, and what OpenSSL may want to say besides."""

_lib, _ffi = Binding().lib, Binding.ffi
_room: Any = _ffi.new("char[]", ROOM)


PARTS = ("_ssl", "_into_ssl", "_from_ssl", "_raise_ssl_error", "_handle_bio_errors")
"""What is taken from a connection of pyOpenSSL; all its versions so far have them."""


@frozen
class Calls:
    """Four ways through a connection.

    `put` hands over what has arrived, `read` decrypts one record, `write` encrypts what fits into
    one and tells how much, `take` takes at most so many bytes that are to be sent. They raise what
    `bio_write`, `recv`, `send` and `bio_read` do.
    """

    put: Callable[[Any, bytes], Any]
    read: Callable[[Any], bytes]
    write: Callable[[Any, bytes], int]
    take: Callable[[Any, int], bytes]


def _put(connection: Any, cipher_text: bytes) -> None:
    if _lib.BIO_write(connection._into_ssl, cipher_text, len(cipher_text)) != len(cipher_text):
        connection.bio_write(cipher_text)


def _read(connection: Any) -> bytes:
    size = _lib.SSL_read(connection._ssl, _room, CONTENT)
    if size <= 0:
        connection._raise_ssl_error(connection._ssl, size)
    content: bytes = _ffi.unpack(_room, size)
    return content


def _write(connection: Any, content: bytes) -> int:
    count: int = _lib.SSL_write(connection._ssl, content, len(content))
    if count <= 0:
        connection._raise_ssl_error(connection._ssl, count)
    return count


def _take(connection: Any, at_most: int) -> bytes:
    if at_most > ROOM:
        much: bytes = connection.bio_read(at_most)
        return much
    size = _lib.BIO_read(connection._from_ssl, _room, ROOM)
    if size <= 0:
        connection._handle_bio_errors(connection._from_ssl, size)
    little: bytes = _ffi.unpack(_room, size)
    return little


DIRECT = Calls(_put, _read, _write, _take)
METHODS = Calls(
    lambda connection, cipher_text: connection.bio_write(cipher_text),
    lambda connection: connection.recv(CONTENT),
    lambda connection, content: connection.send(content[:CONTENT]),
    lambda connection, at_most: connection.bio_read(at_most),
)


def calls(connection: object) -> Calls:
    """Give the calls for connections that are made like this one."""
    return DIRECT if all(hasattr(connection, part) for part in PARTS) else METHODS


_best = calls(SSL.Connection(SSL.Context(SSL.TLS_METHOD)))
put, read, write, take = _best.put, _best.read, _best.write, _best.take
