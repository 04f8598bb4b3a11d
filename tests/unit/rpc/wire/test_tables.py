"""Several locators answer as one, each on the fast path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.wire import AMP, Several
from maasha.rpc.wire.tables import table_of
from tests.unit.rpc.wire.parts import Lookup, Pair, Ping, Timed, Unknown, outcome


class Clerk(amp.CommandLocator):
    """Answers Ping and Lookup and notes it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Note it."""
        self.asked.append("ping")
        return {}

    @Lookup.responder
    async def look_up(self, id: int, name: str) -> dict[str, object]:
        """Note it."""
        self.asked.append(name)
        return {"ok": True, "count": id}


class Heir(amp.CommandLocator):
    """Answers Lookup only."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @Lookup.responder
    def look_up(self, id: int, name: str) -> dict[str, object]:
        """Note it."""
        self.asked.append(name)
        return {"ok": False, "count": id}


class Bell(amp.CommandLocator):
    """Answers Ping only."""

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Answer."""
        return {}


class Private(amp.CommandLocator):
    """Finds who answers in a way of its own."""

    def locateResponder(self, name: bytes) -> Callable[..., Any] | None:
        """Find nobody but for Ping."""
        return Bell().locateResponder(name) if name == b"Ping" else None


def pair_with(*parts: amp.CommandLocator) -> Pair:
    """Connect an asking end with one that several locators answer for."""
    return Pair(AMP(), Timed(Clock(), locator=Several(*parts)))


def ask(pair: Pair, command: type[amp.Command], **arguments: Any) -> Any:
    """Call and give what came of it."""
    came = outcome(pair.client.callRemote(command, **arguments))
    pair.flush()
    return came[0]


def test_each_command_goes_to_the_part_that_knows_it() -> None:
    """In whatever order they come, and without a detour."""
    heir, bell = Heir(), Bell()
    pair = pair_with(bell, heir)
    for number in range(3):
        assert ask(pair, Ping) == {}
        assert ask(pair, Lookup, id=number, name="x") == {"ok": False, "count": number}
    assert heir.asked == ["x"] * 3
    assert pair.server.metrics.request_detours == 0


def test_requests_in_one_read_find_their_parts() -> None:
    """Also where a command repeats and another comes between."""
    clerk, heir = Clerk(), Heir()
    pair = pair_with(Bell(), heir, clerk)
    commands = [Ping, Lookup, Lookup, Ping, Ping, Lookup]
    given: dict[type[amp.Command], dict[str, Any]] = {Ping: {}, Lookup: {"id": 1, "name": "x"}}
    came = [outcome(pair.client.callRemote(one, **given[one])) for one in commands]
    pair.flush()
    assert came == [
        [{}] if command is Ping else [{"ok": False, "count": 1}] for command in commands
    ]
    assert (heir.asked, clerk.asked) == (["x"] * 3, [])


def test_the_first_part_that_knows_a_command_answers_it() -> None:
    """What follows is not asked; a coroutine answers as well as a function."""
    clerk, heir = Clerk(), Heir()
    pair = pair_with(clerk, heir)
    assert ask(pair, Lookup, id=7, name="x") == {"ok": True, "count": 7}
    assert (clerk.asked, heir.asked) == (["x"], [])


def test_what_no_part_knows_is_unknown() -> None:
    """As with a single locator; the connection lives."""
    pair = pair_with(Bell(), Heir())
    kind, _ = ask(pair, Unknown)
    assert kind is amp.UnhandledCommand
    assert ask(pair, Ping) == {}


@pytest.mark.parametrize(("parts", "detours"), [((Private(), Bell()), 2), ((Bell(), Private()), 1)])
def test_a_part_with_its_own_ways_is_asked_in_its_turn(
    parts: tuple[amp.CommandLocator, ...], detours: int
) -> None:
    """The fast path serves only the parts before it."""
    pair = pair_with(*parts, Heir())
    assert ask(pair, Ping) == {}
    assert ask(pair, Lookup, id=1, name="x") == {"ok": False, "count": 1}
    assert pair.server.metrics.request_detours == detours


def test_links_of_the_same_kinds_share_their_table() -> None:
    """A thousand links cost one."""
    assert table_of(Several(Bell(), Heir())) is table_of(Several(Bell(), Heir()))
    assert table_of(Several(Bell(), Heir())) is not table_of(Several(Heir(), Bell()))
    assert table_of(Bell()) is table_of(Bell())
