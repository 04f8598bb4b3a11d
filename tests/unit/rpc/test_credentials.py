"""A rack's key is made from the root alone, and travels so that only its credential opens it."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import InstanceId, SystemId
from maasha.rpc.credentials import KEY_LENGTH, SEALED_LENGTH, rack_key, seal, unseal

ROOT, KEY = b"r" * 32, bytes(range(32))
HERE, ELSEWHERE = InstanceId(UUID(int=1)), InstanceId(UUID(int=2))
NAME, OTHER = SystemId("acdefg"), SystemId("acdefh")

secrets = st.binary(min_size=16, max_size=40).filter(lambda secret: not secret.endswith(b"\0"))
"""Without zeros at the end, which HMAC adds by itself (RFC 2104)."""


def test_a_key_belongs_to_one_rack_of_one_instance() -> None:
    """Another root, instance or name gives another key; the same give the same."""
    made = {
        rack_key(root, instance, name)
        for root in (ROOT, b"s" * 32)
        for instance in (HERE, ELSEWHERE)
        for name in (NAME, OTHER, None)
    }
    assert len(made) == 12
    assert {len(key) for key in made} == {KEY_LENGTH}
    assert rack_key(ROOT, HERE, NAME) in made


@given(secrets, st.binary(max_size=60), st.binary(min_size=32, max_size=32))
def test_who_has_the_credential_opens_the_seal(secret: bytes, said: bytes, key: bytes) -> None:
    """The key comes out as it went in, and is not to be seen on the way."""
    sealed = seal(secret, said, key)
    assert len(sealed) == SEALED_LENGTH
    assert key not in sealed
    assert unseal(secret, said, sealed) == key


@given(secrets, secrets)
def test_another_credential_opens_nothing(secret: bytes, other: bytes) -> None:
    """Nor does the same one on another connection."""
    sealed = seal(secret, b"said", KEY)
    assert unseal(secret, b"said later", sealed) is None
    if other != secret:
        assert unseal(other, b"said", sealed) is None


@given(st.integers(0, SEALED_LENGTH - 1), st.integers(1, 255))
def test_a_key_that_was_changed_on_the_way_is_refused(place: int, change: int) -> None:
    """Whichever byte it is: a rack never keeps a key that no region has made."""
    sealed = bytearray(seal(b"s" * 16, b"said", KEY))
    sealed[place] ^= change
    assert unseal(b"s" * 16, b"said", bytes(sealed)) is None
