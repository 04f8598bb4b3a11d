"""What /proc says about processes (proc(5)): who runs, since when, and in which network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """Give when the process began, in clock ticks since boot; None: it is gone or a zombie.

    With it a pid names one process for as long as the machine is up.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in ("Z", "X") else int(fields[18])


def command_line(pid: int) -> tuple[str, ...]:
    """Give the process's arguments; empty: it is gone, a zombie, or of the kernel."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(raw.decode("utf-8", "surrogateescape").split("\0")[:-1])


def network_of(pid: int | str) -> str:
    """Name the network namespace of a process ("thread-self": the caller's); empty: unknown."""
    try:
        return str((PROC / str(pid) / "ns" / "net").readlink())
    except OSError:
        return ""


def find(words: Sequence[str]) -> Iterator[int]:
    """Give the processes of this network whose arguments contain all of `words`.

    Elsewhere the same path may name another host's file.
    """
    here = network_of("thread-self")
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and set(words) <= set(command_line(int(entry.name))):
            pid = int(entry.name)
            if network_of(pid) == here:
                yield pid


def instant_of(started: int) -> datetime | None:
    """Give the time of day of a `start_time`; None: the system does not say when it booted."""
    try:
        text = (PROC / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    booted = next((line[6:] for line in text.splitlines() if line.startswith("btime ")), "")
    if not booted.isdecimal():
        return None
    return datetime.fromtimestamp(int(booted) + started / os.sysconf("SC_CLK_TCK"), UTC)
