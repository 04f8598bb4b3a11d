"""What people may ask a running rackd: about its links, what goes over them, and its lookout."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from maasha.model.codec import to_loose
from maasha.rack.control import Asker, Question
from maasha.rack.control_lines import LINKS, LOOKOUT, TRACE, Refused
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.lookout.report import reports
from maasha.rack.roster import Roster, report
from maasha.rack.wiretap import Watcher, Wiretap
from maasha.rpc.tracing.line import Line


class Inspection:
    """Answers from the roster, the wiretap and the lookout."""

    def __init__(self, roster: Roster, wiretap: Wiretap, lookout: Lookout) -> None:
        self._roster = roster
        self._wiretap = wiretap
        self._lookout = lookout

    @property
    def questions(self) -> dict[str, Question]:
        """What the control socket is to answer."""
        return {LINKS: self.links, TRACE: self.trace, LOOKOUT: self.lookout}

    async def links(self, _: dict[str, Any], asker: Asker) -> None:
        """Tell one item for each link."""
        for entry in self._roster.entries:
            asker.tell(to_loose(report(entry)))

    async def lookout(self, _: dict[str, Any], asker: Asker) -> None:
        """Tell one item for each rack that is looked for, and for each VLAN without any."""
        for post in self._lookout.posts:
            for item in reports(post):
                asker.tell(to_loose(item))

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
