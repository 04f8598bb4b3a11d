"""A VLAN's racks in miniature, with people who order them on the spot and a region that may know.

Each rack has what is on its disk (plan and orders) and runs what these make; the region has rows.
What is on its way between them may be late or lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address

from attrs import define, evolve, field

from maasha.dhcp import orders
from maasha.dhcp.facts import Member, Wanted
from maasha.dhcp.held import Held
from maasha.dhcp.rollout import Step, step
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, DhcpPlan, Duty, PeerState, Role, VlanRole
from maasha.model.network import VlanId
from maasha.model.orders import Order, OrderKind, Standing, order_on
from maasha.model.service import MemberSituation, VlanSituation
from maasha.model.stamp import NEVER
from maasha.region.wish import wish

VLAN = VlanId(7)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def plan_of(role: Role, acts: int) -> DhcpPlan:
    """Give a plan for the one VLAN; the text does not matter here."""
    if role == OFF:
        return DhcpPlan(NEVER, "", (), (), acts)
    return DhcpPlan(NEVER, "text", ("eth0",), (VlanRole(VLAN, role, "eth0"),), acts)


@define(eq=False)
class Rack:
    """One rack: what is on its disk, and the region's row of it."""

    key: RackKey
    held: Held = field(factory=Held)
    coming: DhcpPlan | None = None
    """A plan on its way."""
    asked: Role = OFF
    told: Role = OFF
    acts: int = 0
    orders: tuple[Order, ...] = ()
    resume_upto: int = 0
    vouched_off: bool = False
    synced: bool = False
    """As a failover peer it has been normal, so it answers from then on."""
    known: set[str] = field(factory=set)
    """The pairs in which it has been normal."""
    waking: bool = False
    """Its dhcpd starts without a peer and is silent for 15 s."""
    dark: bool = False
    dead: bool = False
    vouched: bool = False
    """A person vouched that its host is off: until it was stopped, what it does is his affair."""

    @property
    def runs(self) -> Role:
        """What its dhcpd runs."""
        roles = self.held.plan.roles
        return roles[0].role if roles else OFF

    @property
    def deaf(self) -> bool:
        """Whether no region can reach it."""
        return self.dark or self.dead

    @property
    def serves(self) -> bool:
        """Whether it answers clients."""
        return not self.dead and (self.runs == SOLO or (self.runs != OFF and self.synced))

    def hold(self, held: Held) -> None:
        """Run this from now on; only a peer that was normal before comes to serve by itself."""
        before = self.runs
        self.held = held
        if self.runs != before:
            self.synced, self.waking = False, self.runs.peer_name in self.known
        if self.runs == OFF:
            self.vouched = False


class Spot:
    """Three racks and a VLAN of two of them."""

    def __init__(self) -> None:
        self.racks = {RackKey(n): Rack(RackKey(n)) for n in (1, 2, 3)}
        self.places: tuple[int, ...] = ()
        self.on = False
        self.pairing = 1

    # people at the region

    def want(self, *places: int) -> None:
        """Have these racks serve, the primary first; none: nobody."""
        self.places, self.on = places, bool(places)
        self.pairing += 1

    def end_orders(self, rack: Rack) -> None:
        """Have a rack end all that the region knows of."""
        rack.resume_upto = rack.acts

    # the region

    def wanted(self) -> Wanted:
        """Give who is to serve now."""
        return wish(self._situation())

    def step(self) -> Step:
        """Decide what each rack is to run next."""
        return step(VLAN, self.wanted(), [self._member(rack) for rack in self.racks.values()])

    def ask(self) -> bool:
        """Have each owner send what is due; say whether anything was."""
        sent = False
        for key, role in self.step().roles:
            rack = self.racks[key]
            over = [order.number for order in rack.orders if order.number <= rack.resume_upto]
            if over and not rack.deaf:
                self.end_there(rack, set(over))
                sent = True
            elif self._shown(rack, role) != rack.told or rack.asked != role:
                rack.asked = role
                rack.coming = plan_of(role, rack.acts)
                sent = True
        return sent

    def end_there(self, rack: Rack, numbers: set[int]) -> None:
        """Have a rack end orders, and hear of it."""
        rack.hold(evolve(rack.held, standing=orders.end(rack.held.standing, numbers)))
        self.hear(rack, settles=True)

    # what goes to and fro

    def deliver(self, rack: Rack) -> None:
        """Have a rack get the plan that is on its way; it answers later."""
        if rack.deaf or rack.coming is None:
            return
        plan, rack.coming = rack.coming, None
        if not orders.outdated(plan, rack.held.standing):
            rack.hold(Held(plan, orders.planned(rack.held.standing)))
            self.settle()

    def hear(self, rack: Rack, *, settles: bool) -> None:
        """Have the region hear what a rack runs: in answer, or by itself."""
        if rack.deaf or (settles and rack.coming is not None):
            return
        rack.held = evolve(rack.held, standing=orders.told(rack.held.standing))
        now, standing = rack.runs, rack.held.standing
        if standing.number != rack.acts and rack.told.paired and now.duty in (Duty.OFF, Duty.SOLO):
            self.pairing += 1
        new = [order for order in orders.active(standing) if order.number > rack.acts]
        by_order = standing.number != rack.acts and rack.told != SOLO
        if now == SOLO and (by_order or any(each.kind is OrderKind.SOLO for each in new)):
            for each in self.racks.values():
                each.vouched_off = each is not rack
        rack.vouched_off = rack.vouched_off and now != OFF
        settles = settles or standing.number > rack.acts
        rack.told, rack.acts, rack.orders = now, standing.number, orders.active(standing)
        if settles:
            rack.asked = now

    # people on the spot

    def order(self, rack: Rack, standing: Standing) -> None:
        """Carry out what a person orders."""
        rack.hold(evolve(rack.held, standing=standing))
        self.settle()

    # dhcpd

    def settle(self) -> None:
        """Let peers that see each other become normal."""
        for one in self.racks.values():
            for other in self.racks.values():
                pair = (one.runs.duty, other.runs.duty) == (Duty.PRIMARY, Duty.SECONDARY)
                up = not one.dead and not other.dead
                if pair and up and one.runs.peer_name == other.runs.peer_name:
                    one.synced = other.synced = True
                    one.waking = other.waking = False
                    one.known.add(one.runs.peer_name)
                    other.known.add(one.runs.peer_name)

    def rivals(self) -> list[tuple[RackKey, RackKey]]:
        """Name racks of which one serves alone while the other one serves too."""
        up = [rack for rack in self.racks.values() if rack.serves and not rack.vouched]
        return [
            (one.key, other.key)
            for one in up
            for other in up
            if one is not other and one.runs == SOLO
        ]

    def recover(self) -> None:
        """Bring everything back, end every order, and go on until nothing is left to do."""
        for rack in self.racks.values():
            rack.dark = rack.dead = rack.waking = False
        for _ in range(60):
            for rack in self.racks.values():
                self.deliver(rack)
                self.hear(rack, settles=True)
                self.end_orders(rack)
            self.settle()
            if not self.ask() and self.step().complete:
                return
        raise AssertionError(f"no end: {self.step()}")

    def _situation(self) -> VlanSituation:
        primary, secondary = (*map(RackKey, self.places), None, None)[:2]
        members = tuple(
            MemberSituation(
                rack.key,
                f"r{rack.key}",
                asked=rack.asked,
                running=rack.told,
                vouched_off=rack.vouched_off,
                ordered=order_on(rack.orders, VLAN),
            )
            for rack in self.racks.values()
        )
        return VlanSituation(
            VLAN, 600, 1500, self.pairing, self.on, primary, secondary, (), members
        )

    def _member(self, rack: Rack) -> Member:
        state = PeerState.UNKNOWN
        if not rack.deaf and rack.told == rack.runs and rack.runs.paired:
            state = self._state(rack)
        address = IPv4Address(f"10.0.0.{rack.key}")
        return Member(rack.key, address, rack.asked, rack.told, state, hostname=f"r{rack.key}")

    def _state(self, rack: Rack) -> PeerState:
        if rack.waking:
            return PeerState.STARTUP
        if not rack.synced:
            return PeerState.RECOVER
        mates = (
            other
            for other in self.racks.values()
            if other is not rack and other.runs.peer_name == rack.runs.peer_name and not other.dead
        )
        together = any(mate.synced for mate in mates)
        return PeerState.NORMAL if together else PeerState.COMMUNICATIONS_INTERRUPTED

    def _shown(self, rack: Rack, role: Role) -> Role:
        """Give what the rack would run of a plan, as far as the region knows its orders."""
        roles = Held(plan_of(role, rack.acts), Standing(rack.acts, 0, rack.orders)).plan.roles
        return roles[0].role if roles else OFF


def others(spot: Spot, rack: Rack) -> Iterator[Rack]:
    """Give the other racks."""
    return (other for other in spot.racks.values() if other is not rack)
