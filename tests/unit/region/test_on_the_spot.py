"""Whatever people order on the spot, and whatever is lost: no two racks serve a VLAN alone."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from maasha.dhcp import orders
from maasha.dhcp.orders import Impossible
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, Duty
from tests.unit.region.spot import NOON, VLAN, Rack, Spot, others

NUMBERS = st.sampled_from([1, 2, 3])
PLACES = st.sampled_from(
    [(), (1,), (2,), (1, 2), (2, 1), (1, 3), (3, 2)],
)


class OnTheSpot(RuleBasedStateMachine):
    """People at racks and at the region, links and hosts that fail, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.spot = Spot()

    def rack(self, number: int) -> Rack:
        """Give a rack."""
        return self.spot.racks[RackKey(number)]

    @rule(places=PLACES)
    def want(self, places: tuple[int, ...]) -> None:
        """Have others serve."""
        self.spot.want(*places)

    @rule()
    def ask(self) -> None:
        """Have the region send what is due."""
        self.spot.ask()

    @rule(number=NUMBERS)
    def deliver(self, number: int) -> None:
        """Have a plan arrive."""
        self.spot.deliver(self.rack(number))

    @rule(number=NUMBERS)
    def answer(self, number: int) -> None:
        """Have the region hear what became of it."""
        self.spot.hear(self.rack(number), settles=True)

    @rule(number=NUMBERS)
    def hear(self, number: int) -> None:
        """Have a rack say by itself what it runs."""
        self.spot.hear(self.rack(number), settles=False)

    @rule()
    def advance(self) -> None:
        """Let a round go well."""
        self.spot.ask()
        for rack in self.spot.racks.values():
            self.spot.deliver(rack)
            self.spot.hear(rack, settles=True)
        self.spot.settle()

    @rule()
    def calm(self) -> None:
        """Let all go well for a while."""
        for _ in range(6):
            self.advance()
            assert self.spot.rivals() == []
        for rack in self.spot.racks.values():
            if rack.waking and not rack.vouched:
                self.wake_up(rack.key)

    @rule(number=NUMBERS, everything=st.booleans())
    def stop(self, number: int, everything: bool) -> None:
        """Have a person stop a rack."""
        rack = self.rack(number)
        if not rack.dead:
            vlan = None if everything else VLAN
            with suppress(Impossible):
                self.spot.order(rack, orders.stop(rack.held.standing, vlan, NOON, None, "ann"))

    @rule(number=NUMBERS)
    def solo(self, number: int) -> None:
        """Have a person vouch, rightly, that the hosts of all that may serve are off."""
        rack = self.rack(number)
        if rack.dead or not all(other.dead for other in others(self.spot, rack)):
            return
        with suppress(Impossible):
            held = rack.held
            self.spot.order(rack, orders.solo(held.standing, held.base, VLAN, NOON, "ann"))
            for other in others(self.spot, rack):
                other.vouched = other.runs != OFF
                other.coming = None

    @rule(number=NUMBERS)
    def lose_the_others_and_solo(self, number: int) -> None:
        """Have all hosts but one fail, and its person act on that."""
        for other in others(self.spot, self.rack(number)):
            self.kill(other.key)
        self.solo(number)

    @rule(number=NUMBERS)
    def resume(self, number: int) -> None:
        """Have a person, or the clock, end all orders there."""
        rack = self.rack(number)
        if not rack.dead:
            with suppress(Impossible):
                self.spot.order(rack, orders.resume(rack.held.standing, None))

    @rule(number=NUMBERS)
    def resume_from_afar(self, number: int) -> None:
        """Have a person end them at the region."""
        self.spot.end_orders(self.rack(number))

    @rule(number=NUMBERS)
    def darken(self, number: int) -> None:
        """Cut or mend a rack's link."""
        rack = self.rack(number)
        rack.dark = not rack.dark

    @rule(number=NUMBERS)
    def cut_off_and_calm(self, number: int) -> None:
        """Leave a rack out of what goes well."""
        self.rack(number).dark = True
        self.calm()

    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        """Switch a host off; what was on its way is lost."""
        rack = self.rack(number)
        rack.dead, rack.coming = True, None

    @rule(number=NUMBERS)
    def revive(self, number: int) -> None:
        """Switch a host on: it runs what its disk says, in silence first where it has a peer."""
        rack = self.rack(number)
        if rack.dead:
            rack.dead, rack.waking, rack.synced = False, rack.synced, False
            self.spot.settle()

    @rule(number=NUMBERS)
    def wake_up(self, number: int) -> None:
        """Let the 15 s of silence end; of a rack that was vouched for a region heard before."""
        rack = self.rack(number)
        if rack.waking and not rack.dead and not rack.vouched:
            rack.waking, rack.synced = False, True

    @rule()
    def converge(self) -> None:
        """Mend everything and end every order: what is wanted is reached."""
        self.spot.recover()
        runs = {rack.key: rack.runs.duty for rack in self.spot.racks.values() if rack.runs != OFF}
        duties = (Duty.PRIMARY, Duty.SECONDARY) if len(self.spot.places) == 2 else (Duty.SOLO,)
        assert runs == dict(zip(map(RackKey, self.spot.places), duties, strict=False))
        assert not any(rack.vouched for rack in self.spot.racks.values() if rack.runs == SOLO)
        assert not self.spot.ask()

    @invariant()
    def safe(self) -> None:
        """Hold after everything that happens."""
        assert self.spot.rivals() == []


TestOnTheSpot = OnTheSpot.TestCase
TestOnTheSpot.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


A, B = RackKey(1), RackKey(2)


def round_of(spot: Spot, *present: RackKey) -> None:
    """Let things go well for a while with these racks; the others are out of reach."""
    for rack in spot.racks.values():
        rack.dark = rack.key not in present
    for _ in range(8):
        spot.ask()
        for rack in spot.racks.values():
            spot.deliver(rack)
            spot.hear(rack, settles=True)
        spot.settle()
        assert spot.rivals() == []


def a_pair() -> Spot:
    """Give a VLAN whose pair is normal: rack 1 is the primary."""
    spot = Spot()
    spot.want(1, 2)
    round_of(spot, A, B)
    assert duties(spot) == [Duty.PRIMARY, Duty.SECONDARY]
    return spot


def duties(spot: Spot) -> list[Duty]:
    """Give what racks 1 and 2 run."""
    return [spot.racks[key].runs.duty for key in (A, B)]


def stop(spot: Spot, key: RackKey) -> None:
    """Have a person stop a rack."""
    rack = spot.racks[key]
    spot.order(rack, orders.stop(rack.held.standing, VLAN, NOON, None, "ann"))


def solo(spot: Spot, key: RackKey) -> None:
    """Have a person vouch that the others are off."""
    rack = spot.racks[key]
    spot.order(rack, orders.solo(rack.held.standing, rack.held.base, VLAN, NOON, "ann"))


def resume(spot: Spot, key: RackKey) -> None:
    """Have a person end all orders there."""
    rack = spot.racks[key]
    spot.order(rack, orders.resume(rack.held.standing, None))


def test_a_stop_in_the_dark_is_taken_back_there() -> None:
    """The pair goes on under its name."""
    spot = a_pair()
    spot.racks[A].dark = True
    stop(spot, A)
    assert duties(spot) == [Duty.OFF, Duty.SECONDARY]
    resume(spot, A)
    assert duties(spot) == [Duty.PRIMARY, Duty.SECONDARY]
    assert spot.racks[A].synced


def test_a_stop_that_a_region_knows_of_lets_the_peer_serve_alone() -> None:
    """What is resumed in the dark then waits for a region, and the pair has a new name."""
    spot = a_pair()
    stop(spot, A)
    round_of(spot, A, B)
    assert duties(spot) == [Duty.OFF, Duty.SOLO]
    assert not spot.ask()
    round_of(spot, B)
    resume(spot, A)
    assert duties(spot) == [Duty.OFF, Duty.SOLO]
    name = next(iter(spot.racks[A].known))
    round_of(spot, A, B)
    assert duties(spot) == [Duty.PRIMARY, Duty.SECONDARY]
    assert spot.racks[A].runs.peer_name != name


def test_a_region_does_not_put_a_pair_back_that_a_person_took_apart() -> None:
    """Who serves alone does until a person ends it; who comes back is stopped meanwhile."""
    spot = a_pair()
    spot.racks[B].dead = True
    round_of(spot, A)
    solo(spot, A)
    spot.racks[B].vouched = True
    round_of(spot, A)
    assert duties(spot) == [Duty.SOLO, Duty.SECONDARY]
    spot.racks[B].dead, spot.racks[B].waking, spot.racks[B].synced = False, True, False
    round_of(spot, A, B)
    assert duties(spot) == [Duty.SOLO, Duty.OFF]
    assert not spot.ask()
    spot.end_orders(spot.racks[A])
    round_of(spot, A, B)
    assert duties(spot) == [Duty.PRIMARY, Duty.SECONDARY]


def test_who_was_vouched_for_is_stopped_also_after_the_order_has_ended() -> None:
    """Its leases are old, though it is the one that is wanted."""
    spot = a_pair()
    spot.racks[B].dead = True
    round_of(spot, A)
    solo(spot, A)
    round_of(spot, A)
    resume(spot, A)
    round_of(spot, A)
    spot.want(2)
    spot.racks[B].dead = False
    seen = []
    for rack in spot.racks.values():
        rack.dark = False
    while duties(spot) != [Duty.OFF, Duty.SOLO]:
        spot.ask()
        for rack in spot.racks.values():
            spot.deliver(rack)
            spot.hear(rack, settles=True)
        spot.settle()
        seen.append(duties(spot))
    assert seen[0] == [Duty.SOLO, Duty.OFF]
    assert [Duty.PRIMARY, Duty.SECONDARY] in seen


def test_what_was_on_its_way_when_a_person_acted_is_not_carried_out() -> None:
    """A plan that was made without knowing of the act would undo it."""
    spot = a_pair()
    spot.want(1)
    spot.ask()
    assert spot.racks[B].coming is not None
    spot.deliver(spot.racks[B])
    spot.hear(spot.racks[B], settles=True)
    spot.ask()
    assert spot.racks[A].coming is not None
    stop(spot, A)
    resume(spot, A)
    spot.deliver(spot.racks[A])
    assert duties(spot) == [Duty.PRIMARY, Duty.OFF]
    round_of(spot, A, B)
    assert duties(spot) == [Duty.SOLO, Duty.OFF]


def test_of_two_that_were_ordered_to_serve_alone_the_newer_one_does_at_first() -> None:
    """The older order does not count against a plan that knows of it: it hands over with leases."""
    spot = a_pair()
    spot.racks[B].dead = True
    round_of(spot, A)
    solo(spot, A)
    round_of(spot, A)
    spot.racks[A].dead, spot.racks[B].dead = True, False
    solo(spot, B)
    spot.racks[A].vouched = True
    round_of(spot, B)
    spot.racks[A].dead = False
    spot.racks[A].dark = False
    seen = []
    for _ in range(12):
        spot.ask()
        for rack in spot.racks.values():
            spot.deliver(rack)
            spot.hear(rack, settles=True)
            assert spot.rivals() == []
        spot.settle()
        seen.append(duties(spot))
    assert seen[0] == [Duty.OFF, Duty.SOLO]
    assert seen[-1] == [Duty.SOLO, Duty.OFF]
    assert not spot.ask()
