"""Hears connections without the detour that the reactor makes to find out whom an event is for.

For each event Twisted's epoll reactor makes a log context (two dicts, four calls), which takes as
long as answering a small request does. A link knows its own name, so for a connection that says so
(`hear`) the reactor calls `doRead` straight away; all else, and whatever is not just something to
read, goes Twisted's way.
"""

from __future__ import annotations

from errno import EINTR
from functools import partial
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.logger import Logger
from twisted.python.log import callWithLogger

from maasha.rpc.wire.direct import is_plain

NEEDED = ("_poller", "_selectables", "_doReadOrWrite", "_disconnectSelectable")
"""What the loop below uses of the reactor's own; another Twisted may not have them."""

log = Logger()


def hasten(reactor: object) -> bool:
    """Have an epoll reactor take the short way from now on; another reactor stays as it is.

    Tells whether it does.
    """
    if not (isinstance(reactor, EPollReactor) and all(hasattr(reactor, one) for one in NEEDED)):
        return False
    vars(reactor)["doIteration"] = partial(_poll, reactor)
    return True


def hear(transport: Any) -> None:
    """Let a plain transport be read from without a log context."""
    if is_plain(transport):
        transport.named = True


def _poll(reactor: Any, timeout: float | None) -> None:
    """Do what EPollReactor.doPoll does."""
    selectables = reactor._selectables
    try:
        events = reactor._poller.poll(-1 if timeout is None else timeout, len(selectables))
    except OSError as error:
        if error.errno == EINTR:
            return
        raise
    for fd, event in events:
        selectable = selectables.get(fd)
        if event == EPOLLIN and getattr(selectable, "named", False):
            try:
                lost = selectable.doRead()
            except BaseException as error:
                log.failure("a connection is dropped, for what it received did harm")
                lost = error
            if lost is not None:
                _end(reactor, selectable, lost)
        elif selectable is not None:
            callWithLogger(selectable, reactor._doReadOrWrite, selectable, fd, event)


def _end(reactor: Any, transport: Any, why: BaseException) -> None:
    """Tell a connection that it is lost; what goes wrong then is not the others' loss."""
    try:
        reactor._disconnectSelectable(transport, why, True)
    except BaseException:
        log.failure("the end of a connection did harm")
