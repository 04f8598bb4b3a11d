"""A VLAN's racks in miniature: what each truly runs, and what the region believes of it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from attrs import define

from maasha.dhcp.facts import Member, Off, Pair, Solo, Wanted
from maasha.dhcp.rollout import Step, step
from maasha.model.cluster import RackKey
from maasha.model.dhcp import OFF, SOLO, Duty, PeerState, Role
from maasha.model.network import VlanId

VLAN = VlanId(7)


def key(number: int) -> RackKey:
    """Give the key of the rack with this number."""
    return RackKey(number)


@define
class Rack:
    """One rack: `runs` is the truth, `asked` and `told` are the region's rows."""

    key: RackKey
    address: IPv4Address | None
    runs: Role = OFF
    asked: Role = OFF
    told: Role = OFF
    synced: bool = False
    """As a failover peer it has been normal, so it answers from then on."""
    dark: bool = False
    """Its link to the region is down; its dhcpd goes on."""
    dead: bool = False
    """The host is off; what it ran it will run again."""
    deleted: bool = False
    """The operator deleted it; it serves on until it hears of that."""
    scrapped: bool = False
    """Its host is off for good: what it ran it never runs again."""

    @property
    def deaf(self) -> bool:
        """Whether the region can neither ask it nor hear of it."""
        return self.dark or self.dead or self.scrapped

    @property
    def gone(self) -> bool:
        """Whether the region counts it as stopped, as `region.decision` does."""
        return self.deleted and self.asked == self.told == OFF


class Fleet:
    """Three racks and a wish; every method is one thing that can happen."""

    def __init__(self, addressless: frozenset[int] = frozenset()) -> None:
        self.racks = {
            key(n): Rack(key(n), None if n in addressless else IPv4Address(f"10.0.0.{n}"))
            for n in (1, 2, 3)
        }
        self.wanted: Wanted = Off()
        self.primaries: dict[str, RackKey] = {}
        """Who was primary under each peer's name, ever."""

    @property
    def deleted(self) -> set[RackKey]:
        """The racks that the operator deleted."""
        return {rack.key for rack in self.racks.values() if rack.deleted}

    def members(self) -> tuple[Member, ...]:
        """Give what the region knows."""
        return tuple(self._member(rack) for rack in self.racks.values())

    def plan(self) -> Step:
        """Ask for the next step."""
        return step(VLAN, self.wanted, self.members())

    def ask(self) -> bool:
        """Let the region write down the next step; say whether it asked anything new."""
        before = {rack.key: rack.asked for rack in self.racks.values()}
        for rack, role in self.plan().roles:
            if not self.racks[rack].deleted:
                self.racks[rack].asked = role
        return before != {rack.key: rack.asked for rack in self.racks.values()}

    def delete(self, rack: Rack) -> None:
        """Let the operator delete a rack, by force: one that has a link is asked to stop."""
        rack.deleted = True
        rack.asked = OFF
        if rack.deaf:
            self.vouch(rack)

    def vouch(self, rack: Rack) -> None:
        """Let the operator say that a deleted rack's host is off; it must be, and stay so."""
        rack.scrapped = True
        rack.asked = rack.told = OFF

    def obey(self, rack: Rack) -> None:
        """Let the rack carry out what it was asked, before the region hears of it.

        It refuses to depend on a secondary that is not there (`DhcpServer` reaches it first).
        """
        if not rack.deaf and rack.runs != rack.asked and self._is_there(rack.asked, rack.runs):
            rack.runs = rack.asked
            rack.synced = False
            self.settle()
            if rack.runs.duty is Duty.PRIMARY:
                self.primaries.setdefault(rack.runs.peer_name, rack.key)

    def answer(self, rack: Rack) -> None:
        """Let the region hear what the rack runs: done, refused, or reported anew.

        Of a deleted rack it takes only that it has stopped: no epoch of an owner is left to it.
        """
        if not rack.deaf and (not rack.deleted or rack.runs == OFF):
            rack.told = rack.asked = rack.runs

    def settle(self) -> None:
        """Let the peers that see each other become normal, as dhcpd does in a blink."""
        for one, other in self._couples():
            one.synced = other.synced = True

    def serving(self) -> list[Rack]:
        """Give the racks that answer clients now."""
        up = (rack for rack in self._here() if not rack.dead)
        return [rack for rack in up if rack.runs == SOLO or rack.synced]

    def state(self, rack: Rack) -> PeerState:
        """Give the rack's state as a failover peer, as its dhcpd says it."""
        if not rack.runs.paired:
            return PeerState.UNKNOWN
        if not rack.synced:
            return PeerState.RECOVER
        together = any(rack in couple for couple in self._couples())
        return PeerState.NORMAL if together else PeerState.COMMUNICATIONS_INTERRUPTED

    def recover(self) -> None:
        """Bring every link back, then step and obey until nothing changes."""
        for rack in self.racks.values():
            rack.dark = rack.dead = False
        self.settle()
        for _ in range(40):
            for rack in self.racks.values():
                self.obey(rack)
                self.answer(rack)
            self.settle()
            if not self.ask():
                return
        raise AssertionError(f"no end: {self.plan()}")

    def journey(self, wanted: Wanted) -> list[str]:
        """Go all the way to `wanted` without a mishap; give the moves in order."""
        self.wanted = wanted
        moves: list[str] = []
        for _ in range(40):
            before = {rack.key: rack.runs for rack in self.racks.values()}
            self.ask()
            for rack in self.racks.values():
                self.obey(rack)
                self.answer(rack)
                if rack.runs != before[rack.key]:
                    moves.append(f"{rack.key} {rack.runs.duty.value}")
            if self.plan().complete:
                return moves
        raise AssertionError(f"no end: {self.plan()}")

    def broken(self) -> list[str]:
        """Name the invariants that do not hold now."""
        alone = [rack for rack in self._here() if SOLO in (rack.runs, rack.asked)]
        names = {role.peer_name for role in self._roles() if role.duty is Duty.PRIMARY}
        faults = []
        if len([rack for rack in alone if rack.runs == SOLO]) > 1:
            faults.append("two racks serve alone")
        if len(names) > 1:
            faults.append("two pairs")
        for rack in self._here():
            role = rack.runs
            if role.duty is Duty.PRIMARY and self.primaries[role.peer_name] != rack.key:
                faults.append("a peer's name used the other way round")
        for rack in alone:
            rivals = [other for other in self._here() if other is not rack]
            faults += [f"{rack.key} alone beside {other}" for other in rivals if other.synced]
        return faults

    def _is_there(self, role: Role, before: Role) -> bool:
        """Whether the secondary that a primary begins to depend on takes connections."""
        if role.duty is not Duty.PRIMARY or role.peer_name == before.peer_name:
            return True
        up = (rack.runs for rack in self._here() if not rack.dead)
        return any(runs.duty is Duty.SECONDARY and runs.peer_name == role.peer_name for runs in up)

    def _here(self) -> list[Rack]:
        return [rack for rack in self.racks.values() if not rack.scrapped]

    def _roles(self) -> Iterator[Role]:
        for rack in self._here():
            yield rack.runs
            yield rack.asked

    def _couples(self) -> Iterator[tuple[Rack, Rack]]:
        here = self._here()
        for one in here:
            for other in here:
                same = one.runs.peer_name == other.runs.peer_name
                duties = (one.runs.duty, other.runs.duty)
                if one.dead or other.dead:
                    continue
                if same and duties == (Duty.PRIMARY, Duty.SECONDARY):
                    yield one, other

    def _member(self, rack: Rack) -> Member:
        state = PeerState.UNKNOWN if rack.deaf or rack.told != rack.runs else self.state(rack)
        return Member(
            rack.key, rack.address, rack.asked, rack.told, state, PeerState.UNKNOWN, rack.gone
        )


def goal_of(wanted: Wanted) -> dict[RackKey, Duty]:
    """Give the duties that are wanted in the end; racks without one are left out."""
    match wanted:
        case Off():
            return {}
        case Solo(rack, _):
            return {rack: Duty.SOLO}
        case Pair(primary, secondary, _):
            return {primary: Duty.PRIMARY, secondary: Duty.SECONDARY}
