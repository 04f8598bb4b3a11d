"""Proofs that something was said by a rack that watches the VLAN: made with the watch's key."""

from __future__ import annotations

import hmac

from attrs import frozen

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId

LENGTH = 16
"""Bytes of a proof: HMAC-SHA256, cut as RFC 2104 allows."""
NONCE_LENGTH = 16
"""Bytes of what nobody has said before, so that no old proof fits."""


@frozen
class Parties:
    """Who asks and who answers, on which VLAN; part of what is proved."""

    vlan: VlanId
    asker: RackKey
    answerer: RackKey

    def __bytes__(self) -> bytes:
        return b"".join(number.to_bytes(8, "big") for number in self._numbers)

    @property
    def _numbers(self) -> tuple[int, ...]:
        return self.vlan, self.asker, self.answerer


def prove(key: str, label: bytes, said: bytes) -> bytes:
    """Prove what was said; the label keeps proofs of one kind from passing for another's."""
    return hmac.digest(key.encode(), label + b"\0" + said, "sha256")[:LENGTH]


def proves(key: str, label: bytes, said: bytes, proof: bytes) -> bool:
    """Whether it was proved with this key."""
    return hmac.compare_digest(prove(key, label, said), proof)
