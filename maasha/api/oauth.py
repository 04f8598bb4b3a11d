"""OAuth 1.0 PLAINTEXT (RFC 5849 section 3.4.4) as MAAS's clients speak it.

The consumer secret is empty, so the signature is `&` and the token's secret. Nonce and timestamp
are tolerated and not kept: with PLAINTEXT they add nothing (section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from urllib.parse import unquote

from attrs import field, frozen
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

from maasha.api.errors import Unauthorized

SIGNATURE_METHOD = "PLAINTEXT"
NEEDED = ("oauth_consumer_key", "oauth_token", "oauth_signature")


@frozen
class Proof:
    """What a client shows of its API key."""

    consumer_key: str
    token_key: str
    token_secret: str = field(repr=False)

    def matches(self, token_secret: str) -> bool:
        """Compare with the stored secret in constant time."""
        return compare_digest(self.token_secret.encode(), token_secret.encode())


def read_proof(authorization: str | None, query: Mapping[str, Sequence[str]]) -> Proof:
    """Read the proof from the Authorization header, or else from the query's oauth_ fields."""
    found = _from_header(authorization) if authorization else _from_query(query)
    missing = [name for name in NEEDED if not found.get(name)]
    if missing:
        raise Unauthorized(f"{', '.join(missing)} missing; sign the request with an API key.")
    method = found.get("oauth_signature_method", SIGNATURE_METHOD)
    if method != SIGNATURE_METHOD:
        raise Unauthorized(f"Signature method {method!r} is not taken; use {SIGNATURE_METHOD}.")
    consumer_secret, ampersand, token_secret = found["oauth_signature"].partition("&")
    if consumer_secret or not ampersand:
        raise Unauthorized("The signature is not '&' and the token's secret; check the API key.")
    return Proof(found["oauth_consumer_key"], found["oauth_token"], unquote(token_secret))


def without_proof(query: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Leave the protocol's own fields out of a query."""
    return {name: texts for name, texts in query.items() if not name.startswith("oauth_")}


def _from_header(authorization: str) -> dict[str, str]:
    try:
        pairs = parse_authorization_header(authorization)
    except ValueError:
        raise Unauthorized(
            "The Authorization header is not OAuth's; sign with an API key."
        ) from None
    return {name: unquote(value) for name, value in pairs}


def _from_query(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: texts[0] for name, texts in query.items() if name.startswith("oauth_")}
