"""What becomes of a command that failed here: the error box that the other side gets."""

from __future__ import annotations

from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.errors import NOT_OFFERED, BadArgument, RemoteFailure, RpcError, code_of, describe

SHOWN_NAME = 40
"""Bytes of an unknown command's name that are sent back."""

log = Logger()


def to_wire(failure: Failure, command: bytes, incident: str) -> Failure:
    """Give the failure that AMP writes as an error box and that leaves the link alive.

    An error that the command does not declare is logged here under the name `incident`, and the
    other side gets no more than that name. (Stock AMP would close the link.)
    """
    error = failure.value
    if isinstance(error, amp.RemoteAmpError):  # AMP's wrapping of what the command declares
        return _declared(error, failure, command)
    if not isinstance(error, BadArgument):
        error = _logged(failure, command, incident)
    return _boxed(code_of(type(error)), error)


def _declared(error: amp.RemoteAmpError, failure: Failure, command: bytes) -> Failure:
    cause = error.local.value
    if isinstance(cause, amp.UnhandledCommand):
        name = command[:SHOWN_NAME]
        return Failure(amp.RemoteAmpError(NOT_OFFERED, f"unknown command {name!r}"))
    return _boxed(error.errorCode, cause) if isinstance(cause, RpcError) else failure


def _logged(failure: Failure, command: bytes, incident: str) -> RemoteFailure:
    name = command.decode("ascii", "replace")
    log.failure(
        "{command} failed, the caller was told {incident}", failure, command=name, incident=incident
    )
    return RemoteFailure(incident, f"to carry out {name}")


def _boxed(code: bytes, error: RpcError) -> Failure:
    return Failure(amp.RemoteAmpError(code, describe(error).decode()))
