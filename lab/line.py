"""A long line between two Ethernets: `python -I -S line.py NEAR FAR DELAY LOSS SEED`.

It makes two TAP devices, NEAR and FAR.  Every frame that the kernel sends into one comes out of the
other DELAY seconds later, in order, but for a share of LOSS (0 to 1) that never comes; SEED chooses
which.  Says "ready" when both are there; they are gone when it ends.  For each line of text that it
reads it says how many frames it has lost.

A frame that comes to a TAP device is whole: segmented, and with its checksums.
"""

import contextlib
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator
from random import Random

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x2, 0x1000
"""linux/if_tun.h; without packet information what is read and written are the frames alone."""
FRAME = 2048
"""Bytes; the longest frame of an Ethernet has 1,518."""
TURN = 64
"""Frames that are read at once, so that a flood holds up nothing that is due."""
CAPACITY = 10_000
"""Frames under way in one direction; beyond that they are lost, as in any device."""
QUESTIONS = 0
"""Standard input."""
PRIORITY = 1
"""Real-time (sched(7)): a line does not wait for a processor."""


class Lane:
    """One direction: what is on its way.  Instants are seconds of any one clock."""

    def __init__(self, delay: float, loss: float, dice: Random) -> None:
        self._delay = delay
        self._loss = loss
        self._dice = dice
        self._under_way: deque[tuple[float, bytes]] = deque()
        self.lost = 0

    def take(self, frame: bytes, now: float) -> None:
        """Send a frame on its way, or lose it."""
        if self._dice.random() >= self._loss and len(self._under_way) < CAPACITY:
            self._under_way.append((now + self._delay, frame))
        else:
            self.lost += 1

    def arrived(self, now: float) -> Iterator[bytes]:
        """Yield what has come to the end of its way, in the order in which it was taken."""
        while self._under_way and self._under_way[0][0] <= now:
            yield self._under_way.popleft()[1]

    def next(self) -> float:
        """Say when the next arrives; infinite when nothing is under way."""
        return self._under_way[0][0] if self._under_way else float("inf")


def tap(name: str) -> int:
    """Make a TAP device and return its non-blocking descriptor; the device ends with that."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def frames(device: int) -> Iterator[bytes]:
    """Yield some of what the kernel has sent into a device; one that is down has nothing."""
    with contextlib.suppress(OSError):  # BlockingIOError is the usual one
        for _ in range(TURN):
            yield os.read(device, FRAME)


def answer(lost: int) -> bool:
    """Say how many frames were lost; False when nobody is there to ask any more."""
    asked = os.read(QUESTIONS, FRAME).count(b"\n")
    for _ in range(asked):
        print(lost, flush=True)
    return asked > 0


def relay(lanes: dict[int, tuple[Lane, int]]) -> None:
    """Carry frames until killed; `lanes` are by the device from which they lead to another."""
    events = select.epoll()
    for device in lanes:
        events.register(device, select.EPOLLIN)
    events.register(QUESTIONS, select.EPOLLIN)
    while True:
        due = min(lane.next() for lane, _ in lanes.values()) - time.monotonic()
        ready = {
            device for device, _ in events.poll(None if due == float("inf") else max(0.0, due))
        }
        now = time.monotonic()
        for device in ready & lanes.keys():
            for frame in frames(device):
                lanes[device][0].take(frame, now)
        if QUESTIONS in ready and not answer(sum(lane.lost for lane, _ in lanes.values())):
            events.unregister(QUESTIONS)
        for lane, end in lanes.values():
            for frame in lane.arrived(now):
                with contextlib.suppress(OSError):  # nobody is at the end: it is lost
                    os.write(end, frame)


def main(near: str, far: str, delay: float, loss: float, seed: int) -> None:
    """Be the line."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    here, there = tap(near), tap(far)
    dice = Random(seed)  # noqa: S311 - chooses frames, guards nothing
    lanes = {here: (Lane(delay, loss, dice), there), there: (Lane(delay, loss, dice), here)}
    print("ready", flush=True)
    relay(lanes)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
