"""Controllers that do not fit: `python -m tests.acceptance.stranger rack|region|garbage ...`.

rack HOST PORT SECRET: joins a region with a protocol unknown there, prints what it is told.
region SECRET INSTANCE: a region with such a protocol, on HTTP port 5240 and RPC port 5250.
garbage HOST PORT: sends what is no AMP, several times; prints how often it was hung up on.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.protocol import Protocol
from twisted.internet.task import react
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from maasha.model.cluster import InstanceId, Introduction, SystemId, Welcome
from maasha.rpc.credentials import Credential
from maasha.rpc.errors import RegistrationRefused, RpcError
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts, RegionFacts
from maasha.rpc.rack_side import RackDuties, join
from maasha.rpc.region_side import RegionDuties, RegionFactory
from maasha.rpc.remote import RemoteRack
from maasha.rpc.tls import secure
from maasha.rpc.versions import Versions

FOREIGN = Versions(99, 99)
TRIES = 20
ADDRESS = "10.100.0.66"


def nonce() -> bytes:
    """Give a fresh nonce."""
    return secrets.token_bytes(32)


async def rack(reactor: EPollReactor, host: str, port: str, secret: str) -> None:
    """Try to join."""
    facts = RackFacts("99.0", bytes.fromhex(secret), spoken=FOREIGN)
    endpoint = TCP4ClientEndpoint(reactor, host, int(port))
    duties: RackDuties = Idle()
    introduction = Introduction(hostname="stranger", version="99.0")
    try:
        await join(Ground(reactor), endpoint, facts, lambda: introduction, duties, nonce)
    except RpcError as error:
        print(f"{type(error).__name__}: {error}", flush=True)


class Idle:
    """Takes no orders: it never joins."""

    async def own(self, *_: Any) -> Any:
        """Never called."""

    async def configure_dhcp(self, *_: Any) -> Any:
        """Never called."""

    async def change_hosts(self, *_: Any) -> Any:
        """Never called."""

    async def settle_dhcp6(self, *_: Any) -> Any:
        """Never called."""

    async def configure_dhcp6(self, *_: Any) -> Any:
        """Never called."""

    async def retire(self, *_: Any) -> None:
        """Never called."""

    async def migrate(self, *_: Any) -> Any:
        """Never called."""

    async def resume_dhcp(self, *_: Any) -> Any:
        """Never called."""

    async def look_out(self, *_: Any) -> None:
        """Never called."""

    async def probe_networks(self, *_: Any) -> None:
        """Never called."""


class Closed:
    """Lets nobody in: nobody gets that far."""

    async def register(
        self,
        introduction: Introduction,  # noqa: ARG002  Admission's arguments
        rack: RemoteRack,  # noqa: ARG002
        remote: str,  # noqa: ARG002
        credential: Credential,  # noqa: ARG002
    ) -> tuple[Welcome, RegionDuties]:
        """Refuse."""
        raise RegistrationRefused("the stranger takes no racks")


class Listing(Resource):
    """GET /MAAS/rpc/."""

    isLeaf = True

    def render_GET(self, _: Request) -> bytes:
        """Name this process."""
        return json.dumps({"eventloops": {"stranger:pid=1": [[ADDRESS, 5250]]}}).encode()


async def region(reactor: EPollReactor, secret: str, instance: str) -> None:
    """Serve until killed."""
    reactor.listenTCP(5240, Site(Listing(), reactor=reactor))
    facts = RegionFacts(
        InstanceId(UUID(instance)),
        SystemId("abcdef"),
        "99.0",
        (bytes.fromhex(secret),),
        nonce(),
        FOREIGN,
    )
    reactor.listenTCP(5250, secure(RegionFactory(Ground(reactor), facts, Closed(), nonce), reactor))
    print("ready", flush=True)
    await Deferred()


class Gabble(Protocol):
    """Sends noise and waits for the end."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Send noise that begins like no AMP box."""
        assert self.transport is not None
        self.transport.write(b"\xff" + secrets.token_bytes(5000))

    def connectionLost(self, _: Any = None) -> None:
        """Note the end."""
        self.ended.callback(None)


async def garbage(reactor: EPollReactor, host: str, port: str) -> None:
    """Be hung up on again and again."""
    for _ in range(TRIES):
        noise = Gabble()
        await connectProtocol(TCP4ClientEndpoint(reactor, host, int(port)), noise)
        await noise.ended
    print(TRIES, flush=True)


ROLES: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "rack": rack,
    "region": region,
    "garbage": garbage,
}


def main(reactor: EPollReactor, role: str, *arguments: str) -> Deferred[None]:
    """Play one of the roles."""
    return Deferred.fromCoroutine(ROLES[role](reactor, *arguments))


if __name__ == "__main__":
    react(main, sys.argv[1:])
