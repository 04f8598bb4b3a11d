"""How far something is, as people see it: a bar that is drawn anew, or a line for each change."""

from __future__ import annotations

from attrs import evolve, frozen

WIDTH = 30
"""Characters of the bar."""


@frozen
class Progress:
    """How far a drain is: how many links were to go, and how many are left."""

    total: int
    left: int
    silence: str = ""
    """Why nobody says how many are left now; empty: somebody does."""
    unit: str = "link"
    """What is to go, one of it; of a rack VLANs are."""

    def next(self, left: int) -> Progress:
        """Give what is when so many are left; what came in addition was to go too."""
        return evolve(self, total=max(self.total, left), left=left, silence="")

    def unknown(self, why: str) -> Progress:
        """Give what is when nobody says how many are left."""
        return evolve(self, silence=why)

    @property
    def line(self) -> str:
        """One line of words."""
        if not self.silence:
            return self._words
        return f"{self._words} when last heard; no answer ({self.silence}), trying again"

    @property
    def bar(self) -> str:
        """A bar with the same words, in a line of a terminal."""
        silence = ", no answer for now" if self.silence else ""
        return f"{drawn(self.total - self.left, self.total)} {self._words}{silence}"

    @property
    def _words(self) -> str:
        if not self.left:
            return f"no {self.unit} is left"
        return f"{self.left} of {self.total} {self.unit}s left"


def drawn(done: int, total: int) -> str:
    """Draw how much is done."""
    full = WIDTH * done // total if total else WIDTH
    return f"[{'#' * full}{'.' * (WIDTH - full)}]"
