"""Evens regions where no link can go straight: one goes to a third region, which passes another on.

A rack's links are on different regions, so a full region may hold nothing that may go to an empty
one: of each of its racks that one has a link already. Then a third region, which is to keep as many
links as it has, takes one from the full region, and gives another one to the empty one.

The first of the two moves comes first and leaves no region fuller than the full one was: cut short
between the two, the third region is the full one, and its link can go straight.
"""

from __future__ import annotations

from attrs import frozen

from maasha.balancer.actions import Reason
from maasha.balancer.board import Board
from maasha.model.cluster import SystemId, WorkerId
from maasha.model.placement import Link


@frozen
class Hop:
    """A link and where it may go."""

    link: Link
    to: WorkerId


class Detours:
    """What is tried within one evening; a way on which nothing can go is looked at once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._dead: set[tuple[SystemId, SystemId]] = set()

    def take(self, mean: float) -> bool:
        """Even a donor and a receiver by two moves; False: there is no such way."""
        scale = self._board.between
        return any(
            self._by(donor, middle, receiver)
            for donor, receiver in scale.worth(mean)
            for middle in scale.rising()
            if middle not in (donor, receiver) and scale.bears(middle, donor)
        )

    def _by(self, donor: SystemId, middle: SystemId, receiver: SystemId) -> bool:
        last = self._hop(middle, receiver)
        first = None if last is None else self._hop(donor, middle)
        if first is None or last is None:
            return False
        for hop in (first, last):
            self._board.move(hop.link, hop.to, Reason.REGIONS)
        return True

    def _hop(self, donor: SystemId, receiver: SystemId) -> Hop | None:
        """Give the first link that may go from one region to another."""
        if (donor, receiver) in self._dead:
            return None
        board = self._board
        for worker in board.within[donor].falling():
            for link in board.movable(worker):
                if board.lacks(link.rack, receiver, donor):
                    for to in board.within[receiver].rising():
                        if board.may_go(link, to):
                            return Hop(link, to)
        self._dead.add((donor, receiver))
        return None
