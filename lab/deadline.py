"""Wait for a fact with a deadline, in synchronous code."""

import time
from collections.abc import Callable
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class DeadlineExceeded(Exception):
    """What was waited for did not become true in `timeout` seconds."""

    what: str
    timeout: float

    def __str__(self) -> str:
        """Say what was waited for, and how long."""
        return f"waited {self.timeout:g} s in vain for {self.what}"


def until(
    condition: Callable[[], T | None], what: str, *, timeout: float, interval: float = 0.01
) -> T:
    """Ask `condition` every `interval` seconds and return its first true answer.

    Raise `DeadlineExceeded` after `timeout` seconds; `condition` is asked at least once.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() >= deadline:
            raise DeadlineExceeded(what, timeout)
        time.sleep(interval)
    return answer
