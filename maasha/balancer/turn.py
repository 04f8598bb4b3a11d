"""One look of the leader: what it remembers from the one before, what it plans, what it begins now.

    what is  ->  brakes: may anything be done?  ->  plan  ->  pace: which part of it begins now?

Evening waits until the members have been the same for a while: who comes and goes comes in crowds.
So it does while a worker's heartbeat is overdue: it still counts as alive, and empties as the dead
do. Nothing moves to such a worker.
Moves that empty what is drained wait for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from attrs import Factory, evolve, frozen

from maasha.balancer import brakes
from maasha.balancer.actions import Action, Close, Flip, Move, Plan, Reason, after
from maasha.balancer.brakes import LIMITS, Act, Limits, Pause, Sight, Verdict
from maasha.balancer.pace import Begun, may_begin
from maasha.balancer.plan import plan
from maasha.balancer.policy import Policy
from maasha.model.cluster import RackKey, WorkerId
from maasha.model.placement import IDLE, Acting, Placement, UnderWay

RESTLESS = timedelta(seconds=15)
"""For which those who come and go can hold up evening; one that does it all the time cannot."""
REST = timedelta(seconds=5)
"""For which a rack is left alone whose move has failed; with each further failure twice as long."""
MOST_DOUBLINGS = 6
"""Up to five minutes."""
DRAINING = (Reason.DRAIN, Reason.NOWHERE_ELSE)
"""Why something is done that a person, or the worker itself, asked for."""


@frozen
class Seen:
    """What is at `now`, by the database's clock."""

    placement: Placement
    now: datetime
    under_way: tuple[UnderWay, ...] = ()
    last_heard: Mapping[RackKey, datetime] = Factory(dict)
    """When racks were heard of; those without a link at least."""
    pause: Pause | None = None
    known_until: datetime | None = None
    """A person knows of every rack that vanished up to this instant."""
    known: Mapping[RackKey, datetime] = Factory(dict)
    """Up to which instant a person knows of one rack."""


@frozen
class Members:
    """Who is there; moves of the balancer change nothing of it."""

    workers: frozenset[tuple[WorkerId, bool]]
    """And whether each drains."""
    links: frozenset[tuple[RackKey, int]]
    """How many links each rack has, when the moves under way have ended."""


@frozen
class Memory:
    """What the leader remembers; one that begins with nothing looks on for a while."""

    members: Members | None = None
    since: datetime | None = None
    """When the members were first seen as they are."""
    unsettled: datetime | None = None
    """Since when they have not been the same for long enough; None: they have."""
    acting: Acting = IDLE
    brakes: brakes.State = brakes.START
    away: Mapping[RackKey, datetime] = Factory(dict)
    """Racks without a link, and since when."""
    linked: frozenset[RackKey] = frozenset()


FRESH = Memory()


@frozen
class Turn:
    """What a look comes to: `plan` is all that is wanted, `begin` what begins now."""

    memory: Memory
    verdict: Verdict
    plan: Plan
    begin: tuple[Action, ...]
    settled: bool

    @property
    def waits(self) -> bool:
        """Whether more of it is to come soon."""
        return not self.settled or bool(self.plan.actions)


def turn(memory: Memory, seen: Seen, policy: Policy, limits: Limits = LIMITS) -> Turn:
    """Look, plan, and choose what begins now."""
    coming = expected(seen)
    members = _members(coming)
    since = memory.since if memory.since and members == memory.members else seen.now
    late = frozenset(worker.id for worker in seen.placement.workers if worker.late)
    calm = not late and seen.now - since >= timedelta(seconds=policy.settled)
    unsettled = None if calm else memory.unsettled or seen.now
    settled = calm or (unsettled is not None and seen.now - unsettled >= RESTLESS)
    resting = resting_until(seen)
    sight = Sight(
        _linked(seen.placement),
        _away(memory, seen),
        pause=seen.pause,
        known_until=seen.known_until,
        known=seen.known,
    )
    braked, verdict = brakes.look(memory.brakes, sight, seen.now, limits)
    coming = evolve(_held(coming, resting, seen.now), acting=memory.acting)
    wanted = plan(coming, policy, seen.now)
    begun = [Begun(each.rack, each.source, each.begun, each.open) for each in seen.under_way]

    def allowed(action: Action) -> bool:
        kind = kind_of(action)
        in_time = settled or kind is Act.DRAIN_MOVE
        rests = action.rack in resting and not isinstance(action, Flip)
        in_vain = not isinstance(action, Close) and action.to in late
        return in_time and verdict.allows(kind) and not rests and not in_vain

    begin = may_begin(wanted, seen.placement, begun, policy, seen.now, allowed)
    kept = Memory(members, since, unsettled, wanted.acting, braked, sight.away, sight.linked)
    return Turn(kept, verdict, wanted, begin, settled)


def regained(memory: Memory, ended: datetime) -> Memory:
    """Note when this worker had the database again, after a gap."""
    return evolve(memory, brakes=brakes.regained(memory.brakes, ended))


def expected(seen: Seen) -> Placement:
    """Give what is when the moves under way have ended.

    One whose new link stands is half done: its old link does not count any more. A move is under
    way for as long as the rack has the old link; one that has outlived its move stays, and counts.
    """
    there = {(link.rack, link.worker) for link in seen.placement.links}
    owners = {rack.key: rack.owner for rack in seen.placement.racks}
    known = {link.id for link in seen.placement.links}
    coming: list[Action] = []
    for each in seen.under_way:
        if each.open and each.link in known:
            coming += _ending(each, there, owners)
    return after(seen.placement, coming, seen.now)


def foreseen(seen: Seen, acting: Acting) -> Placement:
    """Give what the leader plans from, when it is evening that."""
    coming = _held(expected(seen), resting_until(seen), seen.now)
    return evolve(coming, acting=acting)


def away(seen: Seen, at: datetime) -> tuple[RackKey, ...]:
    """Give the racks without a link that were last heard of until an instant; no drained ones."""
    linked = _linked(seen.placement)
    return tuple(
        rack.key
        for rack in seen.placement.racks
        if rack.key not in linked
        and not rack.draining
        and rack.key in seen.last_heard
        and seen.last_heard[rack.key] <= at
    )


def kind_of(action: Action) -> Act:
    """Say whether an action is of a drain or of evening."""
    return Act.DRAIN_MOVE if action.reason in DRAINING else Act.MOVE


def _ending(
    each: UnderWay,
    there: set[tuple[RackKey, WorkerId]],
    owners: Mapping[RackKey, WorkerId | None],
) -> Iterator[Action]:
    """Say how a move that is under way will have ended; its reason does not matter any more."""
    link, rack, source, to = each.link, each.rack, each.source, each.target
    if to is None or (rack, to) in there:
        yield Close(link, rack, source, Reason.NOWHERE_ELSE)
        if to is not None and owners.get(rack) == source:
            yield Flip(rack, source, to, Reason.OWNERS)
    else:
        yield Move(link, rack, source, to, Reason.WORKERS)


def resting_until(seen: Seen) -> Mapping[RackKey, datetime]:
    """Give the racks that are left alone, as their moves have failed lately, and until when.

    Perhaps they do not reach what others do.
    """
    failed: dict[RackKey, list[datetime]] = {}
    for each in seen.under_way:
        if each.failed:
            failed.setdefault(each.rack, []).append(each.begun)
    rests = {
        rack: max(instants) + REST * 2 ** min(len(instants) - 1, MOST_DOUBLINGS)
        for rack, instants in failed.items()
    }
    return {rack: until for rack, until in rests.items() if seen.now < until}


def _held(placement: Placement, racks: Collection[RackKey], now: datetime) -> Placement:
    """Let links of these racks stay, as if they had just been moved: others are to go instead."""
    if not racks:
        return placement
    links = (evolve(link, moved=now) if link.rack in racks else link for link in placement.links)
    return evolve(placement, links=tuple(links))


def _members(coming: Placement) -> Members:
    links = Counter(link.rack for link in coming.links)
    workers = frozenset((one.id, one.draining) for one in coming.workers)
    return Members(workers, frozenset(links.items()))


def _linked(placement: Placement) -> frozenset[RackKey]:
    """Give the racks that have a link to a living worker; drained ones count neither way."""
    alive = {worker.id for worker in placement.workers}
    drained = {rack.key for rack in placement.racks if rack.draining}
    linked = {link.rack for link in placement.links if link.worker in alive}
    return frozenset(linked - drained)


def _away(memory: Memory, seen: Seen) -> Mapping[RackKey, datetime]:
    """Give since when racks have no link: since now, if the leader saw one with the last look."""
    linked = _linked(seen.placement)
    away: dict[RackKey, datetime] = {}
    for rack in seen.placement.racks:
        if rack.key in linked or rack.draining:
            continue
        heard = seen.now if rack.key in memory.linked else seen.last_heard.get(rack.key)
        since = memory.away.get(rack.key, heard)
        if since is not None:
            away[rack.key] = since
    return away
