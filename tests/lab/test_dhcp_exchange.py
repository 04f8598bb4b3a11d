"""The client's half of RFC 2131, with a server played by the test and time on a clock."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import count

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from lab.dhcp_exchange import Client, Segment
from lab.dhcp_wire import NOWHERE, Kind, Message, Option, encode, mac, parse
from lab.frames import BROADCAST, Datagram, encode_datagram, parse_datagram
from lab.lease import Errand, Lease, NoLease, Patience, Wish
from tests.lab.test_frames import arp_request

CHADDR = mac(0x020000000001)
SERVER, SERVER_MAC = IPv4Address("10.0.0.1"), mac(0x0200000000AA)
OTHER, OTHER_MAC = IPv4Address("10.0.0.2"), mac(0x0200000000BB)
IP = IPv4Address("10.0.0.50")
PATIENCE = Patience(total=10.0, resend=1.0, requests=2)


@attrs.define(eq=False)
class Stage:
    """A client's side of the wire, and what came over it."""

    clock: Clock = attrs.field(factory=Clock)
    frames: list[bytes] = attrs.field(factory=list)
    xids: Iterator[int] = attrs.field(factory=count)
    segment: Segment = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Connect the segment; its wall clock is the test's clock too."""
        seconds = self.clock.seconds
        self.segment = Segment(self.frames.append, self.clock, seconds, seconds)

    def run(self, errand: Errand) -> Deferred[Lease | None]:
        """Let a client start."""
        return Deferred.fromCoroutine(Client(self.segment, errand, self.xids).run())

    @property
    def datagrams(self) -> list[Datagram]:
        """Everything sent so far."""
        return [found for frame in self.frames if (found := parse_datagram(frame)) is not None]

    @property
    def sent(self) -> list[Message]:
        """Every DHCP message sent so far."""
        return [found for each in self.datagrams if (found := parse(each.payload)) is not None]

    def reply(self, kind: Kind, server: IPv4Address = SERVER, seconds: int = 600) -> None:
        """Answer the last message, as server `server`, with 10.0.0.50."""
        station = SERVER_MAC if server == SERVER else OTHER_MAC
        options = (
            (int(Option.SERVER_ID), server.packed),
            (int(Option.LEASE_TIME), seconds.to_bytes(4, "big")),
        )
        last = self.sent[-1]
        message = Message(kind, last.xid, last.chaddr, yiaddr=IP, options=options)
        datagram = Datagram(station, CHADDR, server, IP, 67, 68, encode(message))
        self.segment.received(encode_datagram(datagram))


def acquire(secs: int | None = None) -> Errand:
    """Make the errand of a client that wants any address."""
    return Errand(Wish.ACQUIRE, CHADDR, PATIENCE, secs)


def failure(running: Deferred[Lease | None]) -> NoLease:
    """Return how an errand failed."""
    caught: list[Failure] = []
    running.addErrback(caught.append)
    error = caught[0].value
    assert isinstance(error, NoLease)
    return error


def leased(stage: Stage) -> Lease:
    """Let a client get 10.0.0.50, and forget what was sent."""
    running = stage.run(acquire())
    stage.reply(Kind.OFFER)
    stage.reply(Kind.ACK)
    stage.frames.clear()
    lease = running.result
    assert isinstance(lease, Lease)
    return lease


def kinds(stage: Stage) -> list[Kind]:
    """Return what the client has sent."""
    return [message.kind for message in stage.sent]


def test_a_client_discovers_requests_and_has_a_lease() -> None:
    """The lease says what, from whom, for how long and how fast."""
    stage = Stage()
    running = stage.run(acquire())
    stage.clock.advance(0.25)
    stage.reply(Kind.OFFER)
    stage.clock.advance(0.25)
    stage.reply(Kind.ACK)
    lease = running.result
    assert isinstance(lease, Lease)
    assert (lease.ip, lease.chaddr, lease.seconds) == (IP, CHADDR, 600)
    assert (lease.server, lease.server_mac) == (SERVER, SERVER_MAC)
    assert (lease.latency, lease.renewal) == (0.5, 300.0)
    assert kinds(stage) == [Kind.DISCOVER, Kind.REQUEST]


def test_the_request_names_server_and_address() -> None:
    """RFC 2131 table 4: SELECTING has both options and no ciaddr."""
    stage = Stage()
    stage.run(acquire())
    stage.reply(Kind.OFFER)
    request = stage.sent[-1]
    assert (request.server_id, request.requested, request.ciaddr) == (SERVER, IP, NOWHERE)


def test_the_first_offer_wins() -> None:
    """A second server's OFFER changes nothing, before or after the REQUEST."""
    stage = Stage()
    running = stage.run(acquire())
    stage.reply(Kind.OFFER, OTHER)
    stage.reply(Kind.OFFER, SERVER)
    stage.reply(Kind.ACK, OTHER)
    assert isinstance(running.result, Lease)
    assert running.result.server == OTHER


def test_a_silent_network_hears_discovers_until_patience_ends() -> None:
    """One per second with `secs` rising as told by RFC 2131, ten in all, then an error."""
    stage = Stage()
    running = stage.run(acquire())
    stage.clock.pump([0.5] * 21)
    error = failure(running)
    assert [message.secs for message in stage.sent] == list(range(10))
    assert (error.refused, error.waited) == (False, 10.0)


def test_secs_can_be_fixed() -> None:
    """A client may claim to have waited 7 s, always."""
    stage = Stage()
    stage.run(acquire(secs=7))
    stage.clock.pump([1.0] * 3)
    assert {message.secs for message in stage.sent} == {7}


def test_a_client_whose_request_is_ignored_starts_over() -> None:
    """Two REQUESTs, then DISCOVER again with a new transaction."""
    stage = Stage()
    stage.run(acquire())
    stage.reply(Kind.OFFER)
    stage.clock.pump([0.5] * 4)
    assert kinds(stage) == [Kind.DISCOVER, Kind.REQUEST, Kind.REQUEST, Kind.DISCOVER]
    assert stage.sent[0].xid != stage.sent[-1].xid


def test_a_refused_client_starts_over() -> None:
    """A NAK in the middle sends it back to DISCOVER."""
    stage = Stage()
    running = stage.run(acquire())
    stage.reply(Kind.OFFER)
    stage.reply(Kind.NAK)
    assert kinds(stage)[-1] is Kind.DISCOVER
    stage.reply(Kind.OFFER)
    stage.reply(Kind.ACK)
    assert isinstance(running.result, Lease)


def test_a_renewal_goes_to_the_server_alone() -> None:
    """RENEWING: unicast, ciaddr set, neither server nor requested address as option."""
    stage = Stage()
    lease = leased(stage)
    running = stage.run(Errand(Wish.RENEW, CHADDR, PATIENCE, lease=lease))
    (datagram,), (request,) = stage.datagrams, stage.sent
    assert (datagram.target, datagram.target_mac, datagram.source) == (SERVER, SERVER_MAC, IP)
    assert (request.ciaddr, request.requested, request.server_id) == (IP, None, None)
    stage.reply(Kind.ACK, seconds=900)
    assert isinstance(running.result, Lease)
    assert running.result.seconds == 900


def test_a_rebinding_goes_to_everybody() -> None:
    """REBINDING: broadcast, and any server's ACK will do."""
    stage = Stage()
    lease = leased(stage)
    running = stage.run(Errand(Wish.REBIND, CHADDR, PATIENCE, lease=lease))
    assert stage.datagrams[0].target_mac == BROADCAST
    assert stage.sent[0].ciaddr == IP
    stage.reply(Kind.ACK, OTHER)
    assert isinstance(running.result, Lease)
    assert running.result.server == OTHER


def test_a_reboot_asks_for_the_old_address() -> None:
    """INIT-REBOOT: broadcast, requested address, no ciaddr; a NAK is final."""
    stage = Stage()
    lease = leased(stage)
    running = stage.run(Errand(Wish.REBOOT, CHADDR, PATIENCE, lease=lease))
    assert (stage.sent[0].ciaddr, stage.sent[0].requested) == (NOWHERE, IP)
    stage.reply(Kind.NAK)
    assert failure(running).refused


def test_a_release_is_said_once_and_not_answered() -> None:
    """It goes to the granting server, and the address is answered for no more."""
    stage = Stage()
    lease = leased(stage)
    running = stage.run(Errand(Wish.RELEASE, CHADDR, lease=lease))
    assert running.result is None
    assert (stage.sent[0].kind, stage.datagrams[0].target) == (Kind.RELEASE, SERVER)
    stage.frames.clear()
    stage.segment.received(arp_request(IP))
    assert stage.frames == []


def test_a_held_address_answers_until_its_lease_ends() -> None:
    """As a kernel would, so that a server's ping finds it."""
    stage = Stage()
    leased(stage)
    stage.clock.advance(599)
    stage.segment.received(arp_request(IP))
    assert len(stage.frames) == 1
    stage.clock.advance(1)
    stage.segment.received(arp_request(IP))
    assert len(stage.frames) == 1


def test_a_client_that_left_answers_no_more() -> None:
    """And says nothing when it goes."""
    stage = Stage()
    leased(stage)
    stage.run(Errand(Wish.LEAVE, CHADDR))
    stage.segment.received(arp_request(IP))
    assert stage.frames == []


def test_clients_do_not_take_each_others_replies() -> None:
    """Two clients with the same transaction number keep apart."""
    stage = Stage(xids=iter([5] * 4))
    one = stage.run(acquire())
    other = stage.run(Errand(Wish.ACQUIRE, mac(0x020000000002), PATIENCE))
    stage.reply(Kind.OFFER)
    stage.reply(Kind.ACK)
    assert isinstance(other.result, Lease)
    assert not one.called


@pytest.mark.parametrize("options", [(), ((93, b"\0\0"), (60, b"PXEClient"))])
def test_errands_and_leases_survive_json(options: tuple[tuple[int, bytes], ...]) -> None:
    """What the caller asks is what the agent reads, and back."""
    lease = leased(Stage())
    errand = Errand(Wish.RENEW, CHADDR, PATIENCE, 3, lease, options)
    assert Errand.from_json(json.loads(errand.to_line(1))["errand"]) == errand
    assert Lease.from_json(json.loads(json.dumps(lease.to_json()))) == lease
