"""Racks join by secret or token, get a key of their own, and prove that from then on."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.protocols import amp

from maasha.model.cluster import SystemId
from maasha.rpc import commands
from maasha.rpc.credentials import OWN_KEY, Credential, Kind, rack_key
from maasha.rpc.errors import (
    BadArgument,
    LinkLost,
    NotOffered,
    RemoteFailure,
    Unavailable,
    WrongSecret,
)
from maasha.rpc.handshake import RackFacts
from maasha.rpc.protocol import Link
from maasha.rpc.region_side import LOOKUP_DEADLINE, LOOKUPS
from tests.unit.rpc.parts import (
    INSTANCE,
    INTRODUCTION,
    KEY_ROOT,
    OTHER_SECRET,
    RACK_FACTS,
    SECRET,
    WELCOME,
    House,
    Listener,
    error_of,
    house,
    value_of,
    waits,
)

TOKEN = Credential(Kind.TOKEN, "k3f8qmwp")
HELLO: dict[str, Any] = {
    "lowest": 1,
    "highest": 1,
    "version": "x",
    "system_id": "",
    "instance": None,
    "credential": "token",
    "token": "k3f8qmwp",
    "nonce": bytes(32),
}
WITH_TOKEN = RackFacts("0.1.0", OTHER_SECRET, credential=TOKEN)
NAME = WELCOME.system_id
KEY = rack_key(KEY_ROOT, INSTANCE, NAME)
NAMED = evolve(INTRODUCTION, system_id=NAME)


class Book:
    """The region's tokens; `turn` is what an answer waits for, `failure` what it fails with."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.turn: Deferred[None] | None = None
        self.failure: Exception | None = None

    async def __call__(self, token: str) -> bytes | None:
        """Look a token up."""
        self.asked.append(token)
        if self.turn is not None:
            await self.turn
        if self.failure is not None:
            raise self.failure
        return OTHER_SECRET if token == TOKEN.token else None


@pytest.fixture
def book() -> Book:
    """Give a book with one token."""
    return Book()


@pytest.fixture
def home(book: Book) -> House:
    """Give a region with that book."""
    return house(tokens=book)


def proved_with_key(key: bytes = KEY, name: SystemId = NAME) -> RackFacts:
    """Give a rack that has its key."""
    return RackFacts("0.1.0", key, name, INSTANCE, credential=OWN_KEY)


@pytest.mark.parametrize("facts", [RACK_FACTS, WITH_TOKEN])
def test_a_rack_that_joins_gets_its_own_key(home: House, facts: RackFacts) -> None:
    """Whatever let it in; the key is not to be seen on the wire."""
    session = value_of(home.join(facts))
    assert session.key == KEY
    assert [each.kind for each in home.door.credentials] == [facts.credential.kind]


def test_a_rack_proves_its_key_from_then_on(home: House) -> None:
    """It is sent no other one, and the admission knows that the rack is who it says."""
    session = value_of(home.join(proved_with_key(), NAMED))
    assert session.key is None
    assert home.door.credentials == [OWN_KEY]


def test_a_key_of_another_rack_is_wrong(home: House) -> None:
    """The error names the kind of credential and the mend."""
    error = error_of(home.join(proved_with_key(name=SystemId("acdefh")), NAMED))
    assert isinstance(error, WrongSecret)
    assert str(error).startswith("wrong key: the rack's proof")
    assert str(home.refused[0][1]) == str(error)


def test_a_token_is_looked_up_once_by_its_public_id(home: House, book: Book) -> None:
    """No other credential asks the database before the proof."""
    value_of(home.join(WITH_TOKEN))
    value_of(home.join(RACK_FACTS))
    value_of(home.join(proved_with_key(), NAMED))
    assert book.asked == ["k3f8qmwp"]


@pytest.mark.parametrize(
    "facts",
    [
        evolve(WITH_TOKEN, credential=Credential(Kind.TOKEN, "another")),
        evolve(WITH_TOKEN, secret=SECRET),
    ],
    ids=["unknown", "wrong"],
)
def test_an_unknown_token_is_answered_like_a_wrong_one(
    home: House, book: Book, facts: RackFacts
) -> None:
    """In the same words and after the same work."""
    error = error_of(home.join(facts))
    assert isinstance(error, WrongSecret)
    assert str(error).startswith("wrong token: the rack's proof does not fit; make another")
    assert len(book.asked) == 1
    home.line.advance(0.1)
    assert home.line.distant.disconnected


def test_without_database_a_token_is_unavailable(home: House, book: Book) -> None:
    """The rack is told to come again, the region has nothing to hear, the link ends."""
    book.failure = Unavailable("no database", 2.5)
    error = error_of(home.join(WITH_TOKEN))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 2.5
    assert home.refused == []
    home.line.advance(0.1)
    assert home.line.distant.disconnected


def test_a_look_up_that_fails_is_logged_and_ends_the_link(
    home: House, book: Book, logged: Listener
) -> None:
    """The rack gets an id, and nobody gets in."""
    book.failure = ZeroDivisionError("secret detail")
    error = error_of(home.join(WITH_TOKEN))
    assert isinstance(error, RemoteFailure)
    assert [str(each) for each in logged.failures] == ["secret detail"]
    home.line.advance(0.1)
    assert home.line.distant.disconnected


def test_a_look_up_has_a_deadline(home: House, book: Book) -> None:
    """It is over before the patience with a stranger is, so that the rack hears why."""
    book.turn = Deferred()
    joining = home.join(WITH_TOKEN)
    home.line.advance(LOOKUP_DEADLINE - 0.2)
    assert waits(joining)
    home.line.advance(0.4)
    error = error_of(joining)
    assert isinstance(error, Unavailable)
    assert "in time" in str(error)


def test_a_link_that_ends_meanwhile_takes_its_look_up_along(home: House, book: Book) -> None:
    """Nothing is proved on a connection that is gone."""
    cancelled: list[object] = []
    book.turn = Deferred(cancelled.append)
    joining = home.join(WITH_TOKEN)
    home.line.near.abortConnection()
    home.line.pump.flush()
    assert isinstance(error_of(joining), LinkLost)
    assert len(cancelled) == 1
    assert home.door.seen == []


def test_strangers_hold_few_look_ups(home: House, book: Book) -> None:
    """However many claim tokens, the database is asked for a few at a time."""
    book.turn = Deferred()
    held = [home.join(WITH_TOKEN) for _ in range(LOOKUPS)]
    error = error_of(home.join(WITH_TOKEN))
    assert isinstance(error, Unavailable)
    assert len(book.asked) == LOOKUPS
    for joining in held:
        joining.addErrback(lambda _: None)


def test_one_proof_is_all_that_a_stranger_has(home: House, book: Book) -> None:
    """While it is judged nothing else is taken, also not another."""
    book.turn = Deferred()
    link = Link(home.ground, lambda _: amp.CommandLocator())
    home.line.attach(link)
    value_of(home.run(link.call(commands.Hello, **HELLO)))
    first = home.run(link.call(commands.Prove, proof=bytes(32)))
    second = home.run(link.call(commands.Prove, proof=bytes(32)))
    assert isinstance(error_of(second), NotOffered)
    assert isinstance(error_of(home.run(link.call(commands.Hello, **HELLO))), NotOffered)
    assert waits(first)
    book.turn.callback(None)
    home.line.pump.flush()
    assert isinstance(error_of(first), WrongSecret)


def test_a_kind_that_does_not_exist_is_named(home: House) -> None:
    """The error has the kinds that there are."""
    link = Link(home.ground, lambda _: amp.CommandLocator())
    home.line.attach(link)
    hello = HELLO | {"credential": "password"}
    error = error_of(home.run(link.call(commands.Hello, **hello)))
    assert isinstance(error, BadArgument)
    assert "none of secret, token, key" in str(error)


def test_a_key_that_was_changed_on_the_way_is_not_kept(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rack hangs up and keeps what it has."""
    monkeypatch.setattr("maasha.rpc.region_side.seal", lambda *_: bytes(64))
    error = error_of(home.join(RACK_FACTS))
    assert isinstance(error, BadArgument)
    assert error.argument == "key"
    assert home.line.near.aborted
