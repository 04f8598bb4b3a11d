"""Mishaps of every kind, one after the other, in an order that a seed decides."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from random import Random

from lab import Host
from lab.cluster import Cluster


class Mishap(Enum):
    """What goes wrong; a rack's network is the one on which it serves."""

    DHCPD_KILLED = "dhcpd SIGKILLed"
    DHCPD_STOPPED = "dhcpd SIGSTOPped"
    CABLE_CUT = "cable cut"
    NOTHING_GOES_OUT = "nothing comes from the rack"
    NOTHING_COMES_IN = "nothing reaches the rack"
    RACKD_KILLED = "rackd SIGKILLed"
    REGION_DOWN = "regiond down"
    DATABASE_KILLED = "PostgreSQL SIGKILLed"


LASTS = (2.0, 6.0)
"""Seconds, the shortest and the longest."""
PAUSE = (1.0, 4.0)
"""Seconds between two."""

Notice = Callable[[Mishap, Host], None]


def live_through(cluster: Cluster, seconds: float, seed: int, notice: Notice) -> Counter[Mishap]:
    """Have one mishap after the other for so long, and each kind at least once; count them.

    All is whole again at the end.
    """
    chance, end, counts = Random(seed), time.monotonic() + seconds, Counter[Mishap]()
    while time.monotonic() < end or len(counts) < len(Mishap):
        round_of_all = list(Mishap)
        chance.shuffle(round_of_all)
        for kind in round_of_all:
            if time.monotonic() >= end and kind in counts:
                continue
            rack = chance.choice(cluster.racks)
            notice(kind, rack)
            with happening(cluster, kind, rack):
                time.sleep(chance.uniform(*LASTS))
            counts[kind] += 1
            time.sleep(chance.uniform(*PAUSE))
    return counts


@contextmanager
def happening(cluster: Cluster, kind: Mishap, rack: Host) -> Iterator[None]:
    """Let it be wrong inside the block; what was killed is started again by whoever does that."""
    cable = cluster.large.cable(rack)
    match kind:
        case Mishap.DHCPD_KILLED:
            rack.signal("dhcpd", signal.SIGKILL)
            yield
        case Mishap.DHCPD_STOPPED:
            stopped = rack.signal("dhcpd", signal.SIGSTOP)
            yield
            for process in stopped:
                process.id.signal(signal.SIGCONT)
        case Mishap.CABLE_CUT:
            cable.cut()
            yield
            cable.restore()
        case Mishap.NOTHING_GOES_OUT | Mishap.NOTHING_COMES_IN:
            cable.drop("from_host" if kind is Mishap.NOTHING_GOES_OUT else "to_host")
            yield
            cable.heal()
        case Mishap.RACKD_KILLED:
            rack.signal("maasha-rackd", signal.SIGKILL)
            yield
        case Mishap.REGION_DOWN:
            cluster.runner(cluster.region).stop("regiond")
            yield
            cluster.runner(cluster.region).start("regiond")
        case Mishap.DATABASE_KILLED:
            cluster.db.signal("postgres", signal.SIGKILL)
            yield
