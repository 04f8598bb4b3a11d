"""How connections are asked for, and names resolved."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from maasha.db.connector import Connector, SessionLimits, keywords, resolve
from maasha.db.dsn import DatabaseSettings, Host
from maasha.db.errors import ConnectFailed

SETTINGS = DatabaseSettings((Host("db1"),), "maasha", "maasha", "s3cret")


class Names(Clock):
    """A clock with a resolver that answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[IResolutionReceiver, str]] = []

    @property
    def nameResolver(self) -> Names:
        """Give the resolver."""
        return self

    def resolveHostName(self, receiver: IResolutionReceiver, name: str) -> None:
        """Note who asks for what."""
        self.asked.append((receiver, name))

    def answer(self, *addresses: str) -> None:
        """Answer what was asked last."""
        receiver, _ = self.asked[-1]
        receiver.resolutionBegan(cast(Any, None))
        for address in addresses:
            receiver.addressResolved(IPv4Address("TCP", address, 0))
        receiver.resolutionComplete()


class ResolveTests(SynchronousTestCase):
    """Names are resolved by the reactor, under a deadline."""

    def setUp(self) -> None:
        """Ask for a name."""
        self.names = Names()
        work = resolve(cast(ReactorBase, self.names), "db1")
        self.work: Deferred[tuple[str, ...]] = Deferred.fromCoroutine(work)

    def test_addresses(self) -> None:
        """Each address comes once, in the resolver's order."""
        self.names.answer("192.0.2.2", "192.0.2.1", "192.0.2.2")
        assert self.successResultOf(self.work) == ("192.0.2.2", "192.0.2.1")

    def test_none(self) -> None:
        """A name without an address is an error that names it."""
        self.names.answer()
        assert "db1 has no address" in str(self.failureResultOf(self.work, DNSLookupError).value)

    def test_late(self) -> None:
        """A resolver that does not answer is given up; its late answer is dropped."""
        self.names.advance(2.0)
        assert "within 2 s" in str(self.failureResultOf(self.work, DNSLookupError).value)
        self.names.answer("192.0.2.1")

    def test_host_without_address(self) -> None:
        """A host that cannot be resolved is one of the reasons why connecting failed."""
        names = Names()
        connector = Connector(cast(ReactorBase, names), SETTINGS, SessionLimits())
        work = Deferred.fromCoroutine(connector.open())
        names.answer()
        error = self.failureResultOf(work, ConnectFailed).value
        assert "db1:5432: DNS lookup failed: db1 has no address" in str(error)


class KeywordsTests(SynchronousTestCase):
    """libpq's connection parameters."""

    def test_address(self) -> None:
        """The address is given beside the name, so that libpq resolves nothing itself."""
        found = keywords(SETTINGS, Host("db1", 5433), "192.0.2.1", SessionLimits(), "worker")
        assert found["host"] == "db1"
        assert found["hostaddr"] == "192.0.2.1"
        assert found["port"] == 5433
        assert found["target_session_attrs"] == "read-write"
        assert found["application_name"] == "worker"
        assert found["password"] == "s3cret"

    def test_socket(self) -> None:
        """A Unix socket has no address, and no password is not an empty one."""
        settings = DatabaseSettings((Host("/run/pg"),), "maasha", "maasha")
        found = keywords(settings, Host("/run/pg"), "", SessionLimits(), "maasha")
        assert "hostaddr" not in found
        assert found["password"] is None

    def test_options(self) -> None:
        """Every session starts with its limits, in milliseconds."""
        options = SessionLimits(statement=1.5, idle=0.25).options
        assert "-c statement_timeout=1500ms" in options
        assert "-c idle_in_transaction_session_timeout=3000ms" in options
        assert "-c idle_session_timeout=250ms" in options
        assert "-c timezone=UTC" in options
