"""Probes VLANs for DHCP servers and for name servers, as the region says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from maasha.host.routine import Routine
from maasha.model.network import VlanId
from maasha.model.probe import Finding, Probe
from maasha.rack.probing.instruments import Instruments
from maasha.rack.probing.knowledge import Outline
from maasha.rack.probing.spot import TICK, Spot

VALID = 300.0
"""Seconds for which an order counts; a region renews it each minute."""

Outlines = Mapping[VlanId, Outline]


class Probing(MultiService):
    """A spot for each VLAN; nothing of it outlives this process.

    `changed` hears when something became known or no longer holds. An order that is not given
    again is forgotten after VALID seconds.
    """

    log = Logger()

    def __init__(self, tools: Instruments, changed: Callable[[], None]) -> None:
        super().__init__()
        self._tools = tools
        self._changed = changed
        self._spots: dict[VlanId, Spot] = {}
        self._valid_until = 0.0
        Routine(tools.clock, TICK, self._forget, "end of probes").setServiceParent(self)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known, with its age."""
        return tuple(spot.finding for spot in self._spots.values())

    @property
    def outlines(self) -> Outlines:
        """What is known, without its numbers."""
        return {vlan: spot.outline for vlan, spot in self._spots.items()}

    def probe(self, probes: Sequence[Probe]) -> None:
        """Probe these VLANs and no others; what is known of those that stay is kept."""
        self._valid_until = self._tools.clock.seconds() + VALID
        wanted = {probe.vlan: probe for probe in probes}
        for vlan, spot in tuple(self._spots.items()):
            if vlan not in wanted or not spot.adopt(wanted[vlan]):
                self._end(self._spots.pop(vlan))
        for vlan, probe in wanted.items():
            if vlan not in self._spots:
                spot = self._spots[vlan] = Spot(probe, self._tools, self._changed)
                spot.setServiceParent(self)

    async def _forget(self) -> None:
        if self._spots and self._tools.clock.seconds() >= self._valid_until:
            self.log.info("no region has VLANs probed any more")
            self.probe(())

    def _end(self, spot: Spot) -> None:
        ended: Deferred[None] = maybeDeferred(spot.disownServiceParent)
        ended.addErrback(lambda failure: self.log.failure("the end of probes", failure))
