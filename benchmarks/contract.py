"""What every system under test is asked to do: a small call, one with 40 KiB, one that is slow."""

from __future__ import annotations

from twisted.protocols import amp

NAME = "region-worker-\u00f1-0001"
"""20 characters, one of them not ASCII."""
BLOB = bytes(range(256)) * 160
"""40 KiB."""
SLOW = 0.05
"""Seconds that the slow call takes: longer than the 40 ms that Nagle's algorithm waits (tcp(7))."""


class WrongAnswer(Exception):
    """A system under test did not do what it was asked to; its figures count for nothing."""


def check(ok: bool, count: int) -> None:
    """Look at an answer; both fields must be right."""
    if ok is not True or count < 2:
        raise WrongAnswer(f"ok={ok!r} count={count!r}")


class Lookup(amp.Command):
    """The small call: 71 bytes there, 40 back."""

    arguments = [(b"id", amp.Integer()), (b"name", amp.Unicode())]
    response = [(b"ok", amp.Boolean()), (b"count", amp.Integer())]


class LookupBlob(amp.Command):
    """The same with 40 KiB."""

    arguments = [
        (b"id", amp.Integer()),
        (b"name", amp.Unicode()),
        (b"data", amp.String()),
    ]
    response = [(b"ok", amp.Boolean()), (b"count", amp.Integer())]


class Sleep(amp.Command):
    """The call that takes its time."""

    arguments = [(b"id", amp.Integer())]


class Report(amp.Command):
    """What the server has counted since it began: see `benchmarks.desk.Counts`."""

    response = [
        (b"served", amp.Integer()),
        (b"detours", amp.Integer()),
        (b"beats", amp.Integer()),
    ]
