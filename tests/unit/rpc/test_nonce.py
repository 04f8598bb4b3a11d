"""Nonces are fresh."""

from __future__ import annotations

from maasha.rpc.commands import NONCE_LENGTH
from maasha.rpc.nonce import fresh_nonce


def test_no_nonce_comes_twice() -> None:
    """And each is as long as the handshake wants it."""
    nonces = [fresh_nonce() for _ in range(100)]
    assert len(set(nonces)) == 100
    assert {len(nonce) for nonce in nonces} == {NONCE_LENGTH}
