"""What two racks say to each other on TCP 647, before dhcpd does: who listens there speaks first.

    greeting  listener to caller   "maasha\\0\\1" and a nonce of 16 bytes
    call      caller to listener   a nonce of 16 bytes and a proof of both
    answer    listener to caller   a proof of both

dhcpd waits for its peer's first word, so whoever meets a dhcpd here hears no greeting, says nothing
and does not disturb it. The caller hangs up first: what waits after an end (TIME_WAIT of RFC 9293)
then has its port, and not 647.
"""

from __future__ import annotations

from maasha.rack.lookout.proof import LENGTH, NONCE_LENGTH, Parties, prove, proves

MAGIC = b"maasha\0\1"
GREETING_LENGTH = len(MAGIC) + NONCE_LENGTH
CALL_LENGTH = NONCE_LENGTH + LENGTH
ANSWER_LENGTH = LENGTH
CALL, ANSWER = b"call", b"answer"
"""Labels of the proofs."""


def greet(challenge: bytes) -> bytes:
    """Give the listener's first word."""
    return MAGIC + challenge


def challenge_in(greeting: bytes) -> bytes | None:
    """Read the listener's nonce; None where somebody else listens."""
    if len(greeting) != GREETING_LENGTH or not greeting.startswith(MAGIC):
        return None
    return greeting[len(MAGIC) :]


def call(key: str, parties: Parties, challenge: bytes, nonce: bytes) -> bytes:
    """Give the caller's word."""
    return nonce + prove(key, CALL, bytes(parties) + challenge + nonce)


def answer(key: str, parties: Parties, challenge: bytes, called: bytes) -> bytes | None:
    """Give the listener's answer; None where the caller is not who he should be."""
    nonce, proof = called[:NONCE_LENGTH], called[NONCE_LENGTH:]
    if not proves(key, CALL, bytes(parties) + challenge + nonce, proof):
        return None
    return prove(key, ANSWER, bytes(parties) + challenge + nonce)


def is_answer(key: str, parties: Parties, challenge: bytes, nonce: bytes, answered: bytes) -> bool:
    """Whether the listener is who it should be."""
    return proves(key, ANSWER, bytes(parties) + challenge + nonce, answered)
