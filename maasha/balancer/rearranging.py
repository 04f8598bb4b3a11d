"""The plan behind `maasha dhcp roles --plan`: primaries evened by pairs that change their parts.

Asked for by a person only. A swap makes a pair's secondary its primary. Each moves one VLAN from
one rack to another, like an edge of a graph that is turned around; where no swap alone helps, those
along a shortest path do. Invariants:

- Only pairs that work are touched, whose racks are linked, and none that a person chose.
- The swaps are carried out one at a time, each when the pair before is normal again. The plan may
  end after any of them: the sum of the squares of the racks' counts never rises on the way.
- At the end no plan of swaps would be more even.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from maasha.balancer.roles import counted
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import VlanRoles


@frozen
class Swap:
    """Primary and secondary of a VLAN change their parts."""

    vlan: VlanId
    primary: RackKey
    """The one to be."""
    secondary: RackKey
    reason: Evens


@frozen
class Evens:
    """How many VLANs each is the primary of, before the swap."""

    giver: int
    taker: int


Swappable = dict[VlanId, tuple[RackKey, RackKey]]
"""Primary and secondary of the pairs that may be swapped."""


def rearranged(vlans: Iterable[VlanRoles], working: frozenset[VlanId]) -> tuple[Swap, ...]:
    """Plan the swaps that even the primaries, in their order; none: it is even.

    `working` are the VLANs whose pairs are normal on both sides.
    """
    everyone = tuple(vlans)
    counts = counted(everyone)
    pairs = dict(_swappable(roles for roles in everyone if roles.vlan in working))
    swaps: list[Swap] = []
    while path := _path(counts, pairs):
        swaps += [_swap(vlan, counts, pairs) for vlan in reversed(path)]
    return tuple(swaps)


def _swappable(everyone: Iterable[VlanRoles]) -> Iterator[tuple[VlanId, tuple[RackKey, RackKey]]]:
    """Give the pairs that may change their parts."""
    for roles in everyone:
        primary, secondary = roles.primary, roles.secondary
        by_hand = primary.by or secondary.by or not roles.ha_auto
        if primary.rack is None or secondary.rack is None or by_hand:
            continue
        members = (roles.candidate(primary.rack), roles.candidate(secondary.rack))
        if all(one.linked and not one.lost and not one.draining for one in members):
            yield roles.vlan, (primary.rack, secondary.rack)


def _swap(vlan: VlanId, counts: Counter[RackKey], pairs: Swappable) -> Swap:
    """Note one swap in the counts and pairs."""
    giver, taker = pairs[vlan]
    swap = Swap(vlan, taker, giver, Evens(counts[giver], counts[taker]))
    counts[giver] -= 1
    counts[taker] += 1
    pairs[vlan] = (taker, giver)
    return swap


def _path(counts: Mapping[RackKey, int], pairs: Swappable) -> Sequence[VlanId]:
    """Give a shortest path from the fullest racks that have one to a rack with two fewer."""
    neighbours: dict[RackKey, list[tuple[VlanId, RackKey]]] = {}
    for vlan, (primary, secondary) in sorted(pairs.items()):
        neighbours.setdefault(primary, []).append((vlan, secondary))
    for level in sorted({counts[rack] for rack in neighbours}, reverse=True):
        fullest = sorted(rack for rack in neighbours if counts[rack] == level)
        path = _search(fullest, level - 2, counts, neighbours)
        if path:
            return path
    return ()


def _search(
    starts: Sequence[RackKey],
    most: int,
    counts: Mapping[RackKey, int],
    neighbours: Mapping[RackKey, Sequence[tuple[VlanId, RackKey]]],
) -> Sequence[VlanId]:
    """Search breadth first for a rack with at most that many."""
    paths: dict[RackKey, tuple[VlanId, ...]] = dict.fromkeys(starts, ())
    queue = deque(starts)
    while queue:
        rack = queue.popleft()
        for vlan, other in neighbours.get(rack, ()):
            if other in paths:
                continue
            paths[other] = (*paths[rack], vlan)
            if counts[other] <= most:
                return paths[other]
            queue.append(other)
    return ()
