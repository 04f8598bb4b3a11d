"""Faults at random moments, and how long it takes until each is noticed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence

from attrs import define, frozen

from tests.acceptance.journal import Note, What

Action = Callable[[], object]


@define(eq=False)
class Fault:
    """Something that happens to the process or host `name`; `end` puts it right again."""

    name: str
    begin: Action
    end: Action | None = None
    began: float = 0.0
    """By time.monotonic(): just before, so what it took to do counts as delay."""

    def concerns(self, note: Note) -> bool:
        """Whether one end of the note's link was faulted."""
        return self.name in (note.who, note.peer)


@frozen
class End:
    """An end of a link: who looks at whom."""

    who: str
    peer: str

    def wrote(self, note: Note) -> bool:
        """Whether this end made the note."""
        return (note.who, note.peer) == (self.who, self.peer)

    @property
    def other(self) -> End:
        """The other end."""
        return End(self.peer, self.who)


def carry_out(
    faults: Sequence[Fault], dice: random.Random, spread: float, lasting: float = 0.0
) -> None:
    """Begin each at a moment of its own within `spread` seconds; each ends `lasting` later."""
    plan: list[tuple[float, Fault, bool]] = []
    for fault in faults:
        moment = dice.uniform(0, spread)
        plan += [(moment, fault, True), (moment + lasting, fault, False)]
    origin = time.monotonic()
    for moment, fault, begins in sorted(plan, key=lambda step: step[0]):
        time.sleep(max(0.0, origin + moment - time.monotonic()))
        if begins:
            fault.began = time.monotonic()
            fault.begin()
        elif fault.end is not None:
            fault.end()


def delay(notes: Iterable[Note], fault: Fault, end: End, what: What) -> float:
    """Give how long after the fault an end first noticed this; infinite: not at all."""
    seen = (
        note.at - fault.began
        for note in notes
        if end.wrote(note) and note.what is what and note.at >= fault.began
    )
    return next(seen, float("inf"))


def calls_to_suspects(notes: Sequence[Note], end: End) -> dict[int, float]:
    """Give the calls that an end made while it suspected its peer, and when it ceased to."""
    calls: dict[int, float] = {}
    waiting: list[int] | None = None
    for note in filter(end.wrote, notes):
        if note.what is What.SUSPECT:
            waiting = []
        elif note.what is What.CALLED and waiting is not None:
            waiting.append(note.number)
        elif note.what in (What.HEALTHY, What.LOST) and waiting is not None:
            calls |= dict.fromkeys(waiting, note.at)
            waiting = None
    return calls


def served(notes: Iterable[Note], end: End) -> dict[int, float]:
    """Give when the other end served this end's calls, by their numbers."""
    other = end.other
    return {n.number: n.at for n in notes if other.wrote(n) and n.what is What.SERVED}
