"""What can go wrong with a rack's dhcpd, in its own words."""

from __future__ import annotations

from attrs import frozen


@frozen
class PlanRefused(Exception):
    """A plan is not in force; what ran before runs on (or again).

    `reason` is one sentence; `listing` has dhcpd's words and the lines of the file they are about,
    numbered.
    """

    reason: str
    listing: str = ""

    def __str__(self) -> str:
        return f"{self.reason}\n{self.listing}" if self.listing else self.reason


@frozen
class StartFailed(Exception):
    """dhcpd ended, or did not come up within its deadline; `words` is the end of what it said."""

    reason: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.words}" if self.words else self.reason


@frozen
class StillRunning(Exception):
    """A process does not end, not even by SIGKILL: it hangs in the kernel."""

    pid: int

    def __str__(self) -> str:
        return f"process {self.pid} does not end even when killed: restart this host"


@frozen
class OmapiSilent(Exception):
    """dhcpd gave no (sensible) answer over OMAPI."""

    reason: str

    def __str__(self) -> str:
        return f"no answer over OMAPI: {self.reason}"
