"""Who takes part in an instance: regions, their workers, racks and the links between them."""

from __future__ import annotations

from datetime import datetime
from typing import NewType
from uuid import UUID

from attrs import field, frozen

from maasha.model.network import Interface
from maasha.model.stamp import NEVER, Stamp

SystemId = NewType("SystemId", str)
"""Six characters that name a controller, made by the region."""
WorkerId = NewType("WorkerId", int)
RackKey = NewType("RackKey", int)
LinkId = NewType("LinkId", int)
InstanceId = NewType("InstanceId", UUID)

SYSTEM_ID_ALPHABET = "34678abcdefghkmnpqrstwxy"
"""No vowels to spell words with and no look-alikes (0/o, 1/l, 2/z, 5/s, 9/g)."""
SYSTEM_ID_LENGTH = 6


@frozen
class Endpoint:
    """Where a worker takes racks' links: an IP address or a host name, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class EventLoop:
    """A region's worker as racks know it, by `host:pid=N`, and where it takes their links.

    `load` is how many it has, compared with what it is to carry.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    load: float = 0.0

    @property
    def region(self) -> str:
        """The host name of the worker's region controller."""
        return self.name.partition(":")[0]


@frozen
class Move:
    """What a link is to do: go to another worker, within so many seconds, and why (for people)."""

    to: EventLoop | None
    """None: nowhere, for it is one too many."""
    seconds: float
    reason: str


@frozen
class Ownership:
    """Which worker acts for a rack, and since which epoch."""

    worker: WorkerId
    epoch: Stamp


@frozen
class Introduction:
    """What a rack says of itself when it registers a link."""

    hostname: str
    version: str
    system_id: SystemId | None = None
    url: str = ""
    interfaces: tuple[Interface, ...] = ()
    epoch: Stamp = NEVER
    """The highest epoch of ownership the rack has obeyed."""
    generation: Stamp = NEVER
    """The generation of the DHCP configuration the rack runs."""
    lease_store: str = ""
    """Names the leases file: a new name means that the file was made empty."""
    serving: bool = True
    """Whether its dhcpd may run."""
    registration: str = ""
    """Names the rack's last `register`: a join token, once used, still fits the same one."""


@frozen
class Welcome:
    """What a region answers to a rack that registered."""

    system_id: SystemId
    instance: InstanceId
    region: str
    """System id of the region whose worker answers."""
    worker: WorkerId
    omapi_secret: str = field(repr=False)
    """Base64 key for OMAPI on the rack's own dhcpd."""


@frozen
class WorkerRow:
    """A region worker as the database sees it."""

    id: WorkerId
    region: SystemId
    slot: int
    pid: int
    heartbeat: datetime
    endpoints: tuple[Endpoint, ...]
    epoch: Stamp
