"""Makes one link to a worker: its addresses in turn, then the handshake and the registration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import ip_address

from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
)
from twisted.internet.interfaces import IReactorTCP, IReactorTime, IStreamClientEndpoint

from maasha.model.cluster import Endpoint, EventLoop, Introduction
from maasha.model.network import Interface
from maasha.rack.memory import Memory, RegisteredAnew
from maasha.rpc.errors import Deleted, Unreachable
from maasha.rpc.extension import Extension
from maasha.rpc.ground import LIMITS, Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.protocol import Link
from maasha.rpc.rack_side import RackDuties, Session, join
from maasha.rpc.wire import Limits

CONNECT_TIMEOUT = 3.0
"""Seconds for one address; a worker may publish addresses that this rack cannot reach."""


class Dialler(IReactorTCP, IReactorTime):
    """What dialling needs of a reactor."""


Met = Callable[[str, Link], None]
"""Hears of each connection that is made, and of the name of its worker."""


def unnoticed(_worker: str, _link: Link) -> None:
    """Take no notice of a connection."""


class Dialling:
    """`introduce` says who the rack is, given its interfaces; `deleted` hears that it no longer is.

    `parted` hears that the region knows that the deleted rack has stopped: nobody is left to dial.
    Links are TLS unless `tls` is False; then the regions must offer plain TCP.

    The identity is pinned at the first success: from then on no other instance is accepted.
    """

    def __init__(
        self,
        reactor: Dialler,
        memory: Memory,
        version: str,
        duties: RackDuties,
        interfaces: Callable[[], Awaitable[tuple[Interface, ...]]],
        introduce: Callable[[tuple[Interface, ...]], Introduction],
        deleted: Callable[[], Awaitable[None]],
        parted: Callable[[], None],
        *,
        tls: bool = True,
        limits: Limits = LIMITS,
        met: Met = unnoticed,
        extensions: Sequence[Extension] = (),
    ) -> None:
        self._reactor = reactor
        self._ground = Ground(reactor, limits=limits)
        self._memory = memory
        self._version = version
        self._duties = duties
        self._interfaces = interfaces
        self._introduce = introduce
        self._deleted = deleted
        self._parted = parted
        self._met = met
        self._tls = tls
        self._extensions = extensions

    async def dial(self, loop: EventLoop) -> Session:
        """Link to a worker; raises the errors of `maasha.rpc.rack_side.join`."""
        interfaces = await self._interfaces()
        try:
            session = await self._first_reachable(loop, self._introduce(interfaces))
        except Deleted:
            # it hears that it was deleted, stops, and says so: only then others succeed it
            await self._deleted()
            session = await self._say_farewell(loop, interfaces)
        self._belong(session)
        return session

    def _belong(self, session: Session) -> None:
        """Keep who the rack is; a link of one that cannot is of no use."""
        welcome = session.welcome
        try:
            self._memory.belong(welcome.system_id, welcome.instance, session.key)
        except (RegisteredAnew, OSError) as error:
            session.abort(f"the rack could not keep who it is: {error}")
            raise

    async def _say_farewell(self, loop: EventLoop, interfaces: tuple[Interface, ...]) -> Session:
        """Come back once, serving nothing: to be refused again is to have been heard."""
        try:
            return await self._first_reachable(loop, self._introduce(interfaces))
        except Deleted:
            self._parted()
            raise

    async def _first_reachable(self, loop: EventLoop, introduction: Introduction) -> Session:
        unreachable: list[str] = []
        for endpoint in loop.endpoints:
            try:
                return await self._join(loop.name, endpoint, introduction)
            except Unreachable as error:
                unreachable.append(f"{endpoint} {error.reason}")
        raise Unreachable("; ".join(unreachable))

    async def _join(self, name: str, endpoint: Endpoint, introduction: Introduction) -> Session:
        memory = self._memory
        identity = memory.identity
        facts = RackFacts(
            self._version,
            identity.secret,
            memory.system_id,
            memory.instance,
            credential=identity.credential,
        )
        return await join(
            self._ground,
            self._client(endpoint),
            facts,
            lambda: introduction,
            self._duties,
            tls=self._tls,
            met=partial(self._met, name),
            extensions=self._extensions,
        )

    def _client(self, endpoint: Endpoint) -> IStreamClientEndpoint:
        kinds = {4: TCP4ClientEndpoint, 6: TCP6ClientEndpoint, None: HostnameEndpoint}
        kind = kinds[_family(endpoint.host)]
        return kind(self._reactor, endpoint.host, endpoint.port, timeout=CONNECT_TIMEOUT)


def _family(host: str) -> int | None:
    """Give the IP version of a literal address, None for a host name."""
    try:
        return ip_address(host).version
    except ValueError:
        return None
