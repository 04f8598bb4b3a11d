"""What a rack proves itself with - shared secret, join token, own key - and how it gets its key.

A rack's key is derived, never stored by a region: whoever has the instance's root can make the key
of every rack, also of one whose row a restored database has lost. It travels once, in the answer
to Register, sealed with the credential of that handshake. docs/protocol.md has the bytes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import Enum

from attrs import frozen

from maasha.model.cluster import InstanceId, SystemId

KEY_LABEL = b"maasha rack key 1"
SEAL_LABEL = b"maasha key seal 1"
TAG_LABEL = b"maasha key tag 1"
"""First in what is hashed, so that none of the results can be taken for another."""
KEY_LENGTH = 32
SEALED_LENGTH = 2 * KEY_LENGTH
"""Bytes: the masked key and the tag that shows whether it was changed on the way."""


class Kind(Enum):
    """What a rack can have."""

    SECRET = "secret"  # noqa: S105  the word, not a secret
    TOKEN = "token"  # noqa: S105  likewise
    KEY = "key"


@frozen
class Credential:
    """What a rack says that it proves itself with; `token` is a join token's public id."""

    kind: Kind
    token: str = ""


SHARED = Credential(Kind.SECRET)
OWN_KEY = Credential(Kind.KEY)


def prefixed(fields: Sequence[bytes]) -> bytes:
    """Join fields with four bytes of length (big-endian) before each."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def rack_key(root: bytes, instance: InstanceId, system_id: SystemId | None) -> bytes:
    """Make the key of a rack of this instance; nobody has the one of a rack without a name."""
    named = (KEY_LABEL, str(instance).encode(), (system_id or "").encode())
    return hmac.digest(root, prefixed(named), "sha256")


def seal(secret: bytes, said: bytes, key: bytes) -> bytes:
    """Hide a rack's key from all who do not have the credential; `said` is the transcript."""
    masked = _masked(secret, said, key)
    return masked + _tag(secret, said, masked)


def unseal(secret: bytes, said: bytes, sealed: bytes) -> bytes | None:
    """Give the key, None where it was sealed with another credential or changed on the way."""
    masked, tag = sealed[:KEY_LENGTH], sealed[KEY_LENGTH:]
    if not hmac.compare_digest(_tag(secret, said, masked), tag):
        return None
    return _masked(secret, said, masked)


def _masked(secret: bytes, said: bytes, key: bytes) -> bytes:
    mask = hmac.digest(secret, prefixed((SEAL_LABEL,)) + said, "sha256")
    return bytes(one ^ other for one, other in zip(key, mask, strict=True))


def _tag(secret: bytes, said: bytes, masked: bytes) -> bytes:
    return hmac.digest(secret, prefixed((TAG_LABEL, masked)) + said, "sha256")
