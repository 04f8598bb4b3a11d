"""How the lookout is doing, as rackd tells it to people."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from maasha.rack.lookout.post import Post


@frozen
class LookoutReport:
    """What is known of a rack on a watched VLAN; times are in seconds, None: nothing is known."""

    vlan: int
    interface: str
    address: str
    listens: bool
    """Whether TCP 647 is open here for the others' calls."""
    problem: str
    """What does not work here; empty: nothing."""
    peer: int | None = None
    """The region's number of the other rack; None: there is no other on the VLAN."""
    peer_address: str = ""
    peer_name: str = ""
    """Its hostname; empty: the region did not say."""
    probed: float | None = None
    """Ago."""
    reached: float | None = None
    """Ago."""
    clock_offset: float | None = None


def reports(post: Post) -> Iterator[LookoutReport]:
    """Look at a post."""
    watch = post.watch
    here = (watch.vlan, watch.interface, str(watch.address), post.listens, "; ".join(post.problems))
    if not watch.peers:
        yield LookoutReport(*here)
    for peer, seen in zip(watch.peers, post.sightings, strict=True):
        known = (seen.probed, seen.reached, seen.clock_offset)
        yield LookoutReport(*here, peer.rack, str(peer.address), peer.hostname, *known)
