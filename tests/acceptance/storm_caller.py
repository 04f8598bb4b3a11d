"""Calls the API all the time: `python -m tests.acceptance.storm_caller HOSTS PORT KEY FIRST LAST`.

HOSTS are the regions, with commas between them: calls go to each in turn, and on to the next where
nobody listens or the answer is 503, as any load balancer does it. KEY is an API key, FIRST to LAST
are the first one's ports for racks. Prints a line of JSON, {"ready": SECONDS}, each time that one
of these takes connections after none did, and for each line that it reads {"begun": COUNT, "calls":
[[BEGUN, SECONDS, STATUS], ...]}, how many were begun since the line before, and all that ended;
status 0 is no answer. From the line "halt" on none begins, until the line "go". Instants are the
machine's monotonic clock's.
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
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall, deferLater, react
from twisted.protocols.basic import LineOnlyReceiver

from tests.acceptance.web import page

PATHS = ("version/", "events/", "version/", "users/?op=whoami")
"""Every second one asks the database twice: for the key, and for the answer."""
INTERVAL = 0.04
"""Seconds between two calls, however long each takes."""
UNAVAILABLE = 503
KNOCK = 0.01
"""Seconds between two looks at the racks' ports while none is there."""
CALM = 0.5
"""The same while one is: region workers log those who knock and say nothing."""
LONGEST = 20.0
"""Seconds until a call counts as not answered."""


class Caller(LineOnlyReceiver):
    """Calls, knocks, and reports."""

    delimiter = b"\n"

    def __init__(self, reactor: Any, hosts: list[str], port: int, key: str) -> None:
        self._reactor = reactor
        self._hosts = hosts
        self._first = 0
        self._port = port
        self._proof = proof(key)
        self._paths = cycle(PATHS)
        self._halted = False
        self._begun = 0
        self._calls: list[tuple[float, float, int]] = []

    def lineReceived(self, line: bytes) -> None:
        """Obey, and report."""
        if line:
            self._halted = line == b"halt"
        self._tell({"begun": self._begun, "calls": self._calls})
        self._begun = 0
        self._calls.clear()

    def _tell(self, told: object) -> None:
        self.sendLine(json.dumps(told).encode())

    def call(self) -> None:
        """Call once more, whatever became of the calls before."""
        if self._halted:
            return
        self._begun += 1
        self._first = (self._first + 1) % len(self._hosts)
        Deferred.fromCoroutine(self._call(f"/MAAS/api/2.0/{next(self._paths)}"))

    async def _call(self, path: str) -> None:
        began, status = time.monotonic(), 0
        for host in (*self._hosts[self._first :], *self._hosts[: self._first]):
            asking = page(
                self._endpoint(host, self._port), host, path, {"Authorization": self._proof}
            )
            try:
                status = (await asking.addTimeout(LONGEST, self._reactor)).status
            except ConnectError:
                continue
            except Exception:
                status = 0
            if status != UNAVAILABLE:
                break
        self._calls.append((began, time.monotonic() - began, status))

    def _endpoint(self, host: str, port: int) -> TCP4ClientEndpoint:
        return TCP4ClientEndpoint(self._reactor, host, port, LONGEST)

    async def knock(self, ports: range) -> None:
        """Tell each time that the ports are back."""
        there = True
        while True:
            before, there = there, await self._any_open(ports)
            if there and not before:
                self._tell({"ready": time.monotonic()})
            await deferLater(self._reactor, CALM if there else KNOCK)

    async def _any_open(self, ports: range) -> bool:
        for port in ports:
            try:
                protocol = await connectProtocol(self._endpoint(self._hosts[0], port), Protocol())
            except ConnectError:
                continue
            protocol.transport.abortConnection()
            return True
        return False


def proof(key: str) -> str:
    """Give the header that signs a request with an API key (OAuth PLAINTEXT)."""
    consumer, token, secret = key.split(":")
    fields = {
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": consumer,
        "oauth_token": token,
        "oauth_signature": f"%26{secret}",
    }
    return "OAuth " + ", ".join(f'{name}="{text}"' for name, text in fields.items())


def main(reactor: Any, hosts: str, port: str, key: str, first: str, last: str) -> Deferred[None]:
    """Call until killed."""
    caller = Caller(reactor, hosts.split(","), int(port), key)
    StandardIO(caller)
    LoopingCall(caller.call).start(INTERVAL)
    Deferred.fromCoroutine(caller.knock(range(int(first), int(last) + 1)))
    gc.collect()
    gc.freeze()  # its own pauses are not the region's
    return Deferred()


if __name__ == "__main__":
    react(main, sys.argv[1:])
