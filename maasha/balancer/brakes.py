"""When automatic acts stop: whoever sees much of the cluster vanish may be the one who is cut off.

What stops what ("15 s": for so long after it; "-": it does not):

    cause              move    drain move   role change   take-over
    not the leader     yes     yes          yes           yes
    paused             yes     -            yes           yes
    no database        (yes)   (yes)        (yes)         (yes)
    gap ended          15 s    -            120 s         120 s
    leader changed     15 s    -            15 s          15 s
    racks vanished     yes     -            yes           yes

A drain is a person's command, and people's commands work under every brake. "No database" is no
cause of its own: whoever decides reads all that he sees, and writes all that he does, through the
one session that makes him the leader. Without the database there is no leader and no look.

Racks *vanished* when too many lost their last link within one window. It stops while too many of
them are away, and at least until the window has passed. Silence is judged from what is away now, so
a new leader finds the same; only who came back is remembered. It ends when they come back, are
deleted, are declared lost, or when a person says that it is known.

`now` is the database's clock; it is the same for all workers. Each of them knows of the gap that it
saw, so a gap outlives the leader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum

from attrs import Factory, evolve, frozen

from maasha.model.cluster import RackKey


class Act(Enum):
    """What is done without a hand; for people."""

    MOVE = "moves of links"
    DRAIN_MOVE = "moves that empty what is drained"
    ROLE_CHANGE = "changes of racks' roles"
    TAKE_OVER = "take-overs from silent racks"


@frozen
class Limits:
    """How careful automatic acts are; times in seconds."""

    away_after: float = 8.0
    """Without a link to any worker: as long as a worker's heartbeat is believed. A rack whose
    worker dies has another link within two."""
    window: float = 60.0
    """In which vanishing racks count as one event: switches and power fail faster."""
    vanished_share: float = 0.10
    """Of the racks that had a link: more is no failure of racks but of what lies between."""
    vanished_racks: int = 1
    """That many are never too many: in a small cluster one rack is a large share."""
    moves_after_gap: float = 15.0
    """Racks and workers that lost their rows are back by then."""
    roles_after_gap: float = 120.0
    """Roles rest on what racks see of each other, all of which is old after a gap."""
    after_leader: float = 15.0
    """For moves: a new leader has seen nobody come or go; a cluster that starts not seen all."""
    roles_after_leader: float = 15.0
    """The same for all else."""


LIMITS = Limits()
SAME_GAP = timedelta(seconds=1)
"""Two gaps do not end within that: there are heartbeats in between."""


@frozen
class Pause:
    """What `maasha pause` set."""

    until: datetime | None
    """None: until somebody resumes."""
    by: str
    """`user:admin`."""


@frozen
class Sight:
    """What a worker sees at one moment."""

    linked: frozenset[RackKey]
    """Racks that have a link to a living worker."""
    away: Mapping[RackKey, datetime]
    """Racks without a link, and since when. Those deleted, declared lost or drained are in neither,
    nor those that never had a link."""
    leading: bool = True
    pause: Pause | None = None
    known_until: datetime | None = None
    """A person knows of every rack that vanished up to this instant."""
    known: Mapping[RackKey, datetime] = Factory(dict)
    """Up to which instant a person knows of one rack."""


@frozen
class State:
    """What one worker remembers; it begins with nothing."""

    leading_since: datetime | None = None
    gap_ended: datetime | None = None
    """When the database was there again; None: it was never away, or that is long ago."""
    seen_away: Mapping[RackKey, datetime] = Factory(dict)
    """Racks that are away or were lately, and since when: one that flaps counts on."""


START = State()


@frozen
class Paused:
    """A person wants no automatic act."""

    pause: Pause

    def __str__(self) -> str:
        end = f"until {_clock(self.pause.until)}" if self.pause.until else "until `maasha resume`"
        return f"paused by {self.pause.by} {end}"


@frozen
class NotLeading:
    """Another worker decides."""

    def __str__(self) -> str:
        return "another worker leads"


@frozen
class GapEnded:
    """All that is on record may be old."""

    until: datetime

    def __str__(self) -> str:
        return f"the database was away; what is on record may be old until {_clock(self.until)}"


@frozen
class LeaderChanged:
    """Whoever leads now has not seen much yet."""

    until: datetime

    def __str__(self) -> str:
        return f"the leader is new and looks on until {_clock(self.until)}"


@frozen
class RacksVanished:
    """Too many at once: an alarm."""

    racks: tuple[RackKey, ...]
    """Those that lost their last link within one window, in order of their keys."""
    of: int
    """The racks that had a link before."""
    since: datetime

    def __str__(self) -> str:
        return (
            f"{len(self.racks)} of {self.of} racks vanished at once, at "
            f"{_clock(self.since)}: perhaps this side is the one that is cut off. Bring them back, "
            "delete those that are gone for good, or let all go on without them: maasha acknowledge"
        )


Stop = Paused | NotLeading | GapEnded | LeaderChanged | RacksVanished


@frozen
class Verdict:
    """What may be done without a hand at one moment."""

    stops: Mapping[Act, tuple[Stop, ...]] = Factory(dict)

    def why_not(self, act: Act) -> tuple[Stop, ...]:
        """Give every reason against an act; none: it is allowed."""
        return self.stops.get(act, ())

    def allows(self, act: Act) -> bool:
        """Whether nothing stands against an act."""
        return not self.why_not(act)

    @property
    def alarm(self) -> RacksVanished | None:
        """What people have to look after; None: the alarm, if there is one, is over."""
        stops = self.why_not(Act.MOVE)
        return next((stop for stop in stops if isinstance(stop, RacksVanished)), None)


FREE = Verdict()
"""Nothing stands against anything."""


def look(
    state: State, sight: Sight, now: datetime, limits: Limits = LIMITS
) -> tuple[State, Verdict]:
    """Take in what is seen now, and say what may be done."""
    after = State(
        leading_since=(state.leading_since or now) if sight.leading else None,
        gap_ended=_gap_ended(state.gap_ended, now, limits),
        seen_away=_seen_away(state.seen_away, sight, now, limits),
    )
    event = vanished(after.seen_away, sight, limits)
    stops = {act: (*_always(after), *_careful(act, after, sight, now, limits)) for act in Act}
    for act in Act:
        if event is not None and act is not Act.DRAIN_MOVE:
            stops[act] += (event,)
    return after, Verdict(stops)


def regained(state: State, ended: datetime) -> State:
    """Note a gap that ended then; who did not lead meanwhile has seen it too.

    The same one may be told again with each look: clocks differ by milliseconds.
    """
    if state.gap_ended is not None and abs(ended - state.gap_ended) < SAME_GAP:
        return state
    return evolve(state, gap_ended=ended)


def _gap_ended(ended: datetime | None, now: datetime, limits: Limits) -> datetime | None:
    """Forget a gap that holds nothing any more."""
    longest = max(limits.moves_after_gap, limits.roles_after_gap)
    return ended if ended is not None and now < _later(ended, longest) else None


def _seen_away(
    before: Mapping[RackKey, datetime], sight: Sight, now: datetime, limits: Limits
) -> dict[RackKey, datetime]:
    """Give the racks that are away or were so lately; who is gone for good is forgotten."""
    lately = {
        rack: since
        for rack, since in before.items()
        if now < _later(since, limits.window) and (rack in sight.linked or rack in sight.away)
    }
    away = {
        rack: since for rack, since in sight.away.items() if now > _later(since, limits.away_after)
    }
    return lately | away


def _always(state: State) -> Iterator[Stop]:
    """Give the reasons against every act."""
    if state.leading_since is None:
        yield NotLeading()


def _careful(act: Act, state: State, sight: Sight, now: datetime, limits: Limits) -> Iterator[Stop]:
    """Give the reasons against acts that no person asked for."""
    if act is Act.DRAIN_MOVE:
        return
    if sight.pause is not None and (sight.pause.until is None or now < sight.pause.until):
        yield Paused(sight.pause)
    yield from _holds(act, state, now, limits)


def _holds(act: Act, state: State, now: datetime, limits: Limits) -> Iterator[Stop]:
    """Give the reasons that pass by themselves."""
    patience = limits.moves_after_gap if act is Act.MOVE else limits.roles_after_gap
    if state.gap_ended is not None:
        until = _later(state.gap_ended, patience)
        if now < until:
            yield GapEnded(until)
    if state.leading_since is not None:
        looks_on = limits.after_leader if act is Act.MOVE else limits.roles_after_leader
        until = _later(state.leading_since, looks_on)
        if now < until:
            yield LeaderChanged(until)


def vanished(
    seen_away: Mapping[RackKey, datetime], sight: Sight, limits: Limits = LIMITS
) -> RacksVanished | None:
    """Give the largest event of vanishing racks, None if it is not too large."""
    unknown = sorted(
        (since, rack) for rack, since in seen_away.items() if not _is_known(rack, since, sight)
    )
    event = _densest(unknown, limits.window)
    racks = {rack for _, rack in event}
    had_links = len(sight.linked | racks)
    few = max(limits.vanished_racks, limits.vanished_share * had_links)
    if len(racks) <= few:
        return None
    return RacksVanished(tuple(sorted(racks)), had_links, event[0][0])


def _is_known(rack: RackKey, since: datetime, sight: Sight) -> bool:
    """Whether a person knows that it vanished then."""
    instants = (sight.known_until, sight.known.get(rack))
    return any(instant is not None and since <= instant for instant in instants)


def _densest(
    instants: Sequence[tuple[datetime, RackKey]], window: float
) -> Sequence[tuple[datetime, RackKey]]:
    """Give the longest run of ascending instants that fits in the window; the first of several."""
    best: Sequence[tuple[datetime, RackKey]] = ()
    first = 0
    for last, (instant, _) in enumerate(instants):
        while instant > _later(instants[first][0], window):
            first += 1
        if last + 1 - first > len(best):
            best = instants[first : last + 1]
    return best


def _later(instant: datetime, seconds: float) -> datetime:
    return instant + timedelta(seconds=seconds)


def _clock(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
