"""Placements to plan for, and what must hold of any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.model.placement import Link, Pair, Placement, Rack, Worker

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATELY = NOW - timedelta(seconds=30)
LONG_AGO = NOW - timedelta(seconds=120)
LATER = NOW + timedelta(days=1)


def region(number: int) -> SystemId:
    """Give the system id of a region."""
    return SystemId(f"r{number:05d}")


def workers(*sizes: int) -> tuple[Worker, ...]:
    """Give regions with so many workers each, numbered from 1 on."""
    homes = [region(number) for number, size in enumerate(sizes, 1) for _ in range(size)]
    return tuple(Worker(WorkerId(number), home) for number, home in enumerate(homes, 1))


def placed(
    crew: Sequence[Worker],
    racks: Sequence[Sequence[int]],
    moved: datetime | None = None,
    pairs: Sequence[tuple[int, int]] = (),
) -> Placement:
    """Give racks, numbered from 1 on, with links to these workers; the first one owns it."""
    rows = [(number, worker) for number, spots in enumerate(racks, 1) for worker in spots]
    return Placement(
        tuple(crew),
        tuple(
            Link(LinkId(number), RackKey(rack), WorkerId(worker), moved)
            for number, (rack, worker) in enumerate(rows, 1)
        ),
        tuple(
            Rack(RackKey(number), WorkerId(spots[0]) if spots else None)
            for number, spots in enumerate(racks, 1)
        ),
        tuple(Pair(RackKey(primary), RackKey(secondary)) for primary, secondary in pairs),
    )


def alone(*counts: int) -> Placement:
    """Give workers of one region with so many racks each, which have one link each."""
    racks = [[number] for number, count in enumerate(counts, 1) for _ in range(count)]
    return placed(workers(len(counts)), racks)


def spots_of(placement: Placement) -> dict[RackKey, list[WorkerId]]:
    """Give the workers of each rack's links."""
    spots: dict[RackKey, list[WorkerId]] = {}
    for link in placement.links:
        spots.setdefault(link.rack, []).append(link.worker)
    return spots


def counts(placement: Placement) -> list[int]:
    """Give the number of each worker's links."""
    links = Counter(link.worker for link in placement.links)
    return [links[worker.id] for worker in placement.workers]


def broken(before: Placement, state: Placement) -> Iterator[str]:
    """Say what the state breaks that was whole before."""
    then, spots = spots_of(before), spots_of(state)
    owners = {rack.key: rack.owner for rack in state.racks}
    for rack in before.racks:
        was, now = then.get(rack.key, []), spots.get(rack.key, [])
        if was and not now:
            yield f"rack {rack.key} has no link"
        if twins(now) > twins(was):
            yield f"rack {rack.key} has two links on one worker"
        if surplus(state, now) > surplus(before, was):
            yield f"rack {rack.key} has more links on a region than it need"
        if rack.owner in was and owners[rack.key] not in now:
            yield f"rack {rack.key} is owned by a worker without a link to it"


def twins(spots: Sequence[WorkerId]) -> int:
    """Count the links beside another one on the same worker."""
    return len(spots) - len(set(spots))


def surplus(placement: Placement, spots: Sequence[WorkerId]) -> int:
    """Count by how many a region has more of a rack's links than need be."""
    homes = {worker.id: worker.region for worker in placement.workers}
    open_regions = {worker.region for worker in placement.workers if not worker.draining}
    links = Counter(homes[spot] for spot in spots)
    if not open_regions or not links:
        return 0
    return max(0, max(links.values()) - 1 - min(links[one] for one in open_regions))


def together(placement: Placement) -> int:
    """Count the pairs whose owners are on one region, or with one region on one worker."""
    homes = {worker.id: worker.region for worker in placement.workers}
    several = len({worker.region for worker in placement.workers if not worker.draining}) > 1
    owners = {rack.key: rack.owner for rack in placement.racks}
    leaving = {rack.key for rack in placement.racks if rack.draining}
    found = 0
    for pair in placement.pairs:
        one, other = owners.get(pair.primary), owners.get(pair.secondary)
        if one is not None and other is not None and not leaving & {pair.primary, pair.secondary}:
            found += (homes[one] == homes[other]) if several else one == other
    return found


CAPACITIES = st.sampled_from([1.0, 1.0, 1.0, 2.0, 0.5])
SELDOM = st.sampled_from([False, False, False, False, True])
WORKERS = st.tuples(CAPACITIES, SELDOM)


@st.composite
def placements(draw: st.DrawFn, *, plain: bool = False) -> Placement:
    """Draw small clusters; plain: all equal, all open, links never moved and nowhere together."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    crew = [
        Worker(one.id, one.region, *(() if plain else draw(WORKERS))) for one in workers(*sizes)
    ]
    rows = draw(st.lists(_spots(crew, plain), min_size=1, max_size=14))
    lean = placed(crew, rows)
    if plain:
        return lean
    moved = st.sampled_from([None, None, LATELY, LONG_AGO])
    links = tuple(Link(one.id, one.rack, one.worker, draw(moved)) for one in lean.links)
    leaves = st.sampled_from([False, False, False, True])
    racks = tuple(Rack(one.key, one.owner, draw(leaves)) for one in lean.racks)
    keys = st.sampled_from([one.key for one in racks])
    drawn = draw(st.lists(st.tuples(keys, keys), max_size=4))
    pairs = tuple(Pair(one, other) for one, other in drawn if one != other)
    return Placement(tuple(crew), links, racks, pairs)


@st.composite
def _spots(draw: st.DrawFn, crew: Sequence[Worker], plain: bool) -> list[int]:
    """Draw where a rack's links are; a skew toward the first workers makes something to do."""
    number = draw(st.integers(1, min(2, len(crew))))
    homes = sorted({one.region for one in crew})
    if not plain:
        return draw(st.lists(st.sampled_from([one.id for one in crew]), min_size=1, max_size=3))
    if len(homes) >= number:
        chosen = draw(st.permutations(homes))[:number]
        return [draw(st.sampled_from([w.id for w in crew if w.region == home])) for home in chosen]
    return list(draw(st.permutations([one.id for one in crew]))[:number])
