"""The other end of a registered link, as those see it who bring commands of their own."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from maasha.model.cluster import InstanceId, SystemId, WorkerId
from maasha.rpc.commands import Call
from maasha.rpc.protocol import DEADLINE, Link
from maasha.rpc.pulse import Health, RoundTrip


class Caller(Protocol):
    """Carries calls to the other side, as `Link.call` does."""

    async def call(
        self, command: type[Call], deadline: float = DEADLINE, /, **arguments: Any
    ) -> dict[str, Any]:
        """Call the other side and give the values of its answer."""


@frozen(eq=False)
class Peer:
    """Who is there, and how to call: one for each link, though two links may lead to one rack."""

    system_id: SystemId
    """Of the controller at the other end: a rack's, or a region's."""
    instance: InstanceId
    worker: WorkerId
    """The region's worker that has the link, whichever end this is."""
    clock: IReactorTime
    _link: Link = field(repr=False)
    _caller: Caller = field(repr=False)

    @property
    def remote(self) -> str:
        """Where the other end is connected from or to, as host:port."""
        return self._link.remote

    @property
    def closed(self) -> Deferred[str]:
        """A new Deferred at each look; it fires with the reason once the link has ended."""
        return self._link.closed

    @property
    def parting(self) -> bool:
        """Whether both ends have agreed to make no more calls here: a call raises LinkLost.

        It does not turn so while a call is under way. The link has been moved, and what the same
        extension does goes on over the new one.
        """
        return self._link.parting

    @property
    def health(self) -> Health:
        """What is thought of the other end; while it is suspect, calls wait and are not sent."""
        return self._link.health

    @property
    def round_trip(self) -> RoundTrip | None:
        """How long one takes; None before the first was measured."""
        return self._link.round_trip

    async def call(
        self, command: type[Call], deadline: float = DEADLINE, /, **arguments: Any
    ) -> dict[str, Any]:
        """Call the other side and give the values of its answer; raises as `Link.call`.

        To a rack that has not had its welcome yet a call waits, within its deadline.
        """
        return await self._caller.call(command, deadline, **arguments)
