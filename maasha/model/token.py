"""A join token: lets one rack into an instance, once, so that the shared secret need not travel."""

from __future__ import annotations

import re

from attrs import field, frozen

TEXT = re.compile(r"([0-9a-z]{1,32})-((?:[0-9a-f]{2}){16,64})")


@frozen
class JoinToken:
    """`id` may be seen by everybody, `secret` only by the rack and the regions."""

    id: str
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.id}-{self.secret.hex()}"


def parse_token(text: str) -> JoinToken:
    """Read a token as it was printed; raises ValueError, which does not repeat it."""
    found = TEXT.fullmatch(text)
    if found is None:
        raise ValueError("it is no join token: copy the whole word that the region printed")
    return JoinToken(found[1], bytes.fromhex(found[2]))
