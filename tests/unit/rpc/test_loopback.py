"""Over real TCP: options are set, megabytes cross, and every way to die is noticed."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from attrs import define, evolve
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols import amp

from maasha.rpc.alive import Alive
from maasha.rpc.commands import Call
from maasha.rpc.arguments import Text
from maasha.rpc.errors import WrongSecret
from maasha.rpc.protocol import Link, Timing
from maasha.rpc.rack_side import Session, join
from maasha.rpc.region_side import RegionFactory
from tests.unit.rpc.parts import (
    EPOCH,
    INTRODUCTION,
    OTHER_SECRET,
    PLAN,
    RACK_FACTS,
    REGION_FACTS,
    REPORT,
    Counter,
    Door,
    Hands,
)

reactor: Any = global_reactor  # a module at run time, which no type describes
HASTY = Timing(heartbeat=0.05, ping=0.1, proof=0.2, farewell=0.1)


class Valve(Protocol):
    """One side of a relay; when `shut`, bytes vanish and no end is passed on."""

    def __init__(self, relay: Relay, other: Valve | None = None) -> None:
        self.relay = relay
        self.other = other

    def connectionMade(self) -> None:
        """Dial the region for a rack."""
        if self.other is None:
            self.waiting: list[bytes] = []
            self.other = Valve(self.relay, self)
            connectProtocol(self.relay.target, self.other)
        else:
            for data in self.other.waiting:
                self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        if self.relay.shut:
            return
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self.waiting.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        """Pass it on."""
        if self.other is not None and self.other.transport is not None and not self.relay.shut:
            self.other.transport.loseConnection()
