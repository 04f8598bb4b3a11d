"""What people on a rack's host read about its DHCP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network

from attrs import evolve

from maasha.dhcp.held import Held
from maasha.dhcp.joining import ranges
from maasha.dhcp.orders import resume, solo, stop, told
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO, DhcpReport, PeerState, VlanService
from maasha.model.lease import BindingState, Lease
from maasha.model.network import VlanId
from maasha.model.orders import OrderKind, Standing
from maasha.rack.dhcp_words import STATES, Live, Status, described, outcome, shown
from maasha.rack.lease_list import Choice, chosen
from maasha.rack.lease_list import shown as shown_leases
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, span, subnet, vlan

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OTHER = vlan(
    subnet(span("10.1.0.50", "10.1.0.99"), cidr="10.1.0.0/24"),
    number=2,
    own="10.1.0.1",
    interface="eth1",
)
PLAN = render(rack(PLAIN, OTHER), {PLAIN.vlan: PRIMARY, OTHER.vlan: SOLO}).plan
FRESH = Held(PLAN)


def stopped(held: Held) -> Held:
    """Stop everything."""
    return evolve(held, standing=stop(held.standing, None, NOON, None, "root (uid 0)"))


def test_the_status_says_what_runs_and_what_it_means() -> None:
    """By VLAN, with the regions, the orders and what is wrong."""
    service = VlanService(PLAIN.vlan, PRIMARY, PeerState.COMMUNICATIONS_INTERRUPTED)
    live = Live(DhcpReport(True, services=(service,)), ("region abc, worker 3",), "", 2)
    standing = stop(Standing(), OTHER.vlan, NOON, NOON + timedelta(hours=1), "root (uid 0)")
    text = shown(Status(PLAN, "ab" * 32, standing, 812, NOON, live, ("the disk is full",)))
    assert "dhcpd 812 runs since" in text
    assert "generation 1.7, digest abababababab" in text
    assert STATES[PeerState.COMMUNICATIONS_INTERRUPTED] in text
    assert "serves alone" in text
    assert "ordered here: stop VLAN 2, since" in text
    assert "none acts for this rack yet; 2 acts are still to be told" in text
    assert text.endswith("problem: the disk is full")
    acting = evolve(live, owner="region abc, worker 3")
    assert "worker 3 acts for" in shown(Status(PLAN, "", Standing(), 812, None, acting))
    alone = evolve(live, links=())
    assert "no region is reached" in shown(Status(PLAN, "", Standing(), 812, None, alone))


def test_without_rackd_the_files_say_it() -> None:
    """What is not known is not made up."""
    text = shown(Status(PLAN, "", Standing()))
    assert "dhcpd does not run; the plan is generation 1.7" in text
    assert "dhcpd has not said" in text
    assert "rackd does not run" in text
    assert "nothing is to be served" in shown(Status(EMPTY, "", Standing()))


def test_a_relayed_vlan_is_named_with_the_one_that_it_is_served_with() -> None:
    """Whoever orders the one orders the other too."""
    entries = PLAN.roles
    through = tuple(
        evolve(each, relayed=(VlanId(8),)) if each.vlan == PLAIN.vlan else each for each in entries
    )
    held = Held(evolve(PLAN, roles=through))
    told = outcome(OrderKind.STOP, PLAIN.vlan, held, stopped(held))
    assert told.startswith(f"VLAN {PLAIN.vlan} and 8, relayed to it: not served here")


def test_every_state_is_explained() -> None:
    """Of dhcpd's failover protocol."""
    assert set(STATES) == set(PeerState)


def test_an_order_is_described_with_its_end() -> None:
    """By a person, by the clock, or by a region that knows of it."""
    (order,) = stop(Standing(), None, NOON, None, "").orders
    assert "by nobody known; until `maasha-rack dhcp resume`" in described(order)
    assert "until 20" in described(evolve(order, until=NOON))
    assert "ended, in effect until a region" in described(evolve(order, ended=True))


def test_an_order_is_answered_with_who_serves_then() -> None:
    """Nobody, the peer, or this rack."""
    after = stopped(FRESH)
    words = outcome(OrderKind.STOP, None, FRESH, after).splitlines()
    assert words[0] == "VLAN 2: not served here; NOBODY serves it now"
    assert words[1].startswith("VLAN 5001: not served here; its failover peer 10.0.0.2 serves")
    lone = evolve(FRESH, standing=solo(Standing(), PLAN, PLAIN.vlan, NOON, "ann"))
    assert outcome(OrderKind.SOLO, PLAIN.vlan, FRESH, lone) == (
        "VLAN 5001: served here alone, all its addresses"
    )
    ended = evolve(lone, standing=resume(lone.standing, None))
    assert "until a region forms the pair again" in outcome(None, PLAIN.vlan, lone, ended)
    again = evolve(after, standing=resume(after.standing, None))
    assert outcome(None, PLAIN.vlan, after, again) == "VLAN 5001: served here again as primary"
    known = evolve(after, standing=resume(told(after.standing), None))
    assert "served here again when a region says so" in outcome(None, PLAIN.vlan, after, known)
    assert outcome(None, PLAIN.vlan, FRESH, FRESH) == "VLAN 5001: served here as primary"
    assert outcome(OrderKind.STOP, None, Held(), Held()) == "no VLAN is concerned now"


LEASE = Lease(
    ip=IPv4Address("10.0.0.60"),
    state=BindingState.ACTIVE,
    mac="02:00:00:00:00:01",
    starts=NOON,
    ends=NOON + timedelta(minutes=10),
    last_transaction=NOON,
    hostname="laptop",
)


def test_leases_are_chosen_by_what_they_are() -> None:
    """The newest word on each address; what is over is so by its end."""
    older = evolve(LEASE, state=BindingState.FREE)
    elsewhere = evolve(LEASE, ip=IPv4Address("10.9.0.1"), mac="02:00:00:00:00:02", ends=None)
    held = ranges(PLAN.config)
    leases = (older, LEASE, elsewhere)

    def seen(choice: Choice, now: datetime = NOON) -> list[tuple[str, str]]:
        return [(str(each.lease.ip), each.state) for each in chosen(leases, held, choice, now)]

    both = [("10.0.0.60", "active"), ("10.9.0.1", "active")]
    assert seen(Choice()) == both
    assert seen(Choice(vlan=PLAIN.vlan)) == both[:1]
    assert seen(Choice(mac="02:00:00:00:00:02")) == both[1:]
    assert seen(Choice(addresses=IPv4Network("10.9.0.0/16"))) == both[1:]
    late = NOON + timedelta(hours=1)
    assert seen(Choice(), late) == both[1:]
    assert seen(Choice(everything=True), late)[0] == ("10.0.0.60", "expired")
    text = shown_leases(chosen(leases, held, Choice(), NOON))
    assert "10.0.0.60  02:00:00:00:00:01  laptop" in text
    assert "never" in text
