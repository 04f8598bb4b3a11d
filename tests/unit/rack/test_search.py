"""Regions are asked side by side; what they said last is remembered for when none answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from pathlib import Path

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseNeverReceived

from maasha.model.cluster import EventLoop
from maasha.rack.discovery import TIMEOUT, Reply
from maasha.rack.memory import Memory
from maasha.rack.search import PATIENCE, Search
from tests.unit.rack.stand_ins import loop
from tests.unit.rpc.parts import Listener, error_of, value_of, waits

A, B = "http://a:5240/MAAS/", "http://b:5240/MAAS/"
ONE, TWO = loop("a", 1), loop("b", 2)


@define
class Web:
    """Regions by URL: what each answers; one without an answer never does."""

    clock: Clock = field(factory=Clock)
    answers: dict[str, Reply | Exception] = field(factory=dict)
    asked: list[str] = field(factory=list)
    silence: Deferred[Reply] | None = None
    """What such a one may answer in the end."""

    async def fetch(self, url: str) -> Reply:
        """Answer, fail or hang."""
        self.asked.append(url)
        found = self.answers.get(url.removesuffix("rpc/"))
        if found is None:
            silence, self.silence = self.silence or Deferred(), None
            found = await silence
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def web() -> Web:
    """Give a web without regions."""
    return Web()


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Give a memory that knows no region."""
    return Memory(tmp_path, tmp_path / "secret")


@pytest.fixture
def search(web: Web, memory: Memory) -> Search:
    """Give a search of two regions."""
    return Search(web.clock, web.fetch, (A, B), memory)


def published(*loops: EventLoop) -> Reply:
    """Give a region's answer."""
    places = {one.name: [[e.host, e.port] for e in one.endpoints] for one in loops}
    return Reply(200, json.dumps({"eventloops": places}).encode())


def start(work: Awaitable[tuple[EventLoop, ...]]) -> Deferred[tuple[EventLoop, ...]]:
    """Begin to search."""
    begun: Deferred[tuple[EventLoop, ...]] = Deferred.fromCoroutine(work)  # type: ignore[arg-type]
    return begun


def test_all_regions_are_asked_side_by_side(web: Web, search: Search, memory: Memory) -> None:
    """Their answers are united, and remembered."""
    web.answers = {A: published(ONE), B: published(ONE, TWO)}
    assert value_of(start(search.find())) == (ONE, TWO)
    assert web.asked == [f"{A}rpc/", f"{B}rpc/"]
    assert memory.regions == (ONE, TWO)


def test_one_region_is_enough(web: Web, search: Search) -> None:
    """One that is frozen is waited for no longer than a second."""
    web.answers = {B: published(TWO)}
    found = start(search.find())
    assert waits(found)
    web.clock.advance(PATIENCE)
    assert value_of(found) == (TWO,)


def test_all_are_waited_for_where_no_worker_is_known(web: Web, search: Search) -> None:
    """A rack that has just been registered has nobody else to ask."""
    found = start(search.find())
    web.clock.advance(PATIENCE)
    assert waits(found)
    web.clock.advance(TIMEOUT - PATIENCE)
    assert value_of(found) == ()


def test_a_slow_answer_counts_in_the_next_search(web: Web, search: Search, memory: Memory) -> None:
    """Its region is not asked again meanwhile, which would make it slower."""
    memory.meet((ONE,))
    web.answers = {A: OSError("no route to host")}
    silence = web.silence = Deferred()
    found = start(search.find())
    web.clock.advance(PATIENCE)
    assert value_of(found) == (ONE,)
    again = start(search.find())
    assert web.asked.count(f"{B}rpc/") == 1
    silence.callback(published(TWO))
    assert value_of(again) == (TWO,)
    late = start(search.find())
    assert web.asked.count(f"{B}rpc/") == 2
    web.clock.advance(PATIENCE)
    assert value_of(late) == (TWO,)


def test_an_answer_counts_for_a_few_seconds(web: Web, search: Search) -> None:
    """Nobody tells whether it still holds; what is remembered is dialled all the same."""
    web.answers = {A: published(ONE), B: published(TWO)}
    value_of(start(search.find()))
    web.answers = {A: published(ONE)}
    web.clock.advance(TIMEOUT + 1)
    found = start(search.find())
    web.clock.advance(PATIENCE)
    assert value_of(found) == (ONE,)


def test_a_search_that_is_given_up_leaves_nothing_behind(web: Web, search: Search) -> None:
    """Rackd ends while a region does not answer."""
    silence = web.silence = Deferred()
    found = start(search.find())
    found.cancel()
    assert isinstance(error_of(found), CancelledError)
    assert silence.called
    assert web.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    "answer",
    [
        Reply(503, b"no database yet"),
        Reply(200, b"<html>a proxy</html>"),
        Reply(200, b'{"eventloops": {}}'),
        OSError("no route to host"),
    ],
)
def test_with_no_region_in_reach_the_last_answer_counts(
    web: Web, search: Search, memory: Memory, answer: Reply | Exception
) -> None:
    """Workers may be reached although the URLs are not, also by a rackd that has just started."""
    memory.meet((ONE,))
    web.answers = {A: answer, B: answer}
    assert value_of(start(search.find())) == (ONE,)
    assert memory.regions == (ONE,)


def test_a_region_is_complained_about_once(web: Web, search: Search, log: Listener) -> None:
    """A rack that waits a night for its regions does not fill the disk."""
    web.answers = {A: OSError("no route to host"), B: published(TWO)}
    for _ in range(5):
        value_of(start(search.find()))
    assert log.lines == [f"{A}rpc/: no route to host"]


def test_another_reason_is_another_complaint(web: Web, search: Search, log: Listener) -> None:
    """And after an answer the same one is news again."""
    reasons: list[Reply | Exception] = [
        OSError("no route to host"),
        Reply(404, b""),
        published(ONE),
        OSError("no route to host"),
    ]
    for reason in reasons:
        web.answers = {A: reason, B: published(TWO)}
        value_of(start(search.find()))
    first, second, third = log.lines
    assert first == third
    assert "HTTP status 404" in second


def test_silence_is_named(web: Web, search: Search, log: Listener) -> None:
    """A region that does not answer in time is one that does not answer."""
    web.answers = {B: published(TWO)}
    found = start(search.find())
    web.clock.advance(PATIENCE)
    value_of(found)
    web.clock.advance(TIMEOUT - PATIENCE)
    assert log.lines == [f"{A}rpc/: no answer within 5 s"]


def test_what_the_http_client_wraps_is_unwrapped(web: Web, search: Search, log: Listener) -> None:
    """People read what happened, not a list of failures."""
    inner = ResponseNeverReceived([Failure(ConnectionResetError("reset by peer"))])
    web.answers = {A: ResponseNeverReceived([Failure(inner)]), B: ConnectionError()}
    value_of(start(search.find()))
    assert log.lines == [f"{A}rpc/: reset by peer", f"{B}rpc/: ConnectionError"]
