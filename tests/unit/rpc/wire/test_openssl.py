"""The four calls do what pyOpenSSL's methods do, and fail as they do."""

from __future__ import annotations

from contextlib import suppress

import pytest
from OpenSSL import SSL

from maasha.rpc.tls import Connections, self_made
from maasha.rpc.wire.openssl import DIRECT, EXPANSION, METHODS, Calls, calls, put

CONTENTS = [b"x", b"y" * 100, bytes(range(256)) * 64]


def joined() -> tuple[SSL.Connection, SSL.Connection]:
    """Give both ends of a connection in memory, after the handshake."""
    dialled, offered = Connections(), Connections()
    offered.offer(*self_made())
    client = dialled.clientConnectionForTLS(None)  # type: ignore[arg-type]  # it is not looked at
    server = offered.serverConnectionForTLS(None)  # type: ignore[arg-type]  # likewise
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            with suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(2**15))
    return client, server


WAYS = pytest.mark.parametrize("openssl", [DIRECT, METHODS], ids=["direct", "pyOpenSSL's methods"])


def test_where_pyopenssl_is_made_otherwise_its_methods_are_used() -> None:
    """The installed one is as it was."""
    assert calls(joined()[0]) is DIRECT
    assert calls(object()) is METHODS
    assert put is DIRECT.put


@WAYS
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_what_is_written_is_read(openssl: Calls, content: bytes) -> None:
    """A record of any length, and pyOpenSSL on the other side means the same."""
    client, server = joined()
    assert openssl.write(client, content) == len(content)
    cipher_text = openssl.take(client, len(content) + EXPANSION)
    assert len(content) < 100 or content[:100] not in cipher_text  # a byte alone may occur
    openssl.put(server, cipher_text)
    assert openssl.read(server) == content
    openssl.write(server, content)
    client.bio_write(openssl.take(server, 2**20))
    assert client.recv(2**15) == content
    client.send(content)
    openssl.put(server, client.bio_read(2**15))
    assert openssl.read(server) == content


@WAYS
def test_nothing_to_read_is_no_end(openssl: Calls) -> None:
    """Half a record is nothing."""
    client, server = joined()
    with pytest.raises(SSL.WantReadError):
        openssl.read(server)
    openssl.write(client, b"x" * 100)
    openssl.put(server, openssl.take(client, 200)[:50])
    with pytest.raises(SSL.WantReadError):
        openssl.read(server)


@WAYS
def test_nothing_to_send_is_said(openssl: Calls) -> None:
    """As pyOpenSSL says it."""
    client, _ = joined()
    for at_most in (100, 2**20):
        with pytest.raises(SSL.WantReadError):
            openssl.take(client, at_most)


@WAYS
def test_the_end_is_seen(openssl: Calls) -> None:
    """The alert of a polite end, after what was written before it."""
    client, server = joined()
    openssl.write(client, b"last")
    client.shutdown()
    openssl.put(server, openssl.take(client, 1000))
    assert openssl.read(server) == b"last"
    with pytest.raises(SSL.ZeroReturnError):
        openssl.read(server)


@WAYS
def test_what_was_changed_on_the_way_is_refused(openssl: Calls) -> None:
    """One bit is enough; nothing is given, and it stays so."""
    client, server = joined()
    openssl.write(client, b"x" * 100)
    cipher_text = bytearray(openssl.take(client, 200))
    cipher_text[-1] ^= 1
    openssl.put(server, bytes(cipher_text))
    for _ in range(2):
        with pytest.raises(SSL.Error):
            openssl.read(server)


@WAYS
def test_nothing_is_written_after_the_end(openssl: Calls) -> None:
    """As with pyOpenSSL."""
    client, _ = joined()
    client.shutdown()
    with pytest.raises(SSL.Error):
        openssl.write(client, b"x")
