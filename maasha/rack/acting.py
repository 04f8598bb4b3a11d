"""Carries out what people order on the spot, writes it down first, and has a region hear of it."""

from __future__ import annotations

import pwd
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.dhcp import orders
from maasha.dhcp.acts import ActSpool
from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.held import Held
from maasha.dhcp.orders import Impossible
from maasha.dhcp.server import DhcpServer
from maasha.host.routine import Routine
from maasha.model.codec import to_loose
from maasha.model.network import VlanId
from maasha.model.orders import Act, OrderKind, Standing
from maasha.rack.control import Asker, Question
from maasha.rack.control_lines import DHCP_ORDER, DHCP_STATUS, Refused
from maasha.rack.dhcp_words import Live, outcome
from maasha.rpc.errors import RpcError
from maasha.rpc.remote import RemoteRegion

LOOK_INTERVAL = 1.0
"""Seconds between looks whether an order's time is over."""
UPLOAD_INTERVAL = 5.0
"""Seconds between tries to tell acts; a new one is told at once."""
CLOCK = "the clock"
RESUME = "resume"
DONE = "done"


@frozen
class Wish:
    """What a person orders; `kind` is None for the end of orders."""

    kind: OrderKind | None
    vlan: VlanId | None = None
    seconds: float | None = None
    login: str = ""
    terminal: str = ""

    def __str__(self) -> str:
        where = "" if self.vlan is None else f" VLAN {self.vlan}"
        span = "" if self.seconds is None else f" for {self.seconds:g} s"
        vouched = " (the peer's host is vouched to be off)" if self.kind is OrderKind.SOLO else ""
        return f"dhcp {RESUME if self.kind is None else self.kind.value}{where}{span}{vouched}"


@frozen
class Region:
    """What the rack has of the regions now."""

    owner: RemoteRegion | None
    worker: str
    links: tuple[str, ...]


def read_wish(details: dict[str, Any]) -> Wish:
    """Read what the command line sent; raises Refused."""
    act, vlan, seconds = details.get("act"), details.get("vlan"), details.get("seconds")
    kinds: dict[object, OrderKind | None] = {RESUME: None}
    kinds |= {kind.value: kind for kind in OrderKind}
    texts = details.get("login", ""), details.get("terminal", "")
    fits = (
        act in kinds
        and (vlan is None or type(vlan) is int)
        and (seconds is None or (type(seconds) in (int, float) and 0 < seconds < 10**9))
        and all(isinstance(text, str) for text in texts)
        and not (act == OrderKind.SOLO.value and vlan is None)
    )
    if not fits:
        raise Refused(f"{DHCP_ORDER} takes an act with its VLAN: use the maasha-rack beside it")
    number = None if vlan is None else VlanId(vlan)
    return Wish(kinds[act], number, seconds, *(str(text)[:60] for text in texts))


def changed(wish: Wish, held: Held, at: datetime, by: str) -> Standing:
    """Give what stands after it; raises Impossible."""
    orders.require_own(held.base, wish.vlan)
    match wish.kind:
        case OrderKind.STOP:
            until = None if wish.seconds is None else at + timedelta(seconds=wish.seconds)
            return orders.stop(held.standing, wish.vlan, at, until, by)
        case OrderKind.SOLO if wish.vlan is not None:
            return orders.solo(held.standing, held.base, wish.vlan, at, by)
    return orders.resume(held.standing, wish.vlan)


def person(uid: int, wish: Wish) -> str:
    """Name who orders: the user by the kernel's word, and what the command line says of him."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "unknown"
    login = f", login {wish.login}" if wish.login and wish.login != name else ""
    terminal = f", {wish.terminal}" if wish.terminal else ""
    return f"{name} (uid {uid}{login}{terminal})"


class Acting(MultiService):
    """Answers `maasha-rack dhcp`; everything works without a region.

    `region` tells what there is of the regions at this moment.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
        spool: ActSpool,
        dhcp: DhcpServer,
        region: Callable[[], Region],
    ) -> None:
        super().__init__()
        self._now = now
        self._new_id = new_id
        self._spool = spool
        self._dhcp = dhcp
        self._region = region
        self._uploading = Routine(clock, UPLOAD_INTERVAL, self._upload, "acts")
        looking = Routine(clock, LOOK_INTERVAL, self._look, "orders whose time is over")
        for routine in (self._uploading, looking):
            routine.setServiceParent(self)

    def startService(self) -> None:
        """Take up what an earlier rackd, or a person without one, left."""
        try:
            self._spool.load()
        except OSError:
            self.log.failure("what people did here cannot be read")
        super().startService()

    @property
    def questions(self) -> dict[str, Question]:
        """What the control socket is to answer."""
        return {DHCP_STATUS: self.status, DHCP_ORDER: self.order}

    async def status(self, _: dict[str, Any], asker: Asker) -> None:
        """Tell what only we know."""
        region = self._region()
        live = Live(self._dhcp.report, region.links, region.worker, len(self._spool.pending))
        asker.tell(to_loose(live))

    async def order(self, details: dict[str, Any], asker: Asker) -> None:
        """Carry out an order and tell what comes of it; raises Refused."""
        wish = read_wish(details)
        try:
            asker.tell(await _to_its_end(self._act(wish, person(asker.uid, wish))))
        except (Impossible, PlanRefused) as error:
            raise Refused(str(error)) from error
        except OSError as error:
            raise Refused(
                f"nothing is done, for it could not be written down ({error}); make room on disk"
            ) from error

    async def _act(self, wish: Wish, who: str) -> str:
        before, at = self._dhcp.held, self._now()
        changed(wish, before, at, who)  # what cannot be is no act
        act = Act(self._new_id(), before.standing.number + 1, at, who, str(wish))
        self._spool.begin(act)
        self.log.warn("{who} orders: {what}", who=who, what=act.what)
        try:
            await self._dhcp.order(lambda held: changed(wish, held, at, who))
        except (Impossible, PlanRefused) as error:
            self._spool.finish(act.id, f"refused: {error}")
            raise
        else:
            words = outcome(wish.kind, wish.vlan, before, self._dhcp.held)
            self._spool.finish(act.id, f"{DONE}: {words}")
            return words
        finally:
            self._uploading.wake()

    async def _look(self) -> None:
        """End the orders whose time is over, as a person would."""
        at = self._now()
        over = orders.expired(self._dhcp.held.standing, at)
        if not over:
            return
        what = f"dhcp resume: the time of order {', '.join(map(str, sorted(over)))} is over"
        act = Act(self._new_id(), self._dhcp.held.standing.number + 1, at, CLOCK, what)
        self._spool.begin(act)
        try:
            await self._dhcp.order(lambda held: orders.end(held.standing, over))
        except PlanRefused as error:
            self._spool.finish(act.id, f"refused: {error}")
        else:
            self._spool.finish(act.id, DONE)
        self._uploading.wake()

    async def _upload(self) -> None:
        """Tell a region what it has not yet, in order; what is told twice counts once."""
        while (owner := self._region().owner) is not None and (batch := self._spool.pending):
            try:
                await owner.report_acts(batch)
            except RpcError as error:
                self.log.debug("acts are told later: {error}", error=error)
                return
            self._spool.acknowledge(batch)


def _to_its_end(work: Coroutine[Any, Any, str]) -> Deferred[str]:
    """Carry it out whole, also when whoever waits for it hangs up."""
    waiter: Deferred[str] = Deferred()

    def end(result: str | Failure) -> None:
        if not waiter.called:
            waiter.callback(result)

    Deferred.fromCoroutine(work).addBoth(end)
    return waiter
