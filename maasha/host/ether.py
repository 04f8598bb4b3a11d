"""Ethernet frames of one EtherType on one interface, sent and heard past IP: packet(7)."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

BROADCAST = b"\xff" * 6
HEADER = 14
"""Bytes: the target's and the source's address, and the EtherType."""
SHORTEST = 60
"""Bytes of a frame without its checksum (IEEE 802.3); what is shorter is filled up with zeros."""
LONGEST = 2048
"""Bytes that are read of a frame."""
AT_ONCE = 64
"""Frames that are read in one turn: a flood keeps nobody else waiting."""
SO_ATTACH_FILTER = 26
"""socket(7); Python has no name for it."""
INSTRUCTION, PROGRAM = struct.Struct("HBBI"), struct.Struct("HP")
"""sock_filter and sock_fprog of linux/filter.h."""
Filter = Sequence[tuple[int, int, int, int]]
"""Classic BPF: code, two jumps and a number. By it the kernel lets frames through or drops them."""
EVERYTHING: Filter = ()
OURS = (socket.PACKET_HOST, socket.PACKET_BROADCAST)
"""Not those for other stations, nor what has a VLAN's tag that this interface does not take off."""


@frozen
class Frame:
    """What goes from one station to another, or to all (BROADCAST); six bytes name a station."""

    source: bytes
    target: bytes
    payload: bytes
    """With the zeros that filled it up, where it was heard."""

    def written(self, ethertype: int) -> bytes:
        """Give the bytes on the wire."""
        head = self.target + self.source + ethertype.to_bytes(2, "big")
        return (head + self.payload).ljust(SHORTEST, b"\0")


class Station(Protocol):
    """One interface of this host, as frames see it."""

    @property
    def mac(self) -> bytes:
        """Its six bytes."""

    def send(self, target: bytes, payload: bytes) -> None:
        """Send a frame; raises OSError where the interface is down or gone."""

    def close(self) -> None:
        """Hear no more."""


Heard = Callable[[Frame], None]
Lost = Callable[[OSError], None]
OpenStation = Callable[[str, int, Heard, Lost], Station]
"""Opens an interface for an EtherType; raises OSError.

`lost` hears that nothing comes any more, from which on the station is closed.
"""


@implementer(IReadDescriptor)
class PacketStation:
    """A station with a packet socket; `only` says which frames are heard, their header included."""

    log = Logger()

    def __init__(
        self,
        reactor: IReactorFDSet,
        interface: str,
        ethertype: int,
        heard: Heard,
        lost: Lost,
        only: Filter = EVERYTHING,
    ) -> None:
        self._reactor = reactor
        self._interface = interface
        self._ethertype = ethertype
        self._heard = heard
        self._lost = lost
        self._open = True
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setblocking(False)
            if only:
                _attach(self._socket, only)
            self._socket.bind((interface, ethertype))
            self.mac: bytes = self._socket.getsockname()[4]
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)

    def send(self, target: bytes, payload: bytes) -> None:
        """Send a frame; raises OSError where the interface is down or gone."""
        try:
            self._socket.send(Frame(self.mac, target, payload).written(self._ethertype))
        except BlockingIOError:
            return  # a frame may always get lost

    def close(self) -> None:
        """Hear no more."""
        if self._open:
            self._open = False
            self._reactor.removeReader(self)
            self._socket.close()

    def fileno(self) -> int:
        """Give the socket's descriptor, -1 once it is closed."""
        return self._socket.fileno()

    def doRead(self) -> None:
        """Pass on what has come."""
        for _ in range(AT_ONCE):
            try:
                data, station = self._socket.recvfrom(LONGEST)
            except BlockingIOError:
                return
            except OSError as error:
                self._end(error)
                return
            if station[2] in OURS and len(data) >= HEADER:
                self._hear(Frame(data[6:12], data[:6], data[HEADER:]))
            if not self._open:
                return

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - IReadDescriptor's shape
        """Find out why the reactor has let go."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self._open else 0
        self._end(OSError(number, f"interface {self._interface} is down or gone"))

    def logPrefix(self) -> str:
        """Name this reader in the reactor's own logs."""
        return f"frames on {self._interface}"

    def _hear(self, frame: Frame) -> None:
        """Whatever fails there harms no other frame."""
        try:
            self._heard(frame)
        except Exception:
            self.log.failure("a frame on {interface} did harm", interface=self._interface)

    def _end(self, error: OSError) -> None:
        if self._open:
            self.close()
            self._lost(error)


def _attach(filtered: socket.socket, only: Filter) -> None:
    """Have the kernel drop all else; before the socket is bound, so that nothing slips in."""
    code = ctypes.create_string_buffer(b"".join(INSTRUCTION.pack(*each) for each in only))
    program = PROGRAM.pack(len(only), ctypes.addressof(code))
    filtered.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
