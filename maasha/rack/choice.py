"""Which worker to link to next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from maasha.rack.discovery import EventLoop

Pick = Callable[[Sequence[EventLoop]], EventLoop]
"""Choose one of several equals; `random.Random().choice` in production."""


def next_loop(
    known: Sequence[EventLoop], linked: Sequence[EventLoop], wanted: int, pick: Pick
) -> EventLoop | None:
    """Give the event loop for one more link, None where no link is missing or possible.

    Links go to different workers always and to different regions as far as there are any, so that
    the loss of a region leaves a link.
    """
    names = {loop.name for loop in linked}
    free = [loop for loop in known if loop.name not in names]
    if len(linked) >= wanted or not free:
        return None
    links = Counter(loop.region for loop in linked)
    fewest = min(links[loop.region] for loop in free)
    return pick([loop for loop in free if links[loop.region] == fewest])
