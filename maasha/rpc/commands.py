"""Every command between a rack and a region: arguments, answers and errors, on one screen."""

from __future__ import annotations

from twisted.protocols import amp

from maasha.model.cluster import Introduction, Move, Ownership, Welcome
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.network import Interface
from maasha.model.orders import Act
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe
from maasha.model.sighting import Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc.arguments import Bytes, Record, Uuid
from maasha.rpc.credentials import SEALED_LENGTH
from maasha.rpc.errors import (
    BadArgument,
    Deleted,
    DhcpRefused,
    Forgotten,
    NotMoved,
    NotOwner,
    OutOfOrder,
    Redirect,
    RegistrationRefused,
    RemoteFailure,
    StaleEpoch,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Unavailable,
    WrongInstance,
    WrongSecret,
    WrongVersion,
    declared,
)
from maasha.rpc.wire import Number, Text

NONCE_LENGTH = PROOF_LENGTH = 32
"""Bytes: what SHA-256 gives and takes."""


class Call(amp.Command):
    """What every command may answer.

    `urgent` ones neither limits nor queues hold up. Work that is begun goes on to its end, whoever
    waits for it, unless the command is `cancellable`.
    """

    urgent = False
    cancellable = False
    errors = declared(BadArgument, RemoteFailure)


class Hello(Call):
    """Rack to region, first: who I am, what I speak, and a challenge."""

    arguments = [
        (b"lowest", Number()),
        (b"highest", Number()),
        (b"version", Text()),
        (b"system_id", Text()),
        (b"instance", Uuid(optional=True)),
        (b"credential", Text()),
        (b"token", Text()),
        (b"nonce", Bytes(NONCE_LENGTH)),
    ]
    response = [
        (b"protocol", Number()),
        (b"lowest", Number()),
        (b"highest", Number()),
        (b"version", Text()),
        (b"system_id", Text()),
        (b"instance", Uuid()),
        (b"nonce", Bytes(NONCE_LENGTH)),
    ]
    errors = declared(WrongVersion, WrongInstance, OutOfOrder)


class Prove(Call):
    """Rack to region, second: my proof of the secret, in return for yours."""

    arguments = [(b"proof", Bytes(PROOF_LENGTH))]
    response = [(b"proof", Bytes(PROOF_LENGTH))]
    errors = declared(WrongSecret, OutOfOrder, Unavailable)


class Register(Call):
    """Rack to region, once after the proof: take me into the instance."""

    arguments = [(b"introduction", Record(Introduction))]
    response = [(b"welcome", Record(Welcome)), (b"key", Bytes(SEALED_LENGTH, optional=True))]
    errors = declared(
        Deleted,
        Forgotten,
        TokenExpired,
        TokenUsed,
        TooManyLinks,
        Redirect,
        RegistrationRefused,
        Unavailable,
    )


class Ping(Call):
    """Both ways, from the proof on: say that you are there."""

    urgent = True


class Own(Call):
    """Region to rack: this worker acts for you from this epoch on; say what you serve."""

    arguments = [(b"epoch", Record(Stamp))]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch)


class ConfigureDHCP(Call):
    """Region to rack: run this plan; the answer comes when it runs."""

    arguments = [(b"epoch", Record(Stamp)), (b"plan", Record(DhcpPlan))]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch, DhcpRefused)


class ResumeDHCP(Call):
    """Region to rack: end these orders that people gave you on the spot; say what you serve."""

    arguments = [
        (b"epoch", Record(Stamp)),
        (b"orders", Record(tuple[int, ...])),
        (b"by", Text()),
    ]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch, DhcpRefused)


class ChangeHosts(Call):
    """Region to rack: know these fixed hosts from now on, and restart nothing for them.

    The text has a line `MAC ADDRESS NAME` for each reserved address, in ascending order; a host
    without a name has `-`. Where the running dhcpd does not take them `hosts` of the report is
    `unsure`: then a ConfigureDHCP restarts it.
    """

    arguments = [
        (b"epoch", Record(Stamp)),
        (b"generation", Record(Stamp)),
        (b"hosts", Text()),
    ]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch, DhcpRefused)


class SettleDHCP6(Call):
    """Region to rack, by its owner: say what your DHCPv6 server runs when all orders are done."""

    arguments = [(b"epoch", Record(Stamp))]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch)


class ConfigureDHCP6(Call):
    """Region to rack: run this plan of DHCPv6; the answer comes when it runs."""

    arguments = [(b"epoch", Record(Stamp)), (b"plan", Record(DhcpPlan))]
    response = [(b"report", Record(DhcpReport))]
    errors = declared(StaleEpoch, DhcpRefused)


class Retire(Call):
    """Region to rack: you were deleted, stop serving."""

    arguments = [(b"epoch", Record(Stamp))]
    errors = declared(StaleEpoch)


class Migrate(Call):
    """Region to rack: move this link to another worker, whose id is the answer.

    The answer comes when the new link stands; then the rack ends this one, as soon as no call is
    under way on it any more, see Farewell. Where no worker is named it does just that.
    """

    urgent = True
    arguments = [(b"move", Record(Move))]
    response = [(b"worker", Number(optional=True))]
    errors = declared(NotMoved)


class LookOut(Call):
    """Region to rack: watch these VLANs for other racks for a minute, and no others."""

    arguments = [(b"epoch", Record(Stamp)), (b"watches", Record(tuple[Watch, ...]))]
    errors = declared(StaleEpoch)


class ProbeNetworks(Call):
    """Region to rack: probe these VLANs for DHCP and name servers for five minutes, no others."""

    arguments = [(b"epoch", Record(Stamp)), (b"probes", Record(tuple[Probe, ...]))]
    errors = declared(StaleEpoch)


class ReportDHCP(Call):
    """Rack to region: what my dhcpd does now."""

    arguments = [(b"report", Record(DhcpReport))]
    errors = declared(NotOwner, Unavailable)


class ReportDHCP6(Call):
    """Rack to region: what my DHCPv6 server does now."""

    arguments = [(b"report", Record(DhcpReport))]
    errors = declared(NotOwner, Unavailable)


class ReportLeases(Call):
    """Rack to region: leases that changed; the answer is the highest number known of any."""

    arguments = [(b"report", Record(LeaseReport))]
    response = [(b"cursor", Number())]
    errors = declared(NotOwner, Unavailable)


class ReportInterfaces(Call):
    """Rack to region: my interfaces and their addresses now, all of them."""

    arguments = [(b"interfaces", Record(tuple[Interface, ...]))]
    errors = declared(NotOwner, Unavailable)


class ReportSightings(Call):
    """Rack to region: what I know of other racks on the VLANs that I watch."""

    arguments = [(b"sightings", Record(tuple[Sighting, ...]))]
    errors = declared(NotOwner, Unavailable)


class ReportActs(Call):
    """Rack to region: what people did on my host, the oldest first; each is written down once."""

    arguments = [(b"acts", Record(tuple[Act, ...]))]
    errors = declared(NotOwner, Unavailable)


class ReportPools(Call):
    """Rack to region: how many addresses of each VLAN my dhcpd can still hand out."""

    arguments = [(b"pools", Record(tuple[PoolCount, ...]))]
    errors = declared(NotOwner, Unavailable)


class ReportFindings(Call):
    """Rack to region: which DHCP and name servers I know of on the VLANs that I probe."""

    arguments = [(b"findings", Record(tuple[Finding, ...]))]
    errors = declared(NotOwner, Unavailable)


class Farewell(Call):
    """Rack to region: let us make no more calls on this link, it is about to end.

    The answer is how many calls of the region's are under way: none means that it agrees, and that
    it makes no more here. Else the rack asks again a little later.
    """

    urgent = True
    response = [(b"calls", Number())]


class Claim(Call):
    """Rack to region: my link to the owner is gone, take me over."""

    arguments = [(b"lost", Record(Ownership))]
    errors = declared(NotOwner, Unavailable)


HANDSHAKE: tuple[type[Call], ...] = (Hello, Prove, Register)
BOTH_WAYS: tuple[type[Call], ...] = (Ping,)
REGION_TO_RACK: tuple[type[Call], ...] = (
    Own,
    ConfigureDHCP,
    ResumeDHCP,
    ChangeHosts,
    SettleDHCP6,
    ConfigureDHCP6,
    Retire,
    Migrate,
    LookOut,
    ProbeNetworks,
)
RACK_TO_REGION: tuple[type[Call], ...] = (
    ReportDHCP,
    ReportDHCP6,
    ReportLeases,
    ReportInterfaces,
    ReportSightings,
    ReportActs,
    ReportPools,
    ReportFindings,
    Claim,
    Farewell,
)
