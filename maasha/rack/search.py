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


class Search:
    """All regions are asked side by side; one that answers is enough."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, fetch: Fetch, urls: Sequence[str], memory: Memory
    ) -> None:
        self._clock = clock
        self._fetch = fetch
        self._urls = [rpc_url(url) for url in urls]
        self._memory = memory
        self._complaints: dict[str, str] = {}

    async def find(self) -> tuple[EventLoop, ...]:
        """Give the published workers; with no region in reach those of the last answer."""
        results = await DeferredList([self._ask(url) for url in self._urls])
        found = merged(answer for success, answer in results if success and answer is not None)
        if not found:
            return self._memory.regions
        self._memory.meet(found)
        return found

    def _ask(self, url: str) -> Deferred[tuple[EventLoop, ...] | None]:
        asked: Deferred[tuple[EventLoop, ...]] = Deferred.fromCoroutine(self._listing(url))
        asked.addTimeout(TIMEOUT, self._clock)
        return asked.addErrback(self._complain, url)

    async def _listing(self, url: str) -> tuple[EventLoop, ...]:
        loops = listing(url, await self._fetch(url))
        self._complaints.pop(url, None)
        return loops

    def _complain(self, failure: Failure, url: str) -> None:
        """Say once why a region gave no workers, until it does or another reason comes."""
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
