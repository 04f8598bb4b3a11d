"""Runs coroutines under pytest-twisted's reactor, with types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import pytest_twisted
from twisted.internet.defer import Deferred

P = ParamSpec("P")
T = TypeVar("T")


def asynchronous(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an `async def`."""
    made: Callable[P, None] = pytest_twisted.ensureDeferred(test)
    return made


def block_on(work: Coroutine[Deferred[Any], Any, T]) -> T:
    """Run a coroutine to its end from a fixture that is not one."""
    result: T = pytest_twisted.blockon(Deferred.fromCoroutine(work))
    return result
