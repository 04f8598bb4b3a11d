"""Acts for one rack that this worker owns: has it run the DHCP that is wanted, step by step."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import racks, services
from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.situations import load_situation
from maasha.db.transaction import Transaction
from maasha.db.unchanged import Word
from maasha.dhcp.plan import digest
from maasha.host.rests import Rests
from maasha.host.routine import Routine
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.stamp import Stamp
from maasha.region.clerk import Clerk
from maasha.region.connections import RackLink
from maasha.region.decision import Complete, Configure, Decision, EndOrders, Waiting, decide
from maasha.region.rush import Rush
from maasha.rpc.errors import DhcpRefused, RpcError, StaleEpoch

TICK = 5.0
"""Seconds between looks that no notice asked for, while something is to be done or waited for."""
CALM = 30.0
"""The same where the last look found all done: what changes that comes with a notice."""


class Steward(Routine):
    """Owns a rack since `epoch` over `link`; woken by every notice about the rack's DHCP.

    Level-triggered: each run loads what is wanted and what runs, and does the next thing, if there
    is one. A plan that the rack refused is tried again after growing rests, or when it changes.
    A `patient` one, whose rack has just registered, begins when a rush of racks is over.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        clerk: Clerk,
        rush: Rush,
        link: RackLink,
        epoch: Stamp,
        delay: Callable[[int], float],
        *,
        patient: bool,
    ) -> None:
        super().__init__(clock, TICK, self._look, f"steward of {link.hostname}")
        self._pool = pool
        self._clerk = clerk
        self._rush = rush
        self._patient = patient
        self.link = link
        self.epoch = epoch
        self._rests: Rests[str] = Rests(delay)
        self._obeyed = False
        self._waiting = ""
        self._calm_until = 0.0
        self._wakes = 0

    def wake(self) -> None:
        """Look at once."""
        self._wakes += 1
        self._calm_until = 0.0
        super().wake()

    async def _look(self) -> None:
        if self._clock.seconds() >= self._calm_until:
            await self._run_once()

    async def _run_once(self) -> None:
        try:
            await self._act()
        except (DatabaseError, RpcError) as error:
            # what became of a command is unknown now: the rack is asked before the next one
            self._obeyed = False
            self.log.info("{rack}: {error}", rack=self.link.hostname, error=error)

    async def _act(self) -> None:
        try:
            if not self._obeyed:
                await self._take_office()
            await self._reconcile()
        except StaleEpoch as error:
            await self._overtake(error.known)

    async def _take_office(self) -> None:
        """Tell the rack who acts for it, and write down what it runs."""
        if self._patient:
            await self._rush.over()
        report = await self.link.remote.own(self.epoch)
        await self._record(report, settles=True)
        self._obeyed = True
        self.log.info("{rack} obeys, epoch {epoch}", rack=self.link.hostname, epoch=self.epoch)

    async def take_report(self, report: DhcpReport) -> None:
        """Write down what the rack says by itself that it runs."""
        await self._record(report, settles=False)

    async def _record(self, report: DhcpReport, *, settles: bool) -> None:
        await self._clerk.record(Word(self.link.rack, self.epoch, report, settles))

    async def _reconcile(self) -> None:
        """Decide on what is there now and carry it out."""
        wakes = self._wakes
        decision = await self._pool.run(self._decide)
        if decision == Waiting() and wakes == self._wakes:  # else there is news since
            self._calm_until = self._clock.seconds() + CALM
        match decision:
            case Configure(plan):
                await self._configure(plan)
            case Complete(generation):
                await self._complete(generation)
            case EndOrders(numbers, by):
                await self._end_orders(numbers, by)
            case Waiting(why):
                self._explain(why)

    def _explain(self, why: str) -> None:
        """Log what is waited for, once."""
        if why and why != self._waiting:
            self.log.info("{rack} waits: {why}", rack=self.link.hostname, why=why)
        self._waiting = why

    async def _decide(self, tx: Transaction) -> Decision:
        """Load, decide, and write down what the rack is about to be told, all in one moment."""
        situation = await load_situation(tx, self.link.rack, deciding=True)
        if situation is None:
            return Waiting()
        verdict = decide(situation)
        rack, epoch, generation = self.link.rack, self.epoch, situation.generation
        if not verdict.noted:
            await services.record_problems(tx, rack, epoch, generation, verdict.problems)
        decision = verdict.decision
        if not isinstance(decision, Configure):
            return decision
        if self._rests.resting(digest(decision.plan), self._clock.seconds()):
            return Waiting("a plan that was refused rests")
        if not await services.record_asked(tx, rack, epoch, decision.plan.roles):
            return Waiting()
        return decision

    async def _configure(self, plan: DhcpPlan) -> None:
        fingerprint = digest(plan)
        try:
            report = await self.link.remote.configure_dhcp(self.epoch, plan)
        except DhcpRefused as refused:
            seconds = self._rests.failed(fingerprint, self._clock.seconds())
            self.log.warn(
                "{rack} refused generation {generation}; tried again in {seconds:.0f} s",
                rack=self.link.hostname,
                generation=plan.generation,
                seconds=seconds,
            )
            await self._note_refusal(plan.generation, refused.listing)
            return
        self._rests.succeeded(fingerprint)
        await self._record(report, settles=True)
        self.wake()

    async def _end_orders(self, numbers: tuple[int, ...], by: str) -> None:
        report = await self.link.remote.resume_dhcp(self.epoch, numbers, by)
        await self._record(report, settles=True)
        self.wake()

    async def _note_refusal(self, generation: Stamp, listing: str) -> None:
        rack, epoch = self.link.rack, self.epoch
        await self._pool.run(
            lambda tx: services.record_refusal(tx, rack, epoch, generation, listing)
        )

    async def _complete(self, generation: Stamp) -> None:
        rack, epoch = self.link.rack, self.epoch
        await self._pool.run(lambda tx: services.mark_running(tx, rack, epoch, generation))

    async def _overtake(self, known: Stamp) -> None:
        """Outdate what the rack knows, unless another owner gave it: then this office is over."""
        rack, hostname = self.link.rack, self.link.hostname
        if await self._pool.run(lambda tx: racks.outdate(tx, rack, known)):
            why = "the database has lost it: the incarnation is raised"
        else:
            why = "another worker owns it"
        self.log.warn("{rack} obeys epoch {known}; {why}", rack=hostname, known=known, why=why)
