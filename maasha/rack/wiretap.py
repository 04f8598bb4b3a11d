"""Shows the messages of links to those who watch; a link that nobody watches does not notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from maasha.rack.roster import Entry, Roster
from maasha.rpc.tracing.conversation import Conversation, Moment
from maasha.rpc.tracing.line import Kind, Line


@frozen(eq=False)
class Watcher:
    """Who watches: `wants` says which links, `show` takes their lines."""

    wants: Callable[[Entry], bool]
    show: Callable[[Line], None]


class Wiretap:
    """Lends an ear to each link of the roster that somebody watches, as long as somebody does."""

    def __init__(self, roster: Roster, clock: IReactorTime, now: Callable[[], datetime]) -> None:
        self._roster = roster
        self._clock = clock
        self._now = now
        self._watchers: dict[Watcher, None] = {}
        self._heard: set[Entry] = set()
        roster.met, roster.gone = self._met, self._gone

    def watch(self, watcher: Watcher) -> None:
        """Show the wanted links that there are, then what goes over them and over later ones."""
        self._watchers[watcher] = None
        wanted = [entry for entry in self._roster.entries if watcher.wants(entry)]
        for entry in wanted:
            watcher.show(self._note(entry, f"open since {entry.since:%Y-%m-%d %H:%M:%S} UTC"))
            self._listen(entry)
        if not wanted:
            there = ", ".join(entry.worker for entry in self._roster.entries) or "none at all"
            watcher.show(self._note(None, f"no such link now, waiting for one; there is {there}"))

    def unwatch(self, watcher: Watcher) -> None:
        """Show nothing more; links that nobody else watches are left alone again."""
        del self._watchers[watcher]
        for entry in tuple(self._heard):
            if not self._those_who_want(entry):
                self._heard.discard(entry)
                entry.link.observe(None)

    def _met(self, entry: Entry) -> None:
        if self._those_who_want(entry):
            self._listen(entry)
            self._show(entry, self._note(entry, "connected"))

    def _gone(self, entry: Entry, reason: str) -> None:
        self._heard.discard(entry)
        # what follows a colon may be the other side's own words
        self._show(entry, self._note(entry, f"ended: {reason.partition(':')[0]}"))

    def _listen(self, entry: Entry) -> None:
        if entry not in self._heard:
            self._heard.add(entry)
            entry.link.observe(partial(self._hear, entry, Conversation(entry.worker)))

    def _hear(self, entry: Entry, conversation: Conversation, sent: bool, data: bytes) -> None:
        moment = Moment(self._clock.seconds(), self._now())
        for line in conversation.hear(sent, data, entry.link.remote, moment):
            self._show(entry, line)

    def _show(self, entry: Entry, line: Line) -> None:
        for watcher in self._those_who_want(entry):
            watcher.show(line)

    def _those_who_want(self, entry: Entry) -> list[Watcher]:
        return [watcher for watcher in self._watchers if watcher.wants(entry)]

    def _note(self, entry: Entry | None, message: str) -> Line:
        worker, remote = (entry.worker, entry.link.remote) if entry else ("", "")
        return Line(self._now(), worker, remote, Kind.NOTE, message=message)
