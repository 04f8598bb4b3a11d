"""One end of a link that writes down what it notices, and calls whom it suspects."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

from attrs import define, field
from twisted.internet.base import ReactorBase
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from maasha.model.stamp import Stamp
from maasha.rpc.errors import RpcError
from maasha.rpc.pulse import Health
from tests.acceptance.journal import Journal, What

TALK = 0.5
"""Seconds between the calls of those that talk."""
ATTEMPTS = 0.1
"""Seconds between calls to a suspect."""

Ask = Callable[[Stamp], Awaitable[object]]
"""Calls the peer; the counter is the call's number."""


@define(eq=False)
class Conversation:
    """The calls over one link, and what they came to."""

    journal: Journal
    reactor: ReactorBase
    peer: str
    link: str
    ask: Ask
    numbers: Iterator[int]
    talkative: bool
    _calls: LoopingCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._calls = LoopingCall(self._begin_call)
        self._calls.clock = self.reactor

    def note(self, what: What, number: int = 0, why: str = "") -> None:
        """Write it down."""
        self.journal.note(self.peer, self.link, what, number, why)

    def begin(self) -> None:
        """Hear that the link stands."""
        self.note(What.LINKED)
        self._call_every(TALK if self.talkative else None)

    def judge(self, health: Health) -> None:
        """Hear what the link thinks of the peer; try to call a suspect again and again."""
        self.note(What(health.value))
        usual = TALK if self.talkative else None
        self._call_every(ATTEMPTS if health is Health.SUSPECT else usual)

    def end(self, reason: str) -> None:
        """Hear that the link has ended."""
        self._call_every(None)
        self.note(What.LOST, why=reason)

    def _call_every(self, seconds: float | None) -> None:
        if self._calls.running:
            self._calls.stop()
        if seconds is not None:
            self._calls.start(seconds, now=False)

    def _begin_call(self) -> None:
        ensureDeferred(self._call(next(self.numbers)))

    async def _call(self, number: int) -> None:
        self.note(What.CALLED, number)
        try:
            await self.ask(Stamp(1, number))
        except RpcError as error:
            self.note(What.FAILED, number, str(error))
        else:
            self.note(What.ANSWERED, number)


@implementer(ILogObserver)
@define(eq=False)
class Room:
    """The conversations of one process, by where the other end is; hears what the links log."""

    journal: Journal
    reactor: ReactorBase
    _numbers: Iterator[int] = field(factory=lambda: count(1))
    _conversations: dict[str, Conversation] = field(factory=dict)

    def __call__(self, event: LogEvent) -> None:
        """Pass on what a link logs of its peer's health, and show what went wrong."""
        health, conversation = event.get("health"), self._conversations.get(event.get("remote", ""))
        if health is not None and conversation is not None:
            conversation.judge(Health(health))
        failure = event.get("log_failure")
        if failure is not None:
            print(failure.getTraceback(), file=sys.stderr, flush=True)

    def open(
        self, peer: str, remote: str, ask: Ask, *, link: str = "", talkative: bool
    ) -> Conversation:
        """Begin one."""
        made = Conversation(self.journal, self.reactor, peer, link, ask, self._numbers, talkative)
        self._conversations[remote] = made
        made.begin()
        return made
