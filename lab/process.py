"""Processes as /proc shows them, named so that a reused process id is never mistaken."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs

PROC = Path("/proc")


@attrs.frozen
class ProcessId:
    """One process for ever: its number, and the clock ticks from boot to its start.

    `started` is field 22 of `/proc/PID/stat`, proc(5).  The number is the one seen by the caller.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """Name the process that has this number now; None when it has ended (a zombie has)."""
        try:
            after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, started = after_name[0], after_name[19]
        return None if state in "ZX" else cls(pid, int(started))

    def alive(self) -> bool:
        """Tell whether exactly this process still runs."""
        return ProcessId.of(self.pid) == self

    def signal(self, signum: signal.Signals) -> bool:
        """Send a signal to exactly this process; False when it has already ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(descriptor, signum)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


@attrs.frozen
class Process:
    """A running process and its argument vector."""

    id: ProcessId
    argv: tuple[str, ...]

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """Look at a process; None when it has ended, or is just becoming another program."""
        identity = ProcessId.of(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            argv = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
            if identity is not None and argv:
                return cls(identity, tuple(argv.removesuffix("\0").split("\0")))
        return None

    @property
    def pid(self) -> int:
        """Its number, as the machine sees it."""
        return self.id.pid

    def matches(self, text: str) -> bool:
        """Tell whether `text` occurs in the argument vector, joined by blanks."""
        return text in " ".join(self.argv)


def first_child(pid: int) -> int | None:
    """Return the oldest child of a single-threaded process; None when it has none."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
        return int(children[0]) if children else None
    return None


def neighbours(anchor: int) -> Iterator[Process]:
    """Yield every live process in the PID namespace of `anchor`, except `anchor` itself.

    Processes whose namespace root may not read, such as the machine's init in a container, are not
    in it.
    """
    namespace = (PROC / str(anchor) / "ns" / "pid").readlink()
    numbers = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    for pid in sorted(numbers):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if pid == anchor or (PROC / str(pid) / "ns" / "pid").readlink() != namespace:
                continue
            process = Process.of(pid)
            if process is not None:
                yield process
