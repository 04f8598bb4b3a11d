"""What can go wrong on the wire: errors with fields, and how they travel in an AMP error box.

An error's code is its class's name; its description is JSON with a message for people and the
fields, so that the other side gets the same error back and a stock AMP peer can still show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import attrs
from attrs import frozen

from maasha.model.cluster import EventLoop, Ownership
from maasha.model.codec import BadRecord, from_json, to_json
from maasha.model.stamp import Stamp
from maasha.rpc.versions import Versions
from maasha.rpc.wire.errors import (
    BadArgument,
    Busy,
    DeadlineExceeded,
    MessageTooLong,
    RpcError,
)

__all__ = [
    "BY_CODE",
    "CUT",
    "LIMIT",
    "MENDS",
    "MESSAGE_LIMIT",
    "NOT_OFFERED",
    "TRAVELLING",
    "BadArgument",
    "Busy",
    "ChannelMismatch",
    "DeadlineExceeded",
    "Deleted",
    "DhcpRefused",
    "Forgotten",
    "LinkLost",
    "MessageTooLong",
    "NotMoved",
    "NotOffered",
    "NotOwner",
    "OutOfOrder",
    "Redirect",
    "RegistrationRefused",
    "RemoteFailure",
    "RpcError",
    "StaleEpoch",
    "TokenExpired",
    "TokenUsed",
    "TooManyLinks",
    "TurnedAway",
    "Unavailable",
    "Unreachable",
    "WrongInstance",
    "WrongSecret",
    "WrongVersion",
    "code_of",
    "declared",
    "describe",
    "recognise",
]

LIMIT = 16 * 1024
"""Bytes of a description on the wire; longer texts are cut."""
CUT = " [cut]"
MESSAGE_LIMIT = 400
"""Characters of the message for people; the fields have the rest."""


@frozen
class LinkLost(RpcError):
    """The link ended before the answer came: whether the call was carried out is unknown."""

    reason: str

    def __str__(self) -> str:
        return f"the link was lost: {self.reason}; ask again on another link"


@frozen
class Unreachable(RpcError):
    """No connection could be made."""

    reason: str

    def __str__(self) -> str:
        return f"no connection: {self.reason}; check that the region runs and the port is open"


@frozen
class ChannelMismatch(RpcError):
    """One side speaks TLS and the other plain TCP; neither falls back."""

    ours: str
    theirs: str

    def __str__(self) -> str:
        return (
            f"this side speaks {self.ours} and the other {self.theirs}; "
            "write the same rpc_tls in regiond.conf and rackd.conf"
        )


@frozen
class TurnedAway(RpcError):
    """The other side closed the connection before its first word."""

    reason: str

    def __str__(self) -> str:
        return (
            f"turned away without a word ({self.reason}): the region takes no more connections "
            "from here now, or it is stopping; its log says which"
        )


@frozen
class NotOffered(RpcError):
    """The peer does not take this command, or not at this stage of the link."""

    text: str

    def __str__(self) -> str:
        return f"the peer does not take this command now: {self.text}"


@frozen
class RemoteFailure(RpcError):
    """The peer failed in a way that the command does not declare; its log has `id`."""

    id: str
    text: str = ""

    def __str__(self) -> str:
        return f"the other side failed {self.text}; look for {self.id or 'the cause'} in its log"


@frozen
class OutOfOrder(RpcError):
    """A message of the handshake came at the wrong moment."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} came out of order; the handshake is Hello, Prove, Register"


@frozen
class WrongSecret(RpcError):
    """The proof of `prover` ("rack" or "region") was not made with the credential of the other.

    A token or a key that the region does not know at all is answered with these very words.
    """

    prover: str
    credential: str = "secret"
    """What the rack proved with: "secret", "token" or "key"."""

    def __str__(self) -> str:
        mend = MENDS.get(self.credential, MENDS["secret"])
        return (
            f"wrong {self.credential}: the {self.prover}'s proof does not fit; {mend} "
            "(if both have the same, somebody in between opens the TLS channel)"
        )


MENDS = {
    "secret": "register the rack again with the secret of the region (maasha-rack register)",
    "token": "make another with `maasha-region token` and register the rack with it",
    "key": "if the region is the rack's own, register the rack again (maasha-rack register)",
}
"""What to do about each kind of credential that does not fit."""


@frozen
class WrongVersion(RpcError):
    """The two ends have no protocol number in common."""

    offered: Versions
    accepted: Versions

    def __str__(self) -> str:
        return (
            f"wrong version: protocol {self.offered} was offered, {self.accepted} is accepted; "
            "upgrade the older side"
        )


@frozen
class WrongInstance(RpcError):
    """The rack belongs to another installation than the region."""

    expected: UUID
    got: UUID

    def __str__(self) -> str:
        return (
            f"wrong instance: expected {self.expected}, got {self.got}; "
            "correct the rack's maas_url, or register it anew to move it"
        )


@frozen
class TokenExpired(RpcError):
    """The join token was right, and its time is over by the database's clock."""

    token: str

    def __str__(self) -> str:
        return (
            f"expired token: the time of join token {self.token} is over; make another with "
            "`maasha-region token` and register the rack with it"
        )


@frozen
class TokenUsed(RpcError):
    """The join token was right, and another registration has used it up."""

    token: str

    def __str__(self) -> str:
        return (
            f"used token: join token {self.token} has let a rack in already; if that was not you, "
            "look at the events; make another with `maasha-region token` for each rack"
        )


@frozen
class TooManyLinks(RpcError):
    """The region's worker takes no more connections of racks."""

    limit: int

    def __str__(self) -> str:
        return (
            f"too many connections: this worker has its {self.limit} links; the rack tries the "
            "others by itself, raise num_workers or add a region if all are full"
        )


@frozen
class Redirect(RpcError):
    """The region's worker is full, another one is not."""

    to: EventLoop

    def __str__(self) -> str:
        return f"this worker has all the links that it takes; {self.to.name} takes more"


@frozen
class Forgotten(RpcError):
    """The rack has a right key, and the region's database has no record of it (a restore)."""

    system_id: str

    def __str__(self) -> str:
        return (
            f"unknown, was ours: rack {self.system_id} has a right key but no record in the "
            f"database; an administrator readmits it with `maasha rack-controller readmit "
            f"{self.system_id}`, its DHCP goes on meanwhile"
        )


@frozen
class Deleted(RpcError):
    """The rack was deleted from this instance: it is to stop serving for good."""

    system_id: str

    def __str__(self) -> str:
        return (
            f"retired: rack {self.system_id} was deleted from this instance; register it anew to "
            "return"
        )


@frozen
class RegistrationRefused(RpcError):
    """The region does not take this rack."""

    reason: str

    def __str__(self) -> str:
        return f"registration refused: {self.reason}"


@frozen
class StaleEpoch(RpcError):
    """A command came from a worker that no longer owns the rack."""

    got: Stamp
    known: Stamp

    def __str__(self) -> str:
        return f"epoch {self.got} is over, the rack obeys {self.known}; claim the rack first"


@frozen
class DhcpRefused(RpcError):
    """The rack's dhcpd does not take the plan; what ran before still runs."""

    listing: str
    """dhcpd's own words with the lines they mean."""

    def __str__(self) -> str:
        return f"dhcpd refused the configuration: {self.listing}"


@frozen
class NotOwner(RpcError):
    """The worker does not act for this rack."""

    owner: Ownership | None
    """Who does, None for nobody."""

    def __str__(self) -> str:
        who = f"worker {self.owner.worker} does" if self.owner else "nobody does yet"
        return f"this worker does not act for the rack ({who}); report there"


@frozen
class NotMoved(RpcError):
    """The rack's link stays where it is."""

    reason: str

    def __str__(self) -> str:
        return f"the link stays where it is: {self.reason}"


@frozen
class Unavailable(RpcError):
    """The region cannot do it now, for example because it has no database."""

    reason: str
    retry_after: float
    """Seconds."""

    def __str__(self) -> str:
        return f"unavailable: {self.reason}; try again in {self.retry_after:g} s"


TRAVELLING: tuple[type[RpcError], ...] = (
    RemoteFailure,
    BadArgument,
    DeadlineExceeded,
    MessageTooLong,
    OutOfOrder,
    WrongSecret,
    WrongVersion,
    WrongInstance,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Redirect,
    Forgotten,
    Deleted,
    RegistrationRefused,
    StaleEpoch,
    DhcpRefused,
    NotOwner,
    NotMoved,
    Unavailable,
)
"""The errors that one side may send to the other."""
NOT_OFFERED = b"UNHANDLED"
"""AMP's own code for an unknown command; its description is plain text."""


def code_of(error: type[RpcError]) -> bytes:
    """Give the code of an error in an AMP error box."""
    return error.__name__.encode()


BY_CODE = {code_of(error): error for error in TRAVELLING}


def declared(*errors: type[RpcError]) -> dict[type[Exception], bytes]:
    """Give the `errors` of an AMP command that may fail with these."""
    return {error: code_of(error) for error in errors}


def describe(error: RpcError) -> bytes:
    """Write an error's description, at most LIMIT bytes: the longest text is cut to fit."""
    fields = {"message": str(error)[:MESSAGE_LIMIT], **attrs.asdict(error, recurse=False)}
    while (over := len(text := to_json(fields).encode()) - LIMIT) > 0:
        _cut_longest(fields, over)
    return text


def recognise(
    code: bytes, description: bytes, declared: Mapping[bytes, type[Exception]] = BY_CODE
) -> Exception:
    """Read an error box by what its command declared, or by the errors that always may come.

    An error of ours has its fields, any other its text; what nobody knows is a RemoteFailure.
    """
    text = description.decode("utf-8", "replace")
    if code == NOT_OFFERED:
        return NotOffered(text[:MESSAGE_LIMIT])
    cls = declared.get(code) or BY_CODE.get(code)
    if cls is not None and not issubclass(cls, RpcError):
        return cls(text)
    if cls is not None:
        with suppress(BadRecord):
            return from_json(cls, text)
    return RemoteFailure("", f"{code.decode('ascii', 'replace')}: {text[:MESSAGE_LIMIT]}")


def _cut_longest(fields: dict[str, Any], over: int) -> None:
    """Take at least `over` characters, hence bytes, from the longest text."""
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    longest = max(texts, key=lambda name: len(texts[name]))
    keep = max(0, len(texts[longest]) - over - len(CUT))
    fields[longest] = texts[longest][:keep] + CUT
