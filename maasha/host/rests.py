"""How long to leave a peer alone that could not be reached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from attrs import frozen

Name = TypeVar("Name", bound=Hashable)


@frozen
class Rest:
    """A peer failed `failures` times in a row and rests until `until` (the clock's seconds)."""

    failures: int
    until: float


class Rests(Generic[Name]):
    """The rests of all peers; `delay` gives the jittered seconds after so many failures."""

    def __init__(self, delay: Callable[[int], float]) -> None:
        self._delay = delay
        self._rests: dict[Name, Rest] = {}

    def failed(self, name: Name, now: float, most: int | None = None) -> float:
        """Note a failure; gives the seconds to rest. Of failures no more count than `most`."""
        failures = self._rests[name].failures + 1 if name in self._rests else 1
        if most is not None:
            failures = min(failures, most)
        seconds = self._delay(failures)
        self._rests[name] = Rest(failures, now + seconds)
        return seconds

    def succeeded(self, name: Name) -> None:
        """Forget the failures."""
        self._rests.pop(name, None)

    def resting(self, name: Name, now: float) -> bool:
        """Whether the peer is to be left alone."""
        return name in self._rests and now < self._rests[name].until

    def keep(self, names: Collection[Name]) -> None:
        """Forget every peer but these, so that names that never come again take no room."""
        self._rests = {name: rest for name, rest in self._rests.items() if name in names}
