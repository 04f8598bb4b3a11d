"""Calls between racks and regions all the time, and what became of them.

`TRAFFIC` is an extension, as third parties bring them: a plugin (`install`) makes it one of the
regions' workers, which call each rack over each of its links; `Traffic` calls the regions for the
racks. Every call takes its time at the other end, so there are always some under way. Both begin
calls only while they are told to, and both count what they begin: a call that came to no end is
missing in the sum.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from maasha.rpc.extension import Call, Extension, Number, Peer, Side
from maasha.rpc.rack_side import Session
from tests.acceptance.ledger import Book, Tally

LONGEST = 400
"""Milliseconds that a call takes at the other end, from none at all."""
DEADLINE = 20.0
"""Seconds for an answer."""
PAUSE, BOOKS = "TRAFFIC_PAUSE", "TRAFFIC_BOOKS"
"""The environment's seconds from call to call of a region on one link, and where it counts them."""
GO, HALT = "go", "halt"
"""Words to a process of racks."""
FAILED = "traffic: a call failed"
"""What a region logs of each."""
SHOWN = 120
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

    @Work.responder
    async def work(self, milliseconds: int) -> dict[str, object]:
        """Be busy, then answer."""
        await deferLater(self.peer.clock, milliseconds / 1000)
        return {}


@cache
def book() -> Book:
    """Give the book of this process."""
    return Book(Path(os.environ[BOOKS]))


class AtRegion(Busy):
    """Calls the rack, too."""

    async def live(self) -> None:
        """Call as long as the link is there to stay, so often, however long each call takes."""
        pause, clock = float(os.environ[PAUSE]), self.peer.clock
        due = clock.seconds() + random.uniform(0, pause)
        while True:
            await deferLater(clock, max(0.0, due - clock.seconds()))
            due += pause
            if self.peer.parting:
                return
            if not book().halted:
                await self._call()

    async def _call(self) -> None:
        """Call once; what fails is logged, and so is what the end of the link cancels."""
        book().note(Tally(begun=1))
        try:
            await work(self.peer)
        except Exception as error:
            book().note(Tally(failed=1))
            log.warn("{what}: {error!r}", what=FAILED, error=error)
            if isinstance(error, CancelledError):
                raise
        else:
            book().note(Tally(answered=1))


TRAFFIC = Extension("traffic", rack=Busy, region=AtRegion)


def install(folder: Path, pause: float, books: Path) -> dict[str, str]:
    """Make it a plugin that is found below `folder`; gives the environment for regiond."""
    plugins = folder / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "traffic_plugin.py").write_text(PLUGIN)
    places = str(folder), str(Path(__file__).resolve().parent.parent.parent)
    return {"PYTHONPATH": os.pathsep.join(places), PAUSE: str(pause), BOOKS: str(books)}


class Caller(Protocol):
    """A rack that has links."""

    @property
    def sessions(self) -> Sequence[Session]:
        """The links to call over."""


class Traffic:
    """Calls of all racks of this process, in turn, each over any of its links."""

    def __init__(self, clock: IReactorTime, racks: Iterable[Caller], rate: float) -> None:
        self._racks = cycle(racks)
        self._pause = 1 / rate if rate else 0.0
        self._calling = LoopingCall.withCount(self._call_for)
        self._calling.clock = clock
        self._begun = 0
        self._calls: list[float] = []
        self._failed: Counter[str] = Counter()

    def obey(self, word: str) -> None:
        """Begin calls, so many in a second, or begin no more."""
        if word == GO and self._pause:
            self._calling.start(self._pause)
        elif word == HALT and self._calling.running:
            self._calling.stop()

    def report(self) -> dict[str, object]:
        """Tell what was begun since the last report, and what came to an end."""
        told: dict[str, object] = {
            "begun": self._begun,
            "calls": self._calls,
            "failed": dict(self._failed),
        }
        self._begun, self._calls, self._failed = 0, [], Counter()
        return told

    def _call_for(self, missed: int) -> None:
        for _ in range(missed):
            self._begun += 1
            Deferred.fromCoroutine(self._call(next(self._racks).sessions))

    async def _call(self, sessions: Sequence[Session]) -> None:
        if not sessions:
            self._failed["no link"] += 1
            return
        began = time.monotonic()
        try:
            await work(random.choice(sessions).peer)
        except Exception as error:
            self._failed[repr(error)[:SHOWN]] += 1
        else:
            self._calls.append(round(time.monotonic() - began, 4))
