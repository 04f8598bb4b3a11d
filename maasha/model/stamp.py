"""Order that survives a restored database: (incarnation, counter) pairs."""

from __future__ import annotations

from attrs import frozen


@frozen(order=True)
class Stamp:
    """A point in an order that only grows, whatever happens to the database.

    `counter` rises with every change. `incarnation` rises when the database was restored or failed
    over with loss, so that a counter that fell back is still newer than all that came before.
    """

    incarnation: int
    counter: int

    def next(self) -> Stamp:
        """Give the stamp that follows this one in the same incarnation."""
        return Stamp(self.incarnation, self.counter + 1)

    def __str__(self) -> str:
        return f"{self.incarnation}.{self.counter}"


NEVER = Stamp(0, 0)
"""Older than every stamp that a region hands out."""
