"""What racks send each other in frames: a probe to all, and an answer to who sent it.

    magic      6 bytes   "maasha"
    version    1 byte    1
    kind       1 byte    1 a probe, 2 an answer
    vlan       8 bytes   the region's number of the VLAN (not its VID)
    sender     8 bytes   the region's number of the rack that sends
    recipient  8 bytes   of the rack that it is for; of a probe 0: all
    nonce     16 bytes   the prober's; an answer has that of its probe
    clock      8 bytes   the sender's time, in seconds since 1970 (IEEE 754)
    proof     16 bytes   of all before it; see `proof.py`

Numbers have their highest byte first. The frames' EtherType is 0x88B5, which IEEE 802 has set aside
for experiments on one's own network. Zeros that fill up a frame may follow.
"""

from __future__ import annotations

import struct
from enum import Enum
from math import isfinite

from attrs import frozen

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.rack.lookout.proof import LENGTH, NONCE_LENGTH, prove, proves

ETHERTYPE = 0x88B5
MAGIC, VERSION = b"maasha", 1
LABEL = b"frame"
ALL = RackKey(0)
"""The recipient of a probe; no rack has this number."""
SAID = struct.Struct(f"!6sBBQQQ{NONCE_LENGTH}sd")


class Kind(Enum):
    """What a message is."""

    PROBE = 1
    ANSWER = 2


@frozen
class Message:
    """A probe or an answer."""

    kind: Kind
    vlan: VlanId
    sender: RackKey
    recipient: RackKey
    nonce: bytes
    clock: float


def encode(message: Message, key: str) -> bytes:
    """Give the payload of a frame."""
    said = SAID.pack(
        *(MAGIC, VERSION, message.kind.value, message.vlan, message.sender, message.recipient),
        *(message.nonce, message.clock),
    )
    return said + prove(key, LABEL, said)


def decode(payload: bytes, key: str) -> Message | None:
    """Read the payload of a frame; None where it is none of ours, or nobody proves it."""
    said, proof = payload[: SAID.size], payload[SAID.size : SAID.size + LENGTH]
    if not said.startswith(MAGIC + bytes([VERSION])) or not proves(key, LABEL, said, proof):
        return None
    _, _, kind, vlan, sender, recipient, nonce, clock = SAID.unpack(said)
    if kind not in [known.value for known in Kind] or not isfinite(clock):
        return None
    return Message(Kind(kind), VlanId(vlan), RackKey(sender), RackKey(recipient), nonce, clock)
