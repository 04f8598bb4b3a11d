"""On TCP 647 both sides prove that they watch the same VLAN, and who they are there."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.rack.lookout.greeting import (
    ANSWER_LENGTH,
    CALL_LENGTH,
    GREETING_LENGTH,
    answer,
    call,
    challenge_in,
    greet,
    is_answer,
)
from maasha.rack.lookout.proof import NONCE_LENGTH, Parties
from tests.unit.rack.lookout.segment import KEY, VLAN

PARTIES = Parties(VLAN, RackKey(1), RackKey(2))
nonces = st.binary(min_size=NONCE_LENGTH, max_size=NONCE_LENGTH)


@given(nonces, nonces)
def test_two_racks_prove_themselves(challenge: bytes, nonce: bytes) -> None:
    """By three words of known lengths."""
    greeting = greet(challenge)
    assert challenge_in(greeting) == challenge
    called = call(KEY, PARTIES, challenge, nonce)
    answered = answer(KEY, PARTIES, challenge, called)
    assert answered is not None
    assert is_answer(KEY, PARTIES, challenge, nonce, answered)
    lengths = (len(greeting), len(called), len(answered))
    assert lengths == (GREETING_LENGTH, CALL_LENGTH, ANSWER_LENGTH)


@given(st.binary(max_size=40))
def test_garbage_is_no_word(garbage: bytes) -> None:
    """Of either side."""
    assert challenge_in(garbage) is None
    assert answer(KEY, PARTIES, bytes(16), garbage) is None
    assert not is_answer(KEY, PARTIES, bytes(16), bytes(16), garbage)


@given(nonces, nonces, st.integers(0, 8 * CALL_LENGTH - 1))
def test_a_changed_call_is_none(challenge: bytes, nonce: bytes, at: int) -> None:
    """Whichever bit it is."""
    called = bytearray(call(KEY, PARTIES, challenge, nonce))
    called[at // 8] ^= 1 << at % 8
    assert answer(KEY, PARTIES, challenge, bytes(called)) is None


@given(nonces, nonces)
def test_no_proof_fits_elsewhere(challenge: bytes, nonce: bytes) -> None:
    """Not for others, on another VLAN, the other way round, or as an answer."""
    called = call(KEY, PARTIES, challenge, nonce)
    back = Parties(VLAN, RackKey(2), RackKey(1))
    for other in (evolve(PARTIES, vlan=VlanId(6)), evolve(PARTIES, asker=RackKey(3)), back):
        assert answer(KEY, other, challenge, called) is None
    assert not is_answer(KEY, PARTIES, challenge, nonce, called[NONCE_LENGTH:])
