"""Opens connections: host by host, address by address, until one takes writes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from attrs import frozen
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from maasha.db.connection import Connection, connect
from maasha.db.dsn import DatabaseSettings, Host
from maasha.db.errors import ConnectFailed, ConnectionLost
from maasha.db.sqlstate import describe
from maasha.db.waiting import within

CONNECT_TIMEOUT = 3.0
"""Seconds for one address; libpq leaves its connect_timeout to us (PostgreSQL manual, 34.2)."""
RESOLVE_TIMEOUT = 2.0


@frozen
class SessionLimits:
    """What the server does with a connection that stands still; seconds, 0 for never."""

    statement: float = 10.0
    idle_in_transaction: float = 3.0
    idle: float = 0.0

    @property
    def options(self) -> str:
        """Give libpq's `options`: the settings that each session starts with.

        client_connection_check_interval makes the server notice within a second that we left in
        the middle of a statement, so that it does not count against our share for long.
        """
        settings = {
            "statement_timeout": _milliseconds(self.statement),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction),
            "idle_session_timeout": _milliseconds(self.idle),
            "client_connection_check_interval": _milliseconds(1.0),
            "timezone": "UTC",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def keywords(
    settings: DatabaseSettings, host: Host, address: str, limits: SessionLimits, program: str
) -> dict[str, object]:
    """Give libpq's connection parameters for one address (empty: a Unix socket).

    Keepalives and tcp_user_timeout notice within about six seconds that the host went away
    without a word.
    """
    where: dict[str, object] = {"hostaddr": address} if address else {}
    return where | {
        "host": host.name,
        "port": host.port,
        "dbname": settings.name,
        "user": settings.user,
        # an empty password makes libpq look into ~/.pgpass, as psql does
        "password": settings.password or None,
        "sslmode": settings.sslmode,
        "gssencmode": "disable",
        "target_session_attrs": "read-write",
        "application_name": program,
        "options": limits.options,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,
    }


class Connector:
    """Opens connections with the same settings; remembers which host was good."""

    def __init__(
        self,
        reactor: ReactorBase,
        settings: DatabaseSettings,
        limits: SessionLimits,
        *,
        program: str = "maasha",
        timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self.limits = limits
        self._reactor = reactor
        self._settings = settings
        self._program = program
        self._timeout = timeout
        self._good = 0

    async def open(self) -> Connection:
        """Give a connection to the first host that takes writes; raises ConnectFailed."""
        hosts = self._settings.hosts
        attempts: list[str] = []
        for step in range(len(hosts)):
            index = (self._good + step) % len(hosts)
            connection = await self._try_host(hosts[index], attempts)
            if connection is not None:
                self._good = index
                return connection
        raise ConnectFailed(tuple(attempts))

    async def _try_host(self, host: Host, attempts: list[str]) -> Connection | None:
        for address in await self._addresses(host, attempts):
            parameters = keywords(self._settings, host, address, self.limits, self._program)
            try:
                return await connect(self._reactor, parameters, self._timeout)
            except ConnectionLost as lost:
                attempts.append(f"{host}: {lost.reason}")
        return None

    async def _addresses(self, host: Host, attempts: list[str]) -> Sequence[str]:
        """Resolve in the reactor's resolver: libpq's own would block the process."""
        if host.is_socket:
            return ("",)
        if _is_literal(host.name):
            return (host.name,)
        try:
            return await resolve(self._reactor, host.name)
        except DNSLookupError as error:
            attempts.append(f"{host}: {describe(error)}")
            return ()


def _is_literal(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@implementer(IResolutionReceiver)
class _Addresses:
    """Collects the addresses of one name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[str] = []
        self.done: Deferred[tuple[str, ...]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: a resolution that comes too late is dropped."""

    def addressResolved(self, address: IAddress) -> None:
        """Take one address."""
        self._found.append(address.host)  # type: ignore[attr-defined]  # IPv4Address or IPv6Address

    def resolutionComplete(self) -> None:
        """Hand over what came, each address once."""
        if self.done.called:
            return
        if self._found:
            self.done.callback(tuple(dict.fromkeys(self._found)))
        else:
            self.done.errback(DNSLookupError(f"{self._name} has no address"))


async def resolve(reactor: ReactorBase, name: str) -> tuple[str, ...]:
    """Give a name's addresses, at least one; raises DNSLookupError, also after two seconds."""
    receiver = _Addresses(name)
    reactor.nameResolver.resolveHostName(receiver, name)
    late = DNSLookupError(f"{name} was not resolved within {RESOLVE_TIMEOUT:g} s")
    return await within(reactor, RESOLVE_TIMEOUT, receiver.done, lambda: late)
