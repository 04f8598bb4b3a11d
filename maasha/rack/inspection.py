"""What people may ask a running rackd about its links: how they are, and what goes over them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from maasha.model.codec import to_loose
from maasha.rack.control import Asker, Question
from maasha.rack.control_lines import LINKS, TRACE, Refused
from maasha.rack.roster import Roster, report
from maasha.rack.wiretap import Watcher, Wiretap
from maasha.rpc.tracing.line import Line


class Inspection:
    """Answers from the roster and the wiretap."""

    def __init__(self, roster: Roster, wiretap: Wiretap) -> None:
        self._roster = roster
        self._wiretap = wiretap

    @property
    def questions(self) -> dict[str, Question]:
        """What the control socket is to answer."""
        return {LINKS: self.links, TRACE: self.trace}

    async def links(self, _: dict[str, Any], asker: Asker) -> None:
        """Tell one item for each link."""
        for entry in self._roster.entries:
            asker.tell(to_loose(report(entry)))

    async def trace(self, details: dict[str, Any], asker: Asker) -> None:
        """Tell one item for each message until whoever asked hangs up.

        `link` names the wanted ones (all, where it is empty); `all`: heartbeats too.
        """
        link, everything = details.get("link", ""), details.get("all", False)
        if not isinstance(link, str) or not isinstance(everything, bool):
            raise Refused('rpc-trace takes "link", a text, and "all", true or false')

        def show(line: Line) -> None:
            if everything or not line.heartbeat:
                asker.tell(to_loose(line))

        watcher = Watcher(lambda entry: not link or entry.matches(link), show)
        self._wiretap.watch(watcher)
        try:
            await Deferred()
        finally:
            self._wiretap.unwatch(watcher)
