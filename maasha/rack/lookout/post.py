"""One VLAN that is watched: rounds of probes and calls, and what is known of each rack there."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.host.routine import Routine
from maasha.model.sighting import Peer, Sighting, Watch
from maasha.rack.lookout.calling import reaches
from maasha.rack.lookout.evidence import Evidence, Exchange, Outline
from maasha.rack.lookout.listener import Listener
from maasha.rack.lookout.prober import Prober
from maasha.rack.lookout.problems import Problems
from maasha.rack.lookout.scene import Scene

TICK = 1.0
"""Seconds between looks whether it is time for a round."""
EAGER, STEADY = 2.0, 5.0
"""Seconds between two rounds at most: while something is not known, and otherwise."""
SPREAD = 0.25
"""Part of that by which a round may come early: VLANs that begin together drift apart.

So a rack that watches hundreds does not call on all of them in the same moment for ever.
"""


class Post(Routine):
    """Looks out on one VLAN, from some moment of the first TICK on.

    While `port_taken` there is no listener. `changed` hears when something became known or no
    longer holds.
    """

    log = Logger()

    def __init__(
        self,
        watch: Watch,
        scene: Scene,
        port_taken: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        name = f"lookout on VLAN {watch.vlan}"
        super().__init__(scene.reactor, TICK, self._look, name, first=scene.chance() * TICK)
        self.watch = watch
        self._scene = scene
        self._port_taken = port_taken
        self._changed = changed
        self._problems = Problems(watch.vlan)
        self._prober = Prober(scene, lambda: self.watch, self._problems, self._answered)
        self._listener = Listener(scene, lambda: self.watch, self._problems)
        self._known: dict[Peer, Evidence] = {}
        self._outlines: dict[Peer, Outline] = {}
        self._round_at = scene.reactor.seconds()
        self.adopt(watch)

    @property
    def listens(self) -> bool:
        """Whether others may call now."""
        return self._listener.is_open

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not work now, for people."""
        return self._problems.open

    @property
    def outlines(self) -> dict[Peer, Outline]:
        """What is known, without its numbers."""
        return dict(self._outlines)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """What is known, with its age."""
        now, vlan = self._scene.reactor.seconds(), self.watch.vlan
        return tuple(known.sighting(vlan, peer.rack, now) for peer, known in self._known.items())

    def adopt(self, watch: Watch) -> bool:
        """Go on with other peers, keeping what is known of those that stay.

        False: the two watches differ in more than that, and nothing was done.
        """
        if evolve(watch, peers=()) != evolve(self.watch, peers=()):
            return False
        if set(watch.peers) - set(self._known):
            self._round_at = self._scene.reactor.seconds()
        self.watch = watch
        self._known = {peer: self._known.get(peer, Evidence()) for peer in watch.peers}
        self._outlines = {peer: self._outlines.get(peer, Outline()) for peer in watch.peers}
        return True

    def stopService(self) -> Deferred[None]:
        """Look no more; fires when the port is free."""
        return Deferred.fromCoroutine(self._end(super().stopService()))

    async def _end(self, stopped: Deferred[None] | None) -> None:
        self._prober.close()
        await self._listener.close()
        if stopped is not None:
            await stopped

    async def _look(self) -> None:
        """Make a round, if it is time; it ends when every call has ended."""
        taken = self._port_taken()
        if taken:
            await self._listener.close()
        now = self._scene.reactor.seconds()
        if now < self._round_at:
            return
        if not taken:
            self._listener.open()
        self._prober.probe()
        calls = [Deferred.fromCoroutine(self._call(peer)) for peer in self._known]
        for _, failure in await DeferredList(calls, consumeErrors=True):
            if isinstance(failure, Failure) and not failure.check(CancelledError):
                self.log.failure("a call on VLAN {vlan} failed", failure, vlan=self.watch.vlan)
        for peer in self._known:
            self._judge(peer)
        complete = all(outline.complete for outline in self._outlines.values())
        longest = STEADY if complete else EAGER
        self._round_at = now + longest * (1.0 - SPREAD * self._scene.chance())

    async def _call(self, peer: Peer) -> None:
        if await reaches(self._scene, self.watch, peer) and peer in self._known:
            self._known[peer] = self._known[peer].reached(self._scene.reactor.seconds())
            self._judge(peer)

    def _answered(self, peer: Peer, made: Exchange) -> None:
        self._known[peer] = self._known[peer].answered(made)
        self._judge(peer)

    def _judge(self, peer: Peer) -> None:
        """Find out whether something became known, or no longer holds."""
        outline = self._known[peer].outline(self._scene.reactor.seconds())
        if outline == self._outlines[peer]:
            return
        self._outlines[peer] = outline
        self.log.info(
            "rack {rack} at {address} on VLAN {vlan}: probed: {probed}, TCP 647 reached: {reached}"
            ", clocks near: {near}",
            rack=peer.rack,
            address=peer.address,
            vlan=self.watch.vlan,
            probed=outline.probed,
            reached=outline.reached,
            near=outline.clocks_near,
        )
        self._changed()
