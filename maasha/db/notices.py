"""Wakes subscribers when a transaction somewhere said NOTIFY, and after each gap in listening."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from twisted.logger import Logger

from maasha.db.channels import Channel
from maasha.db.connection import Connection
from maasha.db.dedicated import Dedicated

log = Logger()

ANYTHING = ""
"""The payload that says: anything may have changed."""


@frozen(eq=False)
class Subscriber:
    """Who is woken by a channel."""

    channel: Channel
    wake: Callable[[str], None]


class Notices:
    """Listens on all channels over a dedicated connection.

    Level-triggered: a subscriber is woken with each notice's payload, and with ANYTHING when it
    subscribes to a channel that is being listened to and after every (re)connection, since what
    was said meanwhile is lost. It then reads the rows; a notice is never news by itself.
    """

    def __init__(self, dedicated: Dedicated) -> None:
        self._dedicated = dedicated
        self._subscribers: list[Subscriber] = []
        dedicated.on_open(self._listen)

    def subscribe(self, channel: Channel, wake: Callable[[str], None]) -> Callable[[], None]:
        """Call `wake` with payloads of a channel until the returned function is called."""
        subscriber = Subscriber(channel, wake)
        self._subscribers.append(subscriber)
        if self._dedicated.connected:
            _wake(subscriber, ANYTHING)

        def cancel() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return cancel

    async def _listen(self, connection: Connection) -> None:
        connection.on_notice(self._noticed)
        for channel in Channel:
            await connection.execute(f"listen {channel.value}", timeout=self._dedicated.timeout)
        for subscriber in tuple(self._subscribers):
            _wake(subscriber, ANYTHING)

    def _noticed(self, channel: str, payload: str) -> None:
        for subscriber in tuple(self._subscribers):
            if subscriber.channel.value == channel:
                _wake(subscriber, payload)


def _wake(subscriber: Subscriber, payload: str) -> None:
    try:
        subscriber.wake(payload)
    except Exception:
        # one subscriber's mistake must not cost the others their notice
        log.failure("a subscriber of {channel} failed", channel=subscriber.channel.value)
