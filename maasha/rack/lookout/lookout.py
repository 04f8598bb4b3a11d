"""Watches VLANs for racks that could be failover peers, as the region says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, DeferredLock, maybeDeferred
from twisted.logger import Logger

from maasha.host.routine import Routine
from maasha.model.network import VlanId
from maasha.model.sighting import MOST_WATCHED, Peer, Sighting, Watch
from maasha.rack.lookout.evidence import Outline
from maasha.rack.lookout.post import TICK, Post
from maasha.rack.lookout.scene import Scene

VALID = 60.0
"""Seconds for which an order counts; a region renews it thrice in that time.

So nobody goes on looking for a region that is gone, or for one that forgot that it had asked.
"""

Outlines = dict[tuple[VlanId, Peer], Outline]


class Lookout(MultiService):
    """A post for each watched VLAN; nothing of it outlives this process.

    `taken` gives the VLANs on which the failover port is dhcpd's: no post listens there. `changed`
    hears when something became known or no longer holds. Orders are carried out one after the
    other; one that is not given again is forgotten after VALID seconds.
    """

    log = Logger()

    def __init__(
        self, scene: Scene, taken: Callable[[], Collection[VlanId]], changed: Callable[[], None]
    ) -> None:
        super().__init__()
        self._scene = scene
        self._taken = taken
        self._changed = changed
        self._posts: dict[VlanId, Post] = {}
        self._lock = DeferredLock()
        self._forgetting = Routine(scene.reactor, TICK, self._forget, "end of watches")
        self._forgetting.setServiceParent(self)
        self._valid_until = 0.0
        self._left_out: tuple[VlanId, ...] = ()

    @property
    def posts(self) -> tuple[Post, ...]:
        """Where somebody looks out, for people to see."""
        return tuple(self._posts.values())

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """What is known, with its age."""
        return tuple(one for post in self._posts.values() for one in post.sightings)

    @property
    def outlines(self) -> Outlines:
        """What is known, without its numbers."""
        return {
            (vlan, peer): outline
            for vlan, post in self._posts.items()
            for peer, outline in post.outlines.items()
        }

    async def watch(self, watches: Sequence[Watch]) -> None:
        """Watch the first MOST_WATCHED of these VLANs and no others.

        Where only peers change, what is known stays.
        """
        self._valid_until = self._scene.reactor.seconds() + VALID
        self._leave_out(tuple(watch.vlan for watch in watches[MOST_WATCHED:]))
        await self._in_turn(
            lambda: self._replace({watch.vlan: watch for watch in watches[:MOST_WATCHED]})
        )

    async def give_up(self, vlans: Collection[VlanId]) -> None:
        """Watch these VLANs no more; ends when no port of theirs is open."""
        await self._in_turn(lambda: self._close(vlans))

    def _leave_out(self, vlans: tuple[VlanId, ...]) -> None:
        """Say which VLANs have to wait, once until none has."""
        if vlans and not self._left_out:
            self.log.warn(
                "{most} VLANs are watched at once; {count} more wait for their turn: {vlans}",
                most=MOST_WATCHED,
                count=len(vlans),
                vlans=", ".join(map(str, vlans)),
            )
        self._left_out = vlans

    async def _forget(self) -> None:
        if self._posts and self._scene.reactor.seconds() >= self._valid_until:
            self.log.info("no region has VLANs watched any more")
            await self.watch(())

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self._lock.run(lambda: Deferred.fromCoroutine(work()))

    async def _replace(self, wanted: dict[VlanId, Watch]) -> None:
        await self._close(
            [
                vlan
                for vlan, post in self._posts.items()
                if vlan not in wanted or not post.adopt(wanted[vlan])
            ]
        )
        for vlan, watch in wanted.items():
            if vlan not in self._posts:
                post = self._posts[vlan] = self._post(watch)
                post.setServiceParent(self)

    def _post(self, watch: Watch) -> Post:
        return Post(watch, self._scene, lambda: watch.vlan in self._taken(), self._changed)

    async def _close(self, vlans: Iterable[VlanId]) -> None:
        closed = [self._posts.pop(vlan) for vlan in vlans if vlan in self._posts]
        await DeferredList([maybeDeferred(post.disownServiceParent) for post in closed])
