"""AMP as Twisted speaks it, only faster, with deadlines, limits and back-pressure.

`AMP` takes the place of twisted.protocols.amp.AMP. It is built in layers, one file each: `sending`
(how bytes leave), `calling` (calls to the peer), `answering` (requests of the peer) and
`connection` (reading). The fast path through them is made of functions that `codecs` generates from
`fields`, one set per Command.
"""

from maasha.rpc.wire.connection import AMP
from maasha.rpc.wire.context import ORIGIN, Origin
from maasha.rpc.wire.errors import Busy, DeadlineExceeded, MessageTooLong, RpcError
from maasha.rpc.wire.limits import Limits
from maasha.rpc.wire.metrics import Metrics
from maasha.rpc.wire.rhythm import Rhythm
from maasha.rpc.wire.secured import Secured, Securing
from maasha.rpc.wire.sending import Observer
from maasha.rpc.wire.tables import Several
from maasha.rpc.wire.timekeeper import Timekeeper
from maasha.rpc.wire.values import Number, Octets, Text, Value

__all__ = [
    "AMP",
    "ORIGIN",
    "Busy",
    "DeadlineExceeded",
    "Limits",
    "MessageTooLong",
    "Metrics",
    "Number",
    "Observer",
    "Octets",
    "Origin",
    "Rhythm",
    "RpcError",
    "Secured",
    "Securing",
    "Several",
    "Text",
    "Timekeeper",
    "Value",
]
