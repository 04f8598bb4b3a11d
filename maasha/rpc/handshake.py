"""The mutual proof of a credential, for both roles: step(state, event) -> (state, actions).

    rack                                   region
    Offered   --- Hello ---------------->  Waiting      versions and instance fit?
              <-- Greeting --------------  Challenged
    Proving   --- Proof of the rack ---->               what secrets may that be? -> Evidence
                                                        proof right? (constant time)
    Trusting  <-- Proof of the region ---  Trusting
              proof right?

The secret itself never travels. A proof is an HMAC-SHA256 over the prover's role and all that both
sides said, both fresh nonces and both ranges of protocols included: it fits one role on one
connection of one instance, so it can be neither replayed nor reflected, and nothing said before it
can have been changed. The rack proves first: a region shows nothing to strangers. docs/protocol.md
has the bytes.
"""

from __future__ import annotations

import hmac
from enum import Enum

from attrs import Attribute, field, frozen

from maasha.model.cluster import InstanceId, SystemId
from maasha.rpc.credentials import SHARED, Credential, Kind, prefixed, rack_key
from maasha.rpc.errors import OutOfOrder, RpcError, WrongInstance, WrongSecret, WrongVersion
from maasha.rpc.versions import SPOKEN, Versions, agree

LABEL = b"maasha handshake 1"
"""First in every transcript, so that a proof fits no other protocol that has the same secret."""
SHORTEST_SECRET = 16
"""Bytes. Shorter ones could be guessed at leisure by a listener who kept one handshake."""
SHORTEST_ROOT = 32


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
    credential: Credential
    nonce: bytes


@frozen
class Greeting:
    """What a region answers; `system_id` is the region's."""

    protocol: int
    spoken: Versions
    version: str
    system_id: SystemId
    instance: InstanceId
    nonce: bytes


@frozen
class Proof:
    """32 bytes that only a holder of the secret can make."""

    value: bytes


@frozen
class Evidence:
    """A rack's proof, and the secrets of the credential that it claims; none: it has no such."""

    proof: Proof
    secrets: tuple[bytes, ...] = field(repr=False)


def _long_enough(_: object, __: Attribute[tuple[bytes, ...]], secrets: tuple[bytes, ...]) -> None:
    if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
        raise ValueError(f"a region needs a secret of at least {SHORTEST_SECRET} bytes; make one")


def _root_long_enough(_: object, __: Attribute[bytes], root: bytes) -> None:
    if len(root) < SHORTEST_ROOT:
        raise ValueError(f"the root of the racks' keys has at least {SHORTEST_ROOT} bytes; make it")


@frozen
class RegionFacts:
    """What a region knows before a rack comes; any of `secrets` is good (two while rotating).

    `key_root` is what the racks' own keys are made from.
    """

    instance: InstanceId
    system_id: SystemId
    version: str
    secrets: tuple[bytes, ...] = field(repr=False, validator=_long_enough)
    key_root: bytes = field(repr=False, validator=_root_long_enough)
    spoken: Versions = SPOKEN


@frozen
class RackFacts:
    """What a rack knows before it joins; absent are what no region has told it yet.

    `secret` is the secret of its `credential`, whichever that is.
    """

    version: str
    secret: bytes = field(repr=False)
    system_id: SystemId | None = None
    instance: InstanceId | None = None
    spoken: Versions = SPOKEN
    credential: Credential = SHARED


@frozen
class Waiting:
    """A region before the Hello."""

    facts: RegionFacts
    nonce: bytes
    binding: bytes


@frozen
class Challenged:
    """A region that waits for the rack's proof."""

    facts: RegionFacts
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

    facts: RackFacts
    greeting: Greeting
    transcript: bytes


@frozen
class Trusting:
    """The other side has the secret too, and said this; `transcript` is all that was said."""

    peer: Hello | Greeting
    secret: bytes = field(repr=False)
    transcript: bytes


@frozen
class Refusing:
    """The handshake failed for good."""

    error: RpcError


State = Waiting | Challenged | Offered | Proving | Trusting | Refusing
Message = Hello | Greeting | Proof
Event = Message | Evidence
Step = tuple[State, tuple[Message, ...]]
"""The next state and what to send; Refusing sends its error instead."""


def offer(facts: RackFacts, nonce: bytes, binding: bytes) -> tuple[Offered, Hello]:
    """Open as a rack; `binding` ties the proof to the channel below (empty on plain TCP)."""
    hello = Hello(
        facts.spoken, facts.version, facts.system_id, facts.instance, facts.credential, nonce
    )
    return Offered(facts, hello, binding), hello


def candidates(facts: RegionFacts, hello: Hello) -> tuple[bytes, ...]:
    """Give the secrets that the rack may have, as far as they need not be looked up (a token's)."""
    if hello.credential.kind is Kind.SECRET:
        return facts.secrets
    if hello.credential.kind is Kind.KEY:
        return (rack_key(facts.key_root, facts.instance, hello.system_id),)
    return ()


def step(state: State, event: Event) -> Step:
    """Take a message of the other side; whatever does not belong here ends the handshake."""
    match state, event:
        case Waiting(), Hello():
            return _greet(state, event)
        case Challenged(), Evidence():
            return _judge(state, event)
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
            hello.credential.kind.value.encode(),
            hello.credential.token.encode(),
            hello.nonce,
            b"%d" % greeting.protocol,
            b"%d" % greeting.spoken.lowest,
            b"%d" % greeting.spoken.highest,
            greeting.version.encode(),
            greeting.system_id.encode(),
            str(greeting.instance).encode(),
            greeting.nonce,
            binding,
        )
    )


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
    greeting = Greeting(
        protocol, facts.spoken, facts.version, facts.system_id, facts.instance, state.nonce
    )
    said = transcript(hello, greeting, state.binding)
    return Challenged(facts, hello, said), (greeting,)


def _judge(state: Challenged, evidence: Evidence) -> Step:
    said, proof = state.transcript, evidence.proof
    # all are compared, so that the time tells nothing of which one is valid
    fits = [secret for secret in evidence.secrets if holds(secret, Side.RACK, said, proof)]
    if not fits:
        return Refusing(WrongSecret(Side.RACK.value, state.hello.credential.kind.value)), ()
    return Trusting(state.hello, fits[0], said), (prove(fits[0], Side.REGION, said),)


def _prove(state: Offered, greeting: Greeting) -> Step:
    facts, offered = state.facts, state.hello.spoken
    if greeting.protocol != agree(greeting.spoken, offered):
        chosen = Versions(greeting.protocol, greeting.protocol)
        return Refusing(WrongVersion(offered=chosen, accepted=offered)), ()
    if facts.instance not in (None, greeting.instance):
        return Refusing(WrongInstance(expected=facts.instance, got=greeting.instance)), ()
    said = transcript(state.hello, greeting, state.binding)
    return Proving(facts, greeting, said), (prove(facts.secret, Side.RACK, said),)


def _trust_region(state: Proving, proof: Proof) -> Step:
    secret, credential = state.facts.secret, state.facts.credential
    if not holds(secret, Side.REGION, state.transcript, proof):
        return Refusing(WrongSecret(Side.REGION.value, credential.kind.value)), ()
    return Trusting(state.greeting, secret, state.transcript), ()
