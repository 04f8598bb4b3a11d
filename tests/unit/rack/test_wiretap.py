"""Links are listed and their messages shown, those of later links from the first byte on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, ensureDeferred

from maasha.model.codec import from_loose
from maasha.model.stamp import Stamp
from maasha.rack.control import Asker
from maasha.rack.inspection import Inspection
from maasha.rack.link_report import LinkReport
from maasha.rack.lookout.lookout import Lookout
from maasha.rack.roster import Roster, report
from maasha.rack.wiretap import Watcher, Wiretap
from maasha.rpc.rack_side import Session, join
from maasha.rpc.tracing.line import Kind, Line
from tests.unit.rack.lookout.segment import nowhere
from tests.unit.rpc.parts import (
    INTRODUCTION,
    RACK_FACTS,
    Counter,
    Hands,
    House,
    Listener,
    error_of,
    house,
    value_of,
    waits,
)

NOW = datetime(2025, 3, 1, 10, 0, 0, tzinfo=UTC)
EPOCH = Stamp(1, 5)


@define(eq=False)
class Screen:
    """Somebody who watches."""

    lines: list[Line] = field(factory=list)
    uid: int = 0

    @property
    def story(self) -> list[str]:
        """What was shown, in short."""
        arrows = {True: ">", False: "<"}
        return [
            line.message if line.kind is Kind.NOTE else f"{arrows[line.sent]}{line.command}"
            for line in self.lines
        ]

    def tell(self, value: object) -> None:
        """Take an item of the control socket."""
        self.lines.append(from_loose(Line, value))


class Rack:
    """A rack with a roster; each of its links leads to a region of its own."""

    def __init__(self) -> None:
        self.roster = Roster(lambda: NOW)
        self._first = house()
        self.wiretap = Wiretap(self.roster, self._first.clock, lambda: NOW)
        lookout = Lookout(nowhere(), frozenset, lambda: None)
        self.inspection = Inspection(self.roster, self.wiretap, lookout)

    def link(self, worker: str) -> tuple[House, Session]:
        """Make a link."""
        far = house()
        joining = ensureDeferred(
            join(
                far.ground,
                far.line,
                RACK_FACTS,
                lambda: INTRODUCTION,
                Hands(),
                Counter(1000),
                tls=False,
                met=lambda link: self.roster.meet(worker, link),
            )
        )
        far.line.pump.flush()
        return far, value_of(joining)

    def watch(self, name: str = "") -> tuple[Screen, Watcher]:
        """Watch some links, or all."""
        screen = Screen()
        watcher = Watcher(lambda entry: not name or entry.matches(name), screen.lines.append)
        self.wiretap.watch(watcher)
        return screen, watcher


def own(far: House) -> None:
    """Have a region call something."""
    value_of(far.run(far.door.racks[-1].own(EPOCH)))


HANDSHAKE = [">Hello", "<Hello", ">Prove", "<Prove", ">Register", "<Register"]


def test_a_later_link_is_shown_from_its_first_byte_on() -> None:
    """Its handshake, then what is asked on it, and its end."""
    rack = Rack()
    screen, _ = rack.watch()
    far, session = rack.link("a:pid=1")
    own(far)
    session.leave()
    far.line.pump.flush()
    assert screen.story == [
        "no such link now, waiting for one; there is none at all",
        "connected",
        *HANDSHAKE,
        "<Own",
        ">Own",
        "ended: the rack left",
    ]
    assert {line.link for line in screen.lines[1:]} == {"a:pid=1"}
    assert {line.remote for line in screen.lines[1:]} == {"192.0.2.9:5250"}
    assert rack.roster.entries == ()


def test_only_links_that_somebody_watches_are_listened_to() -> None:
    """And as long as somebody does; two who watch the same see the same."""
    rack = Rack()
    (one, _), (two, _) = rack.link("a:pid=1"), rack.link("b:pid=1")
    screen, watcher = rack.watch("a")
    again, other = rack.watch("a:pid=1")
    own(one)
    own(two)
    assert screen.story == ["open since 2025-03-01 10:00:00 UTC", "<Own", ">Own"]
    assert again.story == screen.story
    listened_to = [entry.link._observer is not None for entry in rack.roster.entries]
    assert listened_to == [True, False]
    rack.wiretap.unwatch(watcher)
    own(one)
    assert len(screen.lines) == 3
    assert len(again.lines) == 5
    rack.wiretap.unwatch(other)
    assert all(entry.link._observer is None for entry in rack.roster.entries)


def test_links_have_several_names() -> None:
    """The worker's, its region's, its address with its port or without."""
    rack = Rack()
    rack.link("a:pid=1")
    for name in ("a", "a:pid=1", "192.0.2.9", "192.0.2.9:5250"):
        assert rack.watch(name)[0].story == ["open since 2025-03-01 10:00:00 UTC"]
    for name in ("b", "a:pid=2", "192.0.2"):
        assert rack.watch(name)[0].story == ["no such link now, waiting for one; there is a:pid=1"]


def test_the_end_of_a_link_is_told_without_the_other_sides_words() -> None:
    """They come after a colon."""
    rack = Rack()
    _, session = rack.link("a:pid=1")
    screen, _ = rack.watch()
    session.abort("not joined: secret words")
    rack.roster.entries[0].link.connectionLost()
    assert screen.story[-1] == "ended: not joined"


def test_names_of_workers_do_no_harm() -> None:
    """They come from a listing that a region answers."""
    rack = Rack()
    rack.link("a\x1b[2J")
    (entry,) = rack.roster.entries
    assert entry.worker == "a\\u001b[2J"


def test_what_fails_in_a_trace_harms_no_link(log: Listener) -> None:
    """It is logged."""
    rack = Rack()

    def show(line: Line) -> None:
        raise ZeroDivisionError(line)

    rack.wiretap.watch(Watcher(lambda entry: entry.worker != "", lambda _: None))
    rack.roster.met = lambda _: show(Line(NOW, "", "", Kind.NOTE))
    far, _ = rack.link("a:pid=1")
    own(far)
    assert [type(error) for error in log.failures] == [ZeroDivisionError]


# what the control socket answers


def test_links_are_reported() -> None:
    """With their health, and the round trip once it was measured."""
    rack = Rack()
    far, _ = rack.link("a:pid=1")
    (entry,) = rack.roster.entries
    assert report(entry) == LinkReport("a:pid=1", "192.0.2.9:5250", NOW, "healthy", 0)
    far.line.advance(6)
    told: list[Any] = []

    class Teller(Screen):
        def tell(self, value: object) -> None:
            told.append(from_loose(LinkReport, value))

    value_of(ensureDeferred(rack.inspection.links({}, Teller())))
    (shown,) = told
    assert shown == report(entry)
    assert shown.round_trip is not None
    assert shown.deviation is not None
    entry.link.trusted = False
    assert report(entry).health == "joining"


def trace(rack: Rack, **details: Any) -> tuple[Deferred[None], Screen]:
    """Ask for a trace."""
    screen = Screen()
    asker: Asker = screen
    return ensureDeferred(rack.inspection.trace(details, asker)), screen


def test_a_trace_goes_on_until_whoever_asked_hangs_up() -> None:
    """Then nobody listens any more."""
    rack = Rack()
    far, _ = rack.link("a:pid=1")
    tracing, screen = trace(rack, link="a")
    own(far)
    assert waits(tracing)
    tracing.addErrback(lambda _: None)
    tracing.cancel()
    own(far)
    assert screen.story == ["open since 2025-03-01 10:00:00 UTC", "<Own", ">Own"]


def test_heartbeats_are_shown_on_demand() -> None:
    """They would hide the rest."""
    rack = Rack()
    far, _ = rack.link("a:pid=1")
    (_, few), (_, every) = trace(rack), trace(rack, all=True)
    far.line.advance(6)
    assert few.story == ["open since 2025-03-01 10:00:00 UTC"]
    assert {"<Ping", ">Ping"} <= set(every.story)


def test_a_trace_of_something_else_is_refused() -> None:
    """In words that say what can be asked."""
    for details in ({"link": 7}, {"all": "yes"}):
        tracing, _ = trace(Rack(), **details)
        assert "rpc-trace takes" in str(error_of(tracing))
