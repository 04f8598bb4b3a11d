"""The secure channel of a link: TLS 1.3 between strangers, with a binding that the proof takes in.

Nobody verifies a certificate and nobody runs a PKI: the region's is made anew by each process and
says nothing. Who is on the other side is told by the proof of the secret alone, and the channel
binding in it (RFC 9266, `tls-exporter`) makes both proofs fail where somebody in the middle opens
the channel. A side that meets plain TCP says so and ends the connection; it never falls back.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Protocol, cast

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from maasha.rpc.errors import ChannelMismatch, RpcError
from maasha.rpc.pace import Pace
from maasha.rpc.wire import Secured, Securing

STRANGER_RAW_BYTES = 16 * 1024
"""Bytes on the wire before the proof: OpenSSL's handshake needs 1.5 KiB of them (measured), with
what a client in another language may add, and the records around `STRANGER_BYTES`."""
RECORDS = range(20, 24)
"""What a TLS record begins with (RFC 8446, 5.1). An AMP box begins with 0: no key is that long."""
ALERT = bytes((21, 3, 3, 0, 2, 2, 70))
"""A fatal protocol_version (RFC 8446, 6): what a side with TLS answers to plain TCP."""
PLAIN_WORD = b"\0\0"
"""An empty box: what a side without TLS answers to it."""
TLS, PLAIN_TCP = "TLS", "plain TCP"


class Tenant(Protocol):
    """The protocol above the channel."""

    trusted: bool

    def abort(self, reason: str) -> None:
        """End the connection at once."""

    def give_up(self, error: RpcError) -> None:
        """Take this as the reason for the end."""


def tls_below(transport: object) -> TLSMemoryBIOProtocol | None:
    """Give the TLS layer that a protocol's transport is, None for plain TCP."""
    return transport if isinstance(transport, TLSMemoryBIOProtocol) else None


def tcp_below(transport: ITransport) -> object:
    """Give the TCP transport that a protocol's own is, or that is below its TLS layer."""
    layer = tls_below(transport)
    return transport if layer is None else layer.transport


def self_made() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make a key on P-256 and a certificate that nobody will look at; neither goes to the disk."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "maasha")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        # no clock is trusted, so none is asked (RFC 5280, 4.1.2.5 has the last date)
        .not_valid_before(datetime(2000, 1, 1))  # noqa: DTZ001  cryptography means UTC
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59))  # noqa: DTZ001
    )
    return builder.sign(key, SHA256()), key


@implementer(IOpenSSLServerConnectionCreator, IOpenSSLClientConnectionCreator)
class Connections:
    """Makes the OpenSSL connections of one process: TLS 1.3 and nothing older.

    Tickets are off, for links last and a resumed one would save nothing but cost 350 bytes.
    """

    def __init__(self) -> None:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # idle links keep no buffers
        context.set_verify(SSL.VERIFY_NONE)  # the proof takes in the channel's binding instead
        self._context = context

    def offer(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Become a server's."""
        self._context.use_certificate(certificate)
        self._context.use_privatekey(key)

    def serverConnectionForTLS(self, _: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Give a fresh connection; Twisted sets its role."""
        return SSL.Connection(self._context, None)

    clientConnectionForTLS = serverConnectionForTLS


class Guarded(Secured):
    """TLS over one connection; before the proof it bounds what it reads and knows plain TCP.

    What a stranger sends to a listening side is decrypted at that side's pace.
    """

    factory: SecureFactory
    wrappedProtocol: IProtocol
    _raw = 0

    def __init__(self, factory: SecureFactory, wrapped: IProtocol) -> None:
        super().__init__(factory, wrapped)
        self._waiting: list[bytes] = []

    @property
    def _tenant(self) -> Tenant:
        return cast(Tenant, self.wrappedProtocol)

    def dataReceived(self, bytes: bytes) -> None:
        """Decrypt; a stranger is looked at first."""
        tenant: Any = self.wrappedProtocol
        if tenant.trusted and not self._waiting:
            Secured.dataReceived(self, bytes)  # super() takes as long as three calls
        elif self._fits(bytes):
            if self._waiting:
                self._waiting.append(bytes)
            else:
                self._decrypt_later(bytes)

    def _decrypt_later(self, data: bytes) -> None:
        self._waiting.append(data)
        if self.factory.pace is None:
            self._decrypt()
        else:
            self.factory.pace.add(self._decrypt)

    def _decrypt(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        if self.connected:
            super().dataReceived(data)

    def _fits(self, data: bytes) -> bool:
        first, self._raw = not self._raw, self._raw + len(data)
        if first and data[0] not in RECORDS:
            self._refuse(data)
        elif self._raw > STRANGER_RAW_BYTES:
            self._tenant.abort(
                f"garbage: more than {STRANGER_RAW_BYTES} raw bytes before the proof"
            )
        else:
            return True
        return False

    def _refuse(self, data: bytes) -> None:
        if data[0]:
            self._tenant.abort("garbage: neither TLS nor AMP")
        else:
            self._tenant.give_up(ChannelMismatch(TLS, PLAIN_TCP))
            below = cast(ITransport, self.transport)  # there is one, for it hears
            below.write(ALERT)
            below.loseConnection()


class SecureFactory(Securing):
    """Puts TLS below every protocol of a factory; one that it does not want costs no TLS.

    `pace` is that of a listening side.
    """

    protocol = Guarded

    def __init__(
        self,
        connections: Connections,
        factory: IProtocolFactory,
        clock: IReactorTime,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(connections, pace is None, factory, clock)
        self.pace = pace

    def buildProtocol(  # type: ignore[override]  # IProtocolFactory's, which may give None
        self, addr: IAddress
    ) -> Guarded | None:
        """Ask the factory first."""
        built = self.wrappedFactory.buildProtocol(addr)
        return None if built is None else self.protocol(self, built)


def secure(
    factory: IProtocolFactory, clock: IReactorTime, pace: Pace | None = None
) -> IProtocolFactory:
    """Give the factory of a listening side: the same over TLS, with a certificate of its own.

    What strangers send is decrypted at `pace`, which may be that at which they are accepted.
    """
    connections = Connections()
    connections.offer(*self_made())
    return SecureFactory(connections, factory, clock, pace or Pace(clock))


@cache
def _dialled() -> Connections:
    """Give the connections of this process as a client; a context costs more than a handshake."""
    return Connections()


@implementer(IStreamClientEndpoint)
@frozen
class SecureEndpoint:
    """Connects over TLS where `endpoint` leads; the handshake follows the connection."""

    endpoint: IStreamClientEndpoint
    clock: IReactorTime

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Give the protocol above TLS; fails as `endpoint` does."""
        below = SecureFactory(_dialled(), protocolFactory, self.clock)
        connecting = self.endpoint.connect(below)
        return connecting.addCallback(lambda layer: cast(Guarded, layer).wrappedProtocol)
