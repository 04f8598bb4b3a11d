"""How a third party brings commands: an extension names who answers them at either end of a link.

An extension is a plugin of twisted.plugin. It makes a `Side` for each registered link, at the
rack's end, the region's end or both; before that nothing of it exists. Everything that its
author needs can be imported from here. docs/library.md shows how, docs/examples/thermometer.py is
an extension.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import Attribute, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.plugin import IPlugin
from twisted.protocols import amp
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from maasha.rpc.arguments import Bytes, Record, Uuid
from maasha.rpc.commands import BOTH_WAYS, HANDSHAKE, RACK_TO_REGION, REGION_TO_RACK, Call
from maasha.rpc.errors import LinkLost, RpcError, declared
from maasha.rpc.peer import Peer
from maasha.rpc.protocol import DEADLINE
from maasha.rpc.wire import Number, Octets, Several, Text

__all__ = [
    "DEADLINE",
    "Bytes",
    "Call",
    "Extension",
    "Number",
    "Octets",
    "Peer",
    "Record",
    "RpcError",
    "Side",
    "Text",
    "Uuid",
    "declared",
]
"""What it takes to write an extension."""

OWN = frozenset(
    command.commandName for command in (*HANDSHAKE, *BOTH_WAYS, *REGION_TO_RACK, *RACK_TO_REGION)
)
"""The names of maasha's own commands: no extension has them, at no end."""

log = Logger()


class Side(amp.CommandLocator):
    """What an extension does on one link: answer, as any locator does, and call through `peer`.

    Made in the turn in which the link is registered, so it must not block. Write no attrs class
    with slots: it would lose its responders.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def live(self) -> None:
        """Do what is to be done unasked. The end of the link cancels it; an error is logged."""


def _is_side(_: object, which: Attribute[type[Side] | None], kind: Any) -> None:
    if kind is not None and not (isinstance(kind, type) and issubclass(kind, Side)):
        raise TypeError(f"`{which.name}` of an extension is a subclass of Side or None: {kind!r}")


class IExtension(Interface):
    """Marks the plugins that are of class `Extension`."""


@implementer(IPlugin, IExtension)
@frozen
class Extension:
    """The plugin: a name for the log, and the class that answers at each end (None: nobody)."""

    name: str
    rack: type[Side] | None = field(default=None, validator=_is_side)
    region: type[Side] | None = field(default=None, validator=_is_side)

    @property
    def commands(self) -> frozenset[bytes]:
        """The names of all that it answers, at whichever end."""
        return names(self.rack) | names(self.region)


def names(side: Any) -> frozenset[bytes]:
    """Give the names of the commands that a class of sides answers."""
    return frozenset() if side is None else frozenset(side._commandDispatch)


@frozen
class Refusal:
    """Why an extension is left out, at both ends."""

    extension: str


@frozen
class CommandTaken(Refusal):
    """It answers a command that is not its own."""

    command: str
    owner: str

    def __str__(self) -> str:
        return (
            f"extension {self.extension} is left out: its command {self.command} belongs to "
            f"{self.owner} already; rename it, a prefix of your own keeps names apart"
        )


@frozen
class NameTaken(Refusal):
    """Another extension has its name."""

    def __str__(self) -> str:
        return (
            f"two extensions are named {self.extension}, both are left out: uninstall one, "
            "or give it another name"
        )


def judged(found: Iterable[Extension]) -> tuple[tuple[Extension, ...], tuple[Refusal, ...]]:
    """Give the extensions that get along with maasha and each other, and why others do not.

    Of two that clash neither stays, so that it does not depend on an order who answers.
    """
    once = tuple(dict.fromkeys(found))
    refusals = dict.fromkeys(refusal for each in once for refusal in _clashes(each, once))
    refused = {refusal.extension for refusal in refusals}
    return tuple(each for each in once if each.name not in refused), tuple(refusals)


def _clashes(extension: Extension, found: tuple[Extension, ...]) -> Iterator[Refusal]:
    if Counter(each.name for each in found)[extension.name] > 1:
        yield NameTaken(extension.name)
        return
    owners = [("maasha", OWN)]
    owners += [(f"extension {each.name}", each.commands) for each in found if each is not extension]
    for owner, taken in owners:
        for command in sorted(extension.commands & taken):
            yield CommandTaken(extension.name, command.decode("ascii", "replace"), owner)


Sides = tuple[tuple[str, type[Side]], ...]
"""Names of extensions and what they bring to one end."""


def at_rack(extensions: Iterable[Extension]) -> Sides:
    """Give what extensions bring to a rack's end."""
    return tuple((each.name, each.rack) for each in extensions if each.rack is not None)


def at_region(extensions: Iterable[Extension]) -> Sides:
    """Give what extensions bring to a region's end."""
    return tuple((each.name, each.region) for each in extensions if each.region is not None)


def extended(own: amp.CommandLocator, sides: Sides, peer: Peer) -> amp.CommandLocator:
    """Give a locator that has maasha's own commands first and then those of the sides.

    A side that cannot be made is logged, and this link goes without it.
    """
    made = [side for name, kind in sides if (side := _made(name, kind, peer)) is not None]
    return Several(own, *made) if made else own


def _made(name: str, kind: type[Side], peer: Peer) -> Side | None:
    try:
        side = kind(peer)
        living = Deferred.fromCoroutine(side.live())
    except Exception:
        log.failure(
            "extension {name} is not there for {id}: its {kind} cannot be made",
            name=name,
            id=peer.system_id,
            kind=kind.__name__,
        )
        return None
    if not living.called:
        peer.closed.addCallback(lambda _: living.cancel())
    living.addErrback(_complain, name, peer)
    return side


def _complain(failure: Failure, name: str, peer: Peer) -> None:
    """Log an error, but not the end of the link."""
    if not failure.check(CancelledError, LinkLost):
        log.failure(
            "extension {name} does nothing unasked any more for {id}",
            failure,
            name=name,
            id=peer.system_id,
        )
