"""dhcpd as a unit of systemd: started and stopped by systemctl(1), so that it is nobody's child.

Where systemd is the manager (`/run/systemd/system`, see sd_booted(3)) a process in a session of its
own still belongs to its parent's unit, and ends with it. So dhcpd has a unit, which is bound to
nothing of ours: rackd writes its arguments into a file (`EnvironmentFile=`) and asks for a start.
systemd starts a dhcpd that fails again by itself, also while no rackd is there; rackd, when it sees
an end, stops the unit first, so the two never start two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from twisted.internet.interfaces import IReactorProcess
from twisted.internet.utils import getProcessOutputAndValue

from maasha.dhcp.errors import StillRunning
from maasha.dhcp.process import Process, spawn, watch
from maasha.dhcp.reactor import IReactorDhcp
from maasha.host.files import SECRET_MODE, remove, write_atomic

VARIABLE = "MAASHA_DHCPD_ARGUMENTS"
BOOTED = Path("/run/systemd/system")
PROGRAMS = (Path("/usr/bin/systemctl"), Path("/bin/systemctl"))
UNITS = tuple(Path(f"/{each}/systemd/system") for each in ("etc", "usr/lib", "lib", "run"))


class Launcher(Protocol):
    """How dhcpd becomes a process that outlives us, and how one ends for good."""

    async def launch(self, argv: Sequence[str], log: Path) -> Process:
        """Start it, its words appended to `log`; raises OSError."""

    def pid_of(self, started: int) -> int | None:
        """Give the process that goes on where the one with pid `started` was, if any may."""

    def take(self, pid: int) -> Process | None:
        """Watch one that runs; None: it does not."""

    async def halt(self) -> None:
        """Have nobody start it again."""


class Spawner:
    """Starts it in a session of its own, by itself."""

    def __init__(self, reactor: IReactorDhcp) -> None:
        self._reactor = reactor

    async def launch(self, argv: Sequence[str], log: Path) -> Process:
        """Start it."""
        return spawn(self._reactor, argv, log)

    def pid_of(self, started: int) -> int | None:
        """Give the same: nobody else starts any."""
        return started

    def take(self, pid: int) -> Process | None:
        """Watch it."""
        return watch(self._reactor, pid)

    async def halt(self) -> None:
        """Have nothing to do: nobody else starts it."""


class IReactorUnits(IReactorDhcp, IReactorProcess):
    """What a unit needs besides: processes, for systemctl."""


class Unit:
    """Starts it as a unit of systemd; `running` finds the unit's process by its arguments."""

    def __init__(
        self,
        reactor: IReactorUnits,
        program: Path,
        environment: Path,
        running: Callable[[], int | None],
        unit: str,
    ) -> None:
        self._reactor = reactor
        self._program = program
        self._environment = environment
        self._running = running
        self._unit = unit

    async def launch(self, argv: Sequence[str], log: Path) -> Process:  # noqa: ARG002 - the unit's
        """Write the arguments and have systemd start the unit; raises OSError."""
        write_atomic(self._environment, environment(argv[1:]), SECRET_MODE)
        await self._ask("start")
        pid = self._running()
        process = None if pid is None else self.take(pid)
        if process is None:
            raise OSError(f"{self._unit} ended at its start; see `systemctl status {self._unit}`")
        return process

    def pid_of(self, started: int) -> int | None:  # noqa: ARG002 - systemd may have started another
        """Find it: systemd may have started it again."""
        return self._running()

    def take(self, pid: int) -> Process | None:
        """Watch it; it is stopped by systemctl."""
        found = watch(self._reactor, pid)
        if found is not None:
            found.by = self._stop
        return found

    async def halt(self) -> None:
        """Stop the unit, and have it not start at boot; raises StillRunning."""
        remove(self._environment)
        await self._stop()

    async def _stop(self) -> None:
        try:
            await self._ask("stop")
        except OSError as error:
            raise StillRunning(self._running() or 0) from error

    async def _ask(self, verb: str) -> None:
        """Run systemctl; raises OSError with its words."""
        arguments = (verb, self._unit)
        _, words, code = await getProcessOutputAndValue(
            str(self._program), arguments, reactor=self._reactor
        )
        if code:
            raise OSError(f"systemctl {verb} {self._unit}: {words.decode('utf-8', 'replace')}")


def environment(arguments: Sequence[str]) -> str:
    """Give the text of the unit's EnvironmentFile (systemd.exec(5)).

    The unit names the variable without braces, so that each of its words is an argument; words with
    white space, quotes or backslashes would be split or changed, and raise OSError.
    """
    for word in arguments:
        if not word or any(character.isspace() or character in "\"'\\$" for character in word):
            raise OSError(f"{word!r} cannot be an argument of dhcpd's unit: use another data_dir")
    return f"{VARIABLE}={' '.join(arguments)}\n"


def systemctl(unit: str) -> Path | None:
    """Find the program; None where systemd is not the manager or has no such unit."""
    if not BOOTED.is_dir() or not any((place / unit).exists() for place in UNITS):
        return None
    return next((program for program in PROGRAMS if program.exists()), None)
