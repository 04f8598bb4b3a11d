"""Asks the workers that are still linked to take the rack over from an owner that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.host.routine import Routine
from maasha.model.cluster import Ownership
from maasha.rack.obedience import Obedience
from maasha.rpc.errors import RpcError
from maasha.rpc.rack_side import Session

RETRY = 2.0
"""Seconds until the workers are asked once more, where none could take the rack over."""


class Succession(Routine):
    """Works only between the end of an owner's link and the next owner's word.

    A region without database cannot take over; it is asked again until the rack has an owner.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        obedience: Obedience,
        sessions: Callable[[], Iterable[Session]],
    ) -> None:
        super().__init__(clock, RETRY, self._ask, "succession")
        self._obedience = obedience
        self._sessions = sessions
        self._lost: Ownership | None = None

    def lost(self, owner: Ownership) -> None:
        """Look for a successor at once."""
        self._lost = owner
        self.wake()

    async def _ask(self) -> None:
        if self._obedience.owner is not None:
            self._lost = None
        if self._lost is None:
            return
        for session in tuple(self._sessions()):
            try:
                await session.remote.claim(self._lost)
            except RpcError as error:
                self.log.info("not taken over: {error}", error=error)
            else:
                return
