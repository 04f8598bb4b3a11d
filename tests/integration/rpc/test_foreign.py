"""A rack that knows nothing but docs/protocol.md joins a real region, over TLS and plain TCP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
import pytest_twisted
from attrs import frozen
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.threads import deferToThread

from maasha.rpc.ground import Ground
from maasha.rpc.region_side import RegionFactory
from maasha.rpc.tls import secure
from tests.asynchronous import asynchronous
from tests.integration.rpc.foreign import ForeignRack, Refused
from tests.unit.rpc.parts import OTHER_SECRET, REGION_FACTS, SECRET, WELCOME, Counter, Door

reactor: Any = global_reactor  # its type depends on the platform
T = TypeVar("T")
NAME = WELCOME.system_id.encode()


async def find_token(token: str) -> bytes | None:
    """Know one token."""
    return OTHER_SECRET if token == "k3f8qmwp" else None


@frozen
class Place:
    """Where a region listens, and whether over TLS."""

    port: int
    tls: bool


@pytest.fixture(params=[True, False], ids=["TLS", "plain TCP"])
def tls(request: pytest.FixtureRequest) -> bool:
    """Have it both ways."""
    return bool(request.param)


@pytest_twisted.async_yield_fixture
async def place(tls: bool) -> AsyncIterator[Place]:
    """Give a region that takes everyone in who proves something."""
    factory = RegionFactory(Ground(reactor), REGION_FACTS, Door(), Counter(), tokens=find_token)
    offered = secure(factory, reactor) if tls else factory
    listening = reactor.listenTCP(0, offered, interface="127.0.0.1")
    yield Place(listening.getHost().port, tls)
    await maybeDeferred(listening.stopListening)


async def beside(work: Callable[[ForeignRack], T], place: Place) -> T:
    """Let a foreign rack work in a thread of its own."""

    def whole() -> T:
        rack = ForeignRack(place.port, tls=place.tls)
        try:
            return work(rack)
        finally:
            rack.close()

    result: T = await deferToThread(whole)
    return result


def join(rack: ForeignRack, secret: bytes, *hello: bytes, name: str | None = None) -> Any:
    """Greet, prove and register; gives welcome and key."""
    rack.greet(*hello)
    rack.prove(secret)
    return rack.register(secret, name), rack.key


@asynchronous
async def test_secret_token_and_key_let_a_foreign_rack_in(place: Place) -> None:
    """By the secret or a token it gets the same key of its own, which lets it in from then on."""
    welcome, key = await beside(lambda rack: join(rack, SECRET, b"secret"), place)
    assert welcome["system_id"] == WELCOME.system_id
    _, same = await beside(lambda rack: join(rack, OTHER_SECRET, b"token", b"", b"k3f8qmwp"), place)
    assert same == key
    _, none = await beside(lambda rack: join(rack, key, b"key", NAME, name=NAME.decode()), place)
    assert none is None


@pytest.mark.parametrize(
    "hello",
    [(b"secret",), (b"token", b"", b"k3f8qmwp"), (b"token", b"", b"unknown"), (b"key", NAME)],
)
@asynchronous
async def test_a_foreign_rack_without_the_secret_is_told_so(
    place: Place, hello: tuple[bytes, ...]
) -> None:
    """Then the connection ends."""

    def knock(rack: ForeignRack) -> str:
        with pytest.raises(Refused) as refused:
            join(rack, bytes(range(99, 131)), *hello)
        with pytest.raises(EOFError):
            rack.receive()
        return str(refused.value.code)

    assert await beside(knock, place) == "WrongSecret"
