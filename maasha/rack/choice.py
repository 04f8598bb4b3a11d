"""Where a rack's links go: which worker gets the next one, and which link is given up.

* Links go to different workers always, and to different regions as far as there are any.
* Missing links come first, whatever region they go to. A region *in doubt*, one that could not be
  reached lately, is chosen last, and a dial to it keeps no other region from being dialled: it may
  be alive for everybody but this rack. Regions in doubt take turns.
* Links that stand are moved when a region says so, and not by the rack itself: it does not see what
  the others do. None is given up unless more than wanted stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence

from attrs import frozen

from maasha.model.cluster import EventLoop

Pick = Callable[[Sequence[EventLoop]], EventLoop]
"""Choose one of several equals."""


def lighter_of_two(choose: Pick) -> Pick:
    """Give the lighter of two that `choose` (random) gives.

    All racks know loads of half a second ago: if each took the lightest worker, all would take the
    same one. Of two choices no worker gets much more than its share (Mitzenmacher 2001).
    """

    def pick(several: Sequence[EventLoop]) -> EventLoop:
        return min(choose(several), choose(several), key=lambda loop: loop.load)

    return pick


@frozen
class Standing:
    """Where a rack's links are; a worker is named once."""

    wanted: int
    """How many links there are to be."""
    linked: tuple[EventLoop, ...] = ()
    dialled: tuple[EventLoop, ...] = ()
    """A link to these is on its way."""
    parting: tuple[EventLoop, ...] = ()
    """The link to these was given up and is not yet gone."""
    doubted: tuple[str, ...] = ()
    """Regions in doubt, first the one that failed longest ago."""


def lacking(standing: Standing) -> bool:
    """Whether a link is missing that no dial to a region beyond doubt will bring."""
    return _hoped(standing) < standing.wanted


def next_loop(ready: Sequence[EventLoop], standing: Standing, pick: Pick) -> EventLoop | None:
    """Give the event loop for a missing link, None where none is missing or possible."""
    tried = _per_region(loop for loop in standing.dialled if loop.region in standing.doubted)
    missing = standing.wanted - _hoped(standing)
    free = [loop for loop in _free(ready, standing) if tried[loop.region] < missing]
    return _surest(free, standing, pick)


def surplus(
    linked: Sequence[EventLoop], wanted: int, kept: Container[EventLoop]
) -> EventLoop | None:
    """Give the link to give up, None where no more than wanted stand.

    `linked`: the oldest first. It is the newest on the fullest region, but one of `kept` only where
    no other is there.
    """
    if len(linked) <= wanted:
        return None
    links = _per_region(linked)
    fullest = max(links.values())
    candidates = [loop for loop in linked if links[loop.region] == fullest]
    return ([loop for loop in candidates if loop not in kept] or candidates)[-1]


def _free(ready: Iterable[EventLoop], standing: Standing) -> list[EventLoop]:
    taken = {loop.name for loop in standing.linked + standing.dialled + standing.parting}
    return [loop for loop in ready if loop.name not in taken]


def _per_region(loops: Iterable[EventLoop]) -> Counter[str]:
    return Counter(loop.region for loop in loops)


def _hoped(standing: Standing) -> int:
    """Count the links that stand or are as good as made."""
    sure = [loop for loop in standing.dialled if loop.region not in standing.doubted]
    return len(standing.linked) + len(sure)


def _surest(several: Sequence[EventLoop], standing: Standing, pick: Pick) -> EventLoop | None:
    """Pick one on the region with the fewest links; if all are in doubt, they take turns.

    What is on its way counts as a link.
    """
    links = _per_region(standing.linked + standing.dialled)

    def rank(loop: EventLoop) -> tuple[bool, int]:
        if loop.region in standing.doubted:
            return True, standing.doubted.index(loop.region)
        return False, links[loop.region]

    best = min(map(rank, several), default=None)
    equals = [loop for loop in several if rank(loop) == best]
    return pick(equals) if equals else None
