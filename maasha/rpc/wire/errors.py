"""What can go wrong with a call on the wire, as types with fields."""

from __future__ import annotations

from attrs import frozen


@frozen
class RpcError(Exception):
    """Whatever a call or a link can fail with."""


@frozen
class DeadlineExceeded(RpcError):
    """No answer in time: whether the call was carried out is unknown.

    A peer says it of a request that it read when nobody waited any more; that one was not started.
    """

    command: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.command} had no answer within {self.seconds:g} s; ask again"


@frozen
class Busy(RpcError):
    """As many calls wait for the peer as are allowed; this one was not sent."""

    waiting: int

    def __str__(self) -> str:
        return f"{self.waiting} calls wait already; the peer is slow, ask again later"


@frozen
class MessageTooLong(RpcError):
    """A message is longer than one of the sides sends or takes."""

    command: str
    length: int
    limit: int

    def __str__(self) -> str:
        return (
            f"{self.command} takes {self.length} bytes or more, the limit is {self.limit}; "
            "split it into several calls"
        )


@frozen
class BadArgument(RpcError, ValueError):
    """A value does not fit its argument, or a box does not carry what the command declares."""

    argument: str
    reason: str

    def __str__(self) -> str:
        return f"argument {self.argument}: {self.reason}; see docs/protocol.md"
