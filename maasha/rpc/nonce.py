"""Where nonces come from, unless somebody wants to foresee them."""

from __future__ import annotations

import secrets

from maasha.rpc.commands import NONCE_LENGTH


def fresh_nonce() -> bytes:
    """Give random bytes that nobody has had before."""
    return secrets.token_bytes(NONCE_LENGTH)
