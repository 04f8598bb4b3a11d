"""Calls between racks and regions all the time, and what became of them.

`TRAFFIC` is an extension, as third parties bring them: a plugin (`install`) makes it one of the
regions' workers, which call each rack over each of its links; `Traffic` calls the regions for the
racks. Every call takes its time at the other end, so there are always some under way.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from maasha.rpc.extension import Call, Extension, Number, Peer, RpcError, Side
from maasha.rpc.rack_side import Session

LONGEST = 400
"""Milliseconds that a call takes at the other end, from none at all."""
DEADLINE = 20.0
"""Seconds for an answer."""
PAUSE = "TRAFFIC_PAUSE"
"""The environment's seconds between two calls of a region on one link."""
FAILED = "traffic: a call failed"
"""What a region logs of each."""
SHOWN = 80
"""Characters of an error, when errors are counted."""
PLUGIN = "from tests.acceptance.traffic import TRAFFIC\n\n__all__ = ['TRAFFIC']\n"

log = Logger()


class Work(Call):
    """Either way: be busy for so long, then answer."""

    arguments = [(b"milliseconds", Number())]


async def work(peer: Peer) -> None:
    """Have the other end be busy for a while. Raises RpcError."""
    await peer.call(Work, DEADLINE, milliseconds=random.randrange(LONGEST))


class Busy(Side):
    """Works when it is told to."""

    answered = 0
    """All calls of this process."""

    @Work.responder
    async def work(self, milliseconds: int) -> dict[str, object]:
        """Be busy, then answer."""
        await deferLater(self.peer.clock, milliseconds / 1000)
        Busy.answered += 1
        return {}


class AtRegion(Busy):
    """Calls the rack, too."""

    async def live(self) -> None:
        """Call as long as the link is there to stay; a call that fails is logged."""
        pause, clock = float(os.environ[PAUSE]), self.peer.clock
        await deferLater(clock, random.uniform(0, pause))
        while not self.peer.parting:
            try:
                await work(self.peer)
            except RpcError as error:
                log.warn("{what}: {error}", what=FAILED, error=error)
            await deferLater(clock, pause)


TRAFFIC = Extension("traffic", rack=Busy, region=AtRegion)


def install(folder: Path, pause: float) -> dict[str, str]:
    """Make it a plugin that is found below `folder`; gives the environment for regiond."""
    plugins = folder / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "traffic_plugin.py").write_text(PLUGIN)
    places = str(folder), str(Path(__file__).resolve().parent.parent.parent)
    return {"PYTHONPATH": os.pathsep.join(places), PAUSE: str(pause)}


class Caller(Protocol):
    """A rack that has links."""

    @property
    def sessions(self) -> Sequence[Session]:
        """The links to call over."""


class Traffic:
    """Calls of all racks of this process, in turn, each over any of its links."""

    def __init__(self, clock: IReactorTime, racks: Iterable[Caller]) -> None:
        self._clock = clock
        self._racks = cycle(racks)
        self._calls: list[float] = []
        self._failed: Counter[str] = Counter()

    def start(self, rate: float) -> None:
        """Call so often in a second."""
        calling = LoopingCall.withCount(self._call_for)
        calling.clock = self._clock
        calling.start(1 / rate)

    def report(self) -> dict[str, object]:
        """Tell what has become of calls since the last report."""
        told: dict[str, object] = {
            "calls": self._calls,
            "failed": dict(self._failed),
            "answered": Busy.answered,
        }
        self._calls, self._failed, Busy.answered = [], Counter(), 0
        return told

    def _call_for(self, missed: int) -> None:
        for _ in range(missed):
            Deferred.fromCoroutine(self._call(next(self._racks).sessions))

    async def _call(self, sessions: Sequence[Session]) -> None:
        if not sessions:
            self._failed["no link"] += 1
            return
        began = time.monotonic()
        try:
            await work(random.choice(sessions).peer)
        except RpcError as error:
            self._failed[str(error)[:SHOWN]] += 1
        else:
            self._calls.append(round(time.monotonic() - began, 4))
