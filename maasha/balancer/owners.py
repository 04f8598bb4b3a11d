"""Which worker acts for a rack: a pointer that flips between the workers that have a link to it.

Owners leave draining workers before links do. The owners of a VLAN's two racks are kept on
different regions (with one region: workers) wherever flips can do that; where racks cover for each
other in a ring, one flip only hands the trouble on, and a series of them ends it. Then the workers
are evened: where the fullest and the emptiest have no rack in common, by a chain of flips over
workers between them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from maasha.balancer.actions import Reason, Verdict
from maasha.balancer.board import Board
from maasha.model.cluster import RackKey, WorkerId

Chain = list[tuple[RackKey, WorkerId]]
"""Racks and their next owners, from the donor on."""
Came = dict[WorkerId, tuple[WorkerId, RackKey] | None]
"""How each worker was reached: from which one, by which rack; the donor by none."""
LONGEST = 32
"""Flips that part one pair: racks that cover for each other in a ring are some dozens at most."""


def relieve(board: Board) -> None:
    """Let open workers act for the racks of draining ones, where they have a link."""
    if len(board.open) == len(board.home):
        return
    for rack, owner in list(board.owner.items()):
        if owner not in board.open:
            to = board.calmest(rack)
            if to is not None:
                board.flip(rack, to, Reason.DRAIN)


def part(board: Board) -> None:
    """Flip owners away from their partners' owners, of all VLANs at once.

    Each flip, or each series of them, leaves fewer pairs together, and none more on the way.
    """
    stirred = set(board.partners)
    while stirred:
        before = len(board.actions)
        for rack in sorted(stirred):
            _part(board, rack)
        if len(board.actions) == before:
            _hand_on(board)
        flipped = {action.rack for action in board.actions[before:]}
        stirred = {partner for rack in flipped for partner in board.partners[rack]}


def _part(board: Board, rack: RackKey) -> None:
    owner = board.owner.get(rack)
    if owner is None or not board.clashes(rack, owner):
        return
    to = board.calmest(rack)
    if to is not None and board.clashes(rack, to) < board.clashes(rack, owner):
        board.flip(rack, to, Reason.PARTNER)


def _hand_on(board: Board) -> None:
    """Carry out series of flips that part pairs."""
    for rack in sorted(board.partners):
        for each, to in _series(board, rack):
            board.flip(each, to, Reason.PARTNER)


def _series(board: Board, rack: RackKey) -> Chain:
    """Give flips from a rack on that is with a partner; empty where they lead nowhere.

    Each is of a rack that the flip before has left with one; the last one leaves nobody so.
    """
    before: Chain = []
    ends = _follow(board, rack, before)
    chain = [(each, board.owner[each]) for each, _ in before]
    for each, owner in before:
        board.seat(each, owner)
    return chain if ends else []


def _follow(board: Board, rack: RackKey, before: Chain) -> bool:
    """Think of such flips, noting who had the racks before; False: they lead nowhere."""
    seen: set[RackKey] = set()
    step: RackKey | None = rack
    while step is not None and len(before) < LONGEST:
        owner = board.owner.get(step)
        clashes = 0 if owner is None else board.clashes(step, owner)
        to = _elsewhere(board, step) if clashes else None
        if owner is None or to is None or board.clashes(step, to) > clashes:
            return False
        before.append((step, owner))
        seen.add(step)
        board.seat(step, to)
        if board.clashes(step, to) < clashes:
            return True
        step = _left_with(board, step, seen)
    return False


def _elsewhere(board: Board, rack: RackKey) -> WorkerId | None:
    """Give the open worker in another place that the fewest partners mind, then the least busy."""
    here = board.site(board.owner[rack])
    return min(
        (spot for spot in board.spots[rack] if spot in board.open and board.site(spot) != here),
        key=lambda spot: (board.clashes(rack, spot), board.acting.load(spot), spot),
        default=None,
    )


def _left_with(board: Board, rack: RackKey, seen: Collection[RackKey]) -> RackKey | None:
    """Give a partner that did not flip yet and whose owner is where the rack's is now."""
    site, owner = board.site(board.owner[rack]), board.owner
    return next(
        (
            partner
            for partner in board.partners[rack]
            if partner not in seen and partner in owner and board.site(owner[partner]) == site
        ),
        None,
    )


def even(board: Board, acting: bool) -> tuple[Verdict, bool]:
    """Even what open workers act for, if it is out of band or already being evened.

    Says why no more is done, and whether the next plan is to go on.
    """
    if len(board.open) < 2:
        return (Verdict.ONE_WORKER if board.open else Verdict.NO_WORKER), False
    scale, mean, before = board.acting, board.acting.mean, len(board.actions)
    if not acting and not scale.out_of_band(mean):
        return (Verdict.EVEN if scale.at_rest(mean) else Verdict.WITHIN_BAND), False
    web = Web(board)
    while web.shift(mean):
        pass
    verdict = Verdict.EVEN if scale.at_rest(mean) else Verdict.NOWHERE
    return verdict, len(board.actions) > before


class Web:
    """Workers, tied where one acts for a rack to which the other has a link."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._ties: dict[WorkerId, dict[WorkerId, list[RackKey]]] = {}
        self._racks: dict[WorkerId, list[RackKey]] = {worker: [] for worker in board.open}
        for rack, owner in board.owner.items():
            if owner in board.open and rack not in board.leaving:
                self._racks[owner].append(rack)

    def shift(self, mean: float) -> bool:
        """Flip owners so that one donor has one less and one receiver one more."""
        chain = self._direct(mean) or self._detour(mean)
        for rack, to in reversed(chain):  # so that nobody has more than the donor had
            self._board.flip(rack, to, Reason.OWNERS)
            self._racks[to].append(rack)
            if to in self._ties:
                self._tie(to, [rack])
        return bool(chain)

    def _direct(self, mean: float) -> Chain:
        for donor, receiver in self._board.acting.worth(mean, self._tied):
            rack = self._rack(donor, receiver)
            if rack is not None:
                return [(rack, receiver)]
        return []

    def _detour(self, mean: float) -> Chain:
        """Give the shortest chain of the fullest donor that has one."""
        goals: dict[WorkerId, set[WorkerId]] = {}
        for donor, receiver in self._board.acting.worth(mean):
            goals.setdefault(donor, set()).add(receiver)
        useless: set[WorkerId] = set()
        for donor, receivers in goals.items():
            if donor not in useless:
                came = self._reach(donor, receivers)
                end = next((one for one in came if one in receivers), None)
                if end is not None:
                    return _back(came, end)
                useless.update(came)
        return []

    def _reach(self, donor: WorkerId, receivers: Collection[WorkerId]) -> Came:
        """Go along ties, the nearest workers first, until there is a receiver or no more."""
        came: Came = {donor: None}
        queue = deque([donor])
        while queue:
            worker = queue.popleft()
            for other in list(self._tied(worker)):
                rack = None if other in came else self._rack(worker, other)
                if rack is not None:
                    came[other] = (worker, rack)
                    if other in receivers:
                        return came
                    queue.append(other)
        return came

    def _tied(self, worker: WorkerId) -> dict[WorkerId, list[RackKey]]:
        ties = self._ties.get(worker)
        if ties is None:
            ties = self._ties[worker] = {}
            self._tie(worker, self._racks[worker])
        return ties

    def _tie(self, owner: WorkerId, racks: Iterable[RackKey]) -> None:
        ties, spots, there = self._ties[owner], self._board.spots, self._board.open
        for rack in racks:
            for spot in spots[rack]:
                if spot != owner and spot in there:
                    ties.setdefault(spot, []).append(rack)

    def _rack(self, owner: WorkerId, to: WorkerId) -> RackKey | None:
        """Give a rack whose owner may flip from one worker to the other."""
        ties, owners = self._tied(owner), self._board.owner
        racks = ties[to]
        while racks and owners[racks[-1]] != owner:
            racks.pop()
        if not racks:
            del ties[to]
            return None
        if racks[-1] not in self._board.partners:
            return racks[-1]
        mine = (rack for rack in reversed(racks) if owners[rack] == owner)
        return next((rack for rack in mine if self._board.may_flip(rack, to)), None)


def _back(came: Came, end: WorkerId) -> Chain:
    """Follow the way back to the donor."""
    chain: Chain = []
    at, step = end, came[end]
    while step is not None:
        before, rack = step
        chain.append((rack, at))
        at, step = before, came[before]
    return chain[::-1]
