"""Finds the regions' workers: asks every configured region, else remembers the last answer."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.model.cluster import EventLoop
from maasha.rack.discovery import TIMEOUT, Fetch, listing, merged, rpc_url
from maasha.rack.memory import Memory

PATIENCE = 1.0
"""Seconds to wait for all regions where a worker is known by then: one that is frozen or far away
holds no rack up."""


class Search:
    """All regions are asked side by side; one that answers is enough.

    One that is slow is not asked again before it has answered, and its answer counts in the next
    search.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, fetch: Fetch, urls: Sequence[str], memory: Memory
    ) -> None:
        self._clock = clock
        self._fetch = fetch
        self._urls = [rpc_url(url) for url in urls]
        self._memory = memory
        self._complaints: dict[str, str] = {}
        self._asked: dict[str, Deferred[None]] = {}
        self._answers: dict[str, tuple[float, tuple[EventLoop, ...]]] = {}

    async def find(self) -> tuple[EventLoop, ...]:
        """Give the published workers; with no region in reach those of the last answer."""
        for url in self._urls:
            if url not in self._asked:
                self._ask(url)
        try:
            await self._answered(PATIENCE)
            if not (self._lately() or self._memory.regions):
                await self._answered(TIMEOUT)
        except CancelledError:
            for asked in tuple(self._asked.values()):
                asked.cancel()
            raise
        found = self._lately()
        if not found:
            return self._memory.regions
        self._memory.meet(found)
        return found

    def _lately(self) -> tuple[EventLoop, ...]:
        """Unite the answers that are new enough."""
        oldest = self._clock.seconds() - TIMEOUT
        return merged(loops for at, loops in self._answers.values() if at >= oldest)

    async def _answered(self, seconds: float) -> None:
        """Wait until nobody is asked any more, but so many seconds at most."""
        waited: Deferred[None] = Deferred()
        everybody = DeferredList(self._asked.values())
        everybody.addCallback(lambda _: waited.callback(None))
        await waited.addTimeout(seconds, self._clock, lambda *_: None)

    def _ask(self, url: str) -> None:
        asked = self._asked[url] = Deferred.fromCoroutine(self._listing(url))
        asked.addTimeout(TIMEOUT, self._clock)
        asked.addErrback(self._complain, url).addBoth(self._forget, url)

    def _forget(self, _: object, url: str) -> None:
        del self._asked[url]

    async def _listing(self, url: str) -> None:
        loops = listing(url, await self._fetch(url))
        self._answers[url] = self._clock.seconds(), loops
        self._complaints.pop(url, None)

    def _complain(self, failure: Failure, url: str) -> None:
        """Say once why a region gave no workers, until it does or another reason comes."""
        self._answers.pop(url, None)
        reason = _reason(failure)
        if self._complaints.get(url) != reason:
            self._complaints[url] = reason
            self.log.warn("{url}: {reason}", url=url, reason=reason)


def _reason(failure: Failure) -> str:
    """Say why in words: the HTTP client wraps what happened in lists of failures."""
    error = failure.value
    while nested := getattr(error, "reasons", None):
        error = nested[0].value
    if isinstance(error, DeferredTimeout | CancelledError):
        return f"no answer within {TIMEOUT:g} s"
    return str(error) or type(error).__name__
