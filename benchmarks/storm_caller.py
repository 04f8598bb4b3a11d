"""Somebody who calls the API all the time: `python -m benchmarks.storm_caller HOST PORT KEY FIRST LAST`.

Prints {"ready": SECONDS} once a port from FIRST to LAST, of the racks, has refused and then takes
connections again. After a line on standard input it prints all calls since the line before:
[[PATH, BEGUN, SECONDS, STATUS], ...]; 0 is the status of a call without an answer.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from itertools import cycle
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall, deferLater, react
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

PATHS = ("version/", "events/", "version/", "users/?op=whoami")
"""Every second one needs the database twice: for the key, and for the answer."""
INTERVAL = 0.04
"""Seconds between two calls, however long each takes."""
KNOCK = 0.01
"""Seconds between two looks whether the racks' ports are there."""
LONGEST = 10.0


class Page(Protocol):
    """One request of HTTP/1.0; gives the status."""

    def __init__(self, question: bytes) -> None:
        self.status: Deferred[int] = Deferred()
        self._question = question
        self._heard = b""

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(self._question)

    def dataReceived(self, data: bytes) -> None:
        """Listen to the end."""
        self._heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give the status, 0 where there is none."""
        if not self.status.called:
            self.status.callback(int(self._heard.split()[1]) if self._heard else 0)


class Caller(LineOnlyReceiver):
    """Calls, knocks, and reports."""

    delimiter = b"\n"

    def __init__(self, reactor: Any, host: str, port: int, key: str) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        consumer, token, secret = key.split(":")
        self._proof = (
            f'OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", '
            f'oauth_consumer_key="{consumer}", oauth_token="{token}", oauth_signature="%26{secret}"'
        )
        self._paths = cycle(PATHS)
        self._calls: list[tuple[str, float, float, int]] = []

    def lineReceived(self, line: bytes) -> None:
        """Report."""
        self._tell(self._calls)
        self._calls.clear()

    def _tell(self, told: object) -> None:
        self.sendLine(json.dumps(told).encode())

    def call(self) -> None:
        """Call once more."""
        Deferred.fromCoroutine(self._call(next(self._paths)))

    async def _call(self, path: str) -> None:
        began = time.monotonic()
        page = Page(
            f"GET /MAAS/api/2.0/{path} HTTP/1.0\r\nHost: {self._host}\r\n"
            f"Authorization: {self._proof}\r\n\r\n".encode()
        )
        try:
            await connectProtocol(self._endpoint(self._port), page)
            status = await page.status.addTimeout(LONGEST, self._reactor)
        except Exception:  # noqa: BLE001  whatever it is, there was no answer
            status = 0
        self._calls.append((path, began, time.monotonic() - began, status))

    def _endpoint(self, port: int) -> TCP4ClientEndpoint:
        return TCP4ClientEndpoint(self._reactor, self._host, port, LONGEST)

    async def knock(self, ports: range) -> None:
        """Tell each time that the ports are back."""
        there = True
        while True:
            before, there = there, await self._any_open(ports)
            if there and not before:
                self._tell({"ready": time.monotonic()})
            await deferLater(self._reactor, 0.2 if there else KNOCK, lambda: None)

    async def _any_open(self, ports: range) -> bool:
        for port in ports:
            try:
                protocol = await connectProtocol(self._endpoint(port), Protocol())
            except Exception:  # noqa: BLE001  whatever it is, it is not open
                continue
            protocol.transport.abortConnection()
            return True
        return False


def main(reactor: Any, host: str, port: str, key: str, first: str, last: str) -> Deferred[None]:
    """Call until killed."""
    caller = Caller(reactor, host, int(port), key)
    StandardIO(caller)
    LoopingCall(caller.call).start(INTERVAL)
    Deferred.fromCoroutine(caller.knock(range(int(first), int(last) + 1)))
    gc.collect()
    gc.freeze()
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
