"""Links go to different workers, and to different regions as far as there are any."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import Endpoint
from maasha.rack.choice import next_loop
from maasha.rack.discovery import EventLoop


def loop(region: int, worker: int) -> EventLoop:
    """Name a worker of a region."""
    return EventLoop(f"region{region}:pid={worker}", (Endpoint("10.0.0.1", 5250 + worker),))


clusters = st.sets(st.builds(loop, st.integers(0, 4), st.integers(0, 4)), max_size=12).map(
    lambda loops: sorted(loops, key=lambda each: each.name)
)


def filled(known: list[EventLoop], wanted: int, seed: int) -> list[EventLoop]:
    """Choose until nothing more is to be chosen."""
    linked: list[EventLoop] = []
    pick = Random(seed).choice
    while chosen := next_loop(known, linked, wanted, pick):
        linked.append(chosen)
    return linked


@given(clusters, st.integers(1, 6), st.integers())
def test_every_link_has_a_worker_of_its_own(known: list[EventLoop], wanted: int, seed: int) -> None:
    """No worker gets a second link, and as many links are made as there can be."""
    linked = filled(known, wanted, seed)
    assert len(set(linked)) == len(linked) == min(wanted, len(known))


@given(clusters, st.integers(1, 6), st.integers())
def test_links_spread_over_regions(known: list[EventLoop], wanted: int, seed: int) -> None:
    """A region has a second link only when every region with a free worker has one."""
    linked = filled(known, wanted, seed)
    workers = Counter(each.region for each in known)
    links = Counter(each.region for each in linked)
    for region, count in links.items():
        for other, available in workers.items():
            if other != region and links[other] < available:
                assert count <= links[other] + 1
