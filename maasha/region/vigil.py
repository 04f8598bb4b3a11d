"""Watches over how VLANs are served: raises and ends alarms, and has survivors take over.

On the leader only, through the connection that holds its lock. What it decides is
`maasha.dhcp.standing`; taking over without a hand happens only where a VLAN allows it, and under
the brakes.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.balancer.brakes import Act, Verdict
from maasha.db.errors import DatabaseError
from maasha.db.events import clear_alarm, open_alarms, raise_alarm
from maasha.db.standing import read_standing
from maasha.db.takeovers import NotTaken, take_over
from maasha.db.transaction import Transaction
from maasha.dhcp.standing import Alarm, Memory, judge, take_overs
from maasha.host.routine import Routine
from maasha.model.network import VlanId
from maasha.region.appointing import WHO, Exclusively

INTERVAL = 5.0
"""Seconds between looks."""
KINDS = {alarm.value for alarm in Alarm}


class Vigil(Routine):
    """Does nothing while another worker leads; `verdict` gives what may be done without a hand."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        exclusively: Exclusively,
        leading: Callable[[], bool],
        verdict: Callable[[], Verdict],
    ) -> None:
        super().__init__(clock, INTERVAL, self._look, "vigil")
        self._exclusively = exclusively
        self._leading = leading
        self._verdict = verdict
        self._memory = Memory()
        self._refused: dict[VlanId, str] = {}

    async def _look(self) -> None:
        if not self._leading():
            self._memory, self._refused = Memory(), {}
            return
        try:
            overdue = await self._exclusively(self._judge)
            self._refused = {vlan: why for vlan, why in self._refused.items() if vlan in overdue}
            for vlan in overdue if self._verdict().allows(Act.TAKE_OVER) else ():
                await self._take_over(vlan)
        except DatabaseError as error:
            self.log.info("no look at how VLANs are served: {error}", error=error)

    async def _judge(self, tx: Transaction) -> tuple[VlanId, ...]:
        """Bring the alarms in step; gives the VLANs whose survivors are to take over."""
        seen = await read_standing(tx)
        self._memory, judged = judge(self._memory, seen.vlans, seen.now)
        known = {(one.subject, one.kind): one for one in await open_alarms(tx) if one.kind in KINDS}
        there = {f"vlan:{each.vlan}" for each in judged}
        for each in judged:
            subject = f"vlan:{each.vlan}"
            alarm = known.get((subject, each.alarm.value))
            if each.open is True and (alarm is None or alarm.detail != each.detail):
                await raise_alarm(tx, WHO, subject, each.alarm.value, each.detail)
            elif each.open is False and alarm is not None:
                await clear_alarm(tx, WHO, subject, each.alarm.value)
        for subject, kind in known:
            if subject not in there:
                await clear_alarm(tx, WHO, subject, kind, "the VLAN is gone")
        return take_overs(seen.vlans, seen.now)

    async def _take_over(self, vlan: VlanId) -> None:
        try:
            taken = await self._exclusively(lambda tx: take_over(tx, WHO, vlan))
        except NotTaken as refused:
            if self._refused.get(vlan) != refused.reason:  # once
                self.log.warn("VLAN {vlan} is not taken over: {why}", vlan=vlan, why=refused)
            self._refused[vlan] = refused.reason
        else:
            self._refused.pop(vlan, None)
            self.log.warn(
                "{survivor} has taken over from {away}, as VLAN {vlan} allows",
                survivor=taken.survivor,
                away=taken.away,
                vlan=vlan,
            )
