"""Failures that somebody logs are failures of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer


@contextmanager
def heard(failures: list[str]) -> Iterator[None]:
    """Write the traceback of every failure that is logged meanwhile into a list."""

    @implementer(ILogObserver)
    class Ear:
        def __call__(self, event: LogEvent) -> None:
            failure = event.get("log_failure")
            if failure is not None:
                failures.append(failure.getTraceback())

    ear = Ear()
    globalLogPublisher.addObserver(ear)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(ear)
