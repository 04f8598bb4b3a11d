"""Which worker a name has led to, though the worker has another name by now.

A worker's name has the number of its process. A rack that remembers the name of one that is gone,
or has an old listing, finds another process at its port: the welcome says which. Two links to one
worker are of no use, so a name is left alone as long as the rack has a link to whom it leads.
"""

from __future__ import annotations

from collections.abc import Collection

from maasha.model.cluster import WorkerId


class Namesakes:
    """What the welcomes have said."""

    def __init__(self) -> None:
        self._workers: dict[str, WorkerId] = {}

    def met(self, name: str, worker: WorkerId) -> None:
        """Note that a name has led to a worker that the rack has a link to already."""
        self._workers[name] = worker

    def of(self, linked: Collection[WorkerId]) -> frozenset[str]:
        """Give the names that lead to these."""
        return frozenset(name for name, worker in self._workers.items() if worker in linked)

    def keep(self, names: Collection[str]) -> None:
        """Forget every name but these."""
        self._workers = {name: known for name, known in self._workers.items() if name in names}
