"""OpenSSL's own four calls for a message, and nothing around them where they go well.

pyOpenSSL allocates a buffer, asks for an error and looks for Python callbacks at each call, also
where it went well: two thirds of what it costs to encrypt or decrypt a small message (measured).
Here a call that did not go well is left to pyOpenSSL. All share one buffer, so nobody but the
reactor's thread may use this module.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.bindings.openssl.binding import Binding

CONTENT = 2**14
"""Bytes of a record's content at most, before encryption (RFC 8446, 5.1)."""
EXPANSION = 64
"""Bytes that encryption adds to a record, and a few more."""
ROOM = CONTENT + 2 * EXPANSION
"""Bytes that one record may need, and what OpenSSL may want to say besides."""

_lib, _ffi = Binding().lib, Binding.ffi
_room: Any = _ffi.new("char[]", ROOM)


def put(connection: Any, cipher_text: bytes) -> None:
    """Hand over what has arrived; raises what `Connection.bio_write` does."""
    if _lib.BIO_write(connection._into_ssl, cipher_text, len(cipher_text)) != len(cipher_text):
        connection.bio_write(cipher_text)


def read(connection: Any) -> bytes:
    """Decrypt one record; raises what `Connection.recv` does."""
    size = _lib.SSL_read(connection._ssl, _room, CONTENT)
    if size <= 0:
        connection._raise_ssl_error(connection._ssl, size)
    content: bytes = _ffi.unpack(_room, size)
    return content


def write(connection: Any, content: bytes) -> int:
    """Encrypt what fits into one record and tell how much; raises what `Connection.send` does."""
    count: int = _lib.SSL_write(connection._ssl, content, len(content))
    if count <= 0:
        connection._raise_ssl_error(connection._ssl, count)
    return count


def take(connection: Any, at_most: int) -> bytes:
    """Take what is to be sent; raises what `Connection.bio_read` does."""
    if at_most > ROOM:
        much: bytes = connection.bio_read(at_most)
        return much
    size = _lib.BIO_read(connection._from_ssl, _room, ROOM)
    if size <= 0:
        connection._handle_bio_errors(connection._from_ssl, size)
    little: bytes = _ffi.unpack(_room, size)
    return little
