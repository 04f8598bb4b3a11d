"""What does not work on a watched VLAN, said once and not at every try."""

from __future__ import annotations

from twisted.logger import Logger

from maasha.model.network import VlanId


class Problems:
    """The problems of one VLAN, by what they are about."""

    log = Logger()

    def __init__(self, vlan: VlanId) -> None:
        self._vlan = vlan
        self._open: dict[str, str] = {}

    @property
    def open(self) -> tuple[str, ...]:
        """Those that there are now, for people."""
        return tuple(self._open.values())

    def met(self, about: str, problem: str) -> None:
        """Note one; it is in the log once until it is solved."""
        if about not in self._open:
            self.log.warn("VLAN {vlan}: {problem}", vlan=self._vlan, problem=problem)
        self._open[about] = problem

    def solved(self, about: str) -> None:
        """Note that it works."""
        self._open.pop(about, None)
