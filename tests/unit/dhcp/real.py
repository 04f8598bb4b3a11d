"""The real reactor, typed, and coroutines as tests on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import pytest_twisted
from twisted.internet import reactor as global_reactor

from maasha.dhcp.reactor import IReactorDhcp

F = TypeVar("F", bound=Callable[..., Any])

reactor = cast(IReactorDhcp, global_reactor)


def asynchronous(test: F) -> F:
    """Let pytest run a coroutine in the reactor."""
    return cast(F, pytest_twisted.ensureDeferred(test))
