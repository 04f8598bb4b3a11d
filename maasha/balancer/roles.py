"""Which racks serve a VLAN, chosen without a hand: one act per VLAN and look, or why none.

Rules:

1. What a person chose stays, an empty place too. Automatic acts fill places that nobody ever
   filled, and those of racks that are *lost for good*: deleted or declared lost, never silent.
2. A rack becomes secondary as soon as it is fit for it: it and the primary have links, it has an
   address on the VLAN, and fresh evidence shows that dhcpd's failover between the two will work.
3. Where nobody was ever primary, it is the rack with the fewest primaries, so that the VLANs of a
   site spread; the order of rendezvous hashing (Thaler and Ravishankar, 1996) breaks ties, and is
   the same wherever it is computed.
4. The primary lost for good: its secondary, which has the leases, takes its place. The secondary
   lost for good: its place becomes free first, so that the primary serves alone and has all
   addresses, and is filled by rule 2.
5. The parts of a pair are never changed for evenness, but for `maasha.balancer.rearranging`.

The acts remember nothing: each is decided from one snapshot, so any of them may be the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import assert_never

from attrs import evolve, frozen

from maasha.balancer.brakes import Act, Stop, Verdict
from maasha.model.cluster import RackKey
from maasha.model.leader import Hold
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Evidence, Place, VlanRoles


@frozen
class Terms:
    """What evidence has to show."""

    fresh: float = 30.0
    """Seconds; evidence that is older says nothing of now. Three looks, ten seconds apart."""
    clocks_apart: float = 5.0
    """Seconds, not reached. dhcpd refuses a peer at 60 ("time offset too large"); lease ends that
    differ by seconds are harmless, and a clock that is off by more is not kept at all."""


TERMS = Terms()


class Lack(Enum):
    """What keeps a rack from a part in a VLAN; for people, after its name."""

    LOST = "was deleted or declared lost"
    DRAINING = "is being drained"
    LINK = "has no link to a region"
    ADDRESS = "has no IPv4 address on this VLAN"
    PROBE = "and the primary do not hear each other's frames on this VLAN"
    PORT = "and the primary do not reach each other's TCP port 647"
    CLOCK_UNKNOWN = "has a clock that nobody compared with the primary's yet"
    CLOCK = "has a clock that is too far from the primary's"


@frozen
class Unfit:
    """A rack and everything it lacks."""

    rack: RackKey
    hostname: str
    lacks: tuple[Lack, ...]

    def __str__(self) -> str:
        return f"{self.hostname} {'; it '.join(lack.value for lack in self.lacks)}"


@frozen
class ChoosePrimary:
    """A VLAN without one gets a primary."""

    vlan: VlanId
    rack: RackKey
    primaries: int
    """How many VLANs it is the primary of already; no other that is fit has fewer."""
    lost: RackKey | None = None
    """Whose place it takes; None: nobody was ever primary."""


@frozen
class Promote:
    """The secondary takes the place of a primary that is lost for good."""

    vlan: VlanId
    rack: RackKey
    lost: RackKey


@frozen
class Appoint:
    """A rack becomes the secondary, which nobody is."""

    vlan: VlanId
    rack: RackKey
    primary: RackKey
    """The evidence is about these two: with another primary it says nothing."""


@frozen
class Vacate:
    """The place of a secondary that is lost for good becomes free."""

    vlan: VlanId
    lost: RackKey


Action = ChoosePrimary | Promote | Appoint | Vacate


class Rest(Enum):
    """Why there is nothing to do; for people."""

    DHCP_OFF = "DHCP is off"
    BY_HAND = "ha_auto is off: people choose the racks"
    KEPT_EMPTY = "a person wants nobody in this place"
    FILLED = "both places are filled"


@frozen
class Settled:
    """Nothing is to be done."""

    vlan: VlanId
    rest: Rest
    by: str = ""
    """Who wants it so, where it is a person."""


@frozen
class Nobody:
    """No rack is fit for the free place; if the primary is unfit for a pair, only it is named."""

    vlan: VlanId
    unfit: tuple[Unfit, ...]
    """Empty: no other rack is on the VLAN."""


@frozen
class Held:
    """An action that would be taken, were it not for the brakes."""

    action: Action
    stops: tuple[Stop | Hold, ...]


Decision = Action | Settled | Nobody | Held


def decide(
    roles: VlanRoles,
    primaries: Mapping[RackKey, int],
    verdict: Verdict,
    now: datetime,
    terms: Terms = TERMS,
) -> Decision:
    """Decide about one VLAN. `primaries` counts for each rack the VLANs it is the primary of."""
    if not roles.dhcp_on:
        return Settled(roles.vlan, Rest.DHCP_OFF)
    if not roles.ha_auto:
        return Settled(roles.vlan, Rest.BY_HAND)
    wish = _wish(roles, primaries, now, terms)
    return held(wish, verdict.why_not(Act.ROLE_CHANGE))


def held(decision: Decision, stops: tuple[Stop | Hold, ...]) -> Decision:
    """Give what becomes of a decision under these brakes; none: nothing else."""
    return Held(decision, stops) if stops and isinstance(decision, Action) else decision


def decide_all(
    vlans: Iterable[VlanRoles],
    primaries: Mapping[RackKey, int],
    verdict: Verdict,
    now: datetime,
    terms: Terms = TERMS,
) -> tuple[Decision, ...]:
    """Decide about each VLAN, in order; what is chosen for one counts for the next.

    `primaries` counts for each rack the VLANs it is the primary of, others than these too.
    """
    counts = Counter(primaries)
    decisions = []
    for roles in vlans:
        decision = decide(roles, counts, verdict, now, terms)
        if isinstance(decision, ChoosePrimary | Promote):
            counts[decision.rack] += 1
        decisions.append(decision)
    return tuple(decisions)


def shortcomings(
    roles: VlanRoles, now: datetime, terms: Terms = TERMS
) -> dict[RackKey, tuple[Lack, ...]]:
    """Say what each rack lacks to be the primary's peer, the primary to have one.

    Where the primary is missing or lost for good: to be the primary.
    """

    def lacking(one: Candidate) -> Iterator[Lack]:
        if one.rack == primary:
            yield from _lacks_presence(one)
            return
        yield from _lacks(one)
        if primary is not None:
            yield from _lacks_evidence(one.evidence, now, terms)

    primary = None if roles.lost(roles.primary) else roles.primary.rack
    return {one.rack: tuple(lacking(one)) for one in roles.candidates}


def counted(vlans: Iterable[VlanRoles]) -> Counter[RackKey]:
    """Count for each rack the VLANs it is the primary of."""
    return Counter(roles.primary.rack for roles in vlans if roles.primary.rack is not None)


def carried_out(roles: VlanRoles, action: Action) -> VlanRoles:
    """Give the VLAN as it is after an action; what it fills is automatic from then on."""
    match action:
        case ChoosePrimary(rack=rack):
            return evolve(roles, primary=Place(rack))
        case Promote(rack=rack):
            return evolve(roles, primary=Place(rack), secondary=Place())
        case Appoint(rack=rack):
            return evolve(roles, secondary=Place(rack))
        case Vacate():
            return evolve(roles, secondary=Place())
        case _:
            assert_never(action)


def rendezvous(vlan: VlanId, rack: RackKey) -> bytes:
    """Give the weight of a rack for a VLAN: racks compare the same everywhere."""
    return sha256(f"vlan {vlan} rack {rack}".encode()).digest()


def _wish(
    roles: VlanRoles, primaries: Mapping[RackKey, int], now: datetime, terms: Terms
) -> Action | Settled | Nobody:
    """Say what would be done, were there no brakes."""
    primary, secondary = roles.primary, roles.secondary
    if primary.kept_empty:
        return Settled(roles.vlan, Rest.KEPT_EMPTY, primary.by)
    if secondary.rack is not None and roles.lost(secondary):
        return Vacate(roles.vlan, secondary.rack)
    if primary.rack is not None and roles.lost(primary) and secondary.rack is not None:
        return Promote(roles.vlan, secondary.rack, primary.rack)
    if primary.rack is None or roles.lost(primary):
        return _choose_primary(roles, primaries)
    if secondary.rack is not None:
        return Settled(roles.vlan, Rest.FILLED)
    if secondary.by:
        return Settled(roles.vlan, Rest.KEPT_EMPTY, secondary.by)
    return _appoint(roles, roles.candidate(primary.rack), primaries, now, terms)


def _choose_primary(roles: VlanRoles, primaries: Mapping[RackKey, int]) -> ChoosePrimary | Nobody:
    """Choose of the racks that can serve alone."""
    others = [one for one in roles.candidates if one.rack != roles.secondary.rack]
    judged = [Unfit(one.rack, one.hostname, tuple(_lacks(one))) for one in others]
    chosen = _least_busy(roles.vlan, judged, primaries)
    if chosen is None:
        return Nobody(roles.vlan, tuple(judged))
    return ChoosePrimary(roles.vlan, chosen, primaries.get(chosen, 0), roles.primary.rack)


def _appoint(
    roles: VlanRoles,
    primary: Candidate,
    primaries: Mapping[RackKey, int],
    now: datetime,
    terms: Terms,
) -> Appoint | Nobody:
    """Choose of the racks that can be the primary's peer."""
    hindered = tuple(_lacks_presence(primary))
    if hindered:
        return Nobody(roles.vlan, (Unfit(primary.rack, primary.hostname, hindered),))
    judged = [
        Unfit(one.rack, one.hostname, (*_lacks(one), *_lacks_evidence(one.evidence, now, terms)))
        for one in roles.candidates
        if one.rack != primary.rack
    ]
    chosen = _least_busy(roles.vlan, judged, primaries)
    if chosen is None:
        return Nobody(roles.vlan, tuple(judged))
    return Appoint(roles.vlan, chosen, primary.rack)


def _least_busy(
    vlan: VlanId, judged: Iterable[Unfit], primaries: Mapping[RackKey, int]
) -> RackKey | None:
    """Give the rack that lacks nothing and is the primary of the fewest VLANs."""
    fit = [one.rack for one in judged if not one.lacks]
    return min(fit, key=lambda rack: (primaries.get(rack, 0), rendezvous(vlan, rack)), default=None)


def _lacks(candidate: Candidate) -> Iterator[Lack]:
    """Say what keeps a rack from serving the VLAN at all."""
    if candidate.lost:
        yield Lack.LOST
    if candidate.draining:
        yield Lack.DRAINING
    yield from _lacks_presence(candidate)


def _lacks_presence(candidate: Candidate) -> Iterator[Lack]:
    if not candidate.linked:
        yield Lack.LINK
    if not candidate.evidence.address:
        yield Lack.ADDRESS


def _lacks_evidence(evidence: Evidence, now: datetime, terms: Terms) -> Iterator[Lack]:
    """Say what keeps a rack from being the primary's peer."""
    if not _is_fresh(evidence.probed, now, terms):
        yield Lack.PROBE
    if not _is_fresh(evidence.reached, now, terms):
        yield Lack.PORT
    if evidence.clock_offset is None:
        yield Lack.CLOCK_UNKNOWN
    elif not abs(evidence.clock_offset) < terms.clocks_apart:  # so that NaN is far off
        yield Lack.CLOCK


def _is_fresh(seen: datetime | None, now: datetime, terms: Terms) -> bool:
    """Whether it was seen lately; a database that fails over may set its clock back."""
    return seen is not None and abs((now - seen).total_seconds()) <= terms.fresh
