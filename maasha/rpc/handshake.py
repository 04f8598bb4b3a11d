"""The mutual proof of the shared secret, for both roles: step(state, event) -> (state, actions).

    rack                                   region
    Offered   --- Hello ---------------->  Waiting      versions and instance fit?
              <-- Greeting --------------  Challenged
    Proving   --- Proof of the rack ---->               proof right? (constant time)
    Trusting  <-- Proof of the region ---  Trusting
              proof right?

The secret itself never travels. A proof is an HMAC-SHA256 over the prover's role and all that both
sides said, both fresh nonces included: it fits one role on one connection of one instance, so it
can be neither replayed nor reflected, and nothing said before it can have been changed. The rack
proves first: a region shows nothing to strangers. docs/protocol.md has the bytes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import Enum

from attrs import Attribute, field, frozen

from maasha.model.cluster import InstanceId, SystemId
from maasha.rpc.errors import OutOfOrder, RpcError, WrongInstance, WrongSecret, WrongVersion
from maasha.rpc.versions import SPOKEN, Versions, agree

LABEL = b"maasha handshake 1"
"""First in every transcript, so that a proof fits no other protocol that has the same secret."""
SHORTEST_SECRET = 16
"""Bytes. Shorter ones could be guessed at leisure by a listener who kept one handshake."""


class Side(Enum):
    """Who proves."""

    RACK = "rack"
    REGION = "region"


@frozen
class Hello:
    """What a rack opens with; `instance` is the one it is pinned to."""

    spoken: Versions
    version: str
    system_id: SystemId | None
    instance: InstanceId | None
    nonce: bytes


@frozen
class Greeting:
    """What a region answers; `system_id` is the region's."""

    protocol: int
    version: str
    system_id: SystemId
    instance: InstanceId
    nonce: bytes


@frozen
class Proof:
    """32 bytes that only a holder of the secret can make."""

    value: bytes


def _long_enough(_: object, __: Attribute[tuple[bytes, ...]], secrets: tuple[bytes, ...]) -> None:
    if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
        raise ValueError(f"a region needs a secret of at least {SHORTEST_SECRET} bytes; make one")


@frozen
class RegionFacts:
    """What a region knows before a rack comes; any of `secrets` is good (two while rotating)."""

    instance: InstanceId
    system_id: SystemId
    version: str
    secrets: tuple[bytes, ...] = field(repr=False, validator=_long_enough)
    spoken: Versions = SPOKEN


@frozen
class RackFacts:
    """What a rack knows before it joins; absent are what no region has told it yet."""

    version: str
    secret: bytes = field(repr=False)
    system_id: SystemId | None = None
    instance: InstanceId | None = None
    spoken: Versions = SPOKEN


@frozen
class Waiting:
    """A region before the Hello."""

    facts: RegionFacts
    nonce: bytes
    binding: bytes


@frozen
class Challenged:
    """A region that waits for the rack's proof."""

    secrets: tuple[bytes, ...] = field(repr=False)
    hello: Hello
    transcript: bytes


@frozen
class Offered:
    """A rack that waits for the Greeting."""

    facts: RackFacts
    hello: Hello
    binding: bytes


@frozen
class Proving:
    """A rack that waits for the region's proof."""

    secret: bytes = field(repr=False)
    greeting: Greeting
    transcript: bytes


@frozen
class Trusting:
    """The other side has the secret, and said this."""

    peer: Hello | Greeting


@frozen
class Refusing:
    """The handshake failed for good."""

    error: RpcError


State = Waiting | Challenged | Offered | Proving | Trusting | Refusing
Message = Hello | Greeting | Proof
Step = tuple[State, tuple[Message, ...]]
"""The next state and what to send; Refusing sends its error instead."""


def offer(facts: RackFacts, nonce: bytes, binding: bytes) -> tuple[Offered, Hello]:
    """Open as a rack; `binding` ties the proof to the channel below (empty on plain TCP)."""
    hello = Hello(facts.spoken, facts.version, facts.system_id, facts.instance, nonce)
    return Offered(facts, hello, binding), hello


def step(state: State, event: Message) -> Step:
    """Take a message of the other side; whatever does not belong here ends the handshake."""
    match state, event:
        case Waiting(), Hello():
            return _greet(state, event)
        case Challenged(), Proof():
            return _answer_proof(state, event)
        case Offered(), Greeting():
            return _prove(state, event)
        case Proving(), Proof():
            return _trust_region(state, event)
        case Refusing(), _:
            return state, ()
        case _:
            return Refusing(OutOfOrder(type(event).__name__)), ()


def transcript(hello: Hello, greeting: Greeting, binding: bytes) -> bytes:
    """Join all that both sides said, in order, each field with its length before it."""
    return prefixed(
        (
            LABEL,
            b"%d" % hello.spoken.lowest,
            b"%d" % hello.spoken.highest,
            hello.version.encode(),
            (hello.system_id or "").encode(),
            str(hello.instance or "").encode(),
            hello.nonce,
            b"%d" % greeting.protocol,
            greeting.version.encode(),
            greeting.system_id.encode(),
            str(greeting.instance).encode(),
            greeting.nonce,
            binding,
        )
    )


def prefixed(fields: Sequence[bytes]) -> bytes:
    """Join fields with four bytes of length (big-endian) before each."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def prove(secret: bytes, side: Side, said: bytes) -> Proof:
    """Make a side's proof over a transcript."""
    return Proof(hmac.digest(secret, prefixed((side.value.encode(),)) + said, "sha256"))


def holds(secret: bytes, side: Side, said: bytes, proof: Proof) -> bool:
    """Whether a proof is the side's, in a time that does not depend on where it differs."""
    return hmac.compare_digest(prove(secret, side, said).value, proof.value)


def _greet(state: Waiting, hello: Hello) -> Step:
    facts = state.facts
    protocol = agree(facts.spoken, hello.spoken)
    if protocol is None:
        return Refusing(WrongVersion(offered=hello.spoken, accepted=facts.spoken)), ()
    if hello.instance not in (None, facts.instance):
        return Refusing(WrongInstance(expected=facts.instance, got=hello.instance)), ()
    greeting = Greeting(protocol, facts.version, facts.system_id, facts.instance, state.nonce)
    said = transcript(hello, greeting, state.binding)
    return Challenged(facts.secrets, hello, said), (greeting,)


def _answer_proof(state: Challenged, proof: Proof) -> Step:
    # all are compared, so that the time tells nothing of which one is valid
    fits = [secret for secret in state.secrets if holds(secret, Side.RACK, state.transcript, proof)]
    if not fits:
        return Refusing(WrongSecret(Side.RACK.value)), ()
    return Trusting(state.hello), (prove(fits[0], Side.REGION, state.transcript),)


def _prove(state: Offered, greeting: Greeting) -> Step:
    facts, offered = state.facts, state.hello.spoken
    if not offered.lowest <= greeting.protocol <= offered.highest:
        chosen = Versions(greeting.protocol, greeting.protocol)
        return Refusing(WrongVersion(offered=chosen, accepted=offered)), ()
    if facts.instance not in (None, greeting.instance):
        return Refusing(WrongInstance(expected=facts.instance, got=greeting.instance)), ()
    said = transcript(state.hello, greeting, state.binding)
    return Proving(facts.secret, greeting, said), (prove(facts.secret, Side.RACK, said),)


def _trust_region(state: Proving, proof: Proof) -> Step:
    if not holds(state.secret, Side.REGION, state.transcript, proof):
        return Refusing(WrongSecret(Side.REGION.value)), ()
    return Trusting(state.greeting), ()
