"""What holds at any moment, whoever says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maasha.balancer.actions import Reason
from maasha.balancer.brakes import LIMITS
from maasha.balancer.policy import POLICY
from maasha.balancer.turn import DRAINING
from maasha.db import link_moves
from maasha.db.placement import AGES
from maasha.model.cluster import Ownership, WorkerId
from maasha.model.stamp import NEVER, Stamp
from tests.memory.meanings import Rows
from tests.memory.server import LEADER, Database, Parameters, Session


class Led(Database):
    """A database that looks at each move of a link when it is begun."""

    _leader: Session | None = None
    _since = 0.0

    def lock(self, key: tuple[object, ...], session: Session) -> bool:
        """See `Database`; note since when somebody leads."""
        taken = super().lock(key, session)
        if taken and key == LEADER and self._leader is not session:
            self._leader, self._since = session, self.seconds
        return taken

    def do(self, session: Session, sql: str, parameters: Parameters) -> Rows | int:
        """See `Database`."""
        if sql == link_moves.BEGIN:
            assert isinstance(parameters, Mapping)
            assert self.locks.get(LEADER) is session, "moves are begun without the leader's lock"
            said: Mapping[str, Any] = parameters
            for link, reason in zip(said["links"], said["reasons"], strict=True):
                if Reason(reason) not in DRAINING:
                    self._hold_still(link)
            for target in said["targets"]:
                self._is_prompt(target)
        return super().do(session, sql, parameters)

    def _is_prompt(self, target: int | None) -> None:
        """Hold that nothing moves to a worker that is perhaps dead."""
        worker = None if target is None else self.tables.workers.get(target)
        if worker is not None:
            age = (self.now - worker.heartbeat).total_seconds()
            assert age <= AGES["late"], "a link moves to a worker whose heartbeat is overdue"

    def _hold_still(self, link: int) -> None:
        """Hold that a new leader looks on for a while, and that what was moved stays for one."""
        assert self.seconds - self._since >= LIMITS.after_leader, "a new leader moves a link"
        row = self.tables.links.get(link)
        if row is not None and row.moved is not None:
            assert self.now - row.moved >= POLICY.stay, "what was moved is moved again"


class Witness:
    """Sees who acts, whom racks obey, and who waits."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        """What was seen in the middle of something, which would swallow an exception."""
        self._owners: dict[tuple[int, Stamp], WorkerId] = {}
        self._obeyed: dict[int, Stamp] = {}
        self._waits: dict[tuple[int, str], float] = {}

    def obeys(self, rack: int, owner: Ownership) -> None:
        """Hear that a rack obeys a worker: never an older owner than it has obeyed."""
        if owner.epoch < self._obeyed.get(rack, NEVER):
            self.broken.append(f"rack {rack} obeys an owner of the past, {owner}")
        self._obeyed[rack] = owner.epoch
        self.acts(rack, owner)

    def acts(self, rack: int, owner: Ownership) -> None:
        """Hear that a worker acts for a rack: in one epoch one does."""
        known = self._owners.setdefault((rack, owner.epoch), owner.worker)
        if known != owner.worker:
            self.broken.append(f"rack {rack} has owners {known} and {owner}")

    def leaves(self, rack: int, reason: str, *, others: bool) -> None:
        """Hear that a rack ends a link in good order: it has others."""
        if not others:
            self.broken.append(f"rack {rack} leaves its last link: {reason}")

    def waits(self, rack: int, what: str, now: float, *, in_vain: bool) -> float:
        """Give for how many seconds a rack has waited for something in vain."""
        if in_vain:
            return now - self._waits.setdefault((rack, what), now)
        self._waits.pop((rack, what), None)
        return 0.0
