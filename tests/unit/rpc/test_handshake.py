"""Both sides trust each other exactly if they have the same secret and saw the same words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from maasha.model.cluster import InstanceId, SystemId
from maasha.rpc.credentials import OWN_KEY, SHARED, Credential, Kind, rack_key
from maasha.rpc.errors import OutOfOrder, WrongInstance, WrongSecret, WrongVersion
from maasha.rpc.handshake import (
    Challenged,
    Evidence,
    Greeting,
    Hello,
    Offered,
    Proof,
    Proving,
    RackFacts,
    Refusing,
    RegionFacts,
    Side,
    State,
    Trusting,
    Waiting,
    candidates,
    holds,
    offer,
    prove,
    step,
    transcript,
)
from maasha.rpc.versions import Versions

SECRET, OTHER = bytes(16), bytes(15) + b"\1"
HERE, ELSEWHERE = InstanceId(UUID(int=1)), InstanceId(UUID(int=2))
KEY_ROOT = b"k" * 32
TOKEN = Credential(Kind.TOKEN, "k3f8qmwp")
REGION = RegionFacts(HERE, SystemId("4y3h7n"), "0.1.0", (SECRET,), KEY_ROOT)
RACK = RackFacts("0.2.0", SECRET)
RACK_NONCE, REGION_NONCE = b"r" * 32, b"R" * 32

nonces = st.binary(min_size=32, max_size=32)
texts = st.text(max_size=20)
instances = st.integers(0, 2**128 - 1).map(lambda number: InstanceId(UUID(int=number)))
numbers = st.integers(0, 9)
system_ids = st.text("acdefg", min_size=1, max_size=6).map(SystemId)
hellos = st.builds(
    Hello,
    spoken=st.builds(Versions, numbers, numbers),
    version=texts,
    system_id=st.none() | system_ids,
    instance=st.none() | instances,
    credential=st.builds(Credential, st.sampled_from(Kind), texts),
    nonce=nonces,
)
greetings = st.builds(
    Greeting,
    protocol=numbers,
    spoken=st.builds(Versions, numbers, numbers),
    version=texts,
    system_id=system_ids,
    instance=instances,
    nonce=nonces,
)


def opened(rack: RackFacts = RACK, region: RegionFacts = REGION) -> tuple[Offered, Hello, Waiting]:
    """Give both sides at their start and the first message."""
    state, hello = offer(rack, RACK_NONCE, b"")
    return state, hello, Waiting(region, REGION_NONCE, b"")


def greeted(
    rack: RackFacts = RACK, region: RegionFacts = REGION
) -> tuple[Offered, State, Greeting]:
    """Give both sides after the region's greeting."""
    offered, hello, waiting = opened(rack, region)
    challenged, (greeting,) = step(waiting, hello)
    assert isinstance(greeting, Greeting)
    return offered, challenged, greeting


def proved(rack: RackFacts = RACK, region: RegionFacts = REGION) -> tuple[State, State, Proof]:
    """Give both sides when the rack has made its proof."""
    offered, challenged, greeting = greeted(rack, region)
    proving, (proof,) = step(offered, greeting)
    assert isinstance(proof, Proof)
    return proving, challenged, proof


def judged(challenged: State, proof: object, *looked_up: bytes) -> tuple[State, tuple[object, ...]]:
    """Have the region judge a proof; `looked_up` are the secrets of a token."""
    assert isinstance(challenged, Challenged)
    assert isinstance(proof, Proof)
    secrets = looked_up or candidates(challenged.facts, challenged.hello)
    return step(challenged, Evidence(proof, secrets))


def answered(proving: State, answer: object) -> tuple[State, tuple[object, ...]]:
    """Have the rack judge the region's answer."""
    assert isinstance(answer, Proof)
    return step(proving, answer)


def test_both_sides_with_the_secret_trust_each_other() -> None:
    """Each side ends with what the other said."""
    proving, challenged, proof = proved()
    region, (answer,) = judged(challenged, proof)
    rack, nothing = answered(proving, answer)
    assert isinstance(region, Trusting)
    assert isinstance(rack, Trusting)
    assert isinstance(region.peer, Hello)
    assert isinstance(rack.peer, Greeting)
    assert (region.peer.nonce, rack.peer.nonce) == (RACK_NONCE, REGION_NONCE)
    assert nothing == ()


def test_the_region_refuses_a_rack_without_the_secret() -> None:
    """A rack with another secret is told that its proof is wrong, and gets no proof."""
    _, challenged, proof = proved(evolve(RACK, secret=OTHER))
    state, said = judged(challenged, proof)
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongSecret)
    assert state.error.prover == "rack"
    assert said == ()


def test_the_rack_refuses_a_region_without_the_secret() -> None:
    """A region that answers with a proof of its own making is not trusted."""
    proving, _, _ = proved()
    state, said = step(proving, Proof(b"x" * 32))
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongSecret)
    assert state.error.prover == "region"
    assert said == ()


def test_a_rack_may_use_any_valid_secret() -> None:
    """The region answers with the secret that the rack has."""
    proving, challenged, proof = proved(region=evolve(REGION, secrets=(OTHER, SECRET)))
    _, (answer,) = judged(challenged, proof)
    assert isinstance(answered(proving, answer)[0], Trusting)


def test_a_reflected_proof_is_refused() -> None:
    """A region without the secret that sends the rack's proof back is not trusted."""
    proving, _, proof = proved()
    state, _ = step(proving, proof)
    assert isinstance(state, Refusing)


def test_a_reflected_handshake_is_refused() -> None:
    """A rack without the secret cannot use the region's own nonce and proofs against it."""
    _, hello, waiting = opened()
    challenged, (greeting,) = step(waiting, evolve(hello, nonce=REGION_NONCE))
    assert isinstance(greeting, Greeting)
    said = transcript(evolve(hello, nonce=REGION_NONCE), greeting, b"")
    state, _ = judged(challenged, prove(SECRET, Side.REGION, said))
    assert isinstance(state, Refusing)


def test_a_replayed_proof_is_refused() -> None:
    """What a rack proved on one connection is worth nothing on the next: the nonce differs."""
    _, _, proof = proved()
    _, hello, waiting = opened()
    challenged, _ = step(evolve(waiting, nonce=b"n" * 32), hello)
    state, _ = judged(challenged, proof)
    assert isinstance(state, Refusing)


def test_a_proof_is_bound_to_its_channel() -> None:
    """A man in the middle of two channels cannot pass a proof from one to the other."""
    offered, hello = offer(RACK, RACK_NONCE, b"channel one")
    challenged, (greeting,) = step(Waiting(REGION, REGION_NONCE, b"channel two"), hello)
    _, (proof,) = step(offered, greeting)
    state, _ = judged(challenged, proof)
    assert isinstance(state, Refusing)


@pytest.mark.parametrize("spoken", [Versions(2, 3), Versions(0, 0)])
def test_the_region_refuses_a_rack_of_another_protocol(spoken: Versions) -> None:
    """Both ranges are in the error."""
    _, hello, waiting = opened(evolve(RACK, spoken=spoken))
    state, _ = step(waiting, hello)
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongVersion)
    assert (state.error.offered, state.error.accepted) == (spoken, Versions(1, 1))


def test_the_highest_common_protocol_is_chosen() -> None:
    """Ranges that overlap agree on the highest number in both."""
    _, _, greeting = greeted(
        evolve(RACK, spoken=Versions(1, 3)), evolve(REGION, spoken=Versions(2, 9))
    )
    assert greeting.protocol == 3


@pytest.mark.parametrize("chosen", [0, 2])
def test_the_rack_refuses_a_protocol_that_it_did_not_offer(chosen: int) -> None:
    """A region cannot talk a rack into another protocol."""
    offered, _, greeting = greeted()
    state, _ = step(offered, evolve(greeting, protocol=chosen))
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongVersion)


def test_a_rack_of_this_instance_gets_in() -> None:
    """A rack that is pinned to the region's instance is greeted, and trusts it."""
    proving, challenged, proof = proved(evolve(RACK, instance=HERE))
    _, (answer,) = judged(challenged, proof)
    assert isinstance(answered(proving, answer)[0], Trusting)


def test_the_region_refuses_a_rack_of_another_instance() -> None:
    """Both instances are in the error."""
    _, hello, waiting = opened(evolve(RACK, instance=ELSEWHERE))
    state, _ = step(waiting, hello)
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongInstance)
    assert (state.error.expected, state.error.got) == (HERE, ELSEWHERE)


def test_the_rack_refuses_a_region_of_another_instance() -> None:
    """A region that greets a rack of another instance is refused by the rack."""
    offered, _, greeting = greeted(evolve(RACK, instance=HERE))
    state, _ = step(offered, evolve(greeting, instance=ELSEWHERE))
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongInstance)


@pytest.mark.parametrize(
    ("hello", "greeting"),
    [
        ({"spoken": Versions(1, 1)}, {}),
        ({"spoken": Versions(1, 1)}, {"spoken": Versions(1, 1)}),
        ({}, {"spoken": Versions(1, 1)}),
    ],
)
def test_a_downgrade_is_noticed(hello: dict[str, Any], greeting: dict[str, Any]) -> None:
    """A man in the middle who talks both sides into an old protocol makes both proofs fail."""
    both = Versions(1, 2)
    offered, honest, waiting = opened(evolve(RACK, spoken=both), evolve(REGION, spoken=both))
    challenged, (told,) = step(waiting, evolve(honest, **hello))
    assert isinstance(told, Greeting)
    told = evolve(told, protocol=1, **greeting) if hello or greeting else told
    state, said = step(offered, told)
    if isinstance(state, Refusing):
        assert isinstance(state.error, WrongVersion)
        return
    assert isinstance(judged(challenged, said[0])[0], Refusing)
    assert isinstance(challenged, Challenged)
    honest_region = prove(SECRET, Side.REGION, challenged.transcript)
    assert isinstance(step(state, honest_region)[0], Refusing)


def test_a_choice_below_the_best_common_number_is_refused() -> None:
    """Each side says its whole range, so that the choice can be checked."""
    both = Versions(1, 2)
    offered, _, greeting = greeted(evolve(RACK, spoken=both), evolve(REGION, spoken=both))
    assert greeting.protocol == 2
    state, said = step(offered, evolve(greeting, protocol=1))
    assert isinstance(state, Refusing)
    assert isinstance(state.error, WrongVersion)
    assert said == ()


def test_a_rack_proves_its_own_key() -> None:
    """The region makes the key anew from its root: it has stored nothing of the rack."""
    name = SystemId("acdefg")
    rack = evolve(RACK, secret=rack_key(KEY_ROOT, HERE, name), system_id=name, credential=OWN_KEY)
    proving, challenged, proof = proved(rack)
    region, (answer,) = judged(challenged, proof)
    assert isinstance(region, Trusting)
    assert isinstance(answered(proving, answer)[0], Trusting)


@pytest.mark.parametrize("name", [None, SystemId("other4")])
def test_a_key_proves_its_own_rack_only(name: SystemId | None) -> None:
    """The key of one rack does not make another of it, nor one without a name."""
    key = rack_key(KEY_ROOT, HERE, SystemId("acdefg"))
    _, challenged, proof = proved(evolve(RACK, secret=key, system_id=name, credential=OWN_KEY))
    state, _ = judged(challenged, proof)
    assert isinstance(state, Refusing)
    assert str(state.error).startswith("wrong key: ")


def test_a_rack_proves_a_token() -> None:
    """Its secret is looked up by its public id, which is all that the region is told of it."""
    proving, challenged, proof = proved(evolve(RACK, secret=OTHER, credential=TOKEN))
    assert isinstance(challenged, Challenged)
    assert challenged.hello.credential.token == "k3f8qmwp"
    assert candidates(challenged.facts, challenged.hello) == ()
    _, (answer,) = judged(challenged, proof, OTHER)
    assert isinstance(answered(proving, answer)[0], Trusting)


@pytest.mark.parametrize("looked_up", [(), (b"a wrong one that is long",)])
def test_an_unknown_token_is_a_wrong_one(looked_up: tuple[bytes, ...]) -> None:
    """The words are the same whether or not there is such a token."""
    _, challenged, proof = proved(evolve(RACK, secret=OTHER, credential=TOKEN))
    assert isinstance(challenged, Challenged)
    state, _ = step(challenged, Evidence(proof, looked_up))
    assert isinstance(state, Refusing)
    assert str(state.error) == str(WrongSecret("rack", "token"))


@pytest.mark.parametrize("claimed", [OWN_KEY, TOKEN])
def test_the_kind_of_a_credential_cannot_be_changed_on_the_way(claimed: Credential) -> None:
    """What the rack proves with is part of what is proved."""
    offered, hello, waiting = opened()
    challenged, (greeting,) = step(waiting, evolve(hello, credential=claimed))
    assert isinstance(greeting, Greeting)
    _, (proof,) = step(offered, greeting)
    assert isinstance(judged(challenged, proof, SECRET)[0], Refusing)
    assert hello.credential == SHARED


def messages() -> dict[str, Any]:
    """Give one message of each kind."""
    _, _, greeting = greeted()
    proof = Proof(b"p" * 32)
    return {
        "Hello": opened()[1],
        "Greeting": greeting,
        "Proof": proof,
        "Evidence": Evidence(proof, (SECRET,)),
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (opened()[2], "Hello"),
        (greeted()[1], "Evidence"),
        (opened()[0], "Greeting"),
        (proved()[0], "Proof"),
        (Trusting(opened()[1], SECRET, b"said"), ""),
    ],
)
def test_a_message_out_of_order_ends_the_handshake(state: State, expected: str) -> None:
    """Every state takes one kind of message and refuses the others for good."""
    for kind, message in messages().items():
        if kind == expected:
            continue
        after, said = step(state, message)
        assert isinstance(after, Refusing)
        assert isinstance(after.error, OutOfOrder)
        assert said == ()
        assert step(after, message) == (after, ())


@given(hellos, greetings, st.binary(max_size=40), st.sampled_from(Side), st.data())
def test_a_proof_fits_only_what_it_was_made_for(
    hello: Hello, greeting: Greeting, binding: bytes, side: Side, data: st.DataObject
) -> None:
    """Whichever single field changes, the proof fits no longer."""
    proof = prove(SECRET, side, transcript(hello, greeting, binding))
    changed: dict[str, tuple[Any, Any, Any]] = {
        "hello": (data.draw(hellos), greeting, binding),
        "greeting": (hello, data.draw(greetings), binding),
        "binding": (hello, greeting, data.draw(st.binary(max_size=40))),
    }
    for cls, drawn, kind in ((Hello, hellos, 0), (Greeting, greetings, 1)):
        name = data.draw(st.sampled_from([each for each in cls.__match_args__]))
        value = getattr(data.draw(drawn), name)
        one: list[Any] = [hello, greeting, binding]
        one[kind] = evolve(one[kind], **{name: value})
        changed[f"{cls.__name__}.{name}"] = (one[0], one[1], one[2])
    for said in changed.values():
        if said != (hello, greeting, binding):
            assert not holds(SECRET, side, transcript(*said), proof)


@given(hellos, greetings, st.binary(min_size=1, max_size=40))
def test_a_proof_fits_its_side_and_secret_only(
    hello: Hello, greeting: Greeting, secret: bytes
) -> None:
    """The other side and another secret give other proofs."""
    assume(secret != SECRET)
    said = transcript(hello, greeting, b"")
    proof = prove(SECRET, Side.RACK, said)
    assert holds(SECRET, Side.RACK, said, proof)
    assert not holds(SECRET, Side.REGION, said, proof)
    # HMAC fills keys up with zeros (RFC 2104), so zeros at the end make no other key
    assert holds(secret, Side.RACK, said, proof) == (not secret.strip(b"\0"))


@given(hellos, greetings)
def test_fields_cannot_move_into_each_other(hello: Hello, greeting: Greeting) -> None:
    """The transcript can be cut back into exactly its seventeen fields."""
    said, fields = transcript(hello, greeting, b"end"), []
    while said:
        length = int.from_bytes(said[:4], "big")
        fields.append(said[4 : 4 + length])
        said = said[4 + length :]
    assert len(fields) == 17
    assert (fields[0], fields[8], fields[-1]) == (b"maasha handshake 1", hello.nonce, b"end")


@pytest.mark.parametrize("secrets", [(), (b"",), (SECRET, b"short")])
def test_a_region_needs_real_secrets(secrets: tuple[bytes, ...]) -> None:
    """No secret, or one that can be guessed, is refused at the start."""
    with pytest.raises(ValueError, match="at least 16 bytes"):
        evolve(REGION, secrets=secrets)


def test_a_region_needs_a_real_root() -> None:
    """Keys that are made from less could be guessed."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        evolve(REGION, key_root=b"k" * 31)


def test_no_secret_is_shown() -> None:
    """What a state looks like in a log holds no secret."""
    secret = b"topsecrettopsecret"
    proving, challenged, proof = proved(
        evolve(RACK, secret=secret), evolve(REGION, secrets=(secret,))
    )
    trusting, _ = judged(challenged, proof)
    evidence = Evidence(Proof(b""), (secret,))
    states = (proving, challenged, trusting, evidence)
    shown = repr((states, offer(RACK, RACK_NONCE, b""), REGION, RACK))
    assert repr(KEY_ROOT) not in shown
    assert "topsecret" not in shown
    assert repr(SECRET) not in shown
    assert isinstance(proving, Proving)
    assert isinstance(challenged, Challenged)
