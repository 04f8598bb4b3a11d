from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, Client

from maasha.api.errors import Unauthorized
from maasha.api.oauth import Proof, read_proof, without_proof

KEY_TEXT = st.text(st.characters(categories=["L", "N"], max_codepoint=127), min_size=1, max_size=32)
GOOD = 'OAuth oauth_consumer_key="c", oauth_token="t", oauth_signature="%26s"'


@given(KEY_TEXT, KEY_TEXT, KEY_TEXT)
def test_a_client_library_is_understood(consumer: str, token: str, secret: str) -> None:
    """The header that oauthlib signs proves consumer, token and secret."""
    client = Client(consumer, "", token, secret, signature_method=SIGNATURE_PLAINTEXT)
    _, headers, _ = client.sign("http://localhost/MAAS/api/2.0/users/")
    assert read_proof(headers["Authorization"], {}) == Proof(consumer, token, secret)


def test_query() -> None:
    """The proof may come in the query, and its fields are then no fields of the operation."""
    query = {
        "oauth_consumer_key": ["c"],
        "oauth_token": ["t"],
        "oauth_signature": ["&s"],
        "op": ["whoami"],
    }
    assert read_proof(None, query) == Proof("c", "t", "s")
    assert without_proof(query) == {"op": ["whoami"]}


def test_only_the_right_secret_matches() -> None:
    """A proof matches its own secret and no other; the secret is never shown."""
    proof = read_proof(GOOD, {})
    assert proof.matches("s")
    assert not proof.matches("t")
    assert not proof.matches("")
    assert "'s'" not in repr(proof)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer abc", "not OAuth's"),
        ("OAuth", "not OAuth's"),
        ('OAuth oauth_token="t"', "oauth_consumer_key, oauth_signature missing"),
        (GOOD.replace("%26s", "s"), "not '&'"),
        (GOOD.replace("%26s", "x%26s"), "not '&'"),
        (GOOD + ', oauth_signature_method="HMAC-SHA1"', "use PLAINTEXT"),
        (None, "missing"),
    ],
)
def test_refusals(header: str | None, words: str) -> None:
    """A request without a readable proof is refused with what it lacks."""
    with pytest.raises(Unauthorized, match=words):
        read_proof(header, {})


@given(st.text(max_size=60))
def test_garbage(header: str) -> None:
    """Any header is either a proof or a refusal."""
    for text in (header, "OAuth " + header, f'OAuth oauth_token="{quote(header)}"'):
        try:
            read_proof(text, {})
        except Unauthorized:
            continue
