"""Profiles and keys: what is stored of them and what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.failures import Misused
from maasha.cli.profile import ApiKey, Profile, from_record, parse_key, to_record

part = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1
)


@given(part, part, part)
def test_keys(consumer: str, token: str, secret: str) -> None:
    """A key reads back what it prints, blanks around it aside."""
    key = ApiKey(consumer, token, secret)
    assert parse_key(f" {key}\n") == key


@pytest.mark.parametrize("words", ["", "a:b", "a:b:c:d", "a::c", "a:b:c d", "a:b:\u00e9"])
def test_what_is_no_key(words: str) -> None:
    """A text of another form is refused and not repeated."""
    with pytest.raises(Misused) as caught:
        parse_key(words)
    assert "CONSUMER:TOKEN:SECRET" in str(caught.value)


def test_a_secret_is_not_shown() -> None:
    """A profile can be printed without giving its secret away."""
    assert "hunter2" not in repr(Profile("maas", "http://r/", ApiKey("c", "t", "hunter2")))


@given(st.booleans(), st.booleans())
def test_profiles_are_stored(cacerts: bool, insecure: bool) -> None:
    """A profile is read back as it was stored."""
    profile = Profile("maas", "http://r/MAAS/api/2.0/", ApiKey("c", "t", "s"), cacerts, insecure)
    assert from_record("maas", to_record(profile)) == profile
