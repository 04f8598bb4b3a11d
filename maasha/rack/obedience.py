"""Whom the rack obeys: the worker with the highest epoch of ownership, across restarts."""

from __future__ import annotations

from maasha.model.cluster import Ownership, WorkerId
from maasha.model.stamp import Stamp
from maasha.rack.memory import Memory
from maasha.rpc.errors import StaleEpoch


class Obedience:
    """The highest epoch obeyed is on disk before anything is done for it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.owner: Ownership | None = None

    @property
    def epoch(self) -> Stamp:
        """The highest epoch obeyed so far."""
        return self._memory.epoch

    def accept(self, worker: WorkerId, epoch: Stamp) -> None:
        """Obey `worker` from now on; raises StaleEpoch where the rack knows a newer owner."""
        known = self._memory.epoch
        taken = self.owner is not None and self.owner.worker != worker
        if epoch < known or (epoch == known and taken):
            raise StaleEpoch(epoch, known)
        if epoch > known:
            self._memory.obey(epoch)
        self.owner = Ownership(worker, epoch)

    def lose(self, worker: WorkerId) -> Ownership | None:
        """Note that the link to `worker` is gone; gives what is lost if it was the owner."""
        if self.owner is None or self.owner.worker != worker:
            return None
        lost, self.owner = self.owner, None
        return lost
