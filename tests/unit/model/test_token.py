"""Join tokens are read as they were printed; anything else is refused without being repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.token import JoinToken, parse_token

ids = st.text("abcdefghkmnpqrstwxy34678", min_size=1, max_size=32)


@given(ids, st.binary(min_size=16, max_size=64))
def test_a_token_is_read_as_it_was_printed(name: str, secret: bytes) -> None:
    """The public id and the secret come out again."""
    token = JoinToken(name, secret)
    assert parse_token(str(token)) == token
    assert secret.hex() not in repr(token)


@pytest.mark.parametrize(
    "text", ["", "k3f8", "k3f8-", "k3f8-cafe", f"K-{'ab' * 16}", f"k-{'ab' * 16}a", f"-{'ab' * 16}"]
)
def test_anything_else_is_refused(text: str) -> None:
    """The reason says what to do and keeps the text to itself."""
    with pytest.raises(ValueError, match="copy the whole word") as refused:
        parse_token(text)
    assert text not in str(refused.value) or not text
